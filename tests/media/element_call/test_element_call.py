"""Element Call 0.26.1, which we did not write, holds calls through our server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.media.element_call.world import World, chromium, school_with_calls
from tests.support.fleet import Fleet
from tests.support.media import MediaProcess
from tests.support.school import School

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def school(
    homeserver: Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[School, MediaProcess]]:
    with school_with_calls(homeserver, tmp_path_factory.mktemp("media")) as made:
        yield made


@pytest.fixture
async def world(school: tuple[School, MediaProcess]) -> AsyncIterator[World]:
    async with chromium() as browser:
        yield World(*school, browser)


async def test_two_pages_hold_a_call_of_a_class(world: World) -> None:
    """A teacher and a pupil hear and see each other in the call of their class room."""
    room_id = world.class_room()
    teacher = await world.open(world.school.signed_in["T1"], room_id)
    pupil = await world.open(world.school.signed_in["P1"], room_id)
    await world.join(teacher)
    await world.join(pupil)
    await teacher.hears_and_sees(1)
    await pupil.hears_and_sees(1)
    await teacher.picture("two_plain")
