"""Which frames of a stream with layers inside (SVC) one subscriber gets.

A decode target is chosen where a picture begins: the best that is wanted, can be decoded, and whose chain misses
nothing that we left out. Sizes that need each other only at keyframes (L3T3_KEY) begin there, smaller ones too: until
then what is sent goes on, as with simulcast.

What the publisher's way lost is not judged here: it is asked for, and may still come; a receiver that waits in vain
asks for a keyframe itself. Frames that cannot be read (the first packet of their keyframe is missing) go on whole.
"""

from __future__ import annotations

from attrs import define, frozen

from media.forwarder.api import Layer, Want
from media.forwarder.plain.dependency import FRAME_MOD, NOT_PRESENT, Frame, Structure

#: Frames whose fate is remembered, more than a second. What lies before them is taken as sent.
REMEMBERED = 128


def layers_in(structure: Structure, active: int, highest: Layer) -> frozenset[Layer]:
    """What can be chosen from; `highest` is the layer of the stream."""
    if not structure.protected_by:
        return frozenset({highest})
    top, targets = _top(structure), enumerate(structure.targets)
    return frozenset(_layer(top - each[0], highest) for at, each in targets if active >> at & 1)


def served_by(frame: Frame, structure: Structure, highest: Layer) -> frozenset[Layer]:
    """The layers whose subscribers get this frame."""
    if not structure.protected_by:
        return frozenset({highest})
    top, targets = _top(structure), zip(structure.targets, frame.kind.dtis, strict=False)
    return frozenset(_layer(top - each[0], highest) for each, dti in targets if dti != NOT_PRESENT)


def _top(structure: Structure) -> int:
    """The highest spatial layer of all."""
    return max(spatial for spatial, _ in structure.targets)


def _layer(below: int, highest: Layer) -> Layer:
    """Which of the three layers of a track it is: the largest size is that of its stream, HIGH without simulcast."""
    return Layer(max(0, highest - below))


@frozen
class Verdict:
    """Attributes:
    marker: the last packet that the subscriber gets of this picture.
    layer: what is sent now, None: nothing can be decoded.
    needs_keyframe: pictures of another size are wanted, and cannot begin here.
    """

    forward: bool
    marker: bool
    layer: Layer | None
    needs_keyframe: bool


@define(eq=False)
class Selection:
    """Of one subscriber, from a keyframe of one stream on: `frame.structure` is set in its first packet.

    Attributes:
        highest: the layer of the stream.
    """

    highest: Layer = Layer.HIGH
    _structure: Structure | None = None
    _active: int = 0
    _active_back: int = 0  # so many frames before the newest one said it
    _target: int | None = None
    _spatial: int = -1  # of the target
    _layer: Layer | None = None
    _newest: int = 0  # unrolled frame number
    _timestamp: int | None = None
    _needs_keyframe: bool = False
    _intact: int = 0  # bit i: of chain i nothing was left out
    # Bit (newest - n): frame n.
    _sent: int = 0
    _left_out: int = 0

    def judge(
        self, frame: Frame, timestamp: int, want: Want, *, late: bool = False
    ) -> Verdict | None:
        """What becomes of a packet; None before the first structure, or where it has no chains.

        Args:
            late: a packet with a higher number came before.
        """
        back = self._arrived(frame, late)
        structure = self._structure
        if structure is None or not structure.protected_by:
            return None
        if frame.active is not None and back <= self._active_back:
            self._active, self._active_back = frame.active, back
        if back >= REMEMBERED:
            return self._verdict(frame, forward=False)
        bit = 1 << back
        if not (self._sent | self._left_out) & bit:
            if back == 0:
                self._follow_chains(frame)
                if timestamp != self._timestamp:
                    self._timestamp = timestamp
                    self._choose(structure, want)
            if self._belongs(frame, back):
                self._sent |= bit
            else:
                self._left_out |= bit
        return self._verdict(frame, forward=bool(self._sent & bit))

    def _arrived(self, frame: Frame, late: bool) -> int:
        """How many frames before the newest one it is.

        A keyframe whose number is an old one, but which is not late, comes of an encoder that counts anew.
        """
        delta = (frame.number - self._newest) % FRAME_MOD
        begun = self._structure is not None
        old = begun and delta >= FRAME_MOD // 2
        if frame.structure is not None and not (begun and delta == 0) and not (old and late):
            self._begin(frame)
            return 0
        if not begun:
            return 0
        if old:
            return FRAME_MOD - delta
        self._newest += delta
        self._active_back += delta
        shift = min(delta, REMEMBERED)
        self._sent = self._sent << shift & _MASK
        self._left_out = self._left_out << shift & _MASK
        return 0

    def _begin(self, frame: Frame) -> None:
        """A keyframe: what was before means nothing to what follows."""
        self._structure = frame.structure
        self._newest = frame.number + FRAME_MOD
        self._active_back = 0
        self._target, self._timestamp = None, None
        self._sent = self._left_out = self._intact = 0

    def _follow_chains(self, frame: Frame) -> None:
        for chain, diff in enumerate(frame.kind.chain_diffs):
            if diff == 0:
                if self._refers_to_sent(frame, 0):
                    self._intact |= 1 << chain
            elif self._left_out >> diff & 1:
                self._intact &= ~(1 << chain)

    def _choose(self, structure: Structure, want: Want) -> None:
        """Where a picture begins. Where nothing is so small, the smallest that there is."""
        top = _top(structure)
        limit = max(0, top - max(0, self.highest - want.layer))
        active = [
            (*layers, target)
            for target, layers in enumerate(structure.targets)
            if self._active >> target & 1
        ]
        wanted = [each for each in active if each[0] <= limit and each[1] <= want.temporal]
        wanted = wanted or sorted(active)[:1]
        can = [each for each in wanted if self._can(structure, each[2])]
        best = max(can, key=lambda each: each[:2], default=None)
        if best is not None:
            self._target = best[2]
        elif self._target is not None and not self._can(structure, self._target):
            self._target = None
        largest = max((spatial for spatial, *_ in wanted), default=-1)
        self._needs_keyframe = largest > (-1 if best is None else best[0])
        self._spatial, self._layer = -1, None
        if self._target is not None:
            self._spatial = structure.targets[self._target][0]
            self._layer = _layer(top - self._spatial, self.highest)

    def _can(self, structure: Structure, target: int) -> bool:
        chain = structure.protected_by[target]
        return bool(self._active >> target & self._intact >> chain & 1)

    def _belongs(self, frame: Frame, back: int) -> bool:
        dtis, target = frame.kind.dtis, self._target
        # Fewer targets: what a late keyframe of another structure says.
        if target is None or target >= len(dtis) or dtis[target] == NOT_PRESENT:
            return False
        return self._refers_to_sent(frame, back)

    def _refers_to_sent(self, frame: Frame, back: int) -> bool:
        return not any(self._left_out >> back + diff & 1 for diff in frame.kind.diffs)

    def _verdict(self, frame: Frame, *, forward: bool) -> Verdict:
        return Verdict(
            forward,
            marker=forward and frame.end and frame.kind.spatial == self._spatial,
            layer=self._layer,
            needs_keyframe=self._needs_keyframe,
        )


_MASK = (1 << REMEMBERED) - 1
