"""The dependency descriptor: which layers a frame belongs to, and what it needs (AV1 RTP payload v1.0, appendix A).

It is in the clear with end-to-end encryption too, and describes VP9 as well as AV1. What a stream is made of (its
`Structure`) comes with keyframes; other packets refer to its templates, mostly with three bytes.
"""

from __future__ import annotations

from attrs import define, frozen

from media.forwarder.plain.rtp import Malformed

FRAME_MOD = 1 << 16
#: Template ids have six bits.
MOST_TEMPLATES = 64
#: No codec refers to more frames than it has reference slots (AV1 6.8.2: eight).
MOST_DIFFS = 8
#: Layers that VP9 (RFC 9628 4.2) and AV1 (6.2.3) number with two and three bits.
MOST_SPATIAL, MOST_TEMPORAL = 4, 8

#: Decode target indications (table A.1).
NOT_PRESENT, DISCARDABLE, SWITCH, REQUIRED = range(4)


@frozen
class Template:
    """A kind of frame.

    Attributes:
        dtis: for each decode target what the frame is to it.
        diffs: how many frames before this one those are that it refers to.
        chain_diffs: for each chain, how many frames before this one its last is; 0: it begins here.
    """

    spatial: int
    temporal: int
    dtis: tuple[int, ...]
    diffs: tuple[int, ...]
    chain_diffs: tuple[int, ...]


@frozen
class Structure:
    """Attributes:
    offset: the id of the first template.
    targets: (spatial, temporal) of each decode target.
    protected_by: the chain of each decode target; empty without chains.
    resolutions: (width, height) of each spatial layer; empty where not told.
    """

    offset: int
    templates: tuple[Template, ...]
    targets: tuple[tuple[int, int], ...]
    protected_by: tuple[int, ...]
    resolutions: tuple[tuple[int, int], ...]


@frozen
class Frame:
    """What one packet says of its frame.

    Attributes:
        number: uint16.
        start, end: the frame begins, ends with this packet.
        structure: in the first packet of a keyframe.
        active: bit i: decode target i can be decoded from here on; None: as before.
        kind: its template, or what stands instead of parts of it.
    """

    number: int
    start: bool
    end: bool
    structure: Structure | None
    active: int | None
    kind: Template


def parse_frame(data: bytes, known: Structure | None) -> Frame:
    """The descriptor of a packet; `known` is the structure of the last keyframe.

    Raises:
        Malformed: it ends too early, has more of something than there can be, or names no template that is known.
    """
    bits = _Bits(int.from_bytes(data, "big"), 8 * len(data))
    start, end = bool(bits.take(1)), bool(bits.take(1))
    id_, number = bits.take(6), bits.take(16)
    structure, active = None, None
    own_dtis = own_diffs = own_chains = 0
    if len(data) > 3:
        has_structure, has_active = bits.take(1), bits.take(1)
        own_dtis, own_diffs, own_chains = bits.take(1), bits.take(1), bits.take(1)
        if has_structure:
            structure = known = _structure(bits)
            active = (1 << len(structure.targets)) - 1
        if has_active:
            if known is None:
                raise Malformed("descriptor without a structure")
            active = bits.take(len(known.targets))
    if known is None:
        raise Malformed("descriptor without a structure")
    at = (id_ - known.offset) % MOST_TEMPLATES
    if at >= len(known.templates):
        raise Malformed("descriptor names no template")
    kind = known.templates[at]
    if own_dtis or own_diffs or own_chains:
        kind = Template(
            kind.spatial,
            kind.temporal,
            tuple(bits.take(2) for _ in kind.dtis) if own_dtis else kind.dtis,
            _own_diffs(bits) if own_diffs else kind.diffs,
            tuple(bits.take(8) for _ in kind.chain_diffs) if own_chains else kind.chain_diffs,
        )
    return Frame(number, start, end, structure, active, kind)


@define
class _Bits:
    """High to low order."""

    _value: int
    _left: int

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise Malformed("descriptor is cut off")
        return self._value >> self._left & (1 << count) - 1

    def take_below(self, limit: int) -> int:
        """A number of 0..limit-1, the lower ones in a bit less: `ns(n)` of A.8.2."""
        width = limit.bit_length()
        short = (1 << width) - limit
        value = self.take(width - 1)
        return value if value < short else (value << 1) - short + self.take(1)


def _structure(bits: _Bits) -> Structure:
    offset, targets = bits.take(6), bits.take(5) + 1
    layers = _layers(bits)
    dtis = [tuple(bits.take(2) for _ in range(targets)) for _ in layers]
    diffs = [_template_diffs(bits) for _ in layers]
    chains = bits.take_below(targets + 1)
    protected_by = tuple(bits.take_below(chains) for _ in range(targets)) if chains else ()
    templates = tuple(
        Template(spatial, temporal, dtis[at], diffs[at], tuple(bits.take(4) for _ in range(chains)))
        for at, (spatial, temporal) in enumerate(layers)
    )
    return Structure(
        offset,
        templates,
        tuple(_target(templates, target) for target in range(targets)),
        protected_by,
        _resolutions(bits, layers[-1][0] + 1) if bits.take(1) else (),
    )


def _layers(bits: _Bits) -> list[tuple[int, int]]:
    """(spatial, temporal) of each template: A.8.2, `template_layers`."""
    layers = [(0, 0)]
    while (then := bits.take(2)) != 3:
        spatial, temporal = layers[-1]
        if then == 1:
            temporal += 1
        elif then == 2:
            spatial, temporal = spatial + 1, 0
        layers.append((spatial, temporal))
        too_many = spatial >= MOST_SPATIAL or temporal >= MOST_TEMPORAL
        if too_many or len(layers) > MOST_TEMPLATES:
            raise Malformed("descriptor has too many templates")
    return layers


def _template_diffs(bits: _Bits) -> tuple[int, ...]:
    diffs: list[int] = []
    while bits.take(1):
        diffs.append(bits.take(4) + 1)
        _bound(diffs)
    return tuple(diffs)


def _own_diffs(bits: _Bits) -> tuple[int, ...]:
    diffs: list[int] = []
    while size := bits.take(2):
        diffs.append(bits.take(4 * size) + 1)
        _bound(diffs)
    return tuple(diffs)


def _bound(diffs: list[int]) -> None:
    if len(diffs) > MOST_DIFFS:
        raise Malformed("descriptor refers to too many frames")


def _target(templates: tuple[Template, ...], target: int) -> tuple[int, int]:
    """The highest layers that are present in it."""
    present = [each for each in templates if each.dtis[target] != NOT_PRESENT]
    return (
        max((each.spatial for each in present), default=0),
        max((each.temporal for each in present), default=0),
    )


def _resolutions(bits: _Bits, layers: int) -> tuple[tuple[int, int], ...]:
    return tuple((bits.take(16) + 1, bits.take(16) + 1) for _ in range(layers))
