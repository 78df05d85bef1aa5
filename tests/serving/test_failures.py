"""A loop that begins again after failures ends when it is told to."""

from __future__ import annotations

import asyncio

import pytest

from serving.failures import failure_of


async def fails() -> None:
    raise ValueError("of this part")


async def ends() -> None:
    await asyncio.sleep(0)


async def test_how_it_ended() -> None:
    """Its failure, or nothing."""
    failed = await failure_of(fails())
    assert isinstance(failed, ValueError)
    assert await failure_of(ends()) is None


async def test_a_cancel_that_meets_a_failure() -> None:
    """Inside a task group the failure hides the cancel; the loop around it is cancelled all the same."""
    failing, rounds = asyncio.Event(), 0

    async def part() -> None:
        failing.set()
        raise ValueError("of this part")

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(part())
            group.create_task(asyncio.Event().wait())

    async def loop() -> None:
        nonlocal rounds
        while True:
            await failure_of(work())
            rounds += 1

    task = asyncio.get_running_loop().create_task(loop())
    await failing.wait()
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert rounds == 0


async def test_a_part_that_is_cancelled_by_itself() -> None:
    """It is no failure to begin again after."""

    async def gives_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await failure_of(gives_up())
