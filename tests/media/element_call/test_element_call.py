"""Element Call 0.26.1, which we did not write, holds calls through our server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.media.element_call.world import (
    PICTURES,
    Caller,
    World,
    acquainted,
    chromium,
    school_with_calls,
)
from tests.support.fleet import Fleet
from tests.support.media import MediaProcess
from tests.support.school import School

pytestmark = pytest.mark.integration

#: Seconds. Five encrypted pages on one processor took 46 until all had the key of one who came.
KEYS_S = 180.0


@pytest.fixture(scope="module")
def school(
    homeserver: Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[School, MediaProcess]]:
    with school_with_calls(homeserver, tmp_path_factory.mktemp("media")) as made:
        yield made


@pytest.fixture
async def world(school: tuple[School, MediaProcess]) -> AsyncIterator[World]:
    async with chromium(small=True) as browser:
        yield World(*school, browser, small=True)


async def grown_to_five(
    world: World, two: list[Caller], more: list[str], room_id: str, **how: Any
) -> list[Caller]:
    """Three more join those two, each when everybody sees everybody; then everybody sees the four others."""
    three = [await world.open(world.school.signed_in[who], room_id, **how) for who in more]
    if how.get("encrypted"):
        await acquainted([*two, *three])
    deadline_s = KEYS_S if how.get("encrypted") else 90.0
    there = list(two)
    for caller in three:
        await world.join(caller)
        there.append(caller)
        for one in there:
            await one.receives(len(there) - 1, 0, deadline_s)
    return there


async def all_are_heard(five: list[Caller]) -> None:
    """Of five who make sounds all the time who began the call is heard, and three: until one of those is muted."""
    await five[4].receives(cameras=4, voices=4)
    await five[1].microphone.click()
    for caller in five:
        await caller.receives(cameras=4, voices=4)


async def test_a_lesson_and_what_its_host_decides(world: World) -> None:
    """A pupil comes in muted, sees it, speaks when the teacher allows it, decides nothing; then five are in (R43)."""
    room_id = world.class_room()
    teacher = await world.open(world.school.signed_in["T1"], room_id)
    pupil = await world.open(world.school.signed_in["P1"], room_id)
    await world.join(teacher)
    await world.join(pupil)
    await pupil.receives(cameras=1, voices=1)
    await teacher.receives(cameras=1, voices=0)
    await pupil.shows_microphone(on=False)
    await pupil.microphone.click()
    await pupil.shows_microphone(on=False)
    assert (await pupil.host())[0] == 403
    assert (await pupil.host({"op": "mute_all"}))[0] == 403
    status, found = await teacher.host()
    assert status == 200
    people = {one["user_id"]: one for one in found["call"]["participants"]}
    mine = people[pupil.account.user_id]
    assert {track["source"]: track["muted"] for track in mine["tracks"]} == {
        "camera": False,
        "microphone": True,
    }
    await pupil.picture("pupil_muted_on_entry")
    desk = await teacher.context.new_page()
    await desk.goto(f"{world.media.url}/host#room={quote(room_id)}")
    row = desk.locator("#people li", has_text="P1")
    await row.get_by_role("button", name="Дать слово").click()
    await desk.screenshot(path=PICTURES / "call_host.png")
    await desk.close()
    await pupil.microphone.click()
    await teacher.receives(cameras=1, voices=1)
    await pupil.shows_microphone(on=True)
    await teacher.picture("two_plain")
    five = await grown_to_five(world, [teacher, pupil], ["P2", "P3", "P4"], room_id)
    await five[1].receives(cameras=4, voices=1)
    await five[4].receives(cameras=4, voices=2)
    await teacher.picture("five_plain")
    await teacher.leave()
    await teacher.page.locator("[data-testid=incall_leave]").wait_for(state="detached")


async def test_sticky_memberships_and_hashed_identities(world: World) -> None:
    """Element Call's mode for Matrix 2.0 (`/get_token`, MSC4354) holds the same call, of two and of five."""
    signed_in = world.school.signed_in
    room_id = world.private_room(*(signed_in[f"T{n}"] for n in range(1, 6)))
    first = await world.open(signed_in["T1"], room_id, mode="matrix_2_0")
    second = await world.open(signed_in["T2"], room_id, mode="matrix_2_0")
    await world.join(first)
    await world.join(second)
    await first.receives(cameras=1, voices=1)
    await second.receives(cameras=1, voices=1)
    await second.picture("two_matrix_2_0")
    more = ["T3", "T4", "T5"]
    await all_are_heard(
        await grown_to_five(world, [first, second], more, room_id, mode="matrix_2_0")
    )
    await second.picture("five_matrix_2_0")


@pytest.mark.timeout(900)  # by itself four minutes on one processor
async def test_an_encrypted_call_passes_through_unread(world: World) -> None:
    """Frames that two, then five participants encrypt for each other are decoded by all; the server reads none."""
    signed_in = world.school.signed_in
    teachers = [signed_in[f"T{n}"] for n in range(1, 6)]
    room_id = world.private_room(*teachers, encrypted=True)
    first = await world.open(signed_in["T1"], room_id, encrypted=True)
    second = await world.open(signed_in["T2"], room_id, encrypted=True)
    await acquainted([first, second])
    await world.join(first)
    await world.join(second)
    await first.receives(cameras=1, voices=1)
    await second.receives(cameras=1, voices=1)
    await first.picture("two_encrypted")
    more = ["T3", "T4", "T5"]
    await all_are_heard(await grown_to_five(world, [first, second], more, room_id, encrypted=True))
    await first.picture("five_encrypted")
