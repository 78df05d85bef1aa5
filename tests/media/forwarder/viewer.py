"""One camera of three layers on its way over a `Line`, with the room's budget (`media/room/budget.py`) in the loop."""

from __future__ import annotations

from collections import deque

from attrs import define, field

from media.forwarder.api import Layer
from media.ids import TrackSid
from media.room.budget import SOUND_BPS, Budget, Demand, share
from tests.media.forwarder.link import Sender

COSTS = {Layer.LOW: 160_000, Layer.MEDIUM: 450_000, Layer.HIGH: 1_700_000}
CAMERA = TrackSid("TR_camera")
#: Until the keyframe of another layer is there, and how much larger than others it is.
KEYFRAME_S, KEYFRAME = 0.4, 3.0


@define(eq=False)
class Viewer(Sender):
    """Gets fifteen pictures a second; voices have no numbers.

    Attributes:
        changes: (when, the layer from then on).
        pauses: when not even the smallest went on.
    """

    picture_s: float = 1 / 15
    sound: bool = False
    layer: Layer = Layer.HIGH
    budget: Budget = field(factory=Budget)
    changes: list[tuple[float, Layer]] = field(factory=list)
    pauses: list[float] = field(factory=list)
    is_paused: bool = False
    _sent: deque[tuple[float, int]] = field(factory=lambda: deque(maxlen=200))  # of the last second
    _key_at: float | None = None
    _larger: float = 1.0

    def step(self, now: float) -> None:
        if self.here.runs(now) == now:
            self._choose(now)
        super().step(now)

    def _choose(self, now: float) -> None:
        """What the room does: `media/room/layers.py`."""
        self._sent.append((now, self.sent_bytes))
        passed = max(0.2, now - self._sent[0][0])
        told = self.side.poll(now)
        if told is not None:
            sent_bps = int((self.sent_bytes - self._sent[0][1]) * 8 / passed)
            self.budget.estimate(told, sent_bps, now, measured=True)
        self.budget.grow(now)
        demand = Demand(track=CAMERA, costs=COSTS, rank=(0,))
        limit = None if self.budget.fits([demand]) else self.budget.limit_bps
        wanted = Layer.HIGH if limit is None else share(limit, [demand], measured=True)[CAMERA]
        wish = 0 if limit is None else SOUND_BPS + COSTS[Layer.HIGH]
        if wish != self.side.prober.wish_bps:
            self.side.prober.wish(wish)
        if wanted is None:
            if not self.is_paused:
                self.pauses.append(now)
            self.is_paused, self._key_at = True, None
            return
        is_other = wanted is not self.layer or self.is_paused
        if self._key_at is None and is_other:
            self._key_at = now + KEYFRAME_S
        elif self._key_at is not None and now >= self._key_at:
            self._key_at = None
            if is_other:
                self.layer, self._larger, self.is_paused = wanted, KEYFRAME, False
                self.changes.append((now, wanted))

    def _picture(self, now: float) -> None:
        if not self.is_paused:
            super()._picture(now)

    def _bitrate_bps(self) -> float:
        larger, self._larger = self._larger, 1.0
        return COSTS[self.layer] * larger

    def back_at(self, since: float) -> float | None:
        """When the largest layer came again."""
        return next((at for at, layer in self.changes if at > since and layer is Layer.HIGH), None)
