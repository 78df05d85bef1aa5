"""The Python SDK in a call of somebody whom the directory no longer has in the room."""

from __future__ import annotations

from media.access.claims import EVERYTHING, Member
from media.access.rights import CallRights
from media.rechecks import rechecker
from tests.media.world import LESSON, calls, eventually


class Rights:
    """Nobody but the teacher is in the room."""

    async def of(self, user_id: str, room_id: str) -> CallRights | None:
        member = Member(room_id=room_id, user_id=user_id)
        return CallRights(member, EVERYTHING, False) if user_id == "@teacher:school.test" else None


def member(name: str) -> Member:
    return Member(room_id="!r:school.test", user_id=f"@{name}:school.test")


async def test_taken_out_of_the_call() -> None:
    """They are disconnected and the others see them leave; tokens of other services are not asked about."""
    async with calls() as world:
        await world.join("teacher", member=member("teacher"))
        pupil = await world.join("pupil", member=member("pupil"))
        guest = await world.join("recorder")
        checks = rechecker(world.node, Rights(), "school.test")
        await checks.look()
        assert checks.counted == {"still": 1, "removed": 1}
        await eventually(lambda: "disconnected" in pupil.happened, "the pupil's end")
        hall = world.node.halls[LESSON]
        await eventually(
            lambda: {one.identity for one in hall.clients.values()} == {"teacher", "recorder"},
            "those who stay",
        )
        await eventually(
            lambda: set(guest.room.remote_participants) == {"teacher"}, "what the others see"
        )
        assert guest.happened == []
