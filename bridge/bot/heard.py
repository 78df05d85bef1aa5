"""What the bot hears in a room, apart from any library. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import field, frozen


@frozen(kw_only=True)
class Reaction:
    """Somebody's sign on a message."""

    room_id: str
    event_id: str
    sender: str
    target: str  # event id of the message
    key: str


@frozen(kw_only=True)
class Said:
    """Somebody's text. `thread`: event id of the thread's root, None in the room itself."""

    room_id: str
    event_id: str
    sender: str
    body: str = field(repr=False)
    thread: str | None = None
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


Heard = Reaction | Said

#: Signs that decide. Skin tones and the mark "as a picture" make no difference.
YES = frozenset("✅👍")
NO = frozenset("❌👎")
TONES = dict.fromkeys([0xFE0F, *range(0x1F3FB, 0x1F400)])


def verdict(key: str) -> bool | None:
    """Yes, no, or nothing of ours."""
    bare = key[:8].translate(TONES)
    if bare in YES:
        return True
    return False if bare in NO else None
