"""Who comes and goes: told together where that may wait, at once where it may not."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from livekit.protocol import models, rtc

from media.forwarder.api import Kind
from media.ids import Identity, ParticipantSid, PeerId, TrackSid
from media.room.model import Participant, Permission, Source, State, Track
from media.signal.messages import participant
from media.signal.news import CROWD_S, FEW, INTERVAL_S, News, Told
from media.signal.people import People
from tests.media.signal.test_doors import Raw, raw
from tests.media.signal.test_resuming import client_of, cut
from tests.media.world import LESSON, calls, eventually

ANNA, BORIS, KLARA, MASHA = (ParticipantSid(f"PA_{name}") for name in "ABKM")

PERMISSION = Permission(
    can_subscribe=True,
    can_publish=True,
    sources=frozenset(Source),
    can_publish_data=True,
    can_update_metadata=True,
    hidden=False,
)


def person(sid: ParticipantSid, version: int = 1, state: State = State.JOINED) -> Participant:
    return Participant(
        sid=sid,
        identity=Identity(f"of {sid}"),
        state=state,
        permission=PERMISSION,
        joined_at=1.5,
        version=version,
        attributes={"sferum.host": "1"},
    )


def publisher(sid: ParticipantSid) -> Participant:
    track = Track(
        sid=TrackSid("TR_1"), publisher=sid, cid="c", kind=Kind.AUDIO, source=Source.MICROPHONE
    )
    return Participant(
        sid=sid,
        identity=Identity(f"of {sid}"),
        state=State.ACTIVE,
        permission=PERMISSION,
        joined_at=1.5,
        version=2,
        tracks=(track,),
    )


def test_the_first_is_told_at_once_and_the_others_together() -> None:
    """A lone newcomer does not wait; who comes within the interval after that is told of in one message."""
    news = News()
    news.hold(person(KLARA), (ANNA, BORIS))
    assert news.is_due(100.0)
    assert news.take(100.0) == [Told((ANNA, BORIS), (person(KLARA),))]
    news.hold(person(KLARA, version=2), (ANNA, BORIS))
    news.hold(person(MASHA), (ANNA, BORIS))
    assert not news.is_due(100.0 + INTERVAL_S / 2)
    assert news.is_due(100.0 + INTERVAL_S)
    assert news.take(100.0 + INTERVAL_S) == [
        Told((ANNA, BORIS), (person(KLARA, version=2), person(MASHA)))
    ]
    assert not news.is_due(200.0)
    assert news.take(200.0) == []


def test_while_many_come_they_are_told_of_once_a_second() -> None:
    """After a message about more than a few the next is a second later; after one about a few, as soon as ever."""
    news, crowd = News(), [person(ParticipantSid(f"PA_{n}")) for n in range(FEW + 1)]
    for one in crowd:
        news.hold(one, (ANNA,))
    assert news.take(100.0) == [Told((ANNA,), tuple(crowd))]
    news.hold(person(MASHA), (ANNA,))
    assert not news.is_due(100.0 + CROWD_S * 0.99)
    assert news.is_due(100.0 + CROWD_S)
    news.take(100.0 + CROWD_S)
    news.hold(person(KLARA), (ANNA,))
    assert news.is_due(100.0 + CROWD_S + INTERVAL_S)


def test_nobody_hears_more_than_was_meant_for_them() -> None:
    """Who came later, or is the one it is about, is in other messages than the rest."""
    news = News()
    news.hold(person(KLARA), (ANNA, BORIS))
    news.hold(person(MASHA), (ANNA, BORIS, KLARA))
    assert news.take(1.0) == [
        Told((ANNA, BORIS), (person(KLARA), person(MASHA))),
        Told((KLARA,), (person(MASHA),)),
    ]


def test_who_publishes_or_did_is_not_waited_with() -> None:
    """Tracks are told of at once, their end too; and so are many people in one message."""
    news = News()
    assert news.may_wait((person(ANNA),))
    assert not news.may_wait((person(ANNA), person(BORIS)))
    assert not news.may_wait((publisher(BORIS),))
    assert not news.may_wait((person(BORIS, version=3, state=State.DISCONNECTED),))
    news.forget(BORIS)
    assert news.may_wait((person(BORIS),))


def test_only_the_last_of_somebody_is_told() -> None:
    """Who came and went in between is told to have gone: some may have been told by their own welcome."""
    news = News()
    news.hold(person(KLARA), (ANNA,))
    assert news.holds(KLARA)
    gone = person(KLARA, version=2, state=State.DISCONNECTED)
    news.hold(gone, (ANNA, BORIS))
    assert news.take(1.0) == [Told((ANNA, BORIS), (gone,))]
    assert not news.holds(KLARA)


def test_people_are_written_as_they_are_now() -> None:
    """What is put together of written pieces says the same as one message made of all; changes show."""
    people = People()
    here = [person(ANNA), publisher(BORIS)]
    for _ in range(2):
        response = people.news(here)
        assert list(response.update.participants) == [participant(one) for one in here]
        join = rtc.JoinResponse.FromString(people.others(here))
        assert list(join.other_participants) == [participant(one) for one in here]
        here[0] = person(ANNA, version=2, state=State.ACTIVE)
    people.forget(ANNA)
    assert people.news(here[:1]).update.participants[0].state == models.ParticipantInfo.ACTIVE


def heard_of(one: Raw, identity: str) -> list[int]:
    """The states in which this client was told of somebody, in order."""
    updates = [each for told in one.told for each in told.update.participants]
    return [each.state for each in updates if each.identity == identity]


async def test_a_class_that_comes_together_is_told_of_in_few_messages() -> None:
    """Ten come within a moment: who is there already hears of all of them, in half as many messages at most."""
    names = [f"pupil{number}" for number in range(10)]
    async with calls() as world, raw(world, "teacher") as teacher, AsyncExitStack() as stack:
        await teacher.until("join")
        pupils = [await stack.enter_async_context(raw(world, name)) for name in names]
        await eventually(lambda: all(heard_of(teacher, name) for name in names), "all are heard of")
        updates = [told.update for told in teacher.told if told.WhichOneof("message") == "update"]
        assert len(updates) <= 5
        for each in pupils:
            await each.say(leave=rtc.LeaveRequest())
        gone = models.ParticipantInfo.DISCONNECTED
        await eventually(
            lambda: all(heard_of(teacher, name)[-1] == gone for name in names), "all have left"
        )


async def test_whoever_is_away_when_it_is_told_learns_who_has_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Boris leaves, and Anna's WebSocket breaks before she is told: she is when she comes back."""
    async with calls() as world:
        anna = await world.join("anna", v1=False)
        boris = await world.join("boris", v1=False)
        await eventually(lambda: "boris" in anna.room.remote_participants, "anna sees boris")
        monkeypatch.setattr("media.signal.news.INTERVAL_S", 60.0)
        hall = world.node.halls[LESSON]
        await boris.room.disconnect()
        await eventually(lambda: len(hall.clients) == 1, "boris is gone")
        assert "boris" in anna.room.remote_participants
        client = client_of(world, "anna")
        connection, client.connection = client.connection, None  # away for this moment
        hall._tell_news()
        assert hall._gone_meanwhile
        client.connection = connection
        cut(world, "anna")
        await eventually(lambda: not hall._gone_meanwhile, "it is told on her return")
        await eventually(lambda: "boris" not in anna.room.remote_participants, "anna knows")


async def test_nobody_speaks_before_they_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A packet of somebody whose coming has not been told yet: first that, then the packet."""
    async with calls() as world, raw(world, "teacher") as teacher:
        await teacher.until("join")
        hall = world.node.halls[LESSON]
        monkeypatch.setattr("media.signal.news.INTERVAL_S", 60.0)
        hall._news._told_at = hall.services.clock()  # what comes next waits
        async with raw(world, "pupil") as pupil:
            sid = ParticipantSid((await pupil.until("join")).join.participant.sid)
            assert hall._news.holds(sid)
            packet = models.DataPacket(user=models.UserPacket(payload=b"here"))
            client = hall.clients[sid]
            client.message(PeerId(""), "_reliable", packet.SerializeToString())
            assert not hall._news.holds(sid)
            await eventually(lambda: heard_of(teacher, "pupil"), "the teacher is told")


@pytest.mark.parametrize("count", [1, 3])
def test_news_of_many_are_one_message_each(count: int) -> None:
    """Whoever hears the same gets the same message, however many they are."""
    news = News()
    for number in range(count):
        news.hold(person(ParticipantSid(f"PA_{number}")), (ANNA, BORIS, KLARA))
    (told,) = news.take(1.0)
    assert told.to == (ANNA, BORIS, KLARA)
    assert len(told.participants) == count
