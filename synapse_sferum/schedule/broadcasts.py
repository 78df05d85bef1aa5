"""A broadcast with a time as an entry of the schedule. Pure.

The calls server says when it is, for whom and where it is watched; this is its shadow, and nobody changes it here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from synapse_sferum.broadcast_words import Stage, Told
from synapse_sferum.model import Org, RoomKey, UserId
from synapse_sferum.schedule.values import MOST_TITLE, Gathering, GatheringId, Kind

#: Minutes that calendars show: nobody says how long a broadcast will be (chosen by us).
SHOWN_MINUTES: Final = 60


def of_broadcast(org: Org, key: RoomKey, told: Told, actor: str) -> Gathering:
    """What a broadcast is in the schedule of its people.

    Raises:
        ValueError: nobody said when it begins.
    """
    if told.begins_at is None:
        raise ValueError("a broadcast without a time is not planned")
    begins = datetime.fromtimestamp(told.begins_at, UTC).astimezone(ZoneInfo(told.timezone))
    over = told.stage in {Stage.REMOVED, Stage.DELETED}
    return Gathering(
        gathering_id=GatheringId(f"b.{told.broadcast_id}"),
        org_id=org.org_id,
        key=key,
        kind=Kind.BROADCAST,
        title=told.title[:MOST_TITLE],
        begins=begins.replace(second=0, microsecond=0, tzinfo=None, fold=0),
        minutes=SHOWN_MINUTES,
        author=UserId(actor if actor.startswith("@") else ""),
        link="" if over else told.link,
        called_off=told.stage is Stage.DELETED,
    )
