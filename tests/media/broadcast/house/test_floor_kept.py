"""Hands, questions and lines outlive the process, and nothing else does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from threading import Event

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.desk.leading import FloorAct
from media.broadcast.desk.shown import Floor
from media.broadcast.house import floor_json
from media.broadcast.house.floor_store import NEW, FloorStore
from media.broadcast.house.raised import Raised
from media.broadcast.house.talk import MOST_SAID, MOST_WAITING, Talk
from media.broadcast.pages.asking import Asked, Question
from media.broadcast.pages.shown import Said
from media.broadcast.register.values import State
from media.broadcast.whip.ids import BroadcastId
from tests.media.broadcast.house.test_house import seat_of
from tests.media.broadcast.house.world import CONCERT, HOST, ID, PUPIL, Register, World
from tests.support.polling import until_async


def world_of(folder: Path) -> World:
    """One process; another one on the same folder comes after it."""
    world = World(floors=FloorStore(folder, write_s=0.0))
    assert world.floors is not None
    world.floors.text = world.house.floor
    return world


async def floor(world: World) -> Floor:
    found = await world.leads.floor(HOST, ID)
    assert isinstance(found, Floor)
    return found


async def test_another_process_goes_on_with_hands_and_questions(tmp_path: Path) -> None:
    """Hosts find the same hands, questions, lines and pace; viewers are told the lines; new numbers are above."""
    before = world_of(tmp_path / "floors")
    assert await before.leads.begin(HOST, ID) is None
    pupil = await seat_of(before, PUPIL)
    assert await before.house.raise_hand(pupil, True)
    for text in ("Когда конец?", "Кто поёт?"):
        assert await before.house.ask(pupil, Question(text)) is Asked.ARRIVED
    first, _ = (await floor(before)).questions
    assert await before.leads.moderate(HOST, ID, FloorAct.SHOW, first.number, "") is None
    assert await before.leads.moderate(HOST, ID, FloorAct.SLOW, 30, "") is None
    assert before.floors is not None
    await before.floors.write()

    after = world_of(tmp_path / "floors")
    after.register = Register(one=evolve(CONCERT, state=State.LIVE))
    after.house = after.make()
    assert await after.house.go_on(after.register.one)
    assert await floor(after) == await floor(before)
    assert after.stage.posted == [Said(first.number, "Когда конец?")]
    assert (await seat_of(after, PUPIL)).hand
    assert after.house.lines(ID) == before.house.lines(ID)
    assert await after.house.ask(await seat_of(after, HOST), Question("x")) is Asked.ARRIVED
    assert (await floor(after)).questions[-1].number > first.number


async def test_nothing_stays_when_a_broadcast_is_over(tmp_path: Path) -> None:
    """Its file goes; so do files of broadcasts that ended while no process ran, and halves of files."""
    folder = tmp_path / "floors"
    world = world_of(folder)
    folder.mkdir()
    for left in ("other.json", f"other{NEW}"):
        (folder / left).write_text("{}")
    assert await world.leads.begin(HOST, ID) is None
    assert await world.house.raise_hand(await seat_of(world, PUPIL), True)
    assert world.floors is not None

    async def names() -> list[str]:
        return await asyncio.to_thread(lambda: sorted(one.name for one in folder.iterdir()))

    async def kept() -> bool:
        return await names() == [f"{ID}.json"]

    async def gone() -> bool:
        return await names() == []

    async with asyncio.TaskGroup() as group:
        running = group.create_task(world.floors.run())
        await until_async(kept, what="the hand is kept")
        assert (folder / f"{ID}.json").stat().st_mode & 0o077 == 0
        assert await world.leads.finish(HOST, ID) is None
        await until_async(gone, what="nothing is kept")
        running.cancel()


async def test_what_came_last_is_written_at_the_end(tmp_path: Path) -> None:
    """A process that is stopped loses nothing."""
    texts = {ID: b"{}"}
    store = FloorStore(tmp_path / "floors", texts.get)
    store.changed(ID)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(store.run())
        await asyncio.sleep(0)
        running.cancel()
    assert await store.found(ID) == b"{}"
    assert await store.found(BroadcastId("other")) is None


async def test_what_is_older_never_comes_after(tmp_path: Path) -> None:
    """A process that is stopped while a thread still writes what was: what is now is on the disk in the end."""
    texts, begun, go_on = {ID: b"before"}, Event(), Event()
    store = FloorStore(tmp_path / "floors", texts.get)
    put = FloorStore._put

    def slowly(of: FloorStore, broadcast: BroadcastId, text: bytes | None) -> None:
        begun.set()
        assert text != b"before" or go_on.wait(30)
        put(of, broadcast, text)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FloorStore, "_put", slowly)
        async with asyncio.TaskGroup() as group:
            store.changed(ID)
            running = group.create_task(store.run())
            assert await asyncio.to_thread(begun.wait, 30)
            texts[ID] = b"now"
            store.changed(ID)
            running.cancel()
            await asyncio.sleep(0)
            go_on.set()
    assert await store.found(ID) == b"now"


async def test_a_disk_that_fails(tmp_path: Path) -> None:
    """Nothing is kept and the process goes on: a file where the folder should be, a folder where a file should be."""
    (tmp_path / "file").write_text("")
    (tmp_path / "floors" / f"x{NEW}").mkdir(parents=True)
    for folder in ("file", "floors"):
        store = FloorStore(tmp_path / folder, {ID: b"{}"}.get)
        store.changed(ID)
        assert store._listed() == []
        await store.write()
        assert (await store.found(ID) is None) == (folder == "file")


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=9)), max_size=9),
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=9),
    st.integers(0, 9),
)
def test_what_is_kept_is_read_again(
    asked: list[tuple[str, str]], hands: list[tuple[str, bool]], shows: int
) -> None:
    """All of it, in order; a number that was given out is not given out again, nor is one below the new ones."""
    talk, up = Talk(1000), Raised()
    for viewer, text in asked:
        talk.ask(viewer, text.encode("utf-8", "ignore").decode(), 0.0)
    for one in talk.waiting(shows):
        talk.show(one.number)
    for viewer, raises in hands:
        up.set(viewer, raises)
    found = floor_json.read(floor_json.written(talk, up), 5000)
    assert found is not None
    again, up_again = found
    assert again.waiting(99) == talk.waiting(99)
    assert again.said == talk.said
    assert again.newest == talk.newest
    assert (up_again.first(99), up_again.newest) == (up.first(99), up.newest)
    assert again.say("x").id > 5000


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_anything_else_is_nothing(text: bytes) -> None:
    """A file that is not ours begins a floor anew, whatever is in it."""
    assert floor_json.read(text, 0) is None


@pytest.mark.parametrize("part", ["talk", "hands", "version"])
def test_a_part_that_is_missing(part: str) -> None:
    """Half of it is nothing."""
    raw = json.loads(floor_json.written(Talk(), Raised()))
    del raw[part]
    assert floor_json.read(json.dumps(raw).encode(), 0) is None


def test_more_than_is_kept_is_cut() -> None:
    """A file that grew is read within the bounds of a floor."""
    raw = json.loads(floor_json.written(Talk(), Raised()))
    raw["talk"]["waiting"] = [[one, "v", "x"] for one in range(2 * MOST_WAITING)]
    raw["talk"]["said"] = [[one, "x", False] for one in range(2 * MOST_SAID)]
    found = floor_json.read(json.dumps(raw).encode(), 0)
    assert found is not None
    assert (len(found[0]), len(found[0].said)) == (MOST_WAITING, MOST_SAID)
