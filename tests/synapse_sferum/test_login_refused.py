"""Guessing passwords: one budget per person, and no answer that tells who exists (R7, R16, R29)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from synapse_sferum.login_budget import BURST
from tests.support import personal
from tests.support.accounts import PASSWORD
from tests.support.fleet import Fleet
from tests.support.http import Response
from tests.synapse_sferum.test_login import (
    CLIENT,
    Identifier,
    Logins,
    phone,
    threepid,
    user,
)

pytestmark = pytest.mark.integration

WRONG = "a-wrong-password"
#: Makes a new person with these contacts; the source id.
NewPerson = Callable[[str, str], str]


@pytest.fixture(scope="module")
def logins(homeserver: Fleet) -> Iterator[Logins]:
    # 10 rounds take about 60 ms: enough to see a check too many, in the noise of a busy machine.
    found = Logins.start(homeserver, bcrypt_rounds=10)
    yield found
    found.server.stop()


@pytest.fixture
def somebody(logins: Logins, unused: Iterator[tuple[str, str, str]]) -> tuple[str, str, str]:
    """(source id, phone, e-mail) of somebody nobody has guessed at yet."""
    source_id, number, email = next(unused)
    logins.contacts(logins.school.sign_in(source_id).user_id, number, email)
    return source_id, number, email


@pytest.fixture(scope="module")
def unused() -> Iterator[tuple[str, str, str]]:
    """People of the small school, one after the other."""
    names = ["P1", "P2", "P3", "P4", "P5", "P6", "G1", "G2", "G3", "G4", "G5"]
    return ((name, f"7501000{n:04}", f"{name}@example.org".lower()) for n, name in enumerate(names))


def spellings(user_id: str, number: str, email: str) -> list[Identifier]:
    """More ways to name one person than there are tries."""
    local = user_id[1:].partition(":")[0]
    texts = [number, f"+{number}", f"8{number[1:]}", number[1:], f"@+{number}:school.test"]
    texts += [local, local.upper(), user_id, email, email.upper()]
    return [
        *map(user, texts),
        threepid("msisdn", number),
        threepid("msisdn", f"+{number}"),
        threepid("email", email),
        phone("RU", f"8{number[1:]}"),
        phone("GB", f"+{number}"),
    ]


def test_every_spelling_draws_on_one_budget(logins: Logins, somebody: tuple[str, str, str]) -> None:
    """Ten wrong passwords, each by another name, and no name opens the account, not even with the right password.

    Who is signed in already stays so, and other people are not touched.
    """
    source_id, number, email = somebody
    account = logins.school.signed_in[source_id]
    names = spellings(account.user_id, number, email)

    for name in names[:BURST]:
        assert logins.login(name, WRONG).status == 403
    refused = [logins.login(name) for name in names]
    again = logins.set_password(account.access_token, user(number))

    assert {(answer.status, answer.body) for answer in refused} == {(403, refused[0].body)}
    assert again.status == 401
    assert logins.server.request("GET", f"{CLIENT}/sync", account.access_token).status == 200
    assert logins.login(user("operator")).status == 200


@pytest.mark.parametrize("signed_in", [True, False])
def test_asking_for_the_password_again_counts_too(
    logins: Logins, somebody: tuple[str, str, str], signed_in: bool
) -> None:
    """Guesses at `POST /account/password` draw on the same budget, also those of strangers without a token."""
    source_id, number, _ = somebody
    account = logins.school.signed_in[source_id]
    token = account.access_token if signed_in else None

    for _ in range(BURST):
        assert logins.set_password(token, user(number), WRONG).status == 401
    assert logins.login(user(account.user_id)).status == 403


def test_guesses_at_once(logins: Logins, somebody: tuple[str, str, str]) -> None:
    """Guesses that arrive together do not slip in before the first of them has failed."""
    _, number, _ = somebody
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: logins.login(user(number), WRONG).status, range(20)))
    assert answers == [403] * 20
    assert logins.login(user(number)).status == 403


def test_right_passwords_cost_nothing(logins: Logins, somebody: tuple[str, str, str]) -> None:
    """Somebody who signs in often, with a mistake now and then, is not shut out."""
    _, number, _ = somebody
    for _ in range(BURST - 1):
        assert logins.login(user(number), WRONG).status == 403
    for _ in range(5):
        assert logins.login(user(number)).status == 200


def test_the_answer_does_not_tell_who_exists(
    logins: Logins, somebody: tuple[str, str, str]
) -> None:
    """Known, unknown, left, not let in yet, without a password, out of tries: the same bytes for each kind of name."""
    _, number, email = somebody
    left = logins.school.sign_in("T1")
    logins.contacts(left.user_id, "75020000001", "left@example.org")
    logins.school.call("POST", f"/people/{logins.school.person_id('T1')}/leave", {"reason": ""})
    pending = logins.server.register("upending2")
    logins.contacts(pending.user_id, "75020000002", "pending@example.org")
    silent = logins.school.activate("T2")
    logins.contacts(silent, "75020000003", "silent@example.org")

    def answers(number: str, email: str, password: str) -> list[tuple[int, bytes]]:
        names = [user(number), user(email), threepid("msisdn", number), phone("RU", f"+{number}")]
        names += [threepid("msisdn", f"+{number}"), threepid("email", email)]
        found = [logins.login(name, password) for name in names * 2]
        return [(answer.status, answer.body) for answer in found]

    wanted = answers(number, email, WRONG)
    assert {status for status, _ in wanted} == {403}
    assert wanted == answers("75020000009", "nobody@example.org", WRONG)
    for n, name in enumerate(("left", "pending", "silent"), start=1):
        assert wanted == answers(f"7502000000{n}", f"{name}@example.org", PASSWORD), name
    for name in (left.user_id, pending.user_id, silent, "@unobody22:school.test", "нет", "@"):
        assert (403, logins.login(user(name)).body) == wanted[0]


def test_a_return_opens_the_account_again(logins: Logins) -> None:
    """R29: one who left and comes back signs in with the old password."""
    account = logins.school.sign_in("D1")
    logins.school.sign_in("T3")
    person = f"/people/{logins.school.person_id('T3')}"
    name = user(logins.school.accounts["T3"])
    assert logins.login(user(account.user_id)).status == 200

    logins.school.call("POST", f"{person}/leave", {"reason": ""})
    assert logins.login(name).status == 403
    logins.school.call("POST", f"{person}/activate", {})
    assert logins.login(name).status == 200


def test_the_time_does_not_tell_who_exists(logins: Logins, somebody: tuple[str, str, str]) -> None:
    """A wrong password takes as long for somebody as for nobody, with tries left and without, by every kind of name.

    Loose bounds, two busy cores: one bcrypt too many or too few would be a factor of two or of ten.
    """
    source_id, number, _ = somebody
    known = logins.school.signed_in[source_id].user_id
    pairs = [
        (user(known), user("@unobody22:school.test")),
        (user(number), user("75010009999")),
        (threepid("msisdn", number), threepid("msisdn", "75010009999")),
        (threepid("msisdn", f"+{number}"), threepid("msisdn", "+75010009999")),
    ]

    def seconds(name: Identifier) -> float:
        began = time.perf_counter()
        answer: Response = logins.login(name, WRONG)
        assert answer.status == 403
        return time.perf_counter() - began

    for somebodys, nobodys in pairs:
        taken = [(seconds(somebodys), seconds(nobodys)) for _ in range(12)]
        ratio = statistics.median(a for a, _ in taken) / statistics.median(b for _, b in taken)
        assert 0.67 < ratio < 1.5, (somebodys["type"], ratio)


def test_nothing_typed_is_in_the_log(logins: Logins) -> None:
    """After all the attempts above the log has neither a phone nor an e-mail, but a line for every refusal."""
    logins.login(user("+7 501 555-00-00"))
    logins.login(user("@85015550000:school.test"))
    logins.login(threepid("email", "someone@example.org"))
    logins.login(threepid("msisdn", "+75015550000"))
    logins.login(user("+7 501 555"))
    log = logins.server.log_text()
    assert "5550000" not in log
    assert "555-00-00" not in log
    assert "someone" not in log
    assert "password refused user=None reason=unknown" in log
    assert not list(personal.leaks_in_file(logins.server.main.log))


def test_nothing_searched_for_is_in_the_log(
    logins: Logins, unused: Iterator[tuple[str, str, str]]
) -> None:
    """Whoever looks for words in messages, or an administrator for an account, is not quoted by Synapse's log."""
    asker = logins.school.sign_in(next(unused)[0])
    wanted = {"search_categories": {"room_events": {"search_term": "Непридуманова"}}}
    found = logins.server.request(
        "POST", f"{CLIENT}/search", asker.access_token, {**wanted, "пояснение": "Вымышленская"}
    )
    assert found.status == 200
    log = logins.server.log_text()
    assert "Search content (not logged)" in log
    assert "Непридуманова" not in log
    assert "Вымышленская" not in log
