"""A subscriber who tells of arrivals (transport-cc), behind a narrow line: numbers, the estimate, and probes."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from attrs import define, evolve, field

from media.forwarder.api import Estimate, Event, Forwarder, Want
from media.forwarder.plain.feedback import TransportFeedback
from media.forwarder.plain.rtcp_build import build_nack
from media.forwarder.plain.rtp import RtpPacket
from media.ids import PeerId
from tests.media.forwarder.conftest import IMPLEMENTATIONS
from tests.media.forwarder.ends import MID, RID, End, rtp, vp8
from tests.media.forwarder.histories import CAMERA_IN, TEACHER, camera_down
from tests.media.forwarder.link import Line

TRANSPORT = 6
_DOWN = camera_down(1)
NUMBERED = evolve(_DOWN, extensions=evolve(_DOWN.extensions, transport_cc=TRANSPORT))
PUPIL = _DOWN.peer
STEP_S, PICTURE_S = 0.005, 0.04


class Heard(NamedTuple):
    """What one step brought."""

    sent: list[bytes]
    events: list[Event]


@define(eq=False)
class Lesson:
    """A teacher's camera of `camera_bps` on its way to a pupil behind `line`."""

    forwarder: Forwarder
    line: Line
    camera_bps: int
    numbers: list[int] = field(factory=list)  # transport-wide, as sent
    ssrcs: list[int] = field(factory=list)
    estimates: list[Estimate] = field(factory=list)
    asks: int | None = None  # SSRC of what it asks for again, the last packet each time
    keyframes: dict[int, int] = field(factory=dict)  # number of a picture → its bytes
    _teacher: End = field(factory=lambda: End(TEACHER))
    _pupil: End = field(factory=lambda: End(PUPIL))
    _pictures: int = 0
    _packets: int = 0
    _feedback: TransportFeedback = field(factory=TransportFeedback)
    _coming: list[tuple[float, int]] = field(factory=list)
    _answers: list[tuple[float, bytes]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.forwarder.add_peer(TEACHER, self._teacher.keys)
        self.forwarder.add_peer(PUPIL, self._pupil.keys)
        self.forwarder.add_track(CAMERA_IN)
        self.forwarder.add_down(NUMBERED, Want())

    def play(self, begin: float, until: float) -> Iterator[Heard]:
        for step in range(int(begin / STEP_S), int(until / STEP_S)):
            now = step * STEP_S
            if now >= self._pictures * PICTURE_S:
                self._picture(now)
            while self._coming and self._coming[0][0] <= now:
                at, number = heapq.heappop(self._coming)
                self._feedback.arrived(number, 1, at)
            self._answers += [(now + 0.02, each) for each in self._feedback.poll(now)]
            while self._answers and self._answers[0][0] <= now:
                self.forwarder.receive(PUPIL, self._pupil.protect(self._answers.pop(0)[1]), now)
            self.forwarder.poll(now)
            sent = [each.data for each in self.forwarder.take_output() if each.peer == PUPIL]
            for datagram in sent:
                self._arrives(datagram, now)
            events = list(self.forwarder.take_events())
            self.estimates += [each for each in events if isinstance(each, Estimate)]
            yield Heard(sent, events)

    def _picture(self, now: float) -> None:
        left = self.keyframes.get(self._pictures, int(self.camera_bps * PICTURE_S / 8))
        key = self._pictures == 0 or self._pictures in self.keyframes
        whole = left
        while left > 0:
            body = bytes(min(left, 1_100))
            payload = vp8(self._pictures, key=key, start=left == whole, body=body)
            left -= len(body)
            packet = rtp(
                ssrc=1_001,
                sequence=self._packets & 0xFFFF,
                payload=payload,
                timestamp=self._pictures * 3_600,
                marker=left <= 0,
                elements={MID: CAMERA_IN.mid.encode(), RID: b"q"},
            )
            self._packets += 1
            self.forwarder.receive(TEACHER, self._teacher.protect(packet), now)
        self._pictures += 1

    def _arrives(self, datagram: bytes, now: float) -> None:
        at = self.line.arrival(len(datagram), now)
        packet = self._pupil.read(datagram)
        if not isinstance(packet, RtpPacket):
            return
        number = int.from_bytes(packet.elements[TRANSPORT], "big")
        self.numbers.append(number)
        self.ssrcs.append(packet.ssrc)
        if at is not None:
            heapq.heappush(self._coming, (at, number))
        if packet.ssrc == self.asks:
            self._answers.append((now + 0.03, build_nack(packet.ssrc, [packet.sequence])))


def finish(steps: Iterator[Heard]) -> list[Heard]:
    return list(steps)


def test_every_packet_has_its_own_number(make: Callable[[], Forwarder]) -> None:
    """Pictures, and those that are sent again by RTX, are numbered through."""
    lesson = Lesson(make(), Line(10_000_000), 300_000, asks=NUMBERED.ssrc)
    finish(lesson.play(0.0, 2.0))
    assert lesson.numbers == list(range(len(lesson.numbers)))
    assert set(lesson.ssrcs) == {NUMBERED.ssrc, NUMBERED.rtx_ssrc}


def test_a_line_that_becomes_narrow_is_noticed(make: Callable[[], Forwarder]) -> None:
    """A camera of 1 Mbit/s, a line of 0.5: two seconds later the estimate is below that, and it is a measured one."""
    line = Line(10_000_000)
    lesson = Lesson(make(), line, 1_000_000)
    finish(lesson.play(0.0, 5.0))
    assert min(each.bitrate_bps for each in lesson.estimates) > 1_000_000
    line.bandwidth_bps = 500_000
    finish(lesson.play(5.0, 7.0))
    last = lesson.estimates[-1]
    assert last.measured
    assert last.bitrate_bps < 500_000
    assert last.peer == PUPIL


def test_a_wish_is_probed_for_with_padding(make: Callable[[], Forwarder]) -> None:
    """After a fall, on a line that is wide again: trains on the RTX stream raise the estimate to what is wished for."""
    line = Line(150_000)
    lesson = Lesson(make(), line, 200_000)
    finish(lesson.play(0.0, 6.0))
    assert lesson.estimates[-1].bitrate_bps < 200_000
    assert NUMBERED.rtx_ssrc not in lesson.ssrcs
    line.bandwidth_bps = 10_000_000
    lesson.forwarder.set_wish(PUPIL, 1_500_000)
    finish(lesson.play(6.0, 16.0))
    assert lesson.estimates[-1].bitrate_bps >= 1_500_000
    padding = lesson.ssrcs.count(NUMBERED.rtx_ssrc)
    assert padding > 20
    lesson.forwarder.set_wish(PUPIL, 0)
    finish(lesson.play(16.0, 20.0))
    assert lesson.ssrcs.count(NUMBERED.rtx_ssrc) == padding
    with pytest.raises(KeyError):
        lesson.forwarder.set_wish(PeerId("nobody"), 1)


def test_what_is_paused_comes_back_when_the_way_has_become_longer(
    make: Callable[[], Forwarder],
) -> None:
    """From a good line to a narrow one 120 ms away (Wi-Fi to mobile), where nothing is sent but trains.

    How long the way was before says nothing of it: the trains would seem to have waited, for ever.
    """
    line = Line(10_000_000)
    lesson = Lesson(make(), line, 1_000_000)
    finish(lesson.play(0.0, 6.0))
    line.bandwidth_bps, line.delay_s = 60_000, 0.14
    finish(lesson.play(6.0, 9.0))
    lesson.forwarder.set_want(NUMBERED.id, Want(paused=True))
    line.bandwidth_bps = 400_000
    finish(lesson.play(9.0, 9.5))
    assert lesson.estimates[-1].bitrate_bps <= 110_000
    lesson.forwarder.set_wish(PUPIL, 3_000_000)
    finish(lesson.play(9.5, 25.0))
    assert NUMBERED.rtx_ssrc in lesson.ssrcs
    assert 250_000 < lesson.estimates[-1].bitrate_bps < 400_000


def test_without_answers_there_is_no_estimate(make: Callable[[], Forwarder]) -> None:
    """Of a subscriber who never tells of arrivals nothing is measured and nothing probed."""
    lesson = Lesson(make(), Line(0.001, queue_s=0.0), 200_000)
    lesson.forwarder.set_wish(PUPIL, 5_000_000)
    finish(lesson.play(0.0, 6.0))
    assert not lesson.estimates
    assert NUMBERED.rtx_ssrc not in lesson.ssrcs


@pytest.mark.skipif(
    "native" not in IMPLEMENTATIONS, reason="the native forwarder is not built (make native)"
)
def test_both_judge_a_line_alike() -> None:
    """Over a line that narrows, loses, widens and gets longer: the same bytes and estimates after every step."""
    lines = [Line(3_000_000, jitter_s=0.01, loss=0.01) for _ in range(2)]
    plain, native = (
        Lesson(IMPLEMENTATIONS[name](), line, 900_000)
        for name, line in zip(("plain", "native"), lines, strict=True)
    )
    for lesson in (plain, native):
        lesson.forwarder.set_wish(PUPIL, 3_000_000)
        lesson.keyframes = {150: 60_000, 300: 50_000, 301: 50_000, 600: 600_000}
    for begin, until, bandwidth in ((0, 8, 3e6), (8, 18, 4e5), (18, 30, 2.5e6)):
        for line in lines:
            line.bandwidth_bps = bandwidth
        for one, other in zip(plain.play(begin, until), native.play(begin, until), strict=True):
            assert one == other
    assert len(plain.estimates) > 10
    assert NUMBERED.rtx_ssrc in plain.ssrcs

    before_bps = plain.estimates[-1].bitrate_bps
    for line in lines:
        line.delay_s, line.loss = 0.3, 0.0
    for begin, until, camera_bps in ((30, 31, 900_000), (31, 36, 300_000)):
        for lesson in (plain, native):
            lesson.camera_bps = camera_bps
        for one, other in zip(plain.play(begin, until), native.play(begin, until), strict=True):
            assert one == other
    assert min(told.bitrate_bps for told in plain.estimates[-5:]) < before_bps / 2
    assert plain.estimates[-1].bitrate_bps >= before_bps
