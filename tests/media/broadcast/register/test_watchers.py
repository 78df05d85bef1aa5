"""Who may watch: asked rarely, believed briefly, lost within half a minute."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from media.broadcast.register import watchers
from media.broadcast.register.api import No, Standing
from media.broadcast.register.watchers import FRESH_S, IDLE_S, RENEW_S, STALE_S
from media.broadcast.whip.ids import BroadcastId
from tests.media.broadcast.register.world import PUPIL, World, broadcast, opened, waited

B1 = BroadcastId("b1")


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks come by the loop's clock, answers age by the test's."""
    monkeypatch.setattr(watchers, "LOOK_S", 0.01)


async def test_a_hall_is_one_question(tmp_path: Path) -> None:
    """A thousand who come in one moment are two questions; those who come again are none."""
    async with opened(tmp_path) as world:
        await world.book.add(broadcast())
        hall = [f"@u{at}:s" for at in range(1000)]
        world.module.standings = dict.fromkeys(hall, Standing(ask=True))
        found = await asyncio.gather(*(world.watchers.may_watch(one, B1) for one in hall))
        assert all(found)
        assert sorted(map(len, world.module.questions)) == [500, 500]
        assert await world.watchers.may_watch(hall[0], B1)
        assert len(world.module.questions) == 2


async def test_questions_grow_while_the_module_is_busy(tmp_path: Path) -> None:
    """Two thousand who come one after another are few questions, not two thousand."""
    async with opened(tmp_path) as world:
        await world.book.add(broadcast())
        world.module.answering = asyncio.Event()
        hall = [f"@u{at}:s" for at in range(2000)]
        world.module.standings = dict.fromkeys(hall, Standing())
        async with asyncio.TaskGroup() as group:
            tasks = []
            for one in hall:
                tasks.append(group.create_task(world.watchers.may_watch(one, B1)))
                await asyncio.sleep(0)
            world.module.answering.set()
        assert all(task.result() for task in tasks)
        assert len(world.module.questions) < 12


async def test_single_flight(tmp_path: Path) -> None:
    """However many requests of one viewer wait, the module is asked once."""
    async with opened(tmp_path) as world:
        await world.book.add(broadcast())
        world.module.answering = asyncio.Event()
        world.module.standings[PUPIL] = Standing()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(world.watchers.may_watch(PUPIL, B1)) for _ in range(20)]
            await waited(lambda: bool(world.module.questions), what="the question")
            world.module.answering.set()
        assert all(task.result() for task in tasks)
        assert world.module.questions == [[PUPIL]]


async def test_refusals(tmp_path: Path) -> None:
    """No such broadcast, not for this one, and nobody can say."""
    async with opened(tmp_path) as world:
        assert await world.watchers.standing(PUPIL, B1) is No.NOT_FOUND
        await world.book.add(broadcast())
        assert await world.watchers.standing(PUPIL, B1) is No.NOT_YOURS
        world.module.down = True
        assert await world.watchers.standing("@other:s", B1) is No.UNAVAILABLE


async def test_whoever_may_no_longer_is_out(tmp_path: Path) -> None:
    """While they watch the module is asked anew by itself, and their streams are cut off."""
    async with opened(tmp_path) as world:
        await world.book.add(broadcast())
        world.module.standings[PUPIL] = Standing()
        lost: list[tuple[str, str]] = []
        world.watchers.lost.append(lambda *one: lost.append(one))
        assert await world.watchers.may_watch(PUPIL, B1)
        del world.module.standings[PUPIL]
        world.now += RENEW_S + 0.1
        await waited(lambda: bool(lost), what="the look")
        assert lost == [("b1", PUPIL)]
        assert not await world.watchers.may_watch(PUPIL, B1)
        assert world.watchers.counted["removed"] == 1


async def test_an_old_answer_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where nothing was renewed, nobody watches on by an answer of half a minute ago (R27)."""
    assert FRESH_S < 30
    monkeypatch.setattr(watchers, "LOOK_S", 3600.0)
    async with opened(tmp_path) as world:
        await world.book.add(broadcast())
        world.module.standings[PUPIL] = Standing()
        assert await world.watchers.may_watch(PUPIL, B1)
        del world.module.standings[PUPIL]
        world.now += FRESH_S + 0.1
        assert not await world.watchers.may_watch(PUPIL, B1)


async def test_a_synapse_that_starts_again_stops_no_picture(tmp_path: Path) -> None:
    """Without an answer the last one holds for two minutes, without waiting, and no longer."""
    async with opened(tmp_path) as world:
        await world.book.add(broadcast())
        world.module.standings[PUPIL] = Standing()
        assert await world.watchers.may_watch(PUPIL, B1)
        world.module.down = True
        await _look(world, RENEW_S + 0.1)
        world.now += 60
        assert await world.watchers.may_watch(PUPIL, B1)
        world.now += STALE_S
        assert await world.watchers.standing(PUPIL, B1) is No.UNAVAILABLE
        world.module.down = False
        assert await world.watchers.may_watch(PUPIL, B1)


async def test_nobody_is_asked_about_who_has_gone(tmp_path: Path) -> None:
    """Whoever asks for nothing is forgotten."""
    async with opened(tmp_path) as world:
        await world.book.add(broadcast())
        world.module.standings[PUPIL] = Standing()
        assert await world.watchers.may_watch(PUPIL, B1)
        world.now += IDLE_S + 1
        await waited(lambda: not world.watchers._known, what="the look")
        assert len(world.module.questions) == 1


async def _look(world: World, seconds: float) -> None:
    """Let so much time pass, until the module was asked anew."""
    asked = len(world.module.questions)
    world.now += seconds
    await waited(lambda: len(world.module.questions) > asked, what="another question")
