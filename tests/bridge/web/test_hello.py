"""The first message, said from the page."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.greeting import MOST_A_DAY, rooms_to_greet
from bridge.roles import Account, ClassId, OrgId, Role, UserId
from tests.bridge.web.axe import assert_accessible, assert_accessible_everywhere
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.world import World
from tests.support.polling import until_async

ROOMS: list[dict[str, Any]] = [
    {"kind": "class", "ref": "c1", "room_id": "!class", "name": "5А", "state": "ready"},
    {"kind": "class_parents", "ref": "c1", "room_id": "!parents", "name": "5А · родители", "state": "ready"},
    {"kind": "staff", "ref": "", "room_id": "!staff", "name": "Учительская", "state": "ready"},
    {"kind": "class", "ref": "c2", "room_id": None, "name": "1Б", "state": "wanted"},
]  # fmt: skip


def account(*roles: Role, unconfirmed: bool = False, **classes: frozenset[ClassId]) -> Account:
    return Account(
        user_id=UserId("@u:s"),
        org_id=OrgId("s"),
        roles=frozenset(roles),
        unconfirmed=unconfirmed,
        **classes,  # type: ignore[arg-type]
    )


ONE = frozenset({ClassId("c1")})


@pytest.mark.parametrize(
    ("who", "rooms"),
    [
        (account(Role.STUDENT, student_in=ONE), ["!class"]),
        (account(Role.STUDENT, student_in=ONE, unconfirmed=True), []),  # R17
        (account(Role.STUDENT, student_in=frozenset({ClassId("c2")})), []),  # not made yet
        (account(Role.GUARDIAN, children_in=ONE), ["!parents"]),
        (account(Role.TEACHER, homeroom_of=ONE), ["!class", "!staff"]),
        (account(Role.TEACHER, Role.GUARDIAN, children_in=ONE), ["!parents", "!staff"]),  # R32
    ],
)
def test_everybody_greets_their_own(who: Account, rooms: list[str]) -> None:
    """A pupil the class, a parent the parents, staff the staff room; a child who may not write nobody."""
    assert [one.room_id for one in rooms_to_greet(who, ROOMS)] == rooms


async def test_the_first_message_needs_no_client(browsing: World) -> None:
    """A pupil says hello on the page; it stands in the class room under the pupil's own account."""
    await browsing.let_in("U1", "T1")
    await browsing.settle()
    page = await browsing.page("U1")
    await assert_accessible_everywhere(page, "/hello")
    await page.fill("textarea", "Привет, 5А! <b>&</b> 👋")
    await page.get_by_role("button", name="Отправить").click()
    await page.wait_for_url("**/clients?said=hello")
    await assert_accessible(page)

    room_id = await asyncio.to_thread(browsing.school.room_id, "class", "5А")
    pupil = await browsing.account("U1")
    login = browsing.phone("U1")
    reader = await asyncio.to_thread(browsing.server.login, login, PASSWORD)
    assert reader.user_id == pupil.user_id

    async def said() -> bool:
        found = await asyncio.to_thread(
            browsing.server.call,
            "GET",
            f"/_matrix/client/v3/rooms/{room_id}/messages?dir=b&limit=20",
            reader.access_token,
        )
        return any(
            event["type"] == "m.room.message"
            and event["sender"] == pupil.user_id
            and event["content"]["body"] == "Привет, 5А! <b>&</b> 👋"
            for event in found["chunk"]
        )

    await until_async(said, what="the message")
    devices = await browsing.services.homeserver.devices(pupil.user_id)
    assert [one.device_id for one in devices] == [reader.device_id]  # the page leaves none behind


async def test_whoever_has_just_come_in_is_waited_for(world: World) -> None:
    """The hello of a newcomer does not fail because the room takes half a second."""
    await world.settle()
    own = await asyncio.to_thread(world.school.room_id, "class", "5А")
    await world.let_in("U1")
    pupil = await world.visitor("U1")
    assert (await pupil.post("/hello", room=own, text="привет")).location.startswith("/clients")


async def test_only_own_rooms_and_not_all_day(world: World) -> None:
    """Another's room is no room; a form sent twice is one message; a flood ends."""
    await world.let_in("U1", "R3", "T1")
    await world.settle()
    staff = await asyncio.to_thread(world.school.room_id, "staff")
    own = await asyncio.to_thread(world.school.room_id, "class", "5А")
    pupil = await world.visitor("U1")
    assert (await pupil.post("/hello", room=staff, text="впустите")).status == 400
    assert (await pupil.post("/hello", room=own, text=" ")).status == 400
    assert (await pupil.post("/hello", room=own, text="x" * 501)).status == 400
    assert (await (await world.visitor()).post("/hello", room=own, text="x")).status == 303
    same = [pupil.post("/hello", room=own, text="привет", message="same") for _ in range(3)]
    for reply in await asyncio.gather(*same):
        assert reply.location == "/clients?said=hello"
    for number in range(MOST_A_DAY - 1):
        await pupil.post("/hello", room=own, text=str(number), message=f"m{number}")
    assert (await pupil.post("/hello", room=own, text="ещё")).status == 429
    reader = await asyncio.to_thread(world.server.login, world.phone("T1"), PASSWORD)
    found = await asyncio.to_thread(
        world.server.call,
        "GET",
        f"/_matrix/client/v3/rooms/{own}/messages?dir=b&limit=50",
        reader.access_token,
    )
    bodies = [e["content"].get("body") for e in found["chunk"] if e["type"] == "m.room.message"]
    assert bodies == [*map(str, reversed(range(MOST_A_DAY - 1))), "привет"]
