"""A broadcast as it is written down: JSON, read strictly. Pure."""

from __future__ import annotations

import json
from typing import Any

from attrs import asdict

from media.broadcast.register.values import Audience, Broadcast, Recording, State
from media.broadcast.whip.ids import BroadcastId


def written(one: Broadcast) -> str:
    """As the store keeps it."""
    raw: dict[str, Any] = asdict(one)
    raw["state"] = one.state.value
    raw["key_digest"] = one.key_digest.hex()
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":"))


def read(text: str) -> Broadcast:
    """Raises:
    ValueError, TypeError, KeyError: not written by `written`, or by a newer version.
    """
    raw = json.loads(text)
    recording = raw.pop("recording")
    return Broadcast(
        **{
            **raw,
            "id": BroadcastId(raw["id"]),
            "audience": Audience(**raw["audience"]),
            "state": State(raw["state"]),
            "key_digest": bytes.fromhex(raw["key_digest"]),
            "recording": None if recording is None else Recording(**recording),
        }
    )
