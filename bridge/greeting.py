"""The first message, from the page that says "you are in": nobody needs a client for it.

Whoever has just come in says hello to the class (a parent to the parents, staff to the staff room) under their own
name. The bridge speaks for them with a token of a minute, because their password is gone by then.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from bridge.ports import Store
from bridge.ports_directory import Directory
from bridge.ports_homeserver import Homeserver, HomeserverDown, HomeserverRefused
from bridge.roles import STAFF, Account, Role

logger = logging.getLogger(__name__)

LONGEST = 500  # characters; whoever has more to say opens a client
MOST_A_DAY = 5
DAY = timedelta(days=1)
#: How long the token lives that the message is sent with.
TOKEN_LIFETIME = timedelta(minutes=1)
#: A newcomer is in the rooms within a second (docs/benchmarks.md); on a busy morning within a few.
LOOKS, LOOK_AGAIN_S = 20, 0.4


class GreetRefusal(enum.Enum):
    """Why nothing was said. The values are stable: logged, counted, tested."""

    NO_ROOM = "no_room"  # not theirs, or not ready yet
    UNCONFIRMED = "unconfirmed"  # R17: reads only until a parent confirms
    EMPTY = "empty"
    TOO_LONG = "too_long"
    OFTEN = "often"


@frozen
class Greetable:
    """A room somebody may say hello in."""

    room_id: str
    name: str


def rooms_to_greet(account: Account, rooms: Sequence[Mapping[str, Any]]) -> list[Greetable]:
    """The ready rooms of `account` for a hello, the class first. Pure.

    `rooms` as `Directory.rooms` has them. A child under 14 whom no parent has confirmed has none (R17).
    """
    if account.unconfirmed:
        return []
    wanted: list[tuple[str, str]] = []
    if Role.STUDENT in account.roles:
        wanted += [("class", ref) for ref in sorted(account.student_in)]
    wanted += [("class", ref) for ref in sorted(account.homeroom_of)]
    if Role.GUARDIAN in account.roles:
        wanted += [("class_parents", ref) for ref in sorted(account.children_in)]
    if account.roles & STAFF:
        wanted.append(("staff", ""))
    ready = {
        (room["kind"], room["ref"]): Greetable(room["room_id"], room["name"])
        for room in rooms
        if room["state"] in {"ready", "filling"} and room["room_id"]
    }
    return [ready[key] for key in wanted if key in ready]


async def _joined(account: Account, room: Greetable, directory: Directory) -> bool:
    """Whether the account is in the room; whoever came in a moment ago is let in meanwhile."""
    for left in reversed(range(LOOKS)):
        found = await directory.why(account.org_id, account.user_id, room.room_id)
        if found.get("membership") == "join":
            return True
        if left:
            await asyncio.sleep(LOOK_AGAIN_S)
    return False


async def greet(
    account: Account,
    room_id: str,
    text: str,
    message_id: str,
    now: datetime,
    *,
    store: Store,
    directory: Directory,
    homeserver: Homeserver,
) -> Greetable | GreetRefusal:
    """Say `text` in one of `account`'s rooms; the same `message_id` twice is one message."""
    said = text.strip()
    if not said:
        return GreetRefusal.EMPTY
    if len(said) > LONGEST:
        return GreetRefusal.TOO_LONG
    if account.unconfirmed:
        return GreetRefusal.UNCONFIRMED
    rooms = rooms_to_greet(account, await directory.rooms(account.org_id))
    room = next((one for one in rooms if one.room_id == room_id), None)
    if room is None:
        return GreetRefusal.NO_ROOM
    # A transaction id of Matrix holds for one token only, and each message has a token of its own.
    if not await _joined(account, room, directory):
        return GreetRefusal.NO_ROOM
    name, once = f"hello:{account.user_id}", f"hello:{account.user_id}:{message_id}"
    async with store.begin() as work:
        await work.rates.serialise()
        times = await work.rates.times([name, once], now - DAY)
        if times[once]:
            return room
        if len(times[name]) >= MOST_A_DAY:
            return GreetRefusal.OFTEN
        await work.rates.add([name, once], now)
    try:
        await homeserver.say(account.user_id, room.room_id, said, message_id, now + TOKEN_LIFETIME)
    except (HomeserverDown, HomeserverRefused):
        async with store.begin() as work:
            await work.rates.forget([once])  # not said: the same form may be sent again
        raise
    logger.info("hello said account=%s room=%s", account.user_id, room.room_id)
    return room
