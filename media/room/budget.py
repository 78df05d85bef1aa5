"""What goes to a subscriber whose link is full: which layers, and which videos not at all. Pure.

An estimate limits nothing by itself: it begins somewhere and rises while all is well. The link is full when the
estimate has fallen below what was sent. Then the budget is the estimate; while it holds it grows again, step by step,
until everything fits. A step that was too much is tried again only after twice the time.

A measured estimate (`media.forwarder.api.Estimate`) rises by itself as far as padding came through: the budget follows
it, at once or when the limit has held for long enough, and a step into the blue is for links where none does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from attrs import define, frozen

from media.forwarder.api import Layer
from media.ids import TrackSid

#: An estimate that fell below this share of what was sent: the link is full.
FULL = 0.9
#: A budget that held for so many seconds grows by this factor: from the smallest layer to the largest in 9 s.
PROBE_S, PROBE = 3.0, 2.0
#: Seconds between two steps at most, on a link that stays narrow: each costs it a second of lost sound.
LONGEST_PROBE_S = 96.0
#: Seconds after a step in which a full link is that step's fault.
BLAMED_S = 6.0
#: A measured estimate that is so much above the limit raises it; noise is less. Steps into the blue are so much rarer:
#: trains of padding know better, without a second of lost sound.
RISEN, BLUE = 1.1, 10.0
#: Of a measured limit, what is kept free of pictures that are more than the least: they vary by as much from second to
#: second, and one that is too much costs everybody's.
SPARE = 0.15
#: No limit that is worth remembering, bits a second.
ENDLESS_BPS = 50_000_000
#: Set aside for sound, and what one voice of livekit-client takes: 48,000 of Opus and 50 headers, bits a second.
SOUND_BPS, VOICE_BPS = 100_000, 65_000


@frozen(kw_only=True)
class Demand:
    """A video somebody would receive.

    Attributes:
        costs: bits a second of each layer that may be sent, none above the wanted one.
        rank: smaller is more important: screens, the spotlight, what the client put first, who speaks.
        readable: the layer that it should have before others have any: the words on a screen.
    """

    track: TrackSid
    costs: Mapping[Layer, int]
    rank: tuple[int, ...]
    readable: Layer = Layer.LOW


@define
class Budget:
    """One subscriber's.

    Attributes:
        wish_bps: what it would take to send everything, as the forwarder was told.
    """

    limit_bps: int | None = None  # None: no limit known
    measured: bool = False
    wish_bps: int = 0
    _last_bps: int = 0
    _held_since: float = 0.0
    _hold_s: float = PROBE_S
    _grew_at: float = float("-inf")

    def estimate(
        self, bitrate_bps: int, sent_bps: int, now: float, *, measured: bool = False
    ) -> bool:
        """Take in an estimate; whether the limit has changed."""
        self.measured = measured
        if measured and self._rises(bitrate_bps, now):
            return True
        fell, self._last_bps = bitrate_bps < self._last_bps, bitrate_bps
        if not fell or bitrate_bps >= FULL * sent_bps:
            return False
        too_much = now - self._grew_at < BLAMED_S
        self._hold_s = min(2 * self._hold_s, LONGEST_PROBE_S) if too_much else PROBE_S
        self._held_since, self._grew_at = now, float("-inf")
        if self.limit_bps is not None and self.limit_bps <= bitrate_bps:
            return False
        self.limit_bps = bitrate_bps
        return True

    @property
    def grows_at(self) -> float | None:
        """When `grow` will say yes, if nothing happens; None: no limit."""
        if self.limit_bps is None:
            return None
        known = not self.measured or self._last_bps >= RISEN * self.limit_bps
        return self._held_since + self._hold_s * (1.0 if known else BLUE)

    def _rises(self, bitrate_bps: int, now: float) -> bool:
        """To what came through, once the limit has held for as long as a step takes."""
        if (
            self.limit_bps is None
            or bitrate_bps < RISEN * self.limit_bps
            or now < self._held_since + self._hold_s
        ):
            return False
        self.limit_bps = self._last_bps = bitrate_bps
        self._held_since = self._grew_at = now
        return True

    def grow(self, now: float) -> bool:
        """Whether the limit has held long enough, and is larger now, or forgotten."""
        due = self.grows_at
        if due is None or now < due:
            return False
        assert self.limit_bps is not None
        if self.measured and self._rises(self._last_bps, now):
            return True
        self._held_since = self._grew_at = now
        larger = int(max(self.limit_bps, self._last_bps) * PROBE)
        self.limit_bps = None if larger > ENDLESS_BPS else larger
        return True

    def fits(self, demands: Sequence[Demand]) -> bool:
        """Whether everything fits at its best; the limit is forgotten then."""
        if self.limit_bps is None:
            return True
        if sum(max(d.costs.values()) for d in demands) > for_pictures(self.limit_bps):
            return False
        self.limit_bps = None
        return True


def for_pictures(limit_bps: int) -> int:
    """What is left beside sound; at least half."""
    return max(limit_bps - SOUND_BPS, limit_bps // 2)


def share(
    limit_bps: int, demands: Sequence[Demand], *, measured: bool = False
) -> dict[TrackSid, Layer | None]:
    """The layer of each video, None for paused: first everyone the least (screens what can be read), in order; then
    more, in order, those of one rank evenly.

    The first one is never paused unless even its least costs twice what there is: a frozen teacher is worse than a late
    one. Where the limit is `measured` there is no doubt about it: a picture beside which no voice fits is late for
    ever, and takes a third of the voice with it.
    """
    left = for_pictures(limit_bps)
    least_bps = limit_bps - VOICE_BPS if measured else 2 * limit_bps
    ordered = sorted(demands, key=lambda d: d.rank)
    chosen: dict[TrackSid, Layer | None] = {}
    for number, demand in enumerate(ordered):
        least, cost = _begin(demand, left)
        if cost <= left or (number == 0 and cost <= least_bps):
            chosen[demand.track] = least
            left = max(left - cost, 0)
        else:
            chosen[demand.track] = None
    if measured:
        left -= int(SPARE * limit_bps)
    for demand, layer in _steps(ordered):
        at = chosen[demand.track]
        if at is None or layer <= at:
            continue
        more = demand.costs[layer] - demand.costs[at]
        if more <= left:
            left -= max(more, 0)
            chosen[demand.track] = layer
    return chosen


def _begin(demand: Demand, left: int) -> tuple[Layer, int]:
    """The layer that a video begins with, and what it costs."""
    readable = max((layer for layer in demand.costs if layer <= demand.readable), default=None)
    if readable is not None and demand.costs[readable] <= left:
        return readable, demand.costs[readable]
    least = min(demand.costs)
    return least, demand.costs[least]


def _steps(ordered: Sequence[Demand]) -> Iterator[tuple[Demand, Layer]]:
    """Rank after rank, and in one rank layer after layer: nobody has the large one before all have the middle one."""
    for _, equals in groupby(ordered, key=lambda d: d.rank):
        group = list(equals)
        for layer in Layer:
            for demand in group:
                if layer in demand.costs:
                    yield demand, layer
