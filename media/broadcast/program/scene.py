"""What is on air, in the words of the producer: tracks, whose they are, and in which lines they are shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, field, frozen

from media.broadcast.cmaf.parts import Further, Rendition
from media.broadcast.hls.multivariant import Picture, Variant
from media.broadcast.ladder.choice import RATES, Ladder, Sent, cores, rung
from media.broadcast.ladder.values import Rung
from media.forwarder.api import Codec, Layer
from media.ids import TrackSid

#: The rendition with sound alone, and what its AAC may need, bits a second: 48 kbit/s for each channel, and the boxes.
SOUND = "sound"
CHANNEL_BPS, BOXES_BPS = 48_000, 16_000
#: Where there is no picture yet: the size of the still one.
NO_PICTURE = Sent(layer=Layer.LOW, width=640, height=360, bit_rate=0)
#: Bits a second that a layer of so many lines may need at most, where it has not been measured.
USUAL_BPS: Mapping[int, int] = {240: 400_000, 360: 800_000, 480: 1_300_000, 720: 2_500_000}
MOST_BPS = 6_000_000
#: A segment may need so much more than a second and a half at the beginning did.
MEASURED_TIMES = 1.5
#: Constrained baseline, level 3.1 (RFC 6184 8.1): what the answer to a publisher asks for.
CODEC = "avc1.42e01f"


@frozen(kw_only=True)
class Scene:
    """Attributes:

    picture: None: the still picture.
    publisher: whose clock the picture has; any word, equal for tracks of one connection.
    layers: of the picture, as far as announced.
    voices: each with its publisher's word.
    may_stay: tracks that may be shown until `picture` has a key frame; what was shown before and is not among them is
        dark at once.
    wants_picture: whether hosts are told when there is none.
    """

    picture: TrackSid | None = None
    publisher: str = ""
    codec: Codec = Codec.H264
    layers: frozenset[Layer] = frozenset()
    voices: Mapping[TrackSid, str] = field(factory=dict)
    may_stay: frozenset[TrackSid] = frozenset()
    wants_picture: bool = True

    @property
    def tracks(self) -> frozenset[TrackSid]:
        """Those that are on air."""
        pictures = frozenset() if self.picture is None else frozenset({self.picture})
        return pictures | self.voices.keys()

    @property
    def pictures(self) -> frozenset[TrackSid]:
        """Those that may be shown now."""
        return self.may_stay if self.picture is None else self.may_stay | {self.picture}


@frozen(kw_only=True)
class Line:
    """One size in which viewers get the picture.

    Attributes:
        name: of the rendition.
        layer: that is passed on as it is; None: `rung` is made, or there is no picture.
    """

    name: str
    width: int
    height: int
    bandwidth_bps: int
    codec: str = CODEC
    layer: Layer | None = None
    rung: Rung | None = None


def lines_of(ladder: Ladder) -> tuple[Line, ...]:
    """The smallest first: it is the surest, and the others are cut where it is. At most three."""
    found = [
        Line(
            name=one.name,
            width=one.sent.width,
            height=one.sent.height,
            bandwidth_bps=_bandwidth(one.sent),
            layer=one.sent.layer,
        )
        for one in ladder.passed
    ]
    found += [
        Line(
            name=one.name,
            width=one.width,
            height=one.height,
            bandwidth_bps=int(one.bit_rate * MEASURED_TIMES),
            rung=one,
        )
        for one in ladder.made
    ]
    found.sort(key=lambda one: one.width * one.height)
    if not found:
        found = [_still()]
    kept = found[-1 - len(Further) :]
    return tuple(kept)


def rungs_of(lines: Sequence[Line], spare_cores: float) -> Mapping[Codec, tuple[Rung, ...]]:
    """What a coder makes of each codec: of H.264 the lines that are not passed on, of VP8 all, as the machine can bear.

    Publishers follow one another: a page that sends H.264, then somebody of a call with VP8.
    """
    made = tuple({one.rung.name: one.rung for one in lines if one.rung is not None}.values())
    if all(one.layer is None for one in lines):
        return {Codec.H264: made, Codec.VP8: made}
    for count in range(len(lines), 0, -1):
        for rate in RATES:
            found = tuple(
                evolve(_rung(one, rate), name=one.name if one.rung is None else one.rung.name)
                for one in lines[:count]
            )
            largest = max(lines[:count], key=lambda one: one.width * one.height)
            source = Sent(layer=Layer.HIGH, width=largest.width, height=largest.height, bit_rate=0)
            if cores(Codec.VP8, source, found) <= spare_cores:
                return {Codec.H264: made, Codec.VP8: found}
    return {Codec.H264: made}


def _rung(line: Line, rate: int) -> Rung:
    of = Sent(layer=Layer.HIGH, width=line.width, height=line.height, bit_rate=0)
    return rung(of, min(line.width, line.height), rate)


def fitted(lines: Sequence[Line], promised: Sequence[Variant]) -> tuple[Line, ...]:
    """The lines under names that players know already, after this process has begun anew: others they do not take.

    A size that is not made any more shows the nearest that is.
    """
    pictures = [(one.rendition, one.picture) for one in promised if one.picture is not None]
    pictures.sort(key=lambda one: one[1].width * one[1].height)
    found = []
    for name, size in pictures:
        area = size.width * size.height
        near = min(lines, key=lambda one: (one.name != name, abs(one.width * one.height - area)))
        found.append(evolve(near, name=name))
    return tuple(found) if found else tuple(lines)


def announced(seen: Mapping[Layer, Sent], layers: frozenset[Layer]) -> tuple[Sent, ...]:
    """What a publisher sends, with layers that will come once its network has been measured: each doubles the sides."""
    if not seen:
        return ()
    found = dict(seen)
    for layer in layers - seen.keys():
        near = min(seen, key=lambda one: abs(one - layer))
        scale = 2.0 ** (layer - near)
        width, height = (
            max(16, int(side * scale)) for side in (seen[near].width, seen[near].height)
        )
        if max(width, height) <= 4096:
            found[layer] = Sent(layer=layer, width=width, height=height, bit_rate=0)
    return tuple(found[layer] for layer in sorted(found))


def variants_of(lines: Sequence[Line], channels: int) -> tuple[Variant, ...]:
    """For the playlist of all qualities."""
    sound_bps = channels * CHANNEL_BPS + BOXES_BPS
    return (
        *(
            Variant(
                rendition=one.name,
                bandwidth_bps=one.bandwidth_bps + sound_bps,
                picture=Picture(codec=one.codec, width=one.width, height=one.height),
            )
            for one in lines
        ),
        Variant(rendition=SOUND, bandwidth_bps=sound_bps),
    )


def names_of(lines: Sequence[Line]) -> Mapping[Rendition | Further, str]:
    """What the cutter's renditions are called."""
    sizes: tuple[Rendition | Further, ...] = (Rendition.PICTURES, *Further)
    return {
        Rendition.SOUND: SOUND,
        **{which: line.name for which, line in zip(sizes, lines, strict=False)},
    }


def _still() -> Line:
    return Line(
        name="v360", width=NO_PICTURE.width, height=NO_PICTURE.height, bandwidth_bps=100_000
    )


def _bandwidth(sent: Sent) -> int:
    if sent.bit_rate:
        return max(100_000, int(sent.bit_rate * MEASURED_TIMES))
    lines = min(sent.width, sent.height)
    return next((bps for most, bps in USUAL_BPS.items() if lines <= most), MOST_BPS)
