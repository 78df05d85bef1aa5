"""Hosts make, lead and end broadcasts; the rooms are told; recordings are kept and thrown away."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.broadcast.origin.publication import Recording as Ready
from media.broadcast.register import announcer
from media.broadcast.register.announcer import MOST_WAITING
from media.broadcast.register.api import Made, No, Standing
from media.broadcast.register.module import MOST_SIGNS
from media.broadcast.register.values import BadWish, Broadcast, State, Wish
from media.broadcast.whip.ids import BroadcastId
from media.broadcast.whip.tokens import digest
from tests.media.broadcast.register.world import (
    CLASS,
    DIRECTOR,
    NOW,
    PUPIL,
    SCHOOL,
    TEACHER,
    World,
    opened,
    waited,
)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another try, and another message, come at once."""
    monkeypatch.setattr(announcer, "AGAIN_S", (0.01,) * 5)
    monkeypatch.setattr(announcer, "PACE_S", 0.01)


def people(world: World) -> None:
    world.module.leads = {DIRECTOR: (SCHOOL, CLASS), TEACHER: (CLASS,)}
    world.module.standings = {
        DIRECTOR: Standing(ask=True, host=True, keeper=True),
        TEACHER: Standing(ask=True, host=True),
        PUPIL: Standing(ask=True),
    }


async def make(world: World, who: str = DIRECTOR, room_id: str = "") -> Made:
    people(world)
    found = await world.desk.make(who, Wish(title="Концерт", room_id=room_id))
    assert isinstance(found, Made)
    return found


async def test_a_key_is_shown_once(tmp_path: Path) -> None:
    """Its digest is kept; another one replaces it; after the end there is none."""
    async with opened(tmp_path) as world:
        made = await make(world)
        one = made.broadcast
        assert len(one.id) == 22
        assert one.key_digest == digest(made.key)
        assert made.key not in repr(made)
        other = await world.desk.new_key(DIRECTOR, one.id)
        assert isinstance(other, Made)
        found = world.book.get(one.id)
        assert found is not None
        assert found.key_digest == digest(other.key) != digest(made.key)
        await world.desk.start(DIRECTOR, one.id)
        await world.desk.stop(DIRECTOR, one.id)
        assert await world.desk.new_key(DIRECTOR, one.id) is No.CONFLICT


async def test_who_types_captions(tmp_path: Path) -> None:
    """Each press of a host is another code, which a start of the process does not forget; a pupil presses nothing."""
    async with opened(tmp_path) as world:
        one = (await make(world)).broadcast
        assert one.captions == 0
        assert await world.desk.let_type(PUPIL, one.id) is No.NOT_FOUND
        for turn in (1, 2):
            made = await world.desk.let_type(DIRECTOR, one.id)
            assert isinstance(made, Broadcast)
            assert made.captions == turn
    async with opened(tmp_path) as world:
        people(world)
        found = world.book.get(one.id)
        assert found is not None
        assert found.captions == 2
        assert one.id in world.book.ids()
        await world.desk.start(DIRECTOR, one.id)
        await world.desk.stop(DIRECTOR, one.id)
        assert await world.desk.let_type(DIRECTOR, one.id) is No.CONFLICT


async def test_for_whom(tmp_path: Path) -> None:
    """A teacher broadcasts to the class and not to the school; a pupil to nobody; a bad wish is named."""
    async with opened(tmp_path) as world:
        await make(world, TEACHER, CLASS.room_id)
        assert await world.desk.make(TEACHER, Wish(title="Концерт")) is No.NOT_YOURS
        assert await world.desk.make(PUPIL, Wish(title="Концерт")) is No.NOT_FOUND
        assert await world.desk.make(TEACHER, Wish(title=" ")) is BadWish.TITLE_EMPTY
        await make(world)
        mine = await world.desk.mine(TEACHER)
        assert not isinstance(mine, No)
        assert [one.audience for one in mine] == [CLASS]
        assert await world.desk.mine(PUPIL) is No.NOT_FOUND
        world.module.down = True
        assert await world.desk.mine(TEACHER) is No.UNAVAILABLE


async def test_whoever_leads_no_more_leads_nothing(tmp_path: Path) -> None:
    """The module is asked at each press; a viewer, and who was a host a second ago, find no such broadcast."""
    async with opened(tmp_path) as world:
        one = (await make(world)).broadcast
        assert await world.desk.start(PUPIL, one.id) is No.NOT_FOUND
        assert isinstance(await world.desk.start(DIRECTOR, one.id), Broadcast)
        world.module.standings[DIRECTOR] = Standing(ask=True)
        assert await world.desk.stop(DIRECTOR, one.id) is No.NOT_FOUND
        world.module.down = True
        assert await world.desk.stop(DIRECTOR, one.id) is No.UNAVAILABLE


async def test_rooms_are_told_each_stage_by_whom(tmp_path: Path) -> None:
    """Made, begun, over: once each, in this order, in the name of who did it; a pause is told to nobody."""
    async with opened(tmp_path) as world:
        one = (await make(world)).broadcast
        for stage, act in (("live", world.desk.start), ("ended", world.desk.stop)):
            await waited(lambda: _told(world, one.id), what="the word before")
            if stage == "ended":
                await world.book.moved(one.id, State.PAUSED)
            await act(DIRECTOR, one.id)
        await waited(lambda: _told(world, one.id), what="the end")
        stages = [(stage, by) for _, stage, by in world.module.announced]
        assert stages == [("waiting", DIRECTOR), ("live", DIRECTOR), ("ended", DIRECTOR)]


async def test_rooms_are_told_when_synapse_is_back(tmp_path: Path) -> None:
    """Also by another process, and what is the truth then: not a beginning that is over."""
    async with opened(tmp_path) as world:
        people(world)
        made = await make(world)
        await waited(lambda: _told(world, made.broadcast.id), what="the making")
        await world.desk.start(DIRECTOR, made.broadcast.id)
        world.module.down = True
        await world.book.moved(made.broadcast.id, State.ENDED)
        await waited(lambda: world.announcer.counted["announce_lost"] > 1, what="tries")
    async with opened(tmp_path) as again:
        await waited(lambda: _told(again, made.broadcast.id), what="the word")
        assert [stage for _, stage, _ in again.module.announced] == ["ended"]


async def test_the_hall_is_passed_on_in_few_messages(tmp_path: Path) -> None:
    """Many signs are one message, in their order; too many are refused to their senders."""
    async with opened(tmp_path) as world:
        one = (await make(world)).broadcast
        world.module.down = True
        for at in range(MOST_WAITING):
            assert world.announcer.question(f"@u{at}:s", one.id, str(at))
        assert not world.announcer.hand(PUPIL, one.id, True)
        world.module.down = False
        await waited(lambda: len(world.module.told) == MOST_WAITING, what="the hall")
        assert [sign["text"] for sign in world.module.told] == [
            str(at) for at in range(MOST_WAITING)
        ]
        assert world.module.messages == MOST_WAITING // MOST_SIGNS
        assert world.announcer.hand(PUPIL, one.id, True)
        await waited(lambda: len(world.module.told) > MOST_WAITING, what="the hand")
        assert world.module.told[-1] == {"user_id": PUPIL, "sign": "hand"}


async def keep(world: World, broadcast: BroadcastId) -> bool:
    path = world.folder / "made.mp4"
    path.write_bytes(b"video")
    captions = path.with_suffix(".vtt")
    captions.write_text("WEBVTT")
    ready = Ready(
        broadcast=broadcast,
        path=str(path),
        seconds=2.0,
        began_ms=0,
        size=5,
        captions=str(captions),
    )
    return await world.materials.keep(ready)


async def test_a_recording_is_kept_and_thrown_away(tmp_path: Path) -> None:
    """Taken over once the broadcast is over; by a head it is deleted, by a class teacher not (R48)."""
    async with opened(tmp_path) as world:
        one = (await make(world, TEACHER, CLASS.room_id)).broadcast
        await world.desk.start(TEACHER, one.id)
        assert not await keep(world, one.id)  # not over yet
        await world.desk.stop(TEACHER, one.id)
        assert await keep(world, one.id)
        assert await keep(world, one.id)  # said again after a restart
        file = world.materials.file_of(one.id)
        assert file is not None
        assert file.read_bytes() == b"video"
        captions = world.materials.captions_of(one.id)
        assert captions is not None
        assert captions.read_text() == "WEBVTT"
        assert await world.desk.delete_recording(TEACHER, one.id) is No.NOT_FOUND
        assert file.exists()
        found = await world.desk.delete_recording(DIRECTOR, one.id)
        assert isinstance(found, Broadcast)
        assert (found.stage, found.by, found.reason) == ("removed", DIRECTOR, "by hand")
        assert world.materials.file_of(one.id) is None
        assert world.materials.captions_of(one.id) is None
        assert not file.exists()
        assert not captions.exists()
        await waited(lambda: ("removed", DIRECTOR) in _stages(world), what="the word")


async def test_a_recording_has_its_day(tmp_path: Path) -> None:
    """After the retention it is not served, and the next look deletes it and tells the rooms."""
    async with opened(tmp_path) as world:
        one = (await make(world)).broadcast
        await world.desk.start(DIRECTOR, one.id)
        await world.desk.stop(DIRECTOR, one.id)
        assert await keep(world, one.id)
    async with opened(tmp_path) as world:
        world.now = NOW + 366 * 86_400
        assert world.materials.file_of(one.id) is None
    later = World(tmp_path, now=NOW + 366 * 86_400)
    await later.book.open()
    await later.materials.look()
    assert not (tmp_path / "recordings" / f"{one.id}.mp4").exists()
    found = later.book.get(one.id)
    assert found is not None
    assert (found.stage, found.reason) == ("removed", "retention")
    await later.book.close()


def _told(world: World, broadcast: BroadcastId) -> bool:
    one = world.book.get(broadcast)
    return one is not None and one.told == one.stage


def _stages(world: World) -> set[tuple[str, str]]:
    return {(stage, by) for _, stage, by in world.module.announced}
