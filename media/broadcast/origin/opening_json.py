"""How a broadcast was opened, as it stands beside its parts. Pure."""

from __future__ import annotations

import json
from typing import Any

from attrs import asdict

from media.broadcast.hls.multivariant import Captions, Picture, Variant
from media.broadcast.hls.values import Shape
from media.broadcast.origin.publication import Opening


def written(opening: Opening) -> bytes:
    return json.dumps(asdict(opening), ensure_ascii=False).encode()


def opened(text: bytes) -> Opening | None:
    """None: not written by us, or by another version."""
    try:
        raw = json.loads(text)
        return Opening(
            broadcast=str(raw["broadcast"]),
            shape=Shape(**raw["shape"]),
            variants=tuple(_variant(one) for one in raw["variants"]),
            recorded=raw["recorded"] is True,
            captions=None if raw["captions"] is None else Captions(**raw["captions"]),
            independent=raw["independent"] is True,
        )
    except (ValueError, TypeError, KeyError):
        return None


def _variant(raw: dict[str, Any]) -> Variant:
    picture = raw["picture"]
    return Variant(
        rendition=raw["rendition"],
        bandwidth_bps=raw["bandwidth_bps"],
        average_bps=raw["average_bps"],
        picture=None if picture is None else Picture(**picture),
    )
