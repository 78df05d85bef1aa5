"""Which simulcast layer a subscriber gets."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from media.forwarder.api import Layer

#: A layer that is silent this long, while another one of its track carries media, has stopped (seconds). A screen
#: that stands still is repeated once a second in every layer: that is no stop.
#: All of them silent: the camera is off; nothing better can be chosen then.
STOPPED_S = 1.25
#: The whole track: no packet at all for this long. Two repetitions of a still screen may be lost.
SILENT_S = 3.0


def choose_layer(
    highest: Layer, declared: Collection[Layer], live: Collection[Layer]
) -> Layer | None:
    """The best layer that carries media and may be sent.

    A track without small layers is sent all the same: what a subscriber may get is at least the lowest
    one that its publisher announced.

    Args:
        highest: what the subscriber may be sent (`Want.layer`).
        declared: what the publisher's SDP names; empty when it names none.
        live: what carries media now.
    """
    limit = max(highest, min(declared, default=Layer.HIGH))
    return max((layer for layer in live if layer <= limit), default=None)


def live_layers(last_media: Mapping[Layer, float], now: float) -> frozenset[Layer]:
    """Layers that carry media, from the time of each one's last packet."""
    newest = max(last_media.values(), default=float("-inf"))
    if now - newest > SILENT_S:
        return frozenset()
    return frozenset(layer for layer, last in last_media.items() if newest - last <= STOPPED_S)
