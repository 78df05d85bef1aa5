"""What a node gives its rooms: transport, forwarder, clocks, chance, and where news go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from attrs import field, frozen
from livekit.protocol import webhook

from media.access.api import Leaves
from media.access.tokens import Key
from media.plane.api import Plane
from media.sdp.api import Looks, Policy
from media.signal.messages import NodeFacts
from media.signal.webhooks import Hook
from media.signal.wiring import Wiring
from media.transport.api import Listener

#: Seconds from a client's WebSocket to its media connection.
Connected = Callable[[float], None]


def untimed(_seconds: float) -> None:
    """Where nobody looks at figures."""


@frozen(kw_only=True)
class Services:
    """Attributes:

    clock: seconds, the loop's. wall: seconds since 1970.
    bits: n random bits; sids, SSRCs and numbering are made of them.
    wrong: what clients did that was dropped, by reason; counted for `/metrics`.
    """

    listener: Listener
    wiring: Wiring
    plane: Plane
    facts: NodeFacts
    keys: Sequence[Key] = field(repr=False)
    clock: Callable[[], float]
    wall: Callable[[], float]
    bits: Callable[[int], int]
    policy: Policy = field(factory=Policy)
    looks: Looks = field(factory=Looks)
    hooks: Sequence[Hook] = ()
    leaves: Leaves | None = None
    connected: Connected = untimed
    wrong: Counter[str] = field(factory=Counter)

    def sid(self, prefix: str) -> str:
        """LiveKit's form: `PA_` and letters; 80 random bits, it is the secret of a resume together with the token."""
        letters, drawn = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", self.bits(80)
        return prefix + "".join([letters[drawn >> at & 31] for at in range(0, 80, 5)])

    def post(self, event: webhook.WebhookEvent) -> None:
        for hook in self.hooks:
            hook.post(event)
