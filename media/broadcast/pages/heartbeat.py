"""What a player says of itself every thirty seconds, checked field by field. Pure.

Ten thousand players send one each: 333 a second. Nothing in it names anybody; what is out of bounds is no figure.
"""

from __future__ import annotations

import json
import math

from attrs import frozen

#: Seconds between two heartbeats of one player.
EVERY_S = 30
#: Bytes of one; the longest honest one has 120.
MOST_BYTES = 512
#: A day of broadcasting; an hour behind the live edge is somebody who rewound.
MOST_POSITION_S, MOST_LATENCY_S = 86_400.0, 86_400.0
#: Since the page was opened.
MOST_REBUFFERS = 100_000
#: Lines of the picture: 8K.
MOST_LINES = 4320


class BadHeartbeat(ValueError):
    """Not of the agreed form; the message names the field and quotes nothing."""


@frozen(kw_only=True)
class Heartbeat:
    """One look at one player.

    Attributes:
        position_s: of the player, in seconds since what it calls the beginning.
        latency_s: behind the newest part of the playlist; None: the player cannot tell (iPhones without MSE).
        rebuffers: how often it stood still without being asked, since the page was opened.
        level: lines of the picture, 0: sound only; None: not known yet.
    """

    position_s: float
    latency_s: float | None
    rebuffers: int
    level: int | None


def parse_heartbeat(raw: bytes) -> Heartbeat:
    """`{"position": s, "latency": s | null, "rebuffers": n, "level": lines | null}`; other fields are ignored.

    Raises:
        BadHeartbeat: names the field.
    """
    if len(raw) > MOST_BYTES:
        raise BadHeartbeat("size")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadHeartbeat("json") from None
    if not isinstance(found, dict):
        raise BadHeartbeat("json")
    latency, level = found.get("latency"), found.get("level")
    return Heartbeat(
        position_s=_seconds(found.get("position"), MOST_POSITION_S, "position"),
        latency_s=None if latency is None else _seconds(latency, MOST_LATENCY_S, "latency"),
        rebuffers=_count(found.get("rebuffers"), MOST_REBUFFERS, "rebuffers"),
        level=None if level is None else _count(level, MOST_LINES, "level"),
    )


def _seconds(value: object, most: float, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadHeartbeat(name)
    if not 0 <= value <= most or not math.isfinite(
        value
    ):  # the bound first: an int may be too long for a float
        raise BadHeartbeat(name)
    return float(value)


def _count(value: object, most: int, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BadHeartbeat(name)
    return value
