"""The client of the module: patient with a busy server, plain about everything else."""

from __future__ import annotations

import httpx
import pytest

from provisioning import refusals
from provisioning.homeserver import Homeserver
from provisioning.refusals import Refusal, refusal_of
from tests.provisioning.fake_module import TOKEN, FakeModule, refused
from tests.provisioning.files import read, school, sound


def with_school() -> FakeModule:
    return FakeModule(orgs={"s1": {"org_id": "s1", "name": "Школа", "school_year": "2026/2027"}})


def test_a_roster_is_planned_applied_and_then_nothing_is_left() -> None:
    """Applying what was planned leaves an empty plan."""
    module = with_school()
    homeserver = module.homeserver()
    roster = sound(read(school())).roster
    assert roster is not None

    plan = homeserver.plan_roster("s1", roster)
    homeserver.apply_roster("s1", roster, str(plan["plan_hash"]), force=False)

    assert module.rosters["s1"] == roster.to_wire()
    assert not homeserver.plan_roster("s1", roster)["counts"]


def test_a_busy_server_is_waited_for_as_long_as_it_asks() -> None:
    """429 with Retry-After, with retry_after_ms, and 503 without either: three waits, then the answer."""
    module = with_school()
    module.failures = [
        lambda _: refused(429, "M_LIMIT_EXCEEDED", **{"Retry-After": "7"}),
        lambda _: httpx.Response(429, json={"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1500}),
        lambda _: httpx.Response(503, text="<html>"),
    ]

    assert module.homeserver().org("s1")["name"] == "Школа"
    assert module.slept == [7.0, 1.5, 2.0]


@pytest.mark.parametrize("asked", ["-5", "nan", "inf", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
def test_no_server_can_make_us_wait_for_ever(asked: str) -> None:
    """However odd Retry-After is, a wait is at most a minute."""
    module = with_school()
    module.failures = [lambda _: refused(429, "M_LIMIT_EXCEEDED", **{"Retry-After": asked})]

    module.homeserver().org("s1")

    assert len(module.slept) == 1
    assert 0 <= module.slept[0] <= 60


def test_patience_ends() -> None:
    """After five attempts the refusal is told; nothing loops for ever."""
    module = with_school()
    module.failures = [lambda _: refused(429, "M_LIMIT_EXCEEDED")] * 9

    with pytest.raises(refusals.Busy):
        module.homeserver().org("s1")

    assert len(module.calls) == 5


def test_making_a_school_is_not_repeated_when_it_may_have_worked() -> None:
    """A gateway error after POST /orgs is told: the school may be there already."""
    module = FakeModule(failures=[lambda _: httpx.Response(504)])

    with pytest.raises(refusals.ServerFailed):
        module.homeserver().create_org("s1", "Школа", "Europe/Moscow", "2026/2027")

    assert len(module.calls) == 1


def test_a_broken_connection_is_tried_again() -> None:
    """A connection lost in the middle is tried again; one that never opens is told at once."""

    def lost(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("lost", request=request)

    def closed(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("closed", request=request)

    module = with_school()
    module.failures = [lost, lost]
    assert module.homeserver().org("s1")["name"] == "Школа"
    module.failures = [closed]
    with pytest.raises(refusals.Unreachable):
        module.homeserver().org("s1")


@pytest.mark.parametrize(
    ("status", "errcode", "kind"),
    [
        (409, "SFERUM_STALE_PLAN", refusals.StalePlan),
        (409, "SFERUM_UNSAFE_PLAN", refusals.UnsafePlan),
        (409, "SFERUM_LAST_ADMINISTRATOR", refusals.LastAdministrator),
        (409, "SFERUM_ORG_EXISTS", refusals.OrgExists),
        (401, "M_UNKNOWN_TOKEN", refusals.NotAllowed),
        (403, "", refusals.NotAllowed),
        (404, "M_NOT_FOUND", refusals.NotFound),
        (400, "M_INVALID_PARAM", refusals.BadRequest),
        (413, "M_TOO_LARGE", refusals.TooMuch),
        (429, "M_LIMIT_EXCEEDED", refusals.Busy),
        (500, "M_UNKNOWN", refusals.ServerFailed),
        (409, "M_NEW", refusals.BadRequest),
    ],
)
def test_every_answer_has_a_name_and_a_sentence(
    status: int, errcode: str, kind: type[Refusal]
) -> None:
    """Matrix errors become exceptions that speak Russian and English."""
    refusal = refusal_of(status, {"errcode": errcode, "error": "x", "field": "roster.people[3]"})

    assert type(refusal) is kind
    assert refusal.sentence("ru") != refusal.sentence("en")


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b'"x"', b"\xff"])
def test_an_answer_that_is_no_object_is_the_servers_failure(answer: bytes) -> None:
    """A proxy's page with status 200 is not mistaken for success."""
    module = with_school()
    module.failures = [lambda _: httpx.Response(200, content=answer)]

    with pytest.raises(refusals.ServerFailed):
        module.homeserver().org("s1")


def test_ids_cannot_leave_their_place_in_the_path() -> None:
    """An org id with slashes and dots asks for that id, not for another path."""
    module = with_school()
    seen: list[str] = []

    def look(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        return refused(404, "M_NOT_FOUND")

    module.failures = [look]
    with pytest.raises(refusals.NotFound):
        module.homeserver().org("../s1/x?y")

    assert seen[0].endswith("/orgs/..%2Fs1%2Fx%3Fy")


@pytest.mark.parametrize(
    "url", ["http://school.example", "http://10.0.0.5:8008", "ftp://x", "", "school"]
)
def test_the_token_does_not_travel_in_the_clear(url: str) -> None:
    """Plain http to another machine is refused before anything is sent."""
    with pytest.raises(Refusal):
        Homeserver.connect(url, TOKEN, lambda _: None)


@pytest.mark.parametrize(
    "url", ["https://school.example", "http://localhost:8008", "http://[::1]:8008/"]
)
def test_safe_addresses_are_taken(url: str) -> None:
    """https anywhere, http on this machine."""
    Homeserver.connect(url, TOKEN, lambda _: None).close()


def test_the_token_does_not_print() -> None:
    """Neither the client nor its errors show the token."""
    homeserver = with_school().homeserver()

    assert TOKEN not in repr(homeserver)
    assert TOKEN not in repr(refusal_of(401, {}))
