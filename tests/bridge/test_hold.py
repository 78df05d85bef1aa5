"""Things that one task at a time may touch."""

from __future__ import annotations

import asyncio

from bridge.hold import Hold


async def test_overlapping_sets_wait_for_each_other_and_others_do_not() -> None:
    """Twenty tasks over three names, in every order: never two in one name, and all come to an end."""
    hold, inside, most = Hold(), dict.fromkeys("abc", 0), 0

    async def work(names: set[str]) -> None:
        nonlocal most
        async with hold.on(names):
            for name in names:
                inside[name] += 1
                most = max(most, inside[name])
            await asyncio.sleep(0)
            for name in names:
                inside[name] -= 1

    sets = ({"a", "b"}, {"b", "c"}, {"c", "a"}, {"a"}, set[str]())
    await asyncio.gather(*(work(sets[number % 5]) for number in range(20)))
    assert most == 1


async def test_what_fails_inside_is_let_go() -> None:
    """The next one does not wait for ever."""
    hold = Hold()

    async def fail() -> None:
        async with hold.on({"a"}):
            raise ZeroDivisionError

    assert isinstance((await asyncio.gather(fail(), return_exceptions=True))[0], ZeroDivisionError)
    async with hold.on({"a"}):
        pass
