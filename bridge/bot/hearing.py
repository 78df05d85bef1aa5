"""nio's events → what the bot hears. Everything that is malformed, redacted, edited or its own is silence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import nio

from bridge.bot.heard import Heard, Reaction, Said

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def heard_in(room_id: str, events: Iterable[Any], me: str) -> list[Heard]:
    """In the order of the events."""
    found = (_heard(room_id, event) for event in events if getattr(event, "sender", me) != me)
    return [one for one in found if one is not None]


def _heard(room_id: str, event: Any) -> Heard | None:
    match event:
        case nio.ReactionEvent(event_id=str(), reacts_to=str(), key=str()):
            return Reaction(
                room_id=room_id,
                event_id=event.event_id,
                sender=event.sender,
                target=event.reacts_to,
                key=event.key,
            )
        case nio.RoomMessageText(event_id=str(), body=str()):
            relation = event.source.get("content", {}).get("m.relates_to")
            if not isinstance(relation, dict):
                relation = {}
            if relation.get("rel_type") == "m.replace":
                return None  # a command counts as it was first said
            thread = relation.get("event_id") if relation.get("rel_type") == "m.thread" else None
            return Said(
                room_id=room_id,
                event_id=event.event_id,
                sender=event.sender,
                body=event.body,
                thread=thread if isinstance(thread, str) else None,
                at=_time(event.server_timestamp),
            )
        case _:
            return None


def _time(milliseconds: Any) -> datetime:
    if not isinstance(milliseconds, int) or not 0 <= milliseconds < 1 << 47:
        return EPOCH
    return EPOCH + timedelta(milliseconds=milliseconds)
