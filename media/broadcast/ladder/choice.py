"""Which qualities a broadcast has: those that the publisher sends cost nothing, others what the machine can bear. Pure.

Milliseconds of CPU for a second of pictures were measured on one core of a server of 2026 (broadcast.md §4, docs/flows/
ladder.md); an ordinary rented machine takes up to `SLOWER` times as long.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from attrs import field, frozen
from attrs.validators import ge, le

from media.broadcast.ladder.values import DECODED, Rung
from media.forwarder.api import Codec, Layer

SLOWER = 2.5
#: Milliseconds for a million samples: to decode, to scale down from, to code.
DECODE_MS = {Codec.VP8: 1.8, Codec.H264: 2.4}
SCALE_MS, CODE_MS = 0.6, 4.6
#: Widest picture by its height: what is wider than a cinema's screen gets black bars.
WIDEST = 2.4
#: Longest side of what is coded here: a publisher may send more, which is passed on. Bits a second at most.
LONGEST, MOST_BITS = 1920, 10_000_000
#: The rung that phones on a bad network need.
LOW_LINES = 360
#: Bits a second of a rung by its lines, at 30 pictures a second and 16:9.
BIT_RATES = {720: 1_500_000, 480: 800_000, 360: 450_000, 240: 250_000, 180: 150_000}
#: Pictures a second of what is coded here, the first that the machine bears.
RATES = (30, 15, 10)
#: What is coded for a publisher none of whose pictures can be passed on, the first that the machine bears.
WISHES = tuple((lines, rate) for lines in ((720, 360), (480, 240)) for rate in RATES[:2]) + tuple(
    ((LOW_LINES,), rate) for rate in RATES
)


class Unsuited(enum.Enum):
    """Why there is no picture; the sound is there all the same. The values are stable: shown to hosts, counted."""

    CODEC = "codec"  # VP9, AV1: this publisher must be set to H.264 or VP8
    MACHINE = "machine"  # even the smallest is more than it bears; H.264 would cost nothing


@frozen(kw_only=True)
class Sent:
    """One layer that a publisher sends.

    Attributes:
        width, height: of its parameter sets, or as announced.
        frames_per_s: the most, if it is known.
    """

    layer: Layer
    width: int = field(validator=[ge(1), le(8192)])
    height: int = field(validator=[ge(1), le(8192)])
    bit_rate: int = field(validator=ge(0))
    frames_per_s: int = field(default=30, validator=[ge(1), le(120)])


@frozen
class Passed:
    """A layer that is passed on as it is.

    Attributes:
        name: of the rendition.
    """

    name: str
    sent: Sent


@frozen(kw_only=True)
class Ladder:
    """Best first. The sound alone is always there besides.

    Attributes:
        made: of the layer `from_`, by a transcoder.
        cores: that making them takes here, at most.
    """

    passed: tuple[Passed, ...] = ()
    made: tuple[Rung, ...] = ()
    from_: Layer | None = None
    cores: float = 0.0


def choose(codec: Codec, sent: Sequence[Sent], spare_cores: float) -> Ladder | Unsuited:
    """The ladder of one publisher.

    Args:
        sent: its layers, those that carry pictures now.
        spare_cores: that broadcasts may take on this machine beside the calls, those running subtracted.
    """
    if codec not in DECODED:
        return Unsuited.CODEC
    best_first = sorted(sent, key=lambda one: -min(one.width, one.height))
    if codec is Codec.H264:
        return _passing(best_first, spare_cores)
    return _making(codec, best_first, spare_cores)


def rung(of: Sent, lines: int, rate: int) -> Rung:
    """That size of a picture: its shorter side has `lines` at most; larger than sent it is not."""
    short, long = sorted((of.width, of.height))
    ratio = min(long / short, WIDEST)
    lines = _even(min(lines, short, int(LONGEST / ratio)))
    across = min(LONGEST, _even(round(lines * ratio)))
    width, height = (across, lines) if of.width >= of.height else (lines, across)
    name = f"v{lines}"
    share = (lines * across) / (lines * lines * 16 / 9) * (0.5 + rate / 60)
    bit_rate = min(MOST_BITS, max(20_000, int(_bit_rate(lines) * share)))
    return Rung(name, width, height, bit_rate, rate)


def cores(codec: Codec, of: Sent, rungs: Sequence[Rung]) -> float:
    """How many cores it takes to make these, on a slow machine."""
    source = of.width * of.height / 1e6
    ms = source * of.frames_per_s * DECODE_MS[codec]
    for one in rungs:
        rate = min(one.frames_per_s, of.frames_per_s)
        scaled = 0 if (one.width, one.height) == (of.width, of.height) else SCALE_MS * source
        ms += rate * (scaled + CODE_MS * one.width * one.height / 1e6)
    return SLOWER * ms / 1000


def _passing(best_first: Sequence[Sent], spare: float) -> Ladder:
    """H.264: what is sent is the ladder; a large layer that is alone gets a smaller one, if the machine bears it."""
    passed: dict[str, Passed] = {}
    for one in best_first:
        name = f"v{min(one.width, one.height)}"
        passed.setdefault(name, Passed(name, one))
    layers = tuple(passed.values())
    if len(layers) != 1 or min(layers[0].sent.width, layers[0].sent.height) <= LOW_LINES:
        return Ladder(passed=layers)
    only = layers[0].sent
    for rate in RATES:
        made = (rung(only, LOW_LINES, rate),)
        takes = cores(Codec.H264, only, made)
        if takes <= spare:
            return Ladder(passed=layers, made=made, from_=only.layer, cores=takes)
    return Ladder(passed=layers)


def _making(codec: Codec, best_first: Sequence[Sent], spare: float) -> Ladder | Unsuited:
    """Everything is coded here: of the best layer, if that is too much of a lesser one."""
    for of in best_first:
        for lines, rate in WISHES:
            made = {each.name: each for each in (rung(of, each, rate) for each in lines)}
            takes = cores(codec, of, tuple(made.values()))
            if takes <= spare:
                return Ladder(made=tuple(made.values()), from_=of.layer, cores=takes)
    return Unsuited.MACHINE if best_first else Ladder()


def _bit_rate(lines: int) -> float:
    known = next((each for each in BIT_RATES if each <= lines), min(BIT_RATES))
    share: float = (lines / known) ** 1.5
    return BIT_RATES[known] * share


def _even(number: int) -> int:
    return max(16, number // 2 * 2)
