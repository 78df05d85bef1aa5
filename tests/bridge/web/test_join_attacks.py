"""Strangers at the pages of joining: who has which number, guesses, races, stolen codes, forms that are none."""

from __future__ import annotations

import asyncio
import re
import statistics
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.invite import InviteKind
from bridge.limits import Limits
from bridge.roles import Role
from bridge.waiting import waiting_applications
from tests.bridge.web.newcomers import PASSWORD, class_link, link_for, once_in, prove
from tests.bridge.web.world import Reply, Visitor, World, open_world, seconds_hidden
from tests.support.synapse import Homeserver

#: Enough for a test that asks for the same number over and over.
GENEROUS = Limits(
    number_hour=10_000,
    number_day=10_000,
    session_hour=10_000,
    invite_hour=10_000,
    day_budget=100_000,
    prefix_floor=100_000,
    ratio_floor=100_000,
    own_networks=(ip_network("127.0.0.0/8"),),
)
TRIES = 40


@pytest_asyncio.fixture(loop_scope="session")
async def generous(school_server: Homeserver, tmp_path: Path) -> AsyncIterator[World]:
    """A school that counts nothing: what is left is what the pages themselves do."""
    async with open_world(school_server, tmp_path, limits=GENEROUS) as opened:
        yield opened


def same(text: str) -> str:
    """A page without what differs in every browser."""
    return re.sub(r'name="csrf" value="[0-9a-f]+"', "", text)


def unlisted(phone: str) -> str:
    """Another number with the same last two digits."""
    return f"{phone[:8]}9{phone[9:]}"


async def asked(world: World, token: str, phone: str) -> tuple[Visitor, list[Reply], float]:
    """A new browser asks for a code and types a wrong one."""
    visitor, clock = await world.visitor(), asyncio.get_running_loop().time
    started = clock()
    replies = [await visitor.post(f"/i/{token}", phone=phone)]
    took = clock() - started
    replies.append(await visitor.get("/join/code"))
    return visitor, replies, took


async def test_nobody_learns_whose_number_it_is(generous: World) -> None:
    """R7: until the right code a bound, a listed and an unknown number differ in nothing: bytes, messages, time."""
    await generous.let_in("T1", "U1")
    issued = await class_link(generous, Role.STUDENT, max_uses=400)
    phones = {
        "bound": generous.phone("U1"),
        "listed": generous.phone("R1"),
        "unknown": unlisted(generous.phone("U1")),
    }
    pages: dict[str, set[str]] = {}
    times: dict[str, list[float]] = {kind: [] for kind in phones}
    for number in range(TRIES):
        for kind, phone in phones.items():
            sent = len(generous.messages_to(phone))
            visitor, replies, took = await asked(generous, issued.token, phone)
            times[kind].append(took)
            code = await generous.code_to(phone, after=sent)
            if number < 2:
                wrong = await visitor.post("/join/code", code=wrong_code(code), password=PASSWORD)
                text = "".join(same(one.text) for one in (*replies, wrong))
                pages.setdefault(kind, set()).add(seconds_hidden(text, phone))
    for kind, phone in phones.items():
        assert len(generous.messages_to(phone)) == TRIES, kind
    assert len(set().union(*pages.values())) == 1
    middle = {kind: statistics.median(found) for kind, found in times.items()}
    spread = max(middle.values()) - min(middle.values())
    assert spread <= 0.05, middle  # R7
    assert max(middle.values()) / min(middle.values()) < 1.5, middle


def wrong_code(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_of_twenty_claims_of_one_number_one_wins(generous: World) -> None:
    """R7: twenty browsers type their right codes at once: one is in, the others are asked who they are."""
    await generous.let_in("T1")
    issued = await class_link(generous, Role.STUDENT)
    phone = generous.phone("U1")
    ready: list[tuple[Visitor, str]] = []
    for number in range(20):
        visitor, _, _ = await asked(generous, issued.token, phone)
        ready.append((visitor, await generous.code_to(phone, after=number)))
    replies = await asyncio.gather(
        *(one.post("/join/code", code=code, password=PASSWORD) for one, code in ready)
    )
    assert sorted(one.location for one in replies) == ["/join/next"] * 19 + ["/welcome"]
    losers = [
        one for (one, _), reply in zip(ready, replies, strict=True) if reply.location != "/welcome"
    ]
    assert "Это вы?" in (await losers[0].get("/join/next")).text
    account = await once_in(generous, "U1")
    async with generous.services.store.begin() as work:
        assert len(await work.contacts.of_account(account.user_id)) == 1


async def test_twenty_guesses_at_once_are_five(generous: World) -> None:
    """R6: parallel guesses of one browser cost a try each; then the right code opens nothing either."""
    await generous.let_in("T1")
    issued = await class_link(generous, Role.STUDENT)
    phone = generous.phone("U1")
    visitor, _, _ = await asked(generous, issued.token, phone)
    code = await generous.code_to(phone)
    replies = await asyncio.gather(
        *(visitor.post("/join/code", code=wrong_code(code), password=PASSWORD) for _ in range(20))
    )
    texts = [one.text for one in replies]
    assert sum("Код не подошёл" in one for one in texts) == 5
    assert sum("Попытки кончились" in one for one in texts) == 15
    late = await visitor.post("/join/code", code=code, password=PASSWORD)
    assert "Попытки кончились" in late.text
    assert not (await generous.person("U1")).active


async def test_a_stolen_code_opens_nothing_elsewhere(world: World) -> None:
    """A code read over a shoulder, a page's address from a history: another browser has no journey."""
    await world.let_in("T1")
    issued = await class_link(world, Role.STUDENT)
    phone = world.phone("U1")
    mine, other = await world.visitor(), await world.visitor()
    await mine.post(f"/i/{issued.token}", phone=phone)
    code = await world.code_to(phone)
    reply = await other.post("/join/code", code=code, password=PASSWORD)
    assert "Эта страница уже пройдена" in reply.text
    for path in ("/join/next", "/join/code", "/welcome", "/join/start"):
        assert (await other.get(path)).location != "/welcome"
    for path in ("/join/go", "/join/me", "/join/notme", "/join/choose", "/join/names"):
        assert "Эта страница уже пройдена" in (await other.post(path)).text
    assert (await mine.post("/join/code", code=code, password=PASSWORD)).location == "/welcome"


async def test_a_planted_cookie_dies_with_the_sign_in(world: World) -> None:
    """Session fixation: whoever knows the cookie from before finds no journey, no session and no page of arrival."""
    await world.let_in("T1")
    issued = await class_link(world, Role.STUDENT)
    victim, thief = await world.visitor(), await world.visitor()
    thief.token = victim.token
    assert await prove(world, victim, issued.token, world.phone("U1")) == "/welcome"
    assert victim.token != thief.token
    assert (await thief.get("/me")).location.startswith("/signin")
    assert (await thief.get("/welcome")).location.startswith("/signin")
    assert "Эта страница уже пройдена" in (await thief.get("/join/next")).text
    again = await thief.post("/join/go")
    assert "Эта страница уже пройдена" in again.text
    assert (await victim.get("/welcome")).status == 200


async def test_the_same_form_twice_ends_well(world: World) -> None:
    """A double click: one account, one way in, and for the other answer a page that says how to sign in."""
    await world.let_in("T1")
    issued = await class_link(world, Role.STUDENT)
    visitor, phone = await world.visitor(), world.phone("U1")
    await visitor.post(f"/i/{issued.token}", phone=phone)
    code = await world.code_to(phone)
    twin = await world.visitor()
    twin.token = visitor.token
    replies = await asyncio.gather(
        *(one.post("/join/code", code=code, password=PASSWORD) for one in (visitor, twin))
    )
    assert sorted(one.status for one in replies) == [200, 303] or all(
        one.location in {"/welcome", "/join/next"} for one in replies
    )
    assert [one.location for one in replies].count("/welcome") == 1
    assert (await once_in(world, "U1")).persons == {world.person_id("U1")}


async def test_a_card_pressed_twice_shows_the_login(world: World) -> None:
    """R20: the second answer of a double click has no cookie of the first, so it says the login itself."""
    await world.let_in("T1")
    issued = await link_for(world, InviteKind.CARD, "U2")
    visitor, twin = await world.visitor(), await world.visitor()
    twin.token = visitor.token
    path = f"/i/{issued.token}"
    replies = await asyncio.gather(*(one.post(path, password=PASSWORD) for one in (visitor, twin)))
    assert sorted(one.status for one in replies) == [200, 303]
    (shown,) = [one.text for one in replies if one.status == 200]
    login = re.findall(r"@u[a-z2-7]{8}:[a-z.]+", shown)
    assert login == [(await once_in(world, "U2")).user_id]


async def test_looking_uses_nothing_up(world: World) -> None:
    """R10: HEAD and GET of a single-use link, as messengers do for a preview; unknown 404, revoked 410."""
    await world.let_in("T1")
    issued = await link_for(world, InviteKind.CARD, "U2")
    path = f"/i/{issued.token}"
    visitor = await world.visitor()
    for method in ("HEAD", "GET", "HEAD", "GET"):
        assert (await visitor._ask(method, path, None, {})).status == 200
    assert (await visitor.get(f"{path}x")).status == 404
    async with world.services.store.begin() as work:
        await work.invites.revoke(issued.invite.id, world.clock())
    assert (await visitor.get(path)).status == 410
    assert (await visitor.post(path, password=PASSWORD)).status == 410


async def test_codes_of_schools_are_not_guessed(world: World) -> None:
    """30 wrong codes an hour from one address, then none from there, right or wrong; others go on. One page for all."""
    await world.let_in("T1")
    issued = await class_link(world, Role.STUDENT)
    visitor = await world.visitor()

    async def typed(code: str, address: str) -> Reply:
        data = {"csrf": visitor.csrf, "code": code}
        return await visitor._ask("POST", "/join", data, {"X-Forwarded-For": address})

    wrong = wrong_invite(issued.code)
    texts = {same((await typed(wrong, "198.51.100.7")).text) for _ in range(29)}
    async with world.services.store.begin() as work:
        await work.invites.revoke(issued.invite.id, world.clock())
    texts.add(same((await typed(issued.code, "198.51.100.7")).text).replace(issued.code, wrong))
    assert len(texts) == 1
    other = await class_link(world, Role.STUDENT)
    assert (await typed(other.code, "198.51.100.7")).status == 429
    assert (await typed(other.code, "198.51.100.8")).location == "/join/start"
    world.clock.move(hours=1, seconds=1)
    assert (await typed(other.code, "198.51.100.7")).location == "/join/start"


def wrong_invite(code: str) -> str:
    return f"{(int(code) + 1) % 10**9:09d}"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"phone": ""},
        {"phone": "x" * 5000},
        {"phone": "\x00\ud83d".encode("utf-8", "replace").decode()},
        {"phone": "+7916" + "0" * 500},
        {"phone": "٠٩١٦١٢٣٤٥٦٧"},
        {"phone": "+7 916 000-00-00\r\nBcc: a@b.example"},
        {"role": "director", "class_id": "../../x", "phone": "12"},
        {"do": "continue"},
        {"code": "1" * 9, "password": "x" * 10_000},
        {"family_name": "x" * 20_000},
        {"person": "'; DROP TABLE contact; --"},
    ],
)
async def test_forms_that_are_none_are_answered(world: World, fields: dict[str, str]) -> None:
    """Missing, oversized, foreign fields: a page, never an error of ours, and no message goes out."""
    await world.let_in("T1")
    issued = await class_link(world, Role.STUDENT)
    visitor = await world.visitor()
    paths = [f"/i/{issued.token}", "/join", "/join/start", "/join/code", "/join/code/again"]
    paths += ["/join/next", "/join/go", "/join/me", "/join/notme", "/join/choose", "/join/names"]
    paths += ["/join/anew", "/welcome/confirm", "/status/withdraw/x"]
    for path in paths:
        reply = await visitor.post(path, **fields)
        assert reply.status < 500, path
        assert "Traceback" not in reply.text
    assert not world.sms.sent


NAMES = {"family_name": "Новиков", "given_name": "Пётр", "birth_date": "02.01.2013"}


@pytest.mark.parametrize(
    ("family", "kept"),
    [
        ("Ёлкина-О’Коннор", "Ёлкина-О’Коннор"),
        ("Հովհաննիսյան", "Հովհաննիսյան"),
        ("欧阳", "欧阳"),
        ("и\u0306ванов  де   Ла", "йванов де Ла"),
        ("<script>alert(1)</script>", None),
        ("{{ 7 * 7 }}", None),
        ("Иванов\r\nX-Evil: 1", None),
        ("Иванов\u202egnp.exe", None),
        ("=HYPERLINK(1)", None),
        ("---", None),
        ("", None),
    ],
)
async def test_names_are_names(world: World, family: str, kept: str | None) -> None:
    """Any script's letters, composed; no markup, no template, no header, nothing that turns text around."""
    await world.let_in("T1")
    issued = await class_link(world, Role.STUDENT)
    visitor = await world.visitor()
    await prove(world, visitor, issued.token, world.new_phone())
    reply = await visitor.post("/join/names", **{**NAMES, "family_name": family})
    if kept is None:
        assert reply.status == 200
        assert "<script>" not in reply.text
        assert " 49" not in reply.text
        assert "X-Evil" not in reply.headers
        return
    assert reply.location == "/status"
    teacher = await world.account("T1")
    (waiting,) = await waiting_applications(teacher, world.clock(), services=world.services)
    assert waiting.applicant.family_name == kept


async def test_what_a_parent_writes_is_shown_as_text(world: World) -> None:
    """The child's name is free text: on the teacher's page it is text, not markup and not a template."""
    await world.let_in("T1")
    issued = await class_link(world, Role.GUARDIAN)
    visitor = await world.visitor()
    await prove(world, visitor, issued.token, world.new_phone())
    names = {"family_name": "Новикова", "given_name": "Ева", "relation": "мать"}
    reply = await visitor.post("/join/names", **names, child_name="<b>Егор</b> {{ 7*7 }} Сидоров")
    assert reply.location == "/status"
    page = (await (await world.visitor("T1")).get("/applications")).text
    assert "<b>Егор</b>" not in page
    assert "&lt;b&gt;Егор&lt;/b&gt; {{ 7*7 }}" in page


async def test_an_applicant_sees_nothing(world: World) -> None:
    """R16: an account that waits opens no page of the school, and no client."""
    await world.let_in("T1")
    issued = await class_link(world, Role.STUDENT)
    visitor, phone = await world.visitor(), world.new_phone()
    await prove(world, visitor, issued.token, phone)
    assert (await visitor.post("/join/names", **NAMES)).location == "/status"
    for path in ("/me", "/family", "/classes", f"/class/{world.class_id('5А')}", "/school"):
        assert (await visitor.get(path)).location == "/status"
    answer = await world.services.homeserver.sign_in(phone, PASSWORD, "192.0.2.1")
    assert not isinstance(answer, str)


async def test_nothing_personal_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a phone, a code, a token nor a name of a newcomer is in the bridge's log."""
    await world.let_in("T1")
    issued = await class_link(world, Role.STUDENT)
    visitor, phone = await world.visitor(), world.new_phone()
    await prove(world, visitor, issued.token, phone)
    await visitor.post("/join/names", **NAMES)
    code = await world.code_to(phone)
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("bridge")]
    assert ours
    for secret in (phone, phone[2:], code, issued.token, issued.code, PASSWORD, "Новиков"):
        assert not any(secret in line for line in ours), secret
