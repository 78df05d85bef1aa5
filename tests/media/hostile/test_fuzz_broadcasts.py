"""Every reader of broadcasts: tapped packets, passes, addresses, headers, forms. Only refusals come out, and soon.

Offers, fragments, heartbeats and questions are beside their readers (`tests/media/broadcast`), under the same name:
`make fuzz` finds them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from media.broadcast import passes
from media.broadcast.cmaf.clocks import RATE, PublisherClock
from media.broadcast.cmaf.cutter import Cutter
from media.broadcast.cmaf.parts import Output
from media.broadcast.cmaf.pictures import LARGEST_PICTURE, Picture, PictureReader, split_annex_b
from media.broadcast.cmaf.rhythm import LOW_LATENCY
from media.broadcast.cmaf.source import PictureSource
from media.broadcast.cmaf.still import black
from media.broadcast.cmaf.transcoder import LONGEST_PACKET, OpusToAac
from media.broadcast.desk.wishing import MOST_TITLE, Wish, wish_of
from media.broadcast.hls.names import Ask, BadAsk, read
from media.broadcast.ladder.coding import LadderCoder, Undecodable
from media.broadcast.ladder.values import Coded, Rung
from media.broadcast.ladder.vp8 import Vp8Source, is_key
from media.broadcast.origin.ranges import Unsatisfiable, span_of
from media.broadcast.passes import Kind, NoPass
from media.broadcast.program.producer import Producer
from media.broadcast.program.scene import Scene
from media.broadcast.register.tickets import Tickets
from media.broadcast.register.tickets import write as ticket
from media.broadcast.whip.tokens import bearer_of
from media.forwarder.api import Codec, Copy, Layer, Tapped, TappedClock
from media.forwarder.plain.rtp import Malformed, RtpPacket
from media.ids import TrackSid
from tests.media.broadcast.cmaf.camera import film, packets, tone
from tests.media.broadcast.cmaf.judge import judge
from tests.media.broadcast.ladder import vp8_film
from tests.media.broadcast.program.stagehand import rtp
from tests.media.hostile.damage import bounded, damaged, share

H264 = tuple(packets(film(20, gop=8), most=120))
VP8 = tuple(vp8_film.packets(vp8_film.film(12, keys=(0, 6))))
OPUS = tone(10)
UNITS = tuple(b"".join(b"\0\0\1" + nal for nal in units) for units in film(3, gop=2))

#: For each packet in turn: left alone, lost, doubled, or with another payload.
FATES = st.lists(
    st.sampled_from(["comes"] * 8 + ["lost", "twice", "damaged", "marked", "late"]),
    min_size=5,
    max_size=40,
)


def _met(sent: tuple[RtpPacket, ...], fates: list[str], damage: list[bytes]) -> list[RtpPacket]:
    """The packets with their fates."""
    met: list[RtpPacket] = []
    for number, packet in enumerate(sent):
        match fates[number % len(fates)]:
            case "lost":
                continue
            case "twice":
                met += [packet, packet]
            case "late" if met:
                met.insert(len(met) - 1, packet)
            case "damaged" if damage:
                met.append(_changed(packet, payload=damage[number % len(damage)]))
            case "marked":
                met.append(_changed(packet, marker=not packet.marker))
            case _:
                met.append(packet)
    return met


def _changed(
    packet: RtpPacket, *, payload: bytes | None = None, marker: bool | None = None
) -> RtpPacket:
    return RtpPacket(
        packet.payload_type,
        packet.marker if marker is None else marker,
        packet.sequence,
        packet.timestamp,
        packet.ssrc,
        packet.elements,
        packet.payload if payload is None else payload,
    )


@cache
def _still() -> Picture:
    return black(64, 48)


@share(4)
@given(FATES, st.lists(damaged(tuple(each.payload for each in H264)), max_size=6))
def test_fuzz_h264_of_a_publisher(fates: list[str], damage: list[bytes]) -> None:
    """Whatever comes for packets of H.264: parts that the judge finds right, and nothing raises."""
    source = PictureSource(PublisherClock().stream(90_000))
    cutter = Cutter(LOW_LATENCY, _still(), 1, 0)
    out: list[Output] = []
    with bounded():
        now = 0
        for packet in _met(H264, fates, damage):
            now = max(now, packet.timestamp * RATE // 90_000)
            for picture in source.take(packet, now):
                out += cutter.take_picture(picture, now)
            out += cutter.advance(now)
        out += cutter.end(now + 2 * RATE)
    judge(out, LOW_LATENCY, coded=True)


@given(FATES, st.lists(damaged(tuple(each.payload for each in VP8)), max_size=6))
def test_fuzz_vp8_of_a_publisher(fates: list[str], damage: list[bytes]) -> None:
    """Whatever comes for packets of VP8: pictures of which it is known what they are, after a key frame."""
    source = Vp8Source(PublisherClock().stream(90_000))
    out: list[Coded] = []
    with bounded():
        for packet in _met(VP8, fates, damage):
            out += source.take(packet, packet.timestamp * RATE // 90_000)
    assert not out or out[0].key
    assert all(is_key(each.data) is each.key for each in out)


@share(8)
@given(st.lists(damaged(vp8_film.film(12, keys=(0, 6))), min_size=1, max_size=8))
def test_fuzz_pictures_that_are_decoded(frames: list[bytes]) -> None:
    """FFmpeg's decoder behind ours: what it does not understand asks for a key frame, and a whole one is made again."""
    coder = LadderCoder(Codec.VP8, (Rung("v48", 80, 48, 100_000),))
    with bounded():
        for number, frame in enumerate(frames):
            try:
                list(coder.take(Coded(number * 1_920, number == 0, frame), make=True, key=False))
            except Undecodable:
                continue
        whole = Coded(len(frames) * 1_920, True, vp8_film.film(12, keys=(0, 6))[0])
        assert len(list(coder.take(whole, make=True, key=False))) == 1


@given(damaged(UNITS) | st.binary(max_size=200))
def test_fuzz_units_of_h264(data: bytes) -> None:
    """Start codes, parameter sets, slices: a picture, or the reason why there is none."""
    with bounded():
        try:
            nals = split_annex_b(data)
        except Malformed:
            return
        picture = PictureReader().read(nals, 0)
    assert not isinstance(picture, Picture) or len(picture.data) <= LARGEST_PICTURE


@share(2)
@given(st.lists(damaged(OPUS) | st.binary(max_size=40), max_size=6))
def test_fuzz_opus(sent: list[bytes]) -> None:
    """Whatever comes for Opus is silence or sound of a bounded length, and the next whole packet is heard."""
    transcoder = OpusToAac(1, 64_000)
    made = []
    with bounded():
        for number, packet in enumerate(sent):
            made += transcoder.take(packet, number * 960)
        made += transcoder.end()
    assert len(made) <= (len(sent) * LONGEST_PACKET) // 1_024 + 3


CAMERA, VOICE = TrackSid("TR_camera"), TrackSid("TR_voice")
TAPPED = (
    *(rtp(each.payload, each.sequence, each.timestamp, marker=each.marker) for each in H264[:6]),
    *(rtp(each.payload, each.sequence, each.timestamp, marker=each.marker) for each in VP8[:4]),
    *(rtp(each, number, number * 960, marker=False) for number, each in enumerate(OPUS[:3])),
)
COPIES = st.one_of(
    st.builds(
        Tapped,
        st.sampled_from([CAMERA, CAMERA, VOICE, TrackSid("TR_nobody")]),
        st.sampled_from(Layer),
        st.sampled_from([Codec.H264, Codec.VP8, Codec.OPUS, Codec.RED, None]),
        damaged(TAPPED),
        st.floats(0, 8),
    ),
    st.builds(
        TappedClock,
        st.sampled_from([CAMERA, VOICE]),
        st.sampled_from(Layer),
        st.integers(0, 2**64 - 1),
        st.integers(0, 2**32 - 1),
        st.floats(0, 8),
    ),
)


@share(8)
@given(
    st.sampled_from([Codec.H264, Codec.VP8, Codec.AV1]),
    st.lists(st.lists(COPIES, max_size=8), max_size=10),
)
def test_fuzz_a_broadcast(codec: Codec, turns: list[list[Copy]]) -> None:
    """Whatever is tapped, a broadcast goes on: no turn raises, and what comes out is cut right."""
    producer = Producer(
        channels=1,
        bit_rate=64_000,
        zero_s=0.0,
        origin_ntp=0,
        spare_cores=0.0,
        rhythm=LOW_LATENCY,
        still=lambda _width, _height: _still(),
    )
    scene = Scene(picture=CAMERA, codec=codec, layers=frozenset(Layer), voices={VOICE: "ann"})
    out: list[Output] = []
    now = 0.0
    for copies in turns:
        now += 0.5
        with bounded():
            out += producer.turn(scene, copies, [], now).outputs
    for _ in range(10):
        now += 0.5
        out += producer.turn(scene, [], [], now).outputs
    out += producer.end(now)
    judge(out, LOW_LATENCY, coded=True)


NOW = 1_800_000_000.0
SEAL = b"k" * 32
GOOD = passes.issue("concert", "@ann:school.example", Kind.VIEWER, [SEAL], NOW)
TICKET = ticket("@ann:school.example", "concert", int(NOW), b"c" * 16, "token")
WORDS = st.text(max_size=80) | damaged((GOOD.encode(), TICKET.encode())).map(
    lambda raw: raw.decode("latin-1")
)


@given(WORDS)
def test_fuzz_passes(text: str) -> None:
    """A pass that was touched opens nothing; its own spelling is the only one."""
    with bounded():
        found = passes.check(text, "concert", [SEAL], NOW)
    assert isinstance(found, NoPass) or text == GOOD


@given(WORDS)
def test_fuzz_tickets(text: str) -> None:
    """A ticket of the bridge's page that was touched opens no door."""
    with bounded():
        account = Tickets().account(text, "concert", ["token"], NOW)
    assert account is None or text == TICKET


PATHS = st.text(max_size=70) | damaged(
    (b"v720/live.m3u8", b"sound/p17.m4s", b"captions/s4.vtt", b"main.m3u8", b"v720/i0.mp4")
).map(lambda raw: raw.decode("latin-1"))


@given(
    PATHS,
    st.lists(
        st.tuples(
            st.sampled_from(["_HLS_msn", "_HLS_part", "_HLS_skip", "x"]), st.text(max_size=12)
        ),
        max_size=4,
    ),
)
def test_fuzz_asks(path: str, query: list[tuple[str, str]]) -> None:
    """An address is something that there may be, or a refusal; its numbers have nine digits at most."""
    with bounded():
        ask = read(path, query)
    if isinstance(ask, Ask):
        assert all(0 <= number < 10**9 for number in (ask.number, ask.segment or 0, ask.part or 0))
    else:
        assert isinstance(ask, BadAsk)


@given(
    st.text(max_size=40)
    | st.from_regex(r"bytes=[0-9]{0,17}-[0-9]{0,17}(,[0-9]-)?", fullmatch=True),
    st.integers(0, 10**12),
)
def test_fuzz_ranges(header: str, size: int) -> None:
    """A range is within the file, or none, or behind its end."""
    try:
        span = span_of(header, size)
    except Unsatisfiable:
        return
    assert span is None or 0 <= span.first <= span.last < size


@given(
    st.text(max_size=60)
    | st.sampled_from(["Bearer ", "bearer abc", "Bearer a b", "Bearer " + "a" * 2_000])
)
def test_fuzz_bearers(header: str) -> None:
    """A token has the letters of one, and a bound."""
    token = bearer_of(header)
    assert token == "" or (token.isascii() and len(token) <= 1_024 and " " not in token)


FORMS = st.dictionaries(
    st.sampled_from(["title", "place", "date", "time", "recorded", "low_latency"]),
    st.text(max_size=130)
    | st.sampled_from(["2027-01-20", "18:30", "1", "9999-12-31", "0000-00-00"]),
)


@given(FORMS)
def test_fuzz_wishes(form: Mapping[str, str]) -> None:
    """A form of a new broadcast is one line of title and a time within a year, or the reason why it is none."""
    now = datetime(2027, 1, 15, 8, tzinfo=UTC)
    with bounded():
        wish = wish_of(form, now, UTC)
    if isinstance(wish, Wish):
        assert 0 < len(wish.title) <= MOST_TITLE
        assert wish.title.isprintable()
        assert wish.begins_at is None or abs((wish.begins_at - now).days) <= 366
