"""A teacher's camera in AV1 with layers inside one stream, and the pupil who gets it from a forwarder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from attrs import define, evolve, field

from media.forwarder.api import (
    Codec,
    Event,
    Forwarder,
    Forwarding,
    Layer,
    LayersSeen,
    TrackIn,
    Transmit,
    Want,
)
from media.forwarder.plain.dependency import Structure
from media.forwarder.plain.rtcp import KeyframeWish, parse_rtcp
from media.forwarder.plain.rtp import RtpPacket
from tests.media.forwarder.descriptors import L1T3, L2T1, L3T1_KEY, L3T3, L3T3_KEY, write_frame
from tests.media.forwarder.ends import MID, End, rtp
from tests.media.forwarder.histories import PLAIN_CAMERA_IN, TEACHER, camera_down, pupil

DESCRIPTOR, SSRC, PUPIL = 13, 1003, pupil(1)
CAMERA: TrackIn = evolve(
    PLAIN_CAMERA_IN,
    payload_types={45: Codec.AV1},
    rtx={},
    extensions=evolve(PLAIN_CAMERA_IN.extensions, dependency_descriptor=DESCRIPTOR),
)
_DOWN = camera_down(1)
DOWN = evolve(
    _DOWN,
    payload_types={Codec.AV1: (35, 36)},
    extensions=evolve(_DOWN.extensions, dependency_descriptor=11),
)
#: Nobody can tell what may begin where.
CHAINLESS = evolve(
    L3T1_KEY,
    protected_by=(),
    templates=tuple(evolve(each, chain_diffs=()) for each in L3T1_KEY.templates),
)
#: Templates of a keyframe's picture, and of those that follow, in turn.
PICTURES: Sequence[tuple[Structure, list[int], list[list[int]]]] = (
    (L3T1_KEY, [0, 2, 4], [[1, 3, 5]]),
    (L2T1, [0, 2], [[1, 3]]),
    (L1T3, [0], [[3], [2], [4], [1]]),
    L3T3,
    L3T3_KEY,
    (CHAINLESS, [0, 2, 4], [[1, 3, 5]]),
)
APART, TWO, RATES, ALL, ALL_APART, UNCHAINED = range(6)


@define(eq=False)
class Film:
    """Sent by the teacher. Each packet says the number of its picture and its layers.

    Attributes:
        kind: place in `PICTURES`; a change begins with the next keyframe.
        parts: packets of each frame.
        active: of the next packets.
    """

    forwarder: Forwarder
    kind: int = 0
    numbered: bool = True
    track: TrackIn = CAMERA
    parts: int = 1
    active: int | None = None
    now: float = 10.0
    frames: int = 0
    _teacher: End = field(factory=lambda: End(TEACHER))
    _pupil: End = field(factory=lambda: End(PUPIL))
    _sequence: int = 0
    _pictures: int = 0
    _since_key: int = 0
    events: list[Event] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.forwarder.add_peer(TEACHER, self._teacher.keys)
        self.forwarder.add_peer(PUPIL, self._pupil.keys)
        self.forwarder.add_track(self.track)
        down = DOWN if self.numbered else evolve(DOWN, extensions=_DOWN.extensions)
        self.forwarder.add_down(down, Want())

    def want(self, layer: Layer, temporal: int = 3) -> None:
        self.forwarder.set_want(DOWN.id, Want(layer=layer, temporal=temporal))

    def packets(self, *, key: bool, described: bool = True, ssrc: int = SSRC) -> list[bytes]:
        """Of the next picture."""
        structure, first, following = PICTURES[self.kind]
        self._since_key = 0 if key else self._since_key + 1
        templates = first if key else following[(self._since_key - 1) % len(following)]
        made = []
        for place, template in enumerate(templates):
            kind = structure.templates[template]
            for part in range(self.parts):
                start, end = part == 0, part == self.parts - 1
                begins = key and place == 0 and start
                words = b"%d: %d.%d" % (self._pictures, kind.spatial, kind.temporal)
                if self.track.encrypted:
                    words = bytes(each ^ 0xA5 for each in words)
                descriptor = write_frame(
                    self.frames,
                    template,
                    structure,
                    start=start,
                    end=end,
                    key=begins,
                    active=self.active,
                )
                made.append(
                    rtp(
                        ssrc=ssrc,
                        sequence=self._sequence & 0xFFFF,
                        timestamp=self._pictures * 3_600,
                        marker=end and place == len(templates) - 1,
                        payload_type=45,
                        payload=bytes((0x18 if begins else 0x10,)) + words,
                        elements={MID: self.track.mid.encode()}
                        | ({DESCRIPTOR: descriptor} if described else {}),
                    )
                )
                self._sequence += 1
            self.frames += 1
        self._pictures += 1
        return made

    def send(self, packets: Sequence[bytes]) -> list[Transmit]:
        self.now += 0.04
        for packet in packets:
            self.forwarder.receive(TEACHER, self._teacher.protect(packet), self.now)
        self.forwarder.poll(self.now)
        self.events += self.forwarder.take_events()
        return list(self.forwarder.take_output())

    def give(self, packets: Sequence[bytes]) -> list[RtpPacket]:
        """What the pupil gets of these."""
        read = [self._pupil.read(each.data) for each in self.send(packets) if each.peer == PUPIL]
        return [one for one in read if isinstance(one, RtpPacket)]

    def show(self, count: int = 1, *, key: bool = False) -> list[RtpPacket]:
        """And of so many pictures; `key`: the first is a keyframe."""
        got = []
        for number in range(count):
            got += self.give(self.packets(key=key and number == 0))
        return got

    def told(self) -> list[Layer]:
        """What the pupil was sent, as the room heard it."""
        told = [each.layer for each in self.events if isinstance(each, Forwarding)]
        return [layer for layer in told if layer is not None]

    def seen(self) -> list[frozenset[Layer]]:
        """What there was to choose from, as the room heard it."""
        return [each.layers for each in self.events if isinstance(each, LayersSeen)]

    def asked(self) -> bool:
        """Whether a keyframe is asked of the teacher with the next picture."""
        sent = [each for each in self.send(self.packets(key=False)) if each.peer == TEACHER]
        items = [item for each in sent if 192 <= each.data[1] <= 223 for item in self._rtcp(each)]
        return any(isinstance(item, KeyframeWish) for item in items)

    def _rtcp(self, each: Transmit) -> list[object]:
        read = self._teacher.read(each.data)
        return list(parse_rtcp(read)) if isinstance(read, bytes) else []


def sizes(got: Sequence[RtpPacket]) -> list[int]:
    """Spatial layers of what came."""
    return [int(one.payload.split(b": ")[1][:1]) for one in got]


def numbers_without_holes(got: Sequence[RtpPacket]) -> bool:
    return all(after.sequence == before.sequence + 1 for before, after in pairwise(got))
