"""Writes dependency descriptors (AV1 RTP payload v1.0, A.8.2) and the structures of usual streams."""

from __future__ import annotations

from itertools import pairwise

from attrs import define

from media.forwarder.plain.dependency import Structure, Template


@define
class _Writer:
    bits: str = ""

    def put(self, count: int, value: int) -> None:
        self.bits += f"{value:0{count}b}" if count else ""

    def put_below(self, limit: int, value: int) -> None:
        width = limit.bit_length()
        short = (1 << width) - limit
        if value < short:
            self.put(width - 1, value)
        else:
            self.put(width, value + short)

    def to_bytes(self) -> bytes:
        padded = self.bits + "0" * (-len(self.bits) % 8)
        return int("1" + padded, 2).to_bytes(len(padded) // 8 + 1, "big")[1:]


def write_frame(
    number: int,
    template: int,
    known: Structure,
    *,
    start: bool = True,
    end: bool = True,
    key: bool = False,
    active: int | None = None,
    own: Template | None = None,
) -> bytes:
    """`template` is a place in `known`; `own` writes DTIs, differences and chains out."""
    to = _Writer()
    to.put(1, start)
    to.put(1, end)
    to.put(6, (known.offset + template) % 64)
    to.put(16, number % 65536)
    if key or active is not None or own is not None:
        to.put(1, key)
        to.put(1, active is not None)
        to.put(3, 0 if own is None else 7)
    if key:
        _put_structure(to, known)
    if active is not None:
        to.put(len(known.targets), active)
    if own is not None:
        for dti in own.dtis:
            to.put(2, dti)
        for diff in own.diffs:
            size = 1 if diff <= 16 else 2 if diff <= 256 else 3
            to.put(2, size)
            to.put(4 * size, diff - 1)
        to.put(2, 0)
        for diff in own.chain_diffs:
            to.put(8, diff)
    return to.to_bytes()


def _put_structure(to: _Writer, structure: Structure) -> None:
    to.put(6, structure.offset)
    to.put(5, len(structure.targets) - 1)
    templates = structure.templates
    for before, after in pairwise(templates):
        same = before.spatial == after.spatial
        to.put(2, 2 if not same else int(after.temporal > before.temporal))
    to.put(2, 3)
    for template in templates:
        for dti in template.dtis:
            to.put(2, dti)
    for template in templates:
        for diff in template.diffs:
            to.put(5, 16 | diff - 1)
        to.put(1, 0)
    chains = len(templates[0].chain_diffs)
    to.put_below(len(structure.targets) + 1, chains)
    if chains:
        for chain in structure.protected_by:
            to.put_below(chains, chain)
        for template in templates:
            for diff in template.chain_diffs:
                to.put(4, diff)
    to.put(1, bool(structure.resolutions))
    for width, height in structure.resolutions:
        to.put(16, width - 1)
        to.put(16, height - 1)


#: One SSRC, three sizes that need no smaller one but at keyframes. Templates: 0..2 of keyframes, 3..5 of others.
L3T1_KEY = Structure(
    offset=60,
    templates=(
        Template(0, 0, (2, 2, 2), (), (0, 0, 0)),
        Template(0, 0, (2, 0, 0), (3,), (3, 2, 1)),
        Template(1, 0, (0, 2, 2), (1,), (1, 1, 1)),
        Template(1, 0, (0, 2, 0), (3,), (1, 3, 2)),
        Template(2, 0, (0, 0, 2), (1,), (2, 1, 1)),
        Template(2, 0, (0, 0, 2), (3,), (2, 1, 3)),
    ),
    targets=((0, 0), (1, 0), (2, 0)),
    protected_by=(0, 1, 2),
    resolutions=((320, 180), (640, 360), (1280, 720)),
)
#: One size, three rates. Templates: keyframe, base, middle, and the two of the top.
L1T3 = Structure(
    offset=7,
    templates=(
        Template(0, 0, (2, 2, 2), (), (0,)),
        Template(0, 0, (2, 2, 2), (4,), (4,)),
        Template(0, 1, (0, 1, 2), (2,), (2,)),
        Template(0, 2, (0, 0, 1), (1,), (1,)),
        Template(0, 2, (0, 0, 1), (1,), (3,)),
    ),
    targets=((0, 0), (0, 1), (0, 2)),
    protected_by=(0, 0, 0),
    resolutions=(),
)
#: Two sizes, the large one always beside the small one. Templates: both of a keyframe, both of others in turn.
L2T1 = Structure(
    offset=0,
    templates=(
        Template(0, 0, (2, 2), (), (0, 0)),
        Template(0, 0, (2, 3), (2,), (2, 1)),
        Template(1, 0, (0, 2), (1,), (1, 1)),
        Template(1, 0, (0, 3), (1, 2), (1, 1)),
    ),
    targets=((0, 0), (1, 0)),
    protected_by=(0, 1),
    resolutions=(),
)


def _cycle(*, apart: bool) -> tuple[Structure, list[int], list[list[int]]]:
    """Three sizes in three rates (W3C webrtc-svc, L3T3, and `apart` L3T3_KEY): made by playing nine pictures.

    Returns:
        The structure, and the templates of a keyframe's picture and of the four that follow, in turn.
    """
    last_of_chain, number = [0, 0, 0], 0
    pictures: list[list[Template]] = []
    for picture in range(9):
        temporal = (0, 2, 1, 2)[picture % 4]
        key, builds_on = picture == 0, (4, 1, 2, 1)[picture % 4]  # so many pictures before
        pictures.append([])
        for spatial in range(3):
            builds = spatial > 0 and (key or not apart)
            diffs = ([1] if builds else []) + ([] if key else [3 * builds_on])
            alone = apart and not key
            template = Template(
                spatial,
                temporal,
                tuple(
                    0
                    if temporal > rate or (spatial != size if alone else spatial > size)
                    else 1
                    if temporal == 2
                    else 2
                    for size in range(3)
                    for rate in range(3)
                ),
                tuple(diffs),
                tuple(0 if key and not spatial else number - last for last in last_of_chain),
            )
            if temporal == 0:
                for chain in range(3):
                    if spatial == chain if alone else spatial <= chain:
                        last_of_chain[chain] = number
            pictures[-1].append(template)
            number += 1
    used = [template for shown in (pictures[0], *pictures[5:]) for template in shown]
    ordered = sorted(used, key=lambda each: (each.spatial, each.temporal))
    structure = Structure(
        offset=20,
        templates=tuple(ordered),
        targets=tuple((size, rate) for size in range(3) for rate in range(3)),
        protected_by=(0, 0, 0, 1, 1, 1, 2, 2, 2),
        resolutions=((320, 180), (640, 360), (1280, 720)),
    )
    places = [[ordered.index(template) for template in shown] for shown in pictures]
    return structure, places[0], places[5:9]


#: What livekit-client asks of Chromium's VP9 and AV1 (`L3T3_KEY`), and what it may be told to ask (`L3T3`).
L3T3, L3T3_KEY = _cycle(apart=False), _cycle(apart=True)
