"""People who are taken out of a room while they are in its call."""

from __future__ import annotations

import asyncio

from attrs import define, field

from media.access.claims import Member
from media.access.rechecking import AT_ONCE, Present, Rechecker
from media.access.rights import CallRights
from media.ids import ParticipantSid, RoomName
from serving.json_http import Lost, NoAnswer
from tests.support.polling import until_async


@define
class Rights:
    """Answers as told: True, False, or nothing."""

    says: dict[str, bool | None]
    asked: list[str] = field(factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def of(self, user_id: str, room_id: str) -> CallRights | None:
        self.asked.append(user_id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        answer = self.says[user_id]
        if answer is None:
            raise NoAnswer(Lost.TIMEOUT)
        member = Member(room_id=room_id, user_id=user_id)
        return CallRights(member, frozenset(), False) if answer else None


def present(user_id: str, sid: str) -> Present:
    member = Member(room_id="!r:school.test", user_id=user_id)
    return Present(RoomName("r"), ParticipantSid(sid), member)


async def test_only_who_is_out_is_removed() -> None:
    """With all connections; whoever the module says nothing about stays."""
    rights = Rights({"@a:s": True, "@b:s": False, "@c:s": None})
    there = [present("@a:s", "1"), present("@b:s", "2"), present("@c:s", "3"), present("@b:s", "4")]
    removed: list[Present] = []
    rechecker = Rechecker(rights, lambda: there, removed.append)
    await rechecker.look()
    assert removed == [there[1], there[3]]
    assert sorted(rights.asked) == ["@a:s", "@b:s", "@c:s"]
    assert rechecker.counted == {"still": 1, "removed": 1, "unknown": 1}


async def test_a_hundred_people_are_not_a_hundred_questions_at_once() -> None:
    """The module has other things to do at the same time."""
    there = [present(f"@{number}:s", str(number)) for number in range(100)]
    rights = Rights({one.member.user_id: True for one in there})
    await Rechecker(rights, lambda: there, lambda _: None).look()
    assert (len(rights.asked), rights.most_at_once) == (100, AT_ONCE)


async def test_a_bug_with_one_is_not_everybodys() -> None:
    """The others are looked after, and the process goes on."""
    there = [present(f"@{name}:s", name) for name in "abc"]
    removed: list[Present] = []

    def remove(one: Present) -> None:
        if one is there[0]:
            raise KeyError
        removed.append(one)

    rights = Rights({one.member.user_id: False for one in there})
    rechecker = Rechecker(rights, lambda: there, remove)
    await rechecker.look()
    assert removed == there[1:]
    assert rechecker.counted == {"removed": 2, "bug": 1}


async def test_again_and_again() -> None:
    """Until it is cancelled."""
    rights = Rights({"@a:s": True})
    rechecker = Rechecker(rights, lambda: [present("@a:s", "1")], lambda _: None)

    async def twice() -> bool:
        return rechecker.counted["still"] >= 2

    async with asyncio.TaskGroup() as group:
        running = group.create_task(rechecker.run(0.001))
        await until_async(twice, what="a second look")
        running.cancel()
