"""The small decisions, one by one: layers, time, requests, estimates, voices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Layer
from media.forwarder.plain.bandwidth import MAX_BPS, MIN_BPS, SETTLE_S, START_BPS, Downlink
from media.forwarder.plain.history import NOT_AGAIN_S, History
from media.forwarder.plain.keyframes import KeyframeRequester
from media.forwarder.plain.layers import SILENT_S, choose_layer, live_layers
from media.forwarder.plain.loudness import LoudnessMeter
from media.forwarder.plain.nack import ATTEMPTS, MOST_MISSING, REORDERING_S, MissingPackets
from media.forwarder.plain.outbox import Outbox
from media.forwarder.plain.peer import Peer
from media.forwarder.plain.periodic import poll_peer
from media.forwarder.plain.pictures import PictureMap
from media.forwarder.plain.reports import ReceptionStatistics
from media.forwarder.plain.srtp import SrtpSession
from media.forwarder.plain.timestamps import ClockReading, TimestampMap, ts_delta
from media.forwarder.plain.vp8 import parse_descriptor
from media.ids import PeerId, TrackSid
from tests.media.forwarder.ends import End, vp8

LOW, MEDIUM, HIGH = Layer


@pytest.mark.parametrize(
    ("highest", "declared", "live", "chosen"),
    [
        (HIGH, [LOW, MEDIUM, HIGH], [LOW, MEDIUM, HIGH], HIGH),
        (MEDIUM, [LOW, MEDIUM, HIGH], [LOW, MEDIUM, HIGH], MEDIUM),
        (HIGH, [LOW, MEDIUM, HIGH], [LOW], LOW),
        (LOW, [LOW, HIGH], [HIGH], None),
        (LOW, [MEDIUM, HIGH], [MEDIUM, HIGH], MEDIUM),
        (LOW, [], [HIGH], HIGH),
        (HIGH, [LOW], [], None),
    ],
)
def test_the_best_layer_that_may_be_sent(
    highest: Layer, declared: list[Layer], live: list[Layer], chosen: Layer | None
) -> None:
    """At most what is wanted, at least the smallest that was announced, and only what carries media."""
    assert choose_layer(highest, declared, live) is chosen


def test_a_still_camera_has_not_lost_its_layers() -> None:
    """A layer stopped when another one goes on without it, not when all of them rest."""
    assert live_layers({LOW: 10.0, HIGH: 8.7}, now=10.0) == {LOW}
    assert live_layers({LOW: 10.0, HIGH: 9.5}, now=12.0) == {LOW, HIGH}
    assert live_layers({LOW: 10.0, HIGH: 9.5}, now=10.0 + SILENT_S + 0.1) == frozenset()
    assert live_layers({}, now=1.0) == frozenset()


# --- time

uint32 = st.integers(0, 0xFFFFFFFF)


@given(
    first=uint32,
    sources=st.lists(
        st.tuples(uint32, st.floats(0, 5), st.integers(1, 20)), min_size=1, max_size=8
    ),
)
def test_time_never_goes_back(first: int, sources: list[tuple[int, float, int]]) -> None:
    """Whatever clocks the layers have, a subscriber's timestamps grow from picture to picture."""
    clock = TimestampMap(90_000, first)
    now, last = 0.0, None
    for start, pause, pictures in sources:
        now += pause
        clock.begin(start, now, None)
        for picture in range(pictures):
            out = clock.forward((start + picture * 3000) % 2**32, now)
            assert last is None or ts_delta(out, last) > 0
            last = out
            now += 1 / 30


def test_without_reports_the_time_that_passed_decides() -> None:
    """A second of silence is a second of RTP time."""
    clock = TimestampMap(90_000, 500)
    clock.begin(7, 10.0, None)
    assert clock.forward(7, 10.0) == 500
    clock.begin(123_456, 11.0, None)
    assert clock.forward(123_456, 11.0) == 90_500


def test_reports_that_contradict_the_clock_are_not_believed() -> None:
    """A publisher that says nonsense about its time cannot shift a subscriber's by minutes."""
    ntp = 1 << 40
    clock = TimestampMap(90_000, 0)
    clock.begin(0, 0.0, ClockReading(ntp, 0, 0.0))
    clock.forward(0, 0.0)
    clock.begin(0, 0.1, ClockReading(ntp + (600 << 32), 0, 0.1))
    assert clock.forward(0, 0.1) == 9000


def test_no_report_before_the_publishers() -> None:
    """A sender report needs one to translate; afterwards it goes on with the clock."""
    clock = TimestampMap(48_000, 100)
    assert clock.reading(5.0) is None
    clock.begin(1000, 5.0, None)
    clock.report(ClockReading(7 << 32, 1000, 5.0))
    assert clock.reading(6.0) == (8 << 32, 100 + 48_000)


# --- pictures


def test_seven_bit_picture_ids_go_on_as_fifteen_bits() -> None:
    """Short ids wrap at 128; the subscriber's do not."""
    pictures = PictureMap(1000)
    pictures.begin(parse_descriptor(vp8(126, short_id=True, key=True)))
    ids = []
    for picture in (126, 127, 0, 1):
        written = pictures.forward(parse_descriptor(vp8(picture, short_id=True)))
        assert written is not None
        ids.append(parse_descriptor(written + b"\x11").picture_id)
    assert ids == [1000, 1001, 1002, 1003]


def test_tl0_goes_on_over_a_switch() -> None:
    """The next source's base pictures are counted on from the last one's."""
    pictures = PictureMap(254)
    counts = []
    for first in (10, 200):
        key = parse_descriptor(vp8(first, tl0=first, key=True))
        pictures.begin(key)
        for each in (key, parse_descriptor(vp8(first + 1, tl0=first + 1))):
            written = pictures.forward(each)
            assert written is not None
            counts.append(parse_descriptor(written + b"\x11").tl0)
    assert counts == [254, 255, 0, 1]


# --- missing packets and repeats


def test_a_missing_packet_is_asked_for_until_it_comes() -> None:
    """After 20 ms, then every 50 ms or round trip; not any more when it came."""
    missing = MissingPackets()
    assert missing.gap(5, 7, now=1.0)
    assert missing.next_wakeup() == 1.0 + REORDERING_S
    assert missing.poll(1.01, None) == []
    assert missing.poll(1.02, None) == [5, 6]
    assert missing.poll(1.05, None) == []
    missing.arrived(5)
    assert missing.poll(1.07, 0.2) == [6]
    assert missing.poll(1.2, 0.2) == []
    assert missing.poll(1.28, 0.2) == [6]


def test_it_is_given_up_in_the_end() -> None:
    """After eight requests, or a second."""
    missing = MissingPackets()
    missing.gap(5, 6, now=0.0)
    asked = sum(len(missing.poll(0.02 + i * 0.05, None)) for i in range(30))
    assert asked == ATTEMPTS
    assert missing.next_wakeup() is None


def test_on_a_long_way_it_is_asked_for_while_somebody_waits() -> None:
    """With a round trip of 0.3 s the last request goes out within a second: then no buffer waits for the packet."""
    missing = MissingPackets()
    missing.gap(5, 6, 0.0)
    asked = [at / 100 for at in range(300) if missing.poll(at / 100, 0.3)]
    assert asked == [0.02, 0.32, 0.62, 0.92]


def test_an_outage_is_not_asked_for_piece_by_piece() -> None:
    """More than 250 missing packets are given up together."""
    missing = MissingPackets()
    assert not missing.gap(0, MOST_MISSING + 1, now=0.0)
    assert missing.count == 0


def test_history_knows_what_it_sent() -> None:
    """By its number, not what lay in its place before, and not twice within 20 ms."""
    history = History(64)
    history.put((65536 + 3, b"head", b"body", 4))
    sent = history.again(3, 1.0)
    assert sent is not None
    assert sent[1] + sent[2] == b"headbody"
    assert history.again(3, 1.0 + NOT_AGAIN_S / 2) is None
    assert history.again(3, 1.0 + NOT_AGAIN_S * 2) is not None
    assert history.again(3, 1.1, rtt_s=0.2) is None
    assert history.again(3, 1.3, rtt_s=0.2) is not None
    assert history.again(3 + 64, 2.0) is None
    assert history.again(4, 2.0) is None


def test_thirty_joins_make_one_pli() -> None:
    """A whole class joining within one interval costs one keyframe; a lost PLI is repeated."""
    requester = KeyframeRequester(min_interval_s=0.5)
    sent = 0
    for i in range(30):
        requester.want()
        sent += requester.poll(now=i * 0.01)
    assert sent == 1
    assert requester.next_wakeup() == 0.5
    assert requester.poll(0.5)
    requester.keyframe_arrived()
    assert not requester.poll(2.0)
    assert requester.next_wakeup() is None


# --- reports and estimates


def test_loss_is_counted_as_the_rfc_has_it() -> None:
    """Expected minus received; a duplicate makes it smaller, an interval starts anew."""
    statistics = ReceptionStatistics(90_000)
    for seq in (65536, 65537, 65539):
        statistics.arrived(seq, seq * 3000, 0.0)
    interval = statistics.interval()
    assert interval == (4, 1)
    block = statistics.block(5, interval, ClockReading(0x1234_5678_9ABC_DEF0, 0, 1.0), now=3.0)
    assert (block.packets_lost, block.fraction_lost, block.highest_sequence) == (1, 64, 3)
    assert (block.last_sr, block.delay_since_last_sr) == (0x5678_9ABC, 2 * 65536)
    assert statistics.interval() == (0, 0)


def test_jitter_is_that_of_the_network() -> None:
    """Packets that come when they should have none; a delay that changes has."""
    steady, shaky = ReceptionStatistics(90_000), ReceptionStatistics(90_000)
    for i in range(100):
        steady.arrived(65536 + i, i * 3000, i / 30)
        shaky.arrived(65536 + i, i * 3000, i / 30 + (0.01 if i % 2 else 0.0))
    assert steady.jitter_s < 0.0001
    assert 0.008 < shaky.jitter_s < 0.011


def test_an_estimate_falls_with_loss_and_rises_slowly() -> None:
    """Half the loss above a tenth, from what was really sent; 8 % a second up; within its bounds."""
    link = Downlink()
    link.loss_reported(0.2, sent_bps=1_000_000, now=0.0)
    assert link.estimate_bps == 900_000
    link.loss_reported(0.05, sent_bps=1_000_000, now=1.0)
    assert link.estimate_bps == 900_000
    for second in range(100):
        link.loss_reported(0.0, sent_bps=1_000_000, now=2.0 + second)
        link.loss_reported(0.0, sent_bps=1_000_000, now=2.1 + second)
    assert link.estimate_bps == MAX_BPS
    for _ in range(100):
        link.loss_reported(1.0, sent_bps=0, now=200.0)
    assert link.estimate_bps == MIN_BPS


def test_a_remb_counts_when_it_says_that_the_link_is_full() -> None:
    """A browser that got little can only say little: that is no limit, nor is one that grows behind what is sent."""
    link = Downlink()
    link.remb(300_000, sent_bps=200_000, now=0.0)
    link.remb(310_000, sent_bps=2_000_000, now=1.0)
    assert link.estimate_bps == START_BPS
    link.remb(300_000, sent_bps=700_000, now=2.0)
    assert link.estimate_bps == 300_000


def test_a_remb_near_what_is_sent_needs_another_sign() -> None:
    """A busy computer's jitter is no full link; packets that wait in a queue, or are lost, are one."""
    for sign in (None, "queue", "loss"):
        link = Downlink()
        for second in range(4):
            link.round_trip(0.05 if second < 1 or sign != "queue" else 0.3, now=float(second))
        if sign == "loss":
            link.packets_reported(100, 20, 500_000, now=1.2)
            assert link.estimate_bps == 450_000
        link.remb(450_000, sent_bps=500_000, now=3.0)
        link.remb(440_000, sent_bps=500_000, now=3.1)
        assert link.estimate_bps == (START_BPS if sign is None else 440_000), sign


def test_a_way_that_became_longer_is_no_full_link() -> None:
    """From Wi-Fi to mobile: one fall that shortens nothing, and the longer round trip is the usual one."""
    for after, estimates in ((0.25, [440_000, 440_000]), (0.06, [440_000, 440_000])):
        link = Downlink()
        for second in range(4):
            link.round_trip(0.05 if second < 1 else 0.25, now=float(second))
        link.remb(450_000, sent_bps=500_000, now=3.0)
        link.remb(440_000, sent_bps=500_000, now=3.1)
        found = [link.estimate_bps]
        for tenth in range(1, 100):
            link.round_trip(after, now=3.1 + tenth / 10)
        link.remb(430_000, sent_bps=430_000, now=13.0)
        found.append(link.estimate_bps)
        assert found == estimates, after


def test_a_queue_that_fills_again_is_a_full_link_again() -> None:
    """The first fall emptied it; round trips as long as before it are a queue still."""
    link = Downlink()
    for second, rtt_s in enumerate((0.05, 0.3, 0.3, 0.3)):
        link.round_trip(rtt_s, now=float(second))
    link.remb(450_000, sent_bps=500_000, now=3.0)
    link.remb(440_000, sent_bps=500_000, now=3.1)
    for second, rtt_s in enumerate((0.1, 0.06, 0.05, 0.3, 0.3, 0.3)):
        link.round_trip(rtt_s, now=5.0 + second)
    link.remb(400_000, sent_bps=440_000, now=10.1)
    assert link.estimate_bps == 400_000


def test_a_remb_says_nothing_of_voices() -> None:
    """Six voices and a small picture: what Chromium reports of the picture alone must not pause it (libwebrtc)."""
    link = Downlink()
    link.remb(46_000, sent_bps=20_000, now=0.0, beside_bps=386_000)
    link.remb(45_000, sent_bps=20_000, now=1.0, beside_bps=386_000)
    assert link.estimate_bps == START_BPS
    link.remb(44_000, sent_bps=172_000, now=2.0, beside_bps=386_000)
    assert link.estimate_bps == 430_000


def test_loss_counts_over_enough_packets() -> None:
    """One of three packets in a report of half a second says nothing; a fifth of a hundred does."""
    link = Downlink()
    link.packets_reported(3, 1, 500_000, now=0.0)
    link.packets_reported(97, 0, 500_000, now=0.5)
    assert link.estimate_bps == START_BPS * 108 // 100
    link.packets_reported(99, 19, 500_000, now=1.0)
    assert link.estimate_bps == START_BPS * 108 // 100
    link.packets_reported(1, 1, 500_000, now=1.0)
    assert link.estimate_bps == 450_000


def test_an_estimate_is_never_below_what_comes_through() -> None:
    """A link that always loses a little carries what it carries: the next fall must be seen."""
    link = Downlink()
    link.loss_reported(0.2, 80_000, now=0.0)
    assert link.estimate_bps == MIN_BPS
    link.loss_reported(0.05, 400_000, now=5.0)
    assert link.estimate_bps == 380_000


def test_a_late_report_counts_the_time_that_passed() -> None:
    """A node that stumbles for a second sent a subscriber no more in a second than before."""
    peer = Peer(PeerId("PC_pupil"), SrtpSession(End(PeerId("PC_pupil")).keys))
    for now, sent in ((1.0, 0), (2.0, 125_000), (4.0, 250_000)):
        peer.bytes_sent, peer.audio_bytes = sent, sent // 10
        poll_peer(peer, Outbox(), now)
        assert peer.recent_bps == (1_000_000 if sent else 0), now
        assert peer.recent_audio_bps == (100_000 if sent else 0), now


def test_what_is_sent_again_is_a_share_of_the_link() -> None:
    """A full link asks for all that it loses, again and again: a quarter of it, two seconds' worth at once."""
    peer = Peer(PeerId("PC_pupil"), SrtpSession(End(PeerId("PC_pupil")).keys))
    peer.downlink.loss_reported(0.5, 800_000, now=0.0)
    assert peer.downlink.estimate_bps == 400_000
    again = [now / 100 for now in range(1000) if peer.may_resend(1000, now / 100)]
    at_once, later = 25, 125  # packets of 8,000 bits: 200 kbit, then 100 kbit/s for ten seconds
    assert at_once + later - 2 <= len(again) <= at_once + later


def test_a_link_that_collapses_is_told_what_came_through() -> None:
    """Of 1.7 Mbit/s a quarter arrives: that, at once, and no second fall before the first one shows."""
    link = Downlink()
    link.packets_reported(100, 75, 1_700_000, now=0.0)
    assert link.estimate_bps == 425_000
    link.packets_reported(100, 75, 1_700_000, now=SETTLE_S - 0.1)
    link.remb(100_000, 1_700_000, now=SETTLE_S - 0.1)
    assert link.estimate_bps == 425_000


def test_an_estimate_is_told_when_it_changed() -> None:
    """At once when it fell, once a second when it rises, never for a trifle."""
    link = Downlink()
    assert link.poll(0.0) == START_BPS
    link.loss_reported(0.0, 0, 0.1)
    assert link.poll(0.2) is None
    assert link.poll(1.0) == int(START_BPS * 1.08)
    link.loss_reported(0.2, 1_000_000, 1.1)
    assert link.poll(1.1) == 900_000
    assert link.poll(5.0) is None


def test_voices_fade() -> None:
    """Smoothed, twice a second; who stopped is told with 0 and then no more."""
    meter, voice = LoudnessMeter(), TrackSid("TR_AM")
    meter.heard(voice, b"", 0.0)
    assert meter.next_wakeup() is None
    meter.heard(voice, b"\x80", 0.0)  # 0 dBov
    assert meter.poll(0.4) is None
    assert meter.poll(0.5) == {voice: 0.6}
    levels = [meter.poll(0.5 * i) for i in range(2, 14)]
    assert levels[0] == {voice: 0.24}
    assert {voice: 0.0} in levels
    assert levels[-1] is None
