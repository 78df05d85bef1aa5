"""What viewers asked, whose hand is up and what all see, as the disk has it while a broadcast runs. Pure.

Invitations and who asked when are not in it: they are over within minutes.
"""

from __future__ import annotations

import json

from media.broadcast.house.raised import Raised
from media.broadcast.house.talk import Talk

#: Octets of one broadcast's: every hand, and the longest questions and lines that are kept.
MOST_BYTES = 2_000_000
_VERSION = 1


def written(talk: Talk, hands: Raised) -> bytes:
    """As `read` takes it."""
    raw = {"version": _VERSION, "talk": talk.kept(), "hands": hands.kept()}
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def read(text: bytes, first: int) -> tuple[Talk, Raised] | None:
    """None: it is not ours, or not of this version.

    Args:
        first: numbers of new lines begin above it.
    """
    try:
        raw = json.loads(text)
        if raw["version"] != _VERSION:
            return None
        return Talk.again(raw["talk"], first), Raised.again(raw["hands"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
