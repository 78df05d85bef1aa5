"""The directory over HTTP: a real module, and what happens when something else answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define, field

from bridge.common_rooms import CommonRooms
from bridge.directory_calls import PREFIX
from bridge.directory_http import KEEP_S, HttpDirectory
from bridge.people import LinkStatus, NewPerson, SourceKey, Status
from bridge.ports_directory import DirectoryDown, DirectoryRefused
from bridge.roles import ClassId, OrgId, PersonId, Role, UserId
from bridge.short_cache import ShortCache
from serving.json_http import InsecureUrl
from tests.bridge.synapse_world import ORG, Ways, World
from tests.support import rosters
from tests.support.fleet import Fleet

NEW = NewPerson(
    key=SourceKey("bridge", "a1"),
    family_name="Новикова",
    given_name="Дарья",
    birth_date=date(2014, 1, 2),
    roles=frozenset({Role.STUDENT}),
)
STRANGER = UserId("@ustranger:school.test")


@pytest.fixture(scope="module")
def world(homeserver: Fleet) -> Iterator[World]:
    world = World.start(homeserver)
    yield world
    world.server.stop()


@pytest.fixture
async def ways(world: World) -> AsyncIterator[Ways]:
    async with world.connect() as ways:
        yield ways


async def activated(ways: Ways, source_id: str) -> UserId:
    """An account of somebody on the list."""
    user_id = ways.world.new_user_id()
    await ways.homeserver.put_account(user_id, threepids=frozenset())
    await ways.directory.activate(ORG, ways.world.person(source_id), user_id, user_id)
    return user_id


@pytest.mark.integration
async def test_schools_and_classes(world: World, ways: Ways) -> None:
    """As the school has named them; what does not exist is None."""
    directory = ways.directory
    assert [org.org_id for org in await directory.orgs()] == [ORG]
    org = await directory.org(ORG)
    assert org is not None
    assert (org.name, org.timezone, org.open) == ("Школа № 1", "Europe/Moscow", True)
    assert await directory.org(OrgId("another")) is None

    classes = {one.name: one for one in await directory.classes(ORG)}
    assert set(classes) == {"5А", "5Б"}
    assert (classes["5А"].grade, classes["5А"].students) == (5, 3)
    assert classes["5А"].homeroom_teachers == (world.person("T1"),)
    assert await directory.grade(ORG, classes["5А"].class_id) == 5
    assert await directory.grade(ORG, ClassId("another")) is None

    await directory.change_org(ORG, {"name": "Гимназия"}, STRANGER)
    changed = await directory.org(ORG)
    assert changed is not None
    assert changed.name == "Гимназия"


@pytest.mark.integration
async def test_one_record(world: World, ways: Ways) -> None:
    """By our id and by the number in the school's list; nobody is None."""
    found = await ways.directory.person(ORG, world.person("P4"))
    assert found is not None
    assert (found.source_id, found.status) == ("P4", Status.LISTED)
    assert found.roles == {Role.STUDENT}
    assert [seat.name for seat in found.seats] == ["5Б"]
    assert await ways.directory.by_source(ORG, SourceKey("csv", "P4")) == found
    assert await ways.directory.by_source(ORG, SourceKey("csv", "P99")) is None
    assert await ways.directory.person(ORG, PersonId("p999999999999")) is None
    assert await ways.directory.person(OrgId("another"), found.person_id) is None


@pytest.mark.integration
async def test_searching(world: World, ways: Ways) -> None:
    """Words, role, class, status, page by page."""
    pupils = await ways.directory.search(ORG, role=Role.STUDENT, limit=4)
    assert (len(pupils.people), pupils.total, pupils.next) == (4, 6, 4)
    rest = await ways.directory.search(ORG, role=Role.STUDENT, limit=4, offset=4)
    assert (len(rest.people), rest.next) == (2, None)
    (one,) = (await ways.directory.search(ORG, words="ФамилияT3", status="listed")).people
    assert one.person_id == world.person("T3")
    of_class = await ways.directory.search(ORG, class_id=ClassId(world.school.class_id("5А")))
    assert {p.source_id for p in of_class.people} >= {"P1", "P2", "P3"}


@pytest.mark.integration
async def test_a_class_and_a_family(world: World, ways: Ways) -> None:
    """Whom a class teacher sees, and who belongs to whom."""
    roll = await ways.directory.roll(ORG, ClassId(world.school.class_id("5А")))
    assert roll is not None
    assert [one.source_id for one in roll.homeroom_teachers] == ["T1"]
    guardians = {
        pupil.person.source_id: {one.person.source_id for one in pupil.guardians}
        for pupil in roll.students
    }
    assert guardians == {"P1": {"G1", "G2"}, "P2": {"G3"}, "P3": set()}
    assert await ways.directory.roll(ORG, ClassId("another")) is None

    family = await ways.directory.family(ORG, world.person("G1"))
    assert family is not None
    assert {one.person.source_id for one in family.children} == {"P1", "P4"}
    assert await ways.directory.family(ORG, PersonId("p999999999999")) is None


@pytest.mark.integration
async def test_an_account_and_what_its_own_changes_do(world: World, ways: Ways) -> None:
    """A change of ours is seen at once; somebody without an active person is nobody."""
    assert await ways.directory.account(STRANGER) is None
    assert list(await ways.directory.persons(STRANGER)) == []
    user_id = await activated(ways, "G5")
    account = await ways.directory.account(user_id)
    assert account is not None
    assert account.roles == {Role.GUARDIAN}
    assert account.persons == {world.person("G5")}
    assert account.children == {world.person("P6")}
    assert account.children_in == {world.school.class_id("5Б")}
    assert [one.source_id for one in await ways.directory.persons(user_id)] == ["G5"]

    roles = frozenset({Role.GUARDIAN, Role.TEACHER})
    await ways.directory.set_roles(ORG, world.person("G5"), roles, "и учитель", user_id)
    changed = await ways.directory.account(user_id)
    assert changed is not None
    assert changed.roles == roles

    await ways.directory.leave(ORG, world.person("G5"), "покинул", user_id)
    assert await ways.directory.account(user_id) is None


@pytest.mark.integration
async def test_an_approved_application_makes_one_record(world: World, ways: Ways) -> None:
    """The second time it is answered as it is; a pupil can be enrolled, moved, confirmed, linked, erased."""
    directory, school = ways.directory, world.school
    made = await directory.create_person(ORG, NEW, STRANGER)
    assert (made.family_name, made.birth_date) == (NEW.family_name, NEW.birth_date)
    assert (await directory.create_person(ORG, NEW, STRANGER)).person_id == made.person_id

    first, second = (ClassId(school.class_id(name)) for name in ("5А", "5Б"))
    enrolled = await directory.create_person(
        ORG,
        NewPerson(
            key=SourceKey("bridge", "a2"),
            family_name="Новиков",
            given_name="Егор",
            roles=frozenset({Role.STUDENT}),
            class_id=first,
        ),
        STRANGER,
    )
    assert [seat.class_id for seat in enrolled.seats] == [first]
    await directory.move(ORG, enrolled.person_id, first, second, STRANGER)
    await directory.confirm(ORG, enrolled.person_id, True, STRANGER)
    moved = await directory.person(ORG, enrolled.person_id)
    assert moved is not None
    assert ([seat.class_id for seat in moved.seats], moved.confirmed) == ([second], True)

    for status in (LinkStatus.CLAIMED, LinkStatus.CONFIRMED, None):
        await directory.link(
            ORG,
            world.person("G4"),
            enrolled.person_id,
            relation=None if status is LinkStatus.CONFIRMED else "отец",
            status=status,
            by=STRANGER,
        )
        family = await directory.family(ORG, enrolled.person_id)
        assert family is not None
        links = [(one.relation, one.status) for one in family.guardians]
        assert links == ([] if status is None else [("отец", status)])

    await directory.set_homeroom_teachers(ORG, second, [world.person("T3")], STRANGER)
    classes = {one.class_id: one for one in await directory.classes(ORG)}
    assert classes[second].homeroom_teachers == (world.person("T3"),)
    day = date(2099, 1, 1)
    with pytest.raises(DirectoryRefused):  # nobody stands in for seventy years
        await directory.set_substitute(ORG, second, world.person("T1"), day, STRANGER)
    await directory.split_class(ORG, second, "5В", [enrolled.person_id], STRANGER)
    named = {one.name: one for one in await directory.classes(ORG)}
    assert named["5В"].students == 1
    ids = [second, named["5В"].class_id]
    await directory.merge_classes(ORG, ids, "5Б", STRANGER)
    assert [one.name for one in await directory.classes(ORG)] == ["5А", "5Б"]

    await directory.erase(ORG, enrolled.person_id, STRANGER)
    erased = await directory.person(ORG, enrolled.person_id)
    assert erased is None or (erased.status, "Новиков" in erased.full_name) == (Status.LEFT, False)


@pytest.mark.integration
async def test_the_log_names_on_whose_behalf(world: World, ways: Ways) -> None:
    """R51: not "service" but the person."""
    user_id = await activated(ways, "D1")
    entries = await ways.directory.audit(ORG, limit=1)
    assert (entries[0]["actor"], entries[0]["action"]) == (user_id, "activate")
    earlier = await ways.directory.audit(ORG, before=entries[0]["number"])
    assert entries[0]["number"] not in {one["number"] for one in earlier}


@pytest.mark.integration
async def test_a_refusal_has_the_servers_word(world: World, ways: Ways) -> None:
    """R33, and a body that the module does not take."""
    user_id = await activated(ways, "D2")
    with pytest.raises(DirectoryRefused) as refused:
        await ways.directory.activate(ORG, world.person("P3"), STRANGER, user_id)
    assert (refused.value.status, refused.value.errcode) == (400, "M_INVALID_PARAM")
    with pytest.raises(DirectoryRefused) as refused:
        await ways.directory.leave(ORG, PersonId("p999999999999"), "", user_id)
    assert (refused.value.status, refused.value.errcode) == (404, "M_NOT_FOUND")


@pytest.mark.integration
async def test_figures_rooms_and_reasons(world: World, ways: Ways) -> None:
    """What the office's pages show."""
    user_id = await activated(ways, "T1")
    await activated(ways, "P5")
    overview = await ways.directory.overview(ORG)
    assert {one.name for one in overview.classes} == {"5А", "5Б"}
    assert overview.staff.total >= 6
    assert overview.students.active >= 1
    assert "lag_s" in await ways.directory.progress(ORG)
    world.school.settle()
    room = next(one for one in await ways.directory.rooms(ORG) if one["kind"] == "class")
    assert "membership" in await ways.directory.why(ORG, user_id, room["room_id"])
    assert await ways.directory.common_rooms(ORG) == CommonRooms(district="", rooms=())


@pytest.mark.integration
async def test_a_list_is_planned_and_applied(ways: Ways) -> None:
    """Nothing is written by planning; a stale plan is refused; a list over 12 MB is not sent."""
    roster = rosters.roster([rosters.person("N1", "teacher")], {}, covers=())
    plan = await ways.directory.plan_roster(ORG, roster)
    assert await ways.directory.by_source(ORG, SourceKey("csv", "N1")) is None
    with pytest.raises(DirectoryRefused) as refused:
        await ways.directory.apply_roster(ORG, roster, "0" * 64, force=False, by=STRANGER)
    assert refused.value.errcode == "SFERUM_STALE_PLAN"
    applied = await ways.directory.apply_roster(
        ORG, roster, plan["plan_hash"], force=False, by=STRANGER
    )
    assert applied["applied"]
    assert await ways.directory.by_source(ORG, SourceKey("csv", "N1")) is not None
    with pytest.raises(DirectoryRefused, match="413"):
        await ways.directory.plan_roster(ORG, {"people": ["x" * 13_000_000]})


@define
class Fake:
    """Something that answers at the module's address, and counts."""

    answers: dict[str, Any] = field(factory=dict)
    status: int = 200
    asked: list[str] = field(factory=list)
    now: float = 0.0

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix(PREFIX)
        self.asked.append(f"{request.method} {path}")
        return web.json_response(self.answers.get(path, {}), status=self.status)

    def app(self) -> web.Application:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.handle)
        return application


@pytest.fixture
async def fake() -> AsyncIterator[tuple[Fake, HttpDirectory]]:
    fake = Fake()
    async with aiohttp.ClientSession() as session, TestServer(fake.app()) as server:
        url = str(server.make_url(""))
        yield fake, HttpDirectory.connect(session, url, "t" * 32, lambda: fake.now)


def account(user_id: str, org_id: str = ORG) -> dict[str, Any]:
    return {
        "user_id": user_id, "org_id": org_id, "org_name": "Школа", "timezone": "Europe/Moscow",
        "display_name": "Иванов Пётр", "roles": ["teacher"], "persons": [], "student_in": [],
        "homeroom_of": [], "children_in": [], "children": [], "unconfirmed": False,
    }  # fmt: skip


async def test_a_school_made_a_moment_ago_is_found(fake: tuple[Fake, HttpDirectory]) -> None:
    """The kept list of schools is good for those in it; what is not in it is asked for once more."""
    peer, directory = fake
    made = {
        "org_id": ORG, "name": "Школа", "timezone": "Europe/Moscow", "school_year": "2026",
        "settings": {}, "status": "open",
    }  # fmt: skip
    peer.answers["/orgs"] = {"orgs": []}
    assert await directory.orgs() == ()
    peer.answers["/orgs"] = {"orgs": [made]}
    assert await directory.org(ORG) is not None
    assert await directory.org(ORG) is not None
    assert peer.asked == ["GET /orgs"] * 2


async def test_one_persons_clicks_share_an_answer(fake: tuple[Fake, HttpDirectory]) -> None:
    """For some seconds; a change of ours in that school ends it, one in another school does not."""
    peer, directory = fake
    user_id = UserId("@uabc:school.test")
    path = f"/accounts/{user_id}"
    peer.answers[path] = account(user_id)
    for _ in range(3):
        assert await directory.account(user_id) is not None
        await directory.persons(user_id)
    assert peer.asked == [f"GET {path}"]

    peer.now += KEEP_S
    await directory.account(user_id)
    assert peer.asked == [f"GET {path}"] * 2

    await directory.leave(OrgId("another"), PersonId("p1"), "", user_id)
    await directory.account(user_id)
    await directory.leave(ORG, PersonId("p1"), "", user_id)
    await directory.account(user_id)
    assert [one for one in peer.asked if one.startswith("GET")] == [f"GET {path}"] * 3


async def test_nobody_is_asked_for_again(fake: tuple[Fake, HttpDirectory]) -> None:
    """Whoever is let in by another process is not kept out for seconds."""
    peer, directory = fake
    peer.status, peer.answers["/accounts/@u:x"] = 404, {"errcode": "M_NOT_FOUND"}
    assert await directory.account(UserId("@u:x")) is None
    peer.status, peer.answers["/accounts/@u:x"] = 200, account("@u:x")
    assert await directory.account(UserId("@u:x")) is not None


def test_what_was_asked_before_a_change_is_not_kept_after_it() -> None:
    """And the cache never grows over its bound."""
    cache: ShortCache[int, str] = ShortCache(keep_s=1.0, most=2)
    age = cache.age
    cache.forget(lambda *_: True)
    cache.put(1, "old", 0.0, age)
    assert cache.get(1, 0.0) is None
    for key in (1, 2, 3):
        cache.put(key, "new", 0.0, cache.age)
    assert [cache.get(key, 0.5) for key in (1, 2, 3)] == [None, "new", "new"]
    assert cache.get(3, 1.0) is None


@pytest.mark.parametrize(
    ("status", "answer", "word"),
    [
        (200, {"orgs": [{"org_id": 5}]}, "bad_answer"),
        (200, {"orgs": {}}, "bad_answer"),
        (200, {}, "bad_answer"),
        (404, {"errcode": "M_UNRECOGNIZED"}, "bad_answer"),
        (404, {}, "bad_answer"),
        (401, {"errcode": "M_UNKNOWN_TOKEN"}, "denied"),
        (429, {"errcode": "M_LIMIT_EXCEEDED"}, "busy"),
        (502, {}, "failed"),
        (503, {"errcode": "M_UNKNOWN"}, "failed"),
    ],
)
async def test_a_strange_answer_is_never_trusted(
    fake: tuple[Fake, HttpDirectory], status: int, answer: dict[str, Any], word: str
) -> None:
    """A module of another version, another server, a proxy: try again later."""
    peer, directory = fake
    peer.status, peer.answers["/orgs"] = status, answer
    with pytest.raises(DirectoryDown, match=word):
        await directory.orgs()


async def test_ids_stay_one_part_of_the_path(fake: tuple[Fake, HttpDirectory]) -> None:
    """Whatever a browser sends as an id does not reach another call."""
    peer, directory = fake
    peer.status, peer.answers = 404, {}
    for evil in ("../../orgs", "a/b", "a?x=1", "a#b", "%2e%2e", ".."):
        with pytest.raises(DirectoryDown):
            await directory.person(ORG, PersonId(evil))
    assert all(one.startswith(f"GET /orgs/{ORG}/people/") for one in peer.asked)


async def test_the_service_token_is_sent_to_no_other_machine_in_the_open() -> None:
    """https, or this machine."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(InsecureUrl):
            HttpDirectory.connect(session, "http://school.test", "t" * 32, lambda: 0.0)
