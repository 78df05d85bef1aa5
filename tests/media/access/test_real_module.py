"""Tokens for a real school: Synapse, the module and its rooms; nobody stands in for anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from livekit.rtc import LocalAudioTrack

from media.access.claims import EVERYTHING, Claims, Source
from media.access.rechecking import Present, Rechecker
from media.access.rights import ModuleRights
from media.ids import ParticipantSid
from media.rechecks import rechecker
from media.room.model import SCREENS, Participant
from media.room.model import Source as Shown
from tests.media.access.world import World, get_token, openid, running, sfu_get
from tests.media.world import Guest, calls, eventually
from tests.support import rosters
from tests.support.fleet import Fleet
from tests.support.http import HttpError
from tests.support.polling import until_async
from tests.support.rosters import person
from tests.support.school import School
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

MICROPHONE = Shown.MICROPHONE

#: T1 of 5А with P1 and P3, T2 of 5Б with P2 and P4; D1 is the director, G1 a parent of P1.
ROSTER = rosters.roster(
    [
        person("D1", "director"),
        person("D2", "deputy"),
        person("T1", "teacher"),
        person("T2", "teacher"),
        person("P1", "student", born="2010-05-05"),
        person("P2", "student", born="2010-05-05"),
        person("P3", "student", born="2010-05-05"),
        person("P4", "student", born="2010-05-05"),
        person("G1", "guardian"),
    ],
    {"5А": ["P1", "P3"], "5Б": ["P2", "P4"]},
    {"5А": ["T1"], "5Б": ["T2"]},
    [("G1", "P1")],
)


@pytest.fixture(scope="module")
def synapse(homeserver: Fleet) -> Iterator[Homeserver]:
    with homeserver(module={"poll_interval_s": 0.1, "apply_rate": 400.0}) as server:
        yield server


@pytest.fixture(scope="module")
def school(synapse: Homeserver) -> School:
    school = School(synapse, "s86")
    school.create()
    school.apply(ROSTER)
    school.sign_in_all(["D1", "D2", "T1", "T2", "P1", "P2", "G1"])
    school.settle()
    return school


@pytest.fixture
async def world(school: School) -> AsyncIterator[World]:
    async with running(school.server, real_module=True) as world:
        yield world


async def asks(
    world: World, school: School, who: str, room_id: str, form: str = "/sfu/get"
) -> tuple[int, Any]:
    account = school.signed_in[who]
    token = await openid(school.server, account)
    body = (
        sfu_get(room_id, token)
        if form == "/sfu/get"
        else get_token(room_id, token, account.user_id)
    )
    status, answer, _ = await world.ask("POST", form, body)
    return status, answer


async def claims_of(world: World, school: School, who: str, room_id: str) -> Claims:
    account = school.signed_in[who]
    body = get_token(room_id, await openid(school.server, account), account.user_id)
    return await world.claims("/get_token", body)


async def test_a_lesson(world: World, school: School) -> None:
    """The class teacher is the host and publishes everything; a pupil is muted on entry and shares no screen."""
    room_id = school.room_id("class", "5А")
    teacher = await claims_of(world, school, "T1", room_id)
    pupil = await claims_of(world, school, "P1", room_id)
    assert teacher.room == pupil.room
    assert teacher.member is not None
    assert pupil.member is not None
    assert (teacher.member.host, teacher.member.muted_on_entry) == (True, False)
    assert (pupil.member.host, pupil.member.muted_on_entry) == (False, True)
    assert teacher.sources == EVERYTHING
    assert pupil.sources == {Source.CAMERA, Source.MICROPHONE}
    assert (pupil.member.org_id, pupil.member.roles) == ("s86", frozenset({"student"}))
    assert pupil.member.limit == 100


@pytest.mark.parametrize("form", ["/sfu/get", "/get_token"])
async def test_who_is_not_in_the_room(world: World, school: School, form: str) -> None:
    """A pupil and the teacher of another class, a parent; a room that does not exist reads the same."""
    room_id = school.room_id("class", "5А")
    answers = [await asks(world, school, who, room_id, form) for who in ("P2", "T2", "G1")]
    answers.append(await asks(world, school, "P1", "!nothing:school.test", form))
    answers.append(await asks(world, school, "P1", "!nothing", form))
    assert [status for status, _ in answers] == [403] * 5
    assert len({str(answer) for _, answer in answers}) == 1


async def test_somebody_is_taken_out_during_a_lesson(world: World, school: School) -> None:
    """A pupil who moves to another class gets no new token, and the next look takes them out of the call."""
    room_id = school.room_id("class", "5А")
    pupil = await claims_of(world, school, "P1", room_id)
    teacher = await claims_of(world, school, "T1", room_id)
    assert pupil.member is not None
    assert teacher.member is not None
    there = [
        Present(pupil.room, ParticipantSid("PA_p"), pupil.member),
        Present(teacher.room, ParticipantSid("PA_t"), teacher.member),
    ]
    removed: list[Present] = []
    rechecker = Rechecker(world.access.rights, lambda: there, removed.append)
    await rechecker.look()
    assert removed == []

    move = {"from_class_id": school.class_id("5А"), "to_class_id": school.class_id("5Б")}
    path = f"/people/{school.person_id('P1')}/move"
    await asyncio.to_thread(school.call, "POST", path, move)

    async def is_out() -> bool:
        await rechecker.look()
        return bool(removed)

    await until_async(is_out, what="the pupil's removal", deadline_s=60)
    assert {one.sid for one in removed} == {"PA_p"}
    await asyncio.to_thread(school.settle)
    assert (await asks(world, school, "P1", room_id))[0] == 403
    assert (await claims_of(world, school, "P1", school.room_id("class", "5Б"))).may_join


async def test_rights_that_change_during_a_call(world: World, school: School) -> None:
    """The school lets pupils speak and share, and takes both back; a deputy who is one no longer is no host.

    Whoever is in the call is given and loses it at the next look, without coming in anew.
    """

    async def settings(**changes: bool) -> None:
        await asyncio.to_thread(school.call, "PATCH", "", {"settings": changes})

    lesson, meeting = school.room_id("class", "5Б"), school.room_id("staff")
    async with calls() as here:

        async def enters(who: str, room_id: str) -> Guest:
            claims = await claims_of(world, school, who, room_id)
            assert claims.member is not None
            return await here.join(
                who, claims.room, member=claims.member, sources=claims.sources, decode=False
            )

        def seen(guest: Guest) -> Participant:
            views = (hall.room.view(0.0) for hall in here.node.halls.values())
            return next(p for v in views for p in v.participants if p.identity == guest.name)

        def unheard() -> bool:
            return any(hall.room._call.unheard for hall in here.node.halls.values())

        checks = rechecker(here.node, world.access.rights, school.server.server_name)
        teacher, pupil = await enters("T2", lesson), await enters("P2", lesson)
        colleague, deputy = await enters("T1", meeting), await enters("D2", meeting)
        voice = (await pupil.publish_tone()).track
        assert isinstance(voice, LocalAudioTrack)
        await eventually(lambda: [one.muted for one in seen(pupil).tracks] == [True], "a hold")
        # nobody can switch on what is not shown as off yet: the client is told again until it has heard
        await eventually(lambda: voice.muted and not unheard(), "the client has heard of it")
        await checks.look()
        assert checks.counted == {"still": 4}

        await settings(pupils_muted_on_entry=False, pupils_may_share=True)
        await checks.look()
        assert seen(pupil).permission.sources > SCREENS
        assert "sferum.held" not in seen(pupil).attributes
        voice.unmute()
        await eventually(lambda: [one.muted for one in seen(pupil).tracks] == [False], "speech")
        await pupil.publish_screen()
        await eventually(lambda: len(seen(pupil).tracks) == 2, "a screen")

        await settings(pupils_muted_on_entry=True, pupils_may_share=False)
        await checks.look()
        assert [(one.source, one.muted) for one in seen(pupil).tracks] == [(MICROPHONE, True)]
        await eventually(lambda: teacher.muted[-1:] == [("P2", True)], "what the teacher sees")

        assert "sferum.host" in seen(deputy).attributes
        path = f"/people/{school.person_id('D2')}/roles"
        body = {"roles": ["teacher"], "reason": "перевод"}
        await asyncio.to_thread(school.call, "PUT", path, body)
        await checks.look()
        assert "sferum.host" not in seen(deputy).attributes
        # the colleague of the staff who began the call stays its host (R43)
        assert "sferum.host" in seen(colleague).attributes
        assert checks.counted["removed"] == 0


async def test_a_wrong_service_token(world: World, school: School) -> None:
    """It says nothing about the person: 503, for the operator to see to."""
    http = world.access.rights._http
    world.access.rights = ModuleRights(http, lambda: ("x" * 64,))
    status, answer = await asks(world, school, "T1", school.room_id("class", "5А"))
    assert (status, answer["errcode"]) == (503, "M_UNKNOWN")


async def test_somebody_who_leaves_the_school(world: World, school: School) -> None:
    """An OpenID token from before is good for an hour and opens no call; a new one they do not get."""
    room_id = school.room_id("class", "5Б")
    account = school.signed_in["P2"]
    body = sfu_get(room_id, await openid(school.server, account))
    assert (await world.claims("/sfu/get", body)).may_join
    path = f"/people/{school.person_id('P2')}/leave"
    await asyncio.to_thread(school.call, "POST", path, {"reason": "переезд"})

    await asyncio.to_thread(school.settle)
    assert (await world.ask("POST", "/sfu/get", body))[0] == 403
    with pytest.raises(HttpError):
        await openid(school.server, account)
