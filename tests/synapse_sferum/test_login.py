"""One name, one password, any client: the table of reference/onboarding.md §1 and §4 on a real server (R18)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from attrs import define, field

from synapse_sferum.callbacks import Callbacks
from synapse_sferum.login import Login
from synapse_sferum.login_name import LoginName, Medium
from tests.support.accounts import PASSWORD, Account
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.http import Response
from tests.support.rosters import small_school
from tests.support.school import School
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

CLIENT = "/_matrix/client/v3"
#: A range that is given to nobody: +7 500.
PHONE, EMAIL = "75001000001", "anna@example.org"
Identifier = Mapping[str, Any]


@define(eq=False)
class Logins:
    """A server with a school, and an operator who writes contacts as the onboarding service does."""

    server: Homeserver
    school: School
    _operator: Account = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._operator = self.server.register("operator", admin=True)

    @classmethod
    def start(cls, homeserver: Fleet, **overrides: Any) -> Logins:
        """A new server with an empty school."""
        server = homeserver(
            module={"operator_users": ["@operator:school.test"], "poll_interval_s": 0.05},
            overrides={**NO_RATE_LIMITS, **overrides},
        )
        school = School(server, "logins")
        logins = cls(server, school)
        school.create()
        school.apply(small_school())
        return logins

    def contacts(self, user_id: str, phone: str = "", email: str = "") -> None:
        """Set all contacts of an account (onboarding.md §2: the list is replaced)."""
        given = [("msisdn", phone), ("email", email)]
        found = [{"medium": medium, "address": address} for medium, address in given if address]
        path = f"/_synapse/admin/v2/users/{user_id}"
        self.server.call("PUT", path, self._operator.access_token, {"threepids": found})

    def login(self, identifier: Identifier, password: str = PASSWORD) -> Response:
        """One try; any answer."""
        body = {"type": "m.login.password", "identifier": identifier, "password": password}
        return self.server.request("POST", f"{CLIENT}/login", json=body)

    def set_password(
        self, token: str | None, identifier: Identifier, password: str = PASSWORD
    ) -> Response:
        """Ask for a new password; Synapse wants the old one again (UIA). The new one is the old one."""
        auth = {"type": "m.login.password", "identifier": identifier, "password": password}
        body = {"new_password": PASSWORD, "logout_devices": False, "auth": auth}
        return self.server.request("POST", f"{CLIENT}/account/password", token, body)


def user(text: str) -> Identifier:
    """`m.id.user`."""
    return {"type": "m.id.user", "user": text}


def threepid(medium: str, address: str) -> Identifier:
    """`m.id.thirdparty`."""
    return {"type": "m.id.thirdparty", "medium": medium, "address": address}


def phone(country: str, number: str) -> Identifier:
    """`m.id.phone` as Element Web sends it, with the old key beside the specification's."""
    return {"type": "m.id.phone", "country": country, "phone": number, "number": number}


@pytest.fixture(scope="module")
def logins(homeserver: Fleet) -> Iterator[Logins]:
    found = Logins.start(homeserver)
    account = found.school.sign_in("P1")
    found.contacts(account.user_id, PHONE, "Anna@Example.ORG")
    yield found
    found.server.stop()


def test_passwords_are_offered(logins: Logins) -> None:
    """GET /login still has the password flow, so every client shows its form."""
    flows = [flow["type"] for flow in logins.server.call("GET", f"{CLIENT}/login")["flows"]]
    assert "m.login.password" in flows
    assert "m.login.sso" not in flows  # FluffyChat would never show its form


@pytest.mark.parametrize(
    ("client", "identifier"),
    [
        ("Element Web, name", user("{ID}")),
        ("Element Web, name", user("@{id}:school.test")),
        ("Element Web, phone tab", phone("RU", "8 500 100-00-01")),
        ("Element Web, phone tab", phone("RU", "+7 500 100-00-01")),
        ("Element Web, phone tab, left on GB", phone("GB", "+7 500 100-00-01")),
        ("old clients", {"type": "m.id.phone", "country": "RU", "number": "8 500 100-00-01"}),
        ("Element Web, e-mail", threepid("email", "ANNA@example.org")),
        ("Element X", user("75001000001")),
        ("Element X", user("+75001000001")),
        ("Element X", user("+7 500 100-00-01")),
        ("Element X", user("8 (500) 100-00-01")),
        ("Element X", user("85001000001")),
        ("Element X", user("5001000001")),
        ("Element X", user("\u202a+7\u00a0500 100\u201100\u201101\u202c")),
        ("Element X", user("Anna@Example.org")),
        ("Element X", user("{id}")),
        ("FluffyChat, phone", threepid("msisdn", "75001000001")),
        ("FluffyChat, phone", threepid("msisdn", "+75001000001")),
        ("FluffyChat, phone", threepid("msisdn", "+7 (500) 100-00-01")),
        ("FluffyChat, phone", threepid("msisdn", "85001000001")),
        ("FluffyChat, e-mail", threepid("email", "anna@example.org")),
        ("Cinny, id made a localpart", user("{id}")),
        ("Cinny, phone", user("+75001000001")),
        ("Nheko", user("@75001000001:school.test")),
        ("Nheko", user("@+75001000001:school.test")),
        ("Nheko", user("@85001000001:school.test")),
        ("Nheko", user("@{ID}:School.Test")),
    ],
)
def test_every_client_signs_in(logins: Logins, client: str, identifier: Identifier) -> None:
    """Whatever the client makes of the name, the right password gives a session of the right account."""
    account = logins.school.signed_in["P1"]
    names = {"id": account.localpart, "ID": account.localpart.upper()}
    typed = {key: value.format(**names) for key, value in identifier.items()}
    answer = logins.login(typed)
    assert (answer.status, answer.json.get("user_id")) == (200, account.user_id), client


def test_the_oldest_forms(logins: Logins) -> None:
    """Clients from before identifiers send `user`, or `medium` and `address`, next to the password."""
    account = logins.school.signed_in["P1"]
    body = {"type": "m.login.password", "password": PASSWORD}
    for old in ({"user": "8 500 100-00-01"}, {"medium": "email", "address": "ANNA@example.org"}):
        found = logins.server.call("POST", f"{CLIENT}/login", json={**body, **old})
        assert found["user_id"] == account.user_id


def test_the_specifications_phone_form_is_refused_by_synapse(logins: Logins) -> None:
    """`m.id.phone` without the old key `number` fails in Synapse before any callback; no surveyed client sends it.

    When an upgrade of Synapse mends it, this test fails and the form moves into the table above.
    """
    answer = logins.login({"type": "m.id.phone", "country": "RU", "phone": "8 500 100-00-01"})
    assert (answer.status, answer.json["error"]) == (400, "Missing JSON keys.")


@pytest.mark.parametrize(
    "typed", ["8 500 100-00-01", "@85001000001:school.test", "ANNA@example.org", "{id}", "@{ID}"]
)
def test_the_password_again(logins: Logins, typed: str) -> None:
    """What asks for the password again (UIA), such as changing it, takes the same names as signing in."""
    account = logins.school.signed_in["P1"]
    name = typed.format(id=account.localpart, ID=account.localpart.upper())
    answer = logins.set_password(account.access_token, user(name))
    assert (answer.status, answer.json) == (200, {})


def test_the_operator_signs_in(logins: Logins) -> None:
    """An account of `operator_users` belongs to no school and signs in by its name."""
    assert logins.login(user("operator")).status == 200


def test_no_code_is_ever_sent(homeserver: Fleet) -> None:
    """Requests for a code by SMS or mail are refused, for registration and for accounts: nobody makes us send one.

    The delegate is an address where nobody listens: asking it would be a 500 (onboarding.md §3).
    """
    overrides = {"account_threepid_delegates": {"msisdn": "http://127.0.0.1:9"}}
    body = {"client_secret": "cs", "send_attempt": 1, "email": EMAIL}
    body |= {"country": "RU", "phone_number": f"+{PHONE}"}
    with homeserver(module={}, overrides={**NO_RATE_LIMITS, **overrides}) as server:
        for kind in ("register", "account/3pid"):
            for medium in ("msisdn", "email"):
                path = f"{CLIENT}/{kind}/{medium}/requestToken"
                assert server.request("POST", path, json=body).status == 403, path


@pytest.mark.parametrize("registration", [True, False])
async def test_no_threepid_is_allowed(registration: bool) -> None:
    """Behind the guard the callback says no as well, whoever asks and whatever for."""
    callbacks = object.__new__(Callbacks)  # the answer needs nothing of it
    assert await callbacks.is_3pid_allowed("msisdn", PHONE, registration) is False
    assert await callbacks.is_3pid_allowed("email", EMAIL, registration) is False


async def test_a_breakdown_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When the database goes away nobody signs in; the error's text may hold what was typed and is not logged."""

    async def breaks(self: Login, name: object, password: object) -> None:
        raise RuntimeError(f"{name} {password}")

    monkeypatch.setattr(Login, "_check", breaks)
    login = object.__new__(Login)  # nothing of it is reached
    assert await login._closed(LoginName(Medium.USER, "@typed:school.test"), "typed") is None
    assert "reason=broken kind=RuntimeError" in caplog.text
    assert "typed" not in caplog.text
