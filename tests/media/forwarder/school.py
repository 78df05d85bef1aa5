"""A school day out of random bytes: calls and datagrams that two forwarders get alike, ordinary and hostile ones.

Every step takes six bytes: what happens, and with whom. Numbers of packets go on mostly as a publisher's do, so that
much is really forwarded; subscribers ask for numbers and answer reports that they really got.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import shake_256
from typing import NamedTuple

from attrs import define, field, frozen
from pylibsrtp import Error

from media.forwarder.api import (
    Codec,
    Copy,
    DownTrack,
    Event,
    Extensions,
    Forwarder,
    Kind,
    Layer,
    SrtpProfile,
    Stats,
    Tap,
    TrackIn,
    Want,
)
from media.forwarder.plain.feedback import TransportFeedback
from media.forwarder.plain.rtcp import (
    ReceiverReport,
    Remb,
    ReportBlock,
    SenderReport,
    parse_rtcp,
)
from media.forwarder.plain.rtcp_build import (
    build_bye,
    build_cname,
    build_nack,
    build_pli,
    build_remb,
    build_rr,
    build_sr,
    packet,
)
from media.ids import DownId, PeerId, TrackSid
from tests.media.forwarder.ends import (
    AUDIO_LEVEL,
    MID,
    REPAIRED_RID,
    RID,
    SEND_TIME,
    TRANSPORT_CC,
    End,
    rtp,
    vp8,
)
from tests.media.forwarder.histories import RIDS

STEP_BYTES = 6
#: Seconds that pass before a step; mostly as little as between two packets.
TIMES = (
    0.0,
    0.001,
    0.004,
    0.01,
    0.0201,
    0.0333,
    0.05,
    0.1,
    0.0005,
    0.002,
    0.02,
    0.5,
    1.0,
    1.26,
    3.1,
    0.25,
)
#: How far a stream's number goes on; 1 is the ordinary case.
JUMPS = (*(1,) * 24, 2, 2, 3, 0, -1, -2, -1, 9, -9, 260, 1500, -1500, 40_000, -1024, 1001)
CAPTURE_TIME, DESCRIPTOR = 12, 13
LEVELS = (Layer.LOW, Layer.MEDIUM, Layer.HIGH)

_IDS = Extensions(
    mid=MID,
    rid=RID,
    repaired_rid=REPAIRED_RID,
    audio_level=AUDIO_LEVEL,
    transport_cc=TRANSPORT_CC,
    abs_send_time=SEND_TIME,
    dependency_descriptor=DESCRIPTOR,
    abs_capture_time=CAPTURE_TIME,
)


@frozen
class Source:
    """A publisher's track as its packets show it: one of `SOURCES`."""

    track: str
    mid: str
    kind: Kind
    types: dict[int, Codec]
    rtx: dict[int, int] = field(factory=dict)
    rids: dict[str, Layer] = field(factory=dict)
    ssrcs: dict[int, Layer] = field(factory=dict)
    group: str = ""

    @property
    def first_ssrc(self) -> int:
        return 1000 * int(self.mid)

    def described(self, publisher: int, *, named: bool) -> TrackIn:
        """`named`: the SDP has its SSRCs."""
        return TrackIn(
            sid=sid(publisher, self),
            peer=peer(publisher),
            kind=self.kind,
            mid=self.mid,
            payload_types=self.types,
            clock_rate=48_000 if self.kind is Kind.AUDIO else 90_000,
            rtx=self.rtx,
            rids=self.rids,
            ssrcs=self.ssrcs if named else {},
            extensions=_IDS,
            group=self.group if named else "",
        )


SOURCES = (
    Source("camera", "1", Kind.VIDEO, {96: Codec.VP8}, {97: 96}, RIDS),
    Source("screen", "2", Kind.VIDEO, {96: Codec.VP8}, {97: 96}, {}, {2000: Layer.HIGH}),
    Source("voice", "3", Kind.AUDIO, {111: Codec.OPUS, 63: Codec.RED}, group="class"),
    Source("other", "4", Kind.VIDEO, {98: Codec.VP9, 45: Codec.AV1, 102: Codec.H264}, {99: 98}),
    Source("second voice", "5", Kind.AUDIO, {111: Codec.OPUS}, group="class"),
)


def peer(number: int) -> PeerId:
    return PeerId(f"PC_{number % 3}")


def sid(publisher: int, source: Source) -> TrackSid:
    return TrackSid(f"TR_{source.track}_{publisher % 3}")


def _want(byte: int) -> Want:
    return Want(layer=LEVELS[byte % 3], temporal=byte >> 2 & 3, paused=byte >> 4 == 0)


def _down(subscriber: int, publisher: int, source: Source, byte: int) -> DownTrack:
    place = 10 * (publisher % 3) + int(source.mid)
    takes_red = {Codec.RED: (116, 0)} if byte & 1 else {}
    return DownTrack(
        id=DownId(f"{subscriber % 3} {publisher % 3} {source.track}"),
        track=sid(publisher, source),
        peer=peer(subscriber),
        mid=str(place) if byte & 2 else "",
        ssrc=50_000 + place,
        rtx_ssrc=60_000 + place if byte & 4 else 0,
        payload_types={
            Codec.VP8: (102, 103),
            Codec.OPUS: (109, 0),
            Codec.VP9: (110, 112),
            Codec.AV1: (113, 0),
            Codec.H264: (114, 115),
            **takes_red,
        },
        extensions=Extensions(
            mid=3,
            abs_send_time=7,
            transport_cc=5 if byte & 32 else 0,
            audio_level=byte >> 3 & 1,
            abs_capture_time=9,
            dependency_descriptor=11,
        ),
        cname="name" * (byte >> 4),
        first_sequence=(byte * 521) & 0xFFFF,
        first_timestamp=byte << 24,
        first_picture_id=byte * 128,
    )


class Answer(NamedTuple):
    """What a forwarder said to a step."""

    refused: str
    sent: list[tuple[PeerId, bytes]]
    events: list[Event]
    tapped: list[Copy]
    wakeup: float | None
    stats: Stats


@define
class _Numbers:
    """How far one stream is."""

    sequence: int
    timestamp: int
    picture: int
    tl0: int = 0
    sent: list[bytes] = field(factory=list)  # in the clear, for RTX


@define
class School:
    """Three peers, who publish and get everything of one another. `answers` plays a day."""

    make: Callable[[], Forwarder]
    profile: SrtpProfile
    day: bytes
    now: float = 1000.0
    _forwarder: Forwarder = field(init=False)
    _ends: dict[PeerId, End] = field(factory=dict)
    _numbers: dict[tuple[int, int], _Numbers] = field(factory=dict)
    _transport: dict[int, int] = field(factory=dict)
    _got: dict[PeerId, list[tuple[int, int]]] = field(factory=dict)  # (SSRC, number)
    _arrivals: dict[PeerId, TransportFeedback] = field(factory=dict)
    _counts: dict[PeerId, int] = field(factory=dict)
    _reports: dict[PeerId, list[SenderReport]] = field(factory=dict)
    _datagrams: list[tuple[PeerId, bytes]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self._forwarder = self.make()

    def answers(self) -> Iterator[Answer]:
        """One for each step."""
        for number in range(3):
            yield self._step(partial(self._join, number))
            for source in SOURCES:
                described = source.described(number, named=True)
                yield self._step(partial(self._forwarder.add_track, described))
        for subscriber in range(3):
            for source in SOURCES:
                down = _down(subscriber, subscriber + 1, source, 255)
                yield self._step(partial(self._forwarder.add_down, down, Want()))
        for source in SOURCES:
            yield self._step(partial(self._forwarder.add_tap, Tap(sid(0, source))))
        for at in range(0, len(self.day) - STEP_BYTES + 1, STEP_BYTES):
            step = self.day[at : at + STEP_BYTES]
            self.now += TIMES[step[0] & 15]
            yield self._step(partial(self._happen, step))

    def _step(self, happen: Callable[[], None]) -> Answer:
        refused = ""
        try:
            happen()
        except KeyError as error:
            refused = str(error)
        forwarder = self._forwarder
        sent = [(each.peer, each.data) for each in forwarder.take_output()]
        for to, datagram in sent:
            self._read(to, datagram)
        return Answer(
            refused,
            sent,
            list(forwarder.take_events()),
            list(forwarder.take_tapped()),
            forwarder.next_wakeup(),
            forwarder.stats(),
        )

    def _read(self, to: PeerId, datagram: bytes) -> None:
        """As its subscriber does."""
        end = self._ends.get(to)
        if end is None:
            return
        if not 192 <= datagram[1] <= 223:
            self._arrive(to)
            got = self._got.setdefault(to, [])
            got.append(
                (int.from_bytes(datagram[8:12], "big"), int.from_bytes(datagram[2:4], "big"))
            )
            del got[:-50]
            return
        data = end.read(datagram)
        assert isinstance(data, bytes)
        reports = [item for item in parse_rtcp(data) if isinstance(item, SenderReport)]
        self._reports.setdefault(to, []).extend(reports)

    def _arrive(self, to: PeerId) -> None:
        """It knows what it tells of arrivals; that its packets have been numbered from the first on is mostly right."""
        number = self._counts[to] = self._counts.get(to, -1) + 1
        if number % 11:  # every eleventh is lost
            waits = 0.004 * (number // 20 % 30)
            feedback = self._arrivals.setdefault(to, TransportFeedback())
            feedback.arrived(number & 0xFFFF, 1, self.now + waits)

    def _join(self, number: int) -> None:
        end = End(peer(number), self.profile)
        self._forwarder.add_peer(peer(number), end.keys)
        self._ends[peer(number)] = end

    # --- what happens

    def _happen(self, step: bytes) -> None:
        what, who, how, more = step[1], step[2], step[4], step[5]
        source, which = SOURCES[step[3] % len(SOURCES)], step[3] // len(SOURCES)
        if what < 150:
            self._media(who, source, which, how, more)
        elif what < 170:
            self._forwarder.poll(self.now)
        elif what < 180:
            self._repair(who, source, which, how)
        elif what < 222:
            self._rtcp(what - 180, who, source, how, more)
        elif what < 232:
            self._damaged(who, step[3], how, more)
        else:
            self._decided(what - 232, who, source, how, more)

    def _decided(  # noqa: PLR0912 - one case per decision
        self, what: int, who: int, source: Source, how: int, more: int
    ) -> None:
        """What a room decides."""
        forwarder, down = self._forwarder, _down(who, how, source, more)
        match what:
            case 0 | 1 | 2 | 3 | 4 | 5:
                forwarder.set_want(down.id, _want(more))
            case 6 | 7:
                forwarder.add_down(down, _want(more))
            case 8:
                forwarder.remove_down(down.id)
            case 9 | 10:
                forwarder.mute_track(sid(who, source), bool(how & 1))
            case 11 if how & 1:
                forwarder.set_wish(peer(who), how * 20_003)
            case 11 | 12 | 13:
                forwarder.set_budget(peer(who), how * 100_003 << (more & 7))
            case 14 | 15 | 16:
                forwarder.add_track(source.described(who, named=bool(more & 1)))
            case 17:
                forwarder.remove_track(sid(who, source))
            case 18 if how & 3 == 0:
                forwarder.remove_peer(peer(who))
                # SRTP of a peer that comes back begins anew.
                self._ends.pop(peer(who), None)
            case 19 | 20:
                layers = frozenset(each for each in LEVELS if how >> each & 1)
                forwarder.add_tap(Tap(sid(who, source), layers))
            case 21 if how & 1:
                forwarder.remove_tap(sid(who, source))
            case 21:
                forwarder.ask_key(sid(who, source), LEVELS[more % 3])
            case _:
                self._join(who)

    def _at(self, who: int, source: Source, layer: int) -> _Numbers:
        key = (who % 3, source.first_ssrc + layer)
        if key not in self._numbers:
            begin = 65_400 + 40 * layer
            self._numbers[key] = _Numbers(begin, 0xFFFFF000 + layer, 0x7FF0 + layer)
        return self._numbers[key]

    def _media(self, who: int, source: Source, which: int, how: int, more: int) -> None:
        layer = which % 3 if source.rids else 0
        numbers = self._at(who, source, layer)
        jump = JUMPS[how % len(JUMPS)]
        numbers.sequence += jump
        begins = more & 1 == 0 or jump > 100
        if begins:
            numbers.timestamp += (3600, 3000, 90_000, 960)[more >> 1 & 3]
            numbers.picture += 1
        types = list(source.types)
        kind = types[which // 3 % len(types)] if more != 77 else 35  # 35: nobody negotiated it
        elements = {MID: source.mid.encode()} if more & 24 else {}
        if source.rids:
            elements[RID] = list(RIDS)[layer].encode()
        if more & 32:
            count = self._transport[who] = self._transport.get(who, 65_500) + 1 + (how & 1)
            elements[TRANSPORT_CC] = (count & 0xFFFF).to_bytes(2, "big")
        elements |= {AUDIO_LEVEL: bytes((which * 5 & 0xFF,))} if source.kind is Kind.AUDIO else {}
        elements |= {CAPTURE_TIME: bytes(8)} if more & 64 else {}
        elements |= {DESCRIPTOR: bytes(range(which))} if which and more & 128 else {}
        packet = rtp(
            ssrc=source.first_ssrc + layer,
            sequence=numbers.sequence & 0xFFFF,
            payload=self._payload(source.types.get(kind), numbers, which, how, more),
            payload_type=kind,
            timestamp=numbers.timestamp & 0xFFFFFFFF,
            marker=bool(more & 4),
            elements=elements,
            padding=3 if how == 200 else 0,
        )
        if jump < 0:  # an old packet between new ones
            numbers.sequence -= jump
        numbers.sent = [*numbers.sent[-20:], packet]
        self._receive(who, packet)

    def _payload(
        self, codec: Codec | None, numbers: _Numbers, which: int, how: int, more: int
    ) -> bytes:
        if how > 246:
            return b"" if how < 252 else bytes(1200 + 10 * which)
        body = bytes((which, how, more)) * (1 + (how & 15))
        match codec:
            case Codec.VP8 if how % 32 < 28:
                temporal = which & 1
                numbers.tl0 += 1 - temporal
                return vp8(
                    numbers.picture,
                    tl0=numbers.tl0,
                    temporal=temporal,
                    sync=temporal == 1 and how & 8 == 0,
                    key=temporal == 0 and how & 2 == 0,
                    start=more & 1 == 0,
                    body=body,
                    short_id=how % 32 == 27,
                )
            case Codec.RED if how & 1:
                return bytes((0xEF, 0, 0, how & 7, 0x6F)) + body
            case _:
                return bytes((0x65 if more & 2 else more, how, 0, 1, 0x67)) + body

    def _repair(self, who: int, source: Source, which: int, how: int) -> None:
        """By RTX; sometimes only padding, sometimes of a codec that has none."""
        layer = which % 3 if source.rids else 0
        numbers = self._at(who, source, layer)
        if not numbers.sent:
            return
        original = numbers.sent[-1 - how % len(numbers.sent)]
        numbers.sequence += how & 1
        elements = {MID: source.mid.encode()}
        if source.rids:
            elements[REPAIRED_RID] = list(RIDS)[layer].encode()
        again = rtp(
            ssrc=source.first_ssrc + 500 + layer,
            sequence=numbers.sequence & 0xFFFF,
            payload=original[2:4] + (b"" if how > 240 else _payload_of(original)),
            payload_type=next(iter(source.rtx), 120),
            timestamp=int.from_bytes(original[4:8], "big"),
            elements=elements,
        )
        self._receive(who, again)

    def _rtcp(self, what: int, who: int, source: Source, how: int, more: int) -> None:
        got = self._got.get(peer(who), [])
        ssrc, number = got[how % len(got)] if got else (50_011, more)
        published = source.first_ssrc + more % 3
        clock = (who << 40) + int(self.now * (1 << 32)) + (how << 26)
        sender = SenderReport(published, clock & (1 << 64) - 1, how << 24, more, how)
        reports = self._reports.get(peer(who), [])
        answered = reports[-1 - how % len(reports)].ntp >> 16 & 0xFFFFFFFF if reports else 0
        blocks = tuple(
            ReportBlock(
                each,
                how,
                (more << 16) - 0x800000 if how == 3 else more * place,
                place * 11,
                how * 90,
                answered,
                more << 8,
            )
            for place, each in enumerate(dict.fromkeys(each for each, _ in got[-8:]))
        )
        match what // 3:
            case 0 | 1:
                data = build_nack(ssrc, sorted({number, number + (how & 7), number + more}))
            case 2:
                data = build_pli(ssrc if more & 1 else published)
            case 3 | 4:
                data = build_sr(sender) + build_cname(published, "somebody")
            case 5 | 6 | 7:
                data = build_rr(ReceiverReport(1, blocks))
            case 8 if how & 3:
                feedback = self._arrivals.setdefault(peer(who), TransportFeedback())
                data = b"".join(feedback.poll(self.now + 60)) or build_pli(ssrc)
            case 8:
                data = build_bye(published)
            case 9 | 10:
                data = build_remb(Remb(how << (more & 31), (ssrc,)))
            case 11:
                data = packet(
                    4,
                    206,
                    b"\0\0\0\1" + bytes(4) + ssrc.to_bytes(4, "big") + bytes((more, 0, 0, 0)),
                )
            case 12:
                data = build_sr(sender) + packet(how & 31, 200 + more % 8, bytes((how, more)) * 14)
            case _:
                data = (
                    build_rr(ReceiverReport(1, blocks))
                    + build_nack(ssrc, [number])
                    + build_pli(ssrc)
                )
        self._receive(who, data)

    def _damaged(self, who: int, which: int, how: int, more: int) -> None:
        """An earlier datagram again, changed, cut or as another's; or noise, sealed with the right keys or bare."""
        if how > 220 or not self._datagrams:
            noise = shake_256(bytes((who, which, how, more))).digest(which)
            if how & 1:
                self._forwarder.receive(peer(who), bytes((128 | how & 63,)) + noise, self.now)
                return
            kind = 200 + more % 8 if how & 2 else 96 + more % 16
            length = (len(noise) // 4 + (more >> 7)).to_bytes(2, "big")
            source = SOURCES[more & 3].first_ssrc.to_bytes(4, "big")
            head = bytes((128 | how & 63 ^ more & 31, kind)) + length
            self._receive(who, head + (b"" if how & 2 else noise[:4]) + source + noise)
            return
        sender, datagram = self._datagrams[-1 - which % len(self._datagrams)]
        if how & 3 == 1:
            place = more * len(datagram) // 256
            datagram = (
                datagram[:place]
                + bytes((datagram[place] ^ 1 << (how >> 5),))
                + datagram[place + 1 :]
            )
        elif how & 3 == 2:
            datagram = datagram[: more * len(datagram) // 256]
        elif how & 3 == 3:
            sender = peer(who)
        self._forwarder.receive(sender, datagram, self.now)

    def _receive(self, who: int, packet: bytes) -> None:
        end = self._ends.get(peer(who))
        if end is None:
            self._forwarder.receive(peer(who), packet, self.now)
            return
        try:
            datagram = end.protect(packet)
        except Error:
            return  # too long ago for the publisher's own SRTP
        except ValueError:
            return  # too long for it
        self._datagrams = [*self._datagrams[-40:], (peer(who), datagram)]
        self._forwarder.receive(peer(who), datagram, self.now)


def _payload_of(packet: bytes) -> bytes:
    words = int.from_bytes(packet[14:16], "big") if packet[0] & 0x10 else -1
    return packet[16 + 4 * words :]
