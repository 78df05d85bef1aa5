"""Pages while the directory is away: they say so, whoever asks."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import hdrs
from aiohttp.test_utils import TestClient, TestServer
from attrs import evolve

from bridge.applicant import Applicant, pack, purpose
from bridge.application import ApplicationId, State
from bridge.people import People, PersonRecord
from bridge.ports_directory import DirectoryDown
from bridge.records import Session, StepsId
from bridge.roles import Account, Role, UserId
from bridge.web.app import build
from bridge.web.visit import hash_of
from bridge.writer import Finished
from tests.bridge.test_leaving import SmallDirectory, services_of
from tests.bridge.values import MASHA, MOTHER, NOW, SCHOOL, VAULT, application

TOKEN = "a" * 43
MONTH = timedelta(days=30)
SIGNED_IN = Session(hash=hash_of(TOKEN), created_at=NOW, expires_at=NOW + MONTH, user_id=MASHA)
DIRECTOR = Account(user_id=MASHA, org_id=SCHOOL, roles=frozenset({Role.DIRECTOR}))


class Away:
    """A directory that cannot be reached."""

    async def account(self, user_id: UserId) -> None:
        raise DirectoryDown("unreachable")


async def test_whoever_is_signed_in_is_told_to_try_again() -> None:
    """A page with everything that pages have, not a bare 500; who is a stranger can still read the front page."""
    services = evolve(services_of(SmallDirectory.of()), directory=cast(Any, Away()))
    async with services.store.begin() as work:
        await work.sessions.add(SIGNED_IN)
    async with TestClient(TestServer(build(services))) as client:
        for path in ("/", "/me", "/school"):
            reply = await client.get(path, headers={hdrs.COOKIE: f"__Host-sid={TOKEN}"})
            assert reply.status == 503, path
            assert "Сервер школы занят" in await reply.text()
            assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
            assert reply.headers["Cache-Control"] == "no-store"
        assert (await client.get("/")).status == 200


class AwayForFamilies(SmallDirectory):
    """Answers everything but one question."""

    async def account(self, user_id: UserId) -> Account | None:
        return None if user_id == MOTHER else DIRECTOR

    async def persons(self, user_id: UserId) -> list[PersonRecord]:
        return []

    async def search(self, org_id: str, **wanted: Any) -> People:
        return People(people=(), total=0, next=None)

    async def family(self, org_id: str, person_id: str) -> None:
        raise DirectoryDown("unreachable")


async def test_of_several_decisions_one_that_fails_stops_no_other() -> None:
    """The page says that the server is busy; sent again, the form finds the others done."""

    async def finish(steps_id: StepsId, timeout_s: float) -> Finished:
        return Finished.PENDING

    writer = SimpleNamespace(wake=lambda: None, finish=finish)
    services = evolve(services_of(AwayForFamilies.of()), writer=cast(Any, writer))
    ids = [ApplicationId("fails"), ApplicationId("works")]
    async with services.store.begin() as work:
        for one in ids:
            made = evolve(application(), id=one, role=Role.TEACHER, applicant=MOTHER)
            names = Applicant(family_name="Новиков", given_name="Пётр")
            sealed = VAULT.seal(pack(names), purpose(one))
            await work.applications.add(evolve(made, class_id=None), sealed)
        await work.sessions.add(SIGNED_IN)
    csrf = VAULT.lookup(f"csrf:{hash_of(TOKEN).hex()}").hex()
    form = {"csrf": csrf, "yes": "1", "a": ids[0], "match-fails": "p1"}
    async with TestClient(TestServer(build(services))) as client:
        reply = await client.post(
            "/applications/decide",
            data=[*form.items(), ("a", ids[1])],
            headers={hdrs.COOKIE: f"__Host-sid={TOKEN}"},
        )
    assert reply.status == 503
    async with services.store.begin() as work:
        found = [await work.applications.get(one) for one in ids]
    assert [one.state for one in found if one is not None] == [State.NEW, State.APPROVED]
