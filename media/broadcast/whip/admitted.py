"""Somebody whose token holds. Pure."""

from __future__ import annotations

from attrs import field, frozen

from media.broadcast.whip.ids import BroadcastId


@frozen
class Admitted:
    """Attributes:

    holder: whose sessions they may change: a viewer's account; "" for whoever has the broadcast's one key.
    """

    broadcast: BroadcastId
    holder: str = field(repr=False)
