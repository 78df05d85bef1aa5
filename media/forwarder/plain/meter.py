"""How many bits a second each layer of a picture is: of those that came all the time that was counted.

What stops or begins meanwhile (an encoder that nobody wants for now) is less in that time than it will be: by such a
number a narrow link would have room for the large picture.
"""

from __future__ import annotations

from collections.abc import Collection

from attrs import define

from media.forwarder.api import Layer
from media.forwarder.plain.layers import STOPPED_S

#: Layers of one picture come so close together, seconds: a layer whose last packet is older than another's has stopped.
TOGETHER_S = 0.3


@define
class Meter:
    """Of one layer. `size`: bytes since they were taken last; `since`, `last`: of packets without a long pause."""

    size: int = 0
    since: float = float("-inf")
    last: float = float("-inf")

    def count(self, size: int, now: float) -> None:
        """A packet with a payload of so many bytes came."""
        if now - self.last > STOPPED_S:
            self.since = now
        self.last = now
        self.size += size


def taken(
    meters: Collection[tuple[Layer, Meter]], since: float | None, now: float
) -> dict[Layer, int]:
    """Bits a second from `since` (None: nothing was counted before) until now; what was counted is forgotten."""
    newest = max((meter.last for _, meter in meters), default=now)
    rates: dict[Layer, int] = {}
    for layer, meter in meters:
        size, meter.size = meter.size, 0
        goes_on = newest - meter.last <= TOGETHER_S
        if since is not None and size and goes_on and meter.since <= since + TOGETHER_S:
            rates[layer] = int(size * 8 / (now - since))
    return rates
