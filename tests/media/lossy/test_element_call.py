"""Element Call over a bad network: the same call as in tests/media/element_call, 5 % lost and 100 ms late each way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.media.element_call.world import World, chromium, school_with_calls
from tests.media.lossy.path import Path
from tests.media.lossy.wire import BAD
from tests.support.fleet import Fleet
from tests.support.media import MediaProcess
from tests.support.process import free_port
from tests.support.school import School

pytestmark = pytest.mark.integration

#: Where clients are told that the node is: the relay takes the same port there.
OUTSIDE = "127.0.0.2"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def school(
    homeserver: Fleet, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[School, MediaProcess]]:
    folder = tmp_path_factory.mktemp("media")
    ways: dict[str, Any] = {"addresses": [OUTSIDE], "udp_port": port, "tcp_port": None}
    with school_with_calls(homeserver, folder, **ways) as made:
        yield made


async def test_two_hold_a_call(school: tuple[School, MediaProcess], port: int) -> None:
    """Both see and hear each other, and go on to."""
    path = Path(lambda _: None, usual=(BAD, BAD), node=("127.0.0.1", port))
    path.open(OUTSIDE, port)
    try:
        async with chromium() as browser:
            world = World(*school, browser)
            signed_in = world.school.signed_in
            room_id = world.private_room(signed_in["T1"], signed_in["T2"])
            first = await world.open(signed_in["T1"], room_id)
            second = await world.open(signed_in["T2"], room_id)
            await world.join(first)
            await world.join(second)
            for caller in (first, second):
                await caller.receives(cameras=1, voices=1)
            for caller in (first, second):  # and it goes on
                await caller.receives(cameras=1, voices=1)
            lost = sum(line.up.lost + line.down.lost for line in path.lines.values())
            assert lost > 0
    finally:
        path.close()
