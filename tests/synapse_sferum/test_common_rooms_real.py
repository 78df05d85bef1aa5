"""Rooms of several schools on three real servers of a district: filled, attacked, and left by a school taken out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from tests.media.world import eventually
from tests.support.fleet import Fleet
from tests.support.foreign import ForeignServer
from tests.support.openapi import Contract
from tests.support.polling import until
from tests.support.school import API, School
from tests.synapse_sferum.district_call import calls_server
from tests.synapse_sferum.district_values import DISTRICT
from tests.synapse_sferum.district_world import (
    District,
    ask,
    entry,
    invites,
    open_school,
    serving,
    texts,
    until_standing,
    write,
)
from tests.synapse_sferum.hostile import Hostile

pytestmark = pytest.mark.integration

CALL = "org.matrix.msc3401.call.member"
CONTRACT = Contract.load()


@pytest.fixture(scope="module")
def district(homeserver: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    """The operator's own server and schools А and Б; three rooms in the register."""
    with serving() as web:
        made = District(web, tmp_path_factory.mktemp("common"))
        for org_id in ("office", "school-a", "school-b"):
            made.join(homeserver, org_id)
        made.publish(10, rooms=rooms(made))
        for school in made.schools:
            school.server.start()
            open_school(school)
            until_standing(school, standing="open", serial=10, peers=2)
        yield made
        made.stop()


def rooms(district: District) -> list[dict[str, Any]]:
    """Announcements that the office writes, heads of schools at А, teachers of mathematics."""
    office, a, _ = (school.server.server_name for school in district.schools)
    return [
        common("news", office, "Объявления округа", ["staff"], ["director"]),
        common("heads", a, "Директора", ["director"], ["director"]),
        common("maths", office, "Математика", ["teacher"], ["teacher"], subject="математика"),
    ]


def common(
    ref: str, host: str, name: str, members: list[str], writers: list[str], **rest: str
) -> dict[str, Any]:
    return {"ref": ref, "host": host, "name": name, "members": members, "writers": writers, **rest}


def room_of(school: School, who: str, name: str) -> str | None:
    """The id of the one room of this name that somebody is in; None: not there (yet)."""
    for room_id in ask(school, who, "GET", "/joined_rooms").json["joined_rooms"]:
        state = ask(school, who, "GET", f"/rooms/{quote(room_id)}/state/m.room.name/")
        if state.status == 200 and state.json["name"] == name:
            return str(room_id)
    return None


def members(school: School, who: str, room_id: str) -> set[str]:
    """Everybody in a room as somebody there sees it, service users left out."""
    found = ask(school, who, "GET", f"/rooms/{quote(room_id)}/joined_members")
    if found.status != 200:
        return set()
    return {user for user in found.json["joined"] if not user.startswith("@sferum:")}


def people(schools: list[School], *names: str) -> set[str]:
    return {school.accounts[name] for school in schools for name in names}


def until_members(school: School, who: str, name: str, wanted: set[str]) -> str:
    """Wait until a room has exactly these, seen from there; its id."""

    def found() -> str | None:
        room_id = room_of(school, who, name)
        return room_id if room_id and members(school, who, room_id) == wanted else None

    made: str = until(found, what=f"{name} at {school.org_id}", deadline_s=120)
    return made


def written(school: School, room_id: str) -> str:
    """The id of a message that somebody there has written to a room."""
    path = f"/rooms/{quote(room_id)}/messages?dir=b&limit=30"
    chunk = ask(school, "D1", "GET", path).json["chunk"]
    return next(str(event["event_id"]) for event in chunk if event["type"] == "m.room.message")


def until_read(school: School, who: str, room_id: str, text: str) -> None:
    until(lambda: text in texts(school, who, room_id), what=f"{text} at {school.org_id}")


def until_out(school: School, who: str, name: str) -> None:
    what = f"{school.org_id} out of {name}"
    until(lambda: room_of(school, who, name) is None, what=what, deadline_s=120)


def may_call(school: School, user_id: str, room_id: str) -> Mapping[str, Any]:
    path = f"{API}/calls/rights?user_id={quote(user_id)}&room_id={quote(room_id)}"
    found: Mapping[str, Any] = school.server.call("GET", path, school.server.service_token)
    return found


def test_every_school_puts_in_its_own(district: District) -> None:
    """All staff of all three are in the announcements, where the office writes and nobody else; the directors are among
    themselves at А, and write; no pupil and no parent is anywhere. Every server knows of all before anybody writes.
    """
    office, a, b = district.schools
    staff = people(district.schools, "D1", "T1")
    news, heads = "", ""
    for school in district.schools:
        news = until_members(school, "T1", "Объявления округа", staff)
        heads = until_members(school, "D1", "Директора", people(district.schools, "D1"))
    assert write(office, "D1", news, "Совещание в среду").status == 200
    for school in (a, b):
        until_read(school, "T1", news, "Совещание в среду")
        assert write(school, "D1", news, "Я тоже").status == 403
        assert write(school, "D1", heads, f"Я из {school.org_id}").status == 200
    wrote = {f"Я из {school.org_id}" for school in (a, b)}
    until(lambda: wrote <= {*texts(office, "D1", heads)}, what="what the directors wrote")
    for school in district.schools:
        assert room_of(school, "P1", "Объявления округа") is None
        assert room_of(school, "G1", "Объявления округа") is None


def test_what_a_director_sees(district: District) -> None:
    """Each room with its maker, schools and numbers of one's own people, and why somebody is in one; of other schools'
    people nothing. Monitoring hears that nothing is waited for.
    """
    office, a, b = district.schools

    def listed(school: School) -> dict[str, Any]:
        found = school.call("GET", "/rooms")["common"]
        assert found["district"] == DISTRICT
        for one in found["rooms"]:
            CONTRACT.validate({"$ref": "#/components/schemas/CommonRoom"}, one, "common")
        return {one["name"]: one for one in found["rooms"]}

    def settled() -> bool:
        found = [one["stage"] for school in district.schools for one in listed(school).values()]
        return found == ["up_to_date"] * 9

    until(settled, what="every room to be in place", deadline_s=120)
    news = listed(a)["Объявления округа"]
    assert (news["host"], news["host_name"], news["ours"]) == (
        office.server.server_name,
        "Школа",
        False,
    )
    assert (news["wanted"], news["joined"], news["roles"]) == (2, 2, {"director": 1, "teacher": 1})
    assert news["schools"]["inside"] == 2
    assert listed(a)["Директора"]["ours"]
    health = a.server.call("GET", f"{API}/health", a.server.service_token)
    assert health["common_rooms"] == {"rooms": 3, "leaving": 0, "waiting": [], "absent": []}

    def why(user_id: str) -> tuple[bool, str, str]:
        path = f"/why?room_id={quote(news['room_id'])}&user_id={quote(user_id)}"
        found = a.call("GET", path)
        CONTRACT.validate({"$ref": "#/components/schemas/Why"}, found, "why")
        return found["required"], found["membership"], found["reasons"][0]["reason"]

    assert why(a.accounts["T1"]) == (True, "join", "of_the_common_room")
    assert why(a.accounts["P1"]) == (False, "leave", "not_of_the_roles")
    assert why(b.accounts["T1"]) == (False, "leave", "no_active_profile")


def test_what_members_may_not(district: District) -> None:
    """Nobody leaves while the list has them, brings anybody in, or changes the room; a local pupil does not get in."""
    office, _, b = district.schools
    news = room_of(b, "T1", "Объявления округа")
    assert news is not None
    for school, who in ((b, "T1"), (office, "D1")):
        path = f"/rooms/{quote(news)}"
        pupil = {"user_id": school.accounts["P1"]}
        assert ask(school, who, "POST", f"{path}/leave", {}).status == 403
        assert ask(school, who, "POST", f"{path}/invite", pupil).status == 403
        assert ask(school, who, "PUT", f"{path}/state/m.room.name", {"name": "x"}).status == 403
        assert ask(school, "P1", "POST", f"/join/{quote(news)}", {}).status == 403


def test_by_subject_and_by_the_directory(district: District) -> None:
    """A teacher is in the room of the subject that the school has written down, until it is another; who is no longer
    staff is in none.
    """
    office, a, b = district.schools

    def teach(school: School, *subjects: str) -> None:
        path = f"/people/{school.person_id('T1')}/subjects"
        told = {"subjects": sorted(s.lower() for s in subjects), "by_hand": True}
        assert school.call("PUT", path, {"subjects": list(subjects)}) == told
        assert school.call("GET", path) == told

    for school in (a, b):
        teach(school, "Математика", "Физика")
    until_members(a, "T1", "Математика", people([a, b], "T1"))
    teach(b, "Физика")
    until_members(a, "T1", "Математика", people([a], "T1"))
    person = f"/people/{office.person_id('T1')}/roles"
    office.call("PUT", person, {"roles": ["guardian"], "reason": "ушла"})
    without = people(district.schools, "D1") | people([a, b], "T1")
    for school in (office, b):
        until_members(school, "D1", "Объявления округа", without)
    office.call("PUT", person, {"roles": None, "reason": "вернулась"})
    until_members(b, "D1", "Объявления округа", people(district.schools, "D1", "T1"))


def test_a_hostile_school_of_the_room(district: District) -> None:
    """With its service user's own key a school brings no pupil and nobody of ours in, takes nobody out, and gives
    nobody power; nobody else of its server enters from outside.
    """
    office, _, b = district.schools
    news = room_of(b, "D1", "Объявления округа")
    assert news is not None
    hostile = Hostile(ForeignServer(b.server), b.signed_in["D1"], office.server)
    service = f"@sferum:{b.server.server_name}"
    told = {"org.sferum.vouched": {"roles": ["teacher"]}}
    theirs = {"sender": service}
    pdus = [
        *(
            hostile.event(
                news,
                "m.room.member",
                {"membership": "invite", **told},
                state_key=office.accounts[name],
                **theirs,
            )
            for name in ("P1", "G1")
        ),
        hostile.event(
            news,
            "m.room.member",
            {"membership": "leave"},
            state_key=office.accounts["T1"],
            **theirs,
        ),
        hostile.event(
            news, "m.room.power_levels", {"users": {service: 100}}, state_key="", **theirs
        ),
        hostile.event(news, "m.room.server_acl", {"allow": ["*"]}, state_key="", **theirs),
        *(
            hostile.event(
                news, "m.room.message", {"msgtype": "m.text", "body": "взлом"}, sender=who
            )
            for who in (b.accounts["D1"], service)
        ),
        hostile.event(news, "m.room.redaction", {"redacts": written(office, news)}, **theirs),
    ]
    assert hostile.send(pdus).status == 200
    hostile.swallowed()
    for name in ("P1", "G1"):
        assert invites(office, name) == set()
    assert office.accounts["T1"] in members(office, "D1", news)
    assert "взлом" not in texts(office, "D1", news)
    assert "Совещание в среду" in texts(office, "D1", news)
    acl = ask(office, "D1", "GET", f"/rooms/{quote(news)}/state/m.room.server_acl/").json
    names = sorted(school.server.server_name for school in district.schools)
    assert acl["allow"] == ["localhost", *names]
    other = quote(b.accounts["P1"])
    assert hostile.ask("GET", f"/make_join/{quote(news)}/{other}?ver=12").status == 404
    # An invitation of the service user to a room that no register knows is one more way in.
    body = {"preset": "private_chat"}
    own = b.server.call("POST", "/_matrix/client/v3/createRoom", b.token("D1"), body)["room_id"]
    invite = {"membership": "invite", "org.sferum.shared": {"ref": "news"}}
    event = hostile.event(
        own, "m.room.member", invite, state_key=f"@sferum:{office.server.server_name}"
    )
    path = f"/_matrix/federation/v2/invite/{quote(own)}/$x"
    request = {"room_version": "12", "event": event, "invite_room_state": []}
    assert hostile.ask("PUT", path, request).status in {400, 403}


async def test_a_school_taken_out_of_live_rooms(district: District) -> None:
    """While it is in a call and rooms, a school is taken out: its people are out of them on both sides, the others go
    on, and so does the call that it has at home. Let in again, they are back and read what was written meanwhile.
    """
    office, a, b = district.schools
    news, heads = (room_of(b, "D1", name) for name in ("Объявления округа", "Директора"))
    assert news is not None
    assert heads is not None
    staff = b.room_id("staff")
    async with calls_server(a, [office, b]) as theirs, calls_server(b, []) as at_home:
        await asyncio.to_thread(until_may_call, a, people(district.schools, "D1"), heads)
        host = await theirs.enter("host", await theirs.claims(a, "D1", heads))
        guest = await theirs.enter("guest", await theirs.claims(b, "D1", heads))
        colleague = await theirs.enter("colleague", await theirs.claims(office, "D1", heads))
        family = [
            await at_home.enter(who, await at_home.claims(b, who, staff)) for who in ("D1", "T1")
        ]
        await guest.publish_tone()
        await eventually(lambda: len(host.room.remote_participants) == 2, "all three")
        await asyncio.to_thread(taken_out, district, news, heads)

        await guest.until_happened("disconnected")
        await eventually(lambda: theirs.present() == {"host", "colleague"}, "those who stay")
        stayed = [host.room, colleague.room]
        await eventually(
            lambda: [len(one.remote_participants) for one in stayed] == [1, 1], "what they see"
        )
        assert (await theirs.answer(b, "D1", heads))[0] == 403
        looks = at_home.checks.counted["still"]
        await eventually(lambda: at_home.checks.counted["still"] > looks + 2, "looks at home")
        assert at_home.present() == {"D1", "T1"}
        assert (theirs.checks.counted["removed"], at_home.checks.counted["removed"]) == (1, 0)
        for one in (host, colleague, *family):
            assert "disconnected" not in one.happened
        await asyncio.to_thread(let_in_again, district, news)
        await asyncio.to_thread(until_may_call, a, people([b], "D1"), heads)


def until_may_call(school: School, users: set[str], room_id: str) -> None:
    """Wait until all of these may enter the call of a room there."""
    until(
        lambda: all(may_call(school, user_id, room_id)["member"] for user_id in users),
        what="everybody's rights",
        deadline_s=120,
    )


def taken_out(district: District, news: str, heads: str) -> None:
    """School Б is no longer in the register: of rooms, rights and requests nothing is left to it."""
    office, a, b = district.schools
    guest = b.accounts["D1"]
    present = f"/rooms/{quote(heads)}/state/{CALL}/{quote('_' + b.accounts['D1'] + '_X')}"
    session = {"application": "m.call", "device_id": "X", "call_id": ""}
    assert ask(b, "D1", "PUT", present, session).status == 200
    entries = [entry(school.server) for school in (office, a)]
    district.publish(11, rooms=rooms(district), entries=entries)
    left = people([office, a], "D1", "T1")
    for school in (office, a):
        until_members(school, "D1", "Объявления округа", left)
        until_members(school, "D1", "Директора", people([office, a], "D1"))
    for name in ("Объявления округа", "Директора"):
        until_out(b, "D1", name)
    assert may_call(a, guest, heads) == {"member": False}
    assert may_call(b, guest, heads) == {"member": False}
    outsider = ForeignServer(b.server)
    for path in (
        f"/state_ids/{quote(news)}?event_id=$x",
        f"/make_join/{quote(news)}/{quote(guest)}?ver=12",
    ):
        answer = outsider.signed_request(office.server, "GET", "/_matrix/federation/v1" + path)
        assert answer.status == 403
    assert write(office, "D1", news, "Без вас").status == 200
    assert write(b, "D1", news, "Мы здесь").status == 403
    until_read(a, "T1", news, "Без вас")


def let_in_again(district: District, news: str) -> None:
    """School Б is in the register again."""
    office, _, b = district.schools
    district.publish(12, rooms=rooms(district))
    everybody = people(district.schools, "D1", "T1")
    for school in (office, b):
        until_members(school, "T1", "Объявления округа", everybody)
    until_read(b, "T1", news, "Без вас")


def test_a_maker_cut_off(district: District) -> None:
    """The school that made a room is isolated: the others leave it, it keeps its own people there, who do not write,
    and is out of everybody else's.
    """
    office, a, b = district.schools
    own = people([a], "D1")
    cut_off = [entry(office.server), {**entry(a.server), "isolated": True}, entry(b.server)]
    district.publish(13, rooms=rooms(district), entries=cut_off)
    for school in (office, b):
        until_out(school, "D1", "Директора")
        until_members(school, "T1", "Объявления округа", people([office, b], "D1", "T1"))
    heads = until_members(a, "D1", "Директора", own)
    until_out(a, "T1", "Объявления округа")
    assert write(a, "D1", heads, "Есть кто?").status == 403
    assert may_call(a, a.accounts["D1"], heads) == {"member": False}


def test_rooms_taken_away_and_named_again(district: District) -> None:
    """A room that the register no longer has is left by all. Named again it is another one, with nothing of before in
    it.
    """
    office, a, b = district.schools
    before = room_of(b, "T1", "Объявления округа")
    district.publish(14)
    for school in district.schools:
        for name in ("Директора", "Объявления округа"):
            until_out(school, "D1", name)

    def left() -> bool:
        found = b.call("GET", "/rooms")["common"]["rooms"]
        return {one["stage"] for one in found} == {"left"}

    until(left, what="what a director reads of rooms that are over")
    district.publish(15, rooms=rooms(district))
    everybody = people(district.schools, "D1", "T1")
    news = until_members(b, "T1", "Объявления округа", everybody)
    assert news != before
    assert write(office, "D1", news, "Начнём сначала").status == 200
    until_read(b, "T1", news, "Начнём сначала")
    assert "Без вас" not in texts(b, "T1", news)
    until_members(a, "D1", "Директора", people(district.schools, "D1"))
