"""Congestion control towards a subscriber, over simulated links: `link.py`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Layer
from media.forwarder.plain.arrivals import Arrivals, read_arrivals
from media.forwarder.plain.delivery import MOST_OUTSTANDING, TICK_S, Delivery, Outstanding
from media.forwarder.plain.feedback import MOST_NUMBERS, TransportFeedback
from media.forwarder.plain.probe import LEAST, Prober
from media.forwarder.plain.rate import MORE_BPS, MOST_OVER, RateControl
from media.forwarder.plain.rtp import Malformed
from media.forwarder.plain.standing import MOST_RECENT, MOST_THROUGH, StandingQueue, Throughput
from media.forwarder.plain.trendline import DelayGradient, Usage
from media.room.budget import VOICE_BPS
from tests.media.forwarder.link import Host, Line, Sender, run
from tests.media.forwarder.viewer import COSTS, Viewer

NARROW, MIDDLE, WIDE = 300_000, 1_000_000, 3_000_000


def sender(line: Line, *, wish_bps: int = 0, most_bps: float = float("inf")) -> Sender:
    made = Sender(line, most_bps=most_bps)
    made.side.prober.wish(wish_bps)
    return made


# --- on a link


@pytest.mark.parametrize("bandwidth", [NARROW, MIDDLE, WIDE])
@pytest.mark.parametrize("wish", [0, 20_000_000])
@pytest.mark.parametrize("jitter", [0.0, 0.02])
def test_it_finds_what_a_link_carries(bandwidth: int, wish: int, jitter: float) -> None:
    """After ten seconds it is within a fifth, on the safe side, and three quarters of packets wait less than 0.15 s."""
    one = sender(Line(bandwidth, jitter_s=jitter), wish_bps=wish)
    run([one], until=20.0)
    assert 0.8 * bandwidth < one.mean_bps(10.0, 20.0) < bandwidth
    assert one.wait_s(0.75, since=5.0) < 0.15
    assert one.wait_s(0.99, since=5.0) < 0.35


@pytest.mark.parametrize("bandwidth", [MIDDLE, WIDE])
def test_half_a_link_is_noticed(bandwidth: int) -> None:
    """Two seconds after a link has half its width no more is sent than it carries, and the queue empties."""
    line = Line(bandwidth)
    one = sender(line)

    def halve(now: float) -> None:
        if now >= 10.0:
            line.bandwidth_bps = bandwidth / 2

    run([one], until=22.0, each=halve)
    assert one.mean_bps(11.5, 12.5) < bandwidth / 2
    assert one.mean_bps(12.0, 22.0) > 0.6 * bandwidth / 2
    assert one.wait_s(0.75, since=15.0) < 0.15


@pytest.mark.parametrize("bandwidth", [NARROW, MIDDLE, WIDE])
def test_what_radio_loses_is_not_a_full_link(bandwidth: int) -> None:
    """With 5 % of the packets lost at random, more than half of the link is still used."""
    one = sender(Line(bandwidth, loss=0.05))
    run([one], until=40.0)
    assert 0.6 * bandwidth < one.mean_bps(20.0, 40.0) < bandwidth


def test_two_who_share_a_link_get_alike() -> None:
    """Neither has more than twice the other's share, and together they use the link."""
    line = Line(2_000_000)
    both = [Sender(line, seed=2), Sender(line, seed=3)]
    both[0].side.rate.bitrate_bps = 400_000
    run(both, until=80.0)
    shares = [each.mean_bps(40.0, 80.0) for each in both]
    assert max(shares) < 2 * min(shares)
    assert 1_400_000 < sum(shares) < 2_200_000
    assert both[1].wait_s(0.75, since=20.0) < 0.15


def test_nothing_is_learnt_from_what_is_not_sent() -> None:
    """A camera of 300 kbit/s on an endless link: never more than one and a half times what arrived in half a second."""
    one = sender(Line(100_000_000), most_bps=300_000)
    one.side.rate.bitrate_bps = 200_000
    most = 0.0

    def watch(_now: float) -> None:
        nonlocal most
        most = max(most, one.side._through.bitrate_bps or 0.0)

    run([one], until=20.0, each=watch)
    assert one.side.estimate_bps <= MOST_OVER * most + MORE_BPS


def test_a_wish_is_probed_for() -> None:
    """The same camera, and pictures that wait for room: trains find it within five seconds, for less than 40 kB."""
    idle, one = (
        sender(Line(100_000_000), wish_bps=wish, most_bps=300_000) for wish in (0, 1_500_000)
    )
    for each in (idle, one):
        each.side.rate.bitrate_bps = 300_000
        run([each], until=6.0)
    assert one.side.estimate_bps > 1_500_000
    assert one.sent_bytes - idle.sent_bytes < 40_000


def test_a_link_that_widens_is_found() -> None:
    """From 0.4 to 4 Mbit/s: ten seconds later more than 1.5 are known of."""
    line = Line(400_000)
    one = sender(line, wish_bps=5_000_000)

    def widen(now: float) -> None:
        if now >= 15.0:
            line.bandwidth_bps = 4_000_000

    run([one], until=25.0, each=widen)
    assert one.side.estimate_bps > 1_500_000


def test_others_on_the_link() -> None:
    """Somebody takes half of the link for five seconds, gives it back, and takes it again: both are followed."""
    line = Line(2_000_000)
    one = sender(line, wish_bps=5_000_000)

    def cross(now: float) -> None:
        line.cross_bps = 1_000_000 if now % 20 >= 10 else 0

    run([one], until=60.0, each=cross)
    for begin in (20.0, 40.0):
        assert one.mean_bps(begin + 7, begin + 10) > 1_200_000
        assert one.mean_bps(begin + 13, begin + 20) < 1_100_000


# --- computers that are busy: pauses of up to 50 ms, of up to 150

BUSY = [(0.0, 0.05), (0.5, 0.05), (0.6, 0.15)]


def viewer(line: Line, busy: float, longest_s: float, seed: int) -> Viewer:
    here = Host(busy, most_s=longest_s, seed=7 * seed)
    there = Host(busy, most_s=longest_s, seed=11 * seed)
    return Viewer(line, seed=seed, here=here, there=there)


@pytest.mark.parametrize(("busy", "longest_s"), BUSY)
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_a_busy_computer_is_no_full_link(busy: float, longest_s: float, seed: int) -> None:
    """Both ends stand still for half of the time: the largest picture is never taken, and there is room beside it."""
    one = viewer(Line(20_000_000), busy, longest_s, seed)
    run([one], until=40.0)
    assert not one.changes
    assert min(bps for at, bps in one.estimates if at > 5.0) > COSTS[Layer.HIGH]


@pytest.mark.parametrize(("busy", "longest_s"), BUSY)
def test_a_narrow_link_is_noticed_by_busy_computers(busy: float, longest_s: float) -> None:
    """From 20 Mbit/s to 0.7: two seconds later no more is sent than that, and most packets do not wait."""
    line = Line(20_000_000)
    one = viewer(line, busy, longest_s, 3)
    run([one], until=20.0)
    line.bandwidth_bps = 700_000
    run([one], until=50.0, begin=20.0)
    assert one.changes[0][0] < 22.0
    assert one.wait_s(0.75, since=25.0) < 0.15


@pytest.mark.parametrize("busy", [0.0, 0.3])
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_a_line_that_becomes_narrow_keeps_the_small_picture(busy: float, seed: int) -> None:
    """From 20 Mbit/s to 0.4: what was sent before waits for a second, and is no reason to pause what fits."""
    line = Line(20_000_000)
    one = viewer(line, busy, 0.05, seed)
    run([one], until=10.0)
    line.bandwidth_bps = 400_000
    run([one], until=40.0, begin=10.0)
    assert one.changes[0][0] < 12.0
    assert one.layer is Layer.LOW
    assert not one.pauses
    assert one.wait_s(0.9, since=15.0) < 0.15


@pytest.mark.parametrize("busy", [0.0, 0.5])
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_the_large_picture_is_back_when_a_link_is_good(busy: float, seed: int) -> None:
    """After half a minute of 400 kbit/s, 5 % loss and 100 ms: no step that was too much meanwhile, back within 12 s."""
    line = Line(20_000_000, delay_s=0.002)
    one = viewer(line, busy, 0.05, seed)
    run([one], until=10.0)
    line.bandwidth_bps, line.delay_s, line.loss, line.jitter_s = 400_000, 0.1, 0.05, 0.01
    run([one], until=40.0, begin=10.0)
    assert not [at for at, layer in one.changes if at > 14.0 and layer is not Layer.LOW]
    line.bandwidth_bps, line.delay_s, line.loss, line.jitter_s = 20_000_000, 0.002, 0.0, 0.0
    run([one], until=60.0, begin=40.0)
    back = one.back_at(40.0)
    assert back is not None
    assert back < 52.0


@pytest.mark.parametrize("busy", [0.0, 0.5])
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_a_longer_way_is_no_full_link(busy: float, seed: int) -> None:
    """From 20 to 300 ms (Wi-Fi to mobile): the small picture goes on beside its voice, the large one is back in 7 s."""
    line = Line(20_000_000)
    one = viewer(line, busy, 0.05, seed)
    run([one], until=10.0)
    line.delay_s = 0.3
    run([one], until=30.0, begin=10.0)
    assert min(bps for at, bps in one.estimates if at > 10.0) > COSTS[Layer.LOW] + VOICE_BPS
    assert one.layer is Layer.HIGH
    assert not one.changes or one.changes[-1][0] < 17.0


@pytest.mark.parametrize("queue_s", [0.3, 1.0, 3.0])
def test_a_queue_that_stays_full_is_no_longer_way(queue_s: float) -> None:
    """From 20 Mbit/s to 0.25, from which the small picture takes two thirds: whatever the queue holds, it empties."""
    line = Line(20_000_000, queue_s=queue_s)
    one = viewer(line, 0.0, 0.05, 3)
    run([one], until=10.0)
    line.bandwidth_bps = 250_000
    run([one], until=40.0, begin=10.0)
    assert one.layer is Layer.LOW
    assert one.wait_s(0.75, since=25.0) < 0.15


# --- the parts


@given(
    numbers=st.lists(st.integers(0, 600), min_size=1, max_size=80, unique=True),
    steps=st.lists(st.floats(0, 0.2), min_size=80, max_size=80),
)
def test_what_is_written_of_arrivals_is_read(numbers: list[int], steps: list[float]) -> None:
    """Towards a publisher we write feedback, of a subscriber we read it: the same numbers, in the same ticks."""
    feedback, now, ticks = TransportFeedback(), 1000.0, {}
    for number, step in zip(numbers, steps, strict=False):
        now += step
        feedback.arrived(number, 7, now)
        ticks[number] = int(now * 4000)
    read: dict[int, int] = {}
    for message in feedback.poll(now + 1):
        arrivals = read_arrivals(message[12:])
        assert arrivals.count <= MOST_NUMBERS
        for place, tick in arrivals.received:
            read[arrivals.first + place] = tick
    first = min(ticks) if numbers[0] < 0x8000 else 0
    assert {number - first for number in read} == {number - first for number in ticks}
    offsets = {ticks[number] - read[number] for number in read}
    assert all(offset % (1 << 32) == 0 for offset in offsets)


@given(st.binary(max_size=80))
def test_fuzz_feedback(fci: bytes) -> None:
    """Any bytes are read or refused; nothing that is read has more packets than bytes."""
    try:
        arrivals = read_arrivals(fci)
    except Malformed:
        return
    assert len(arrivals.received) <= len(fci)
    assert all(0 <= place < arrivals.count for place, _ in arrivals.received)


@pytest.mark.parametrize(
    "fci",
    [
        bytes(7),
        bytes((0, 0, 0, 1, 0, 0, 0, 0)),  # no chunk
        bytes((0, 0, 0, 1, 0, 0, 0, 0, 0x60, 1)),  # a run of the reserved symbol
        bytes((0, 0, 0, 1, 0, 0, 0, 0, 0xF0, 0)),  # the same in a vector
        bytes((0, 0, 0, 1, 0, 0, 0, 0, 0x20, 1)),  # no time
        bytes((0, 0, 0, 1, 0, 0, 0, 0, 0x40, 1, 5)),  # half a time
        bytes((0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0x3F, 0xFF)),  # 8,191 packets in ten bytes
    ],
)
def test_broken_feedback(fci: bytes) -> None:
    """Cut off, reserved, or claiming what it does not have: refused."""
    with pytest.raises(Malformed):
        read_arrivals(fci)


def test_both_kinds_of_vectors() -> None:
    """Fourteen bits, and seven pairs; what stands behind the last number is not looked at."""
    one = bytes((0, 5, 0, 14, 0, 0, 1, 0, 0xA0, 0x01, 4, 8))
    assert read_arrivals(one) == Arrivals(5, 14, ((0, 260), (13, 268)))
    two = bytes((0, 5, 0, 2, 0xFF, 0xFF, 0xFF, 0, 0xDB, 0xFF, 4, 0xFF, 0xFE))
    assert read_arrivals(two) == Arrivals(5, 2, ((0, -252), (1, -254)))


def test_late_is_not_lost() -> None:
    """What a message passes over is lost when the next one begins behind it, and not when that one brings it."""
    sent = Outstanding()
    for _ in range(6):
        sent.sent(sent.number(), 100, 1.0)
    delivered, lost = sent.reported(Arrivals(0, 4, ((0, 0), (3, 8))))
    assert [each.arrived_at for each in delivered] == [0.0, 8 * TICK_S]
    assert lost == 0
    delivered, lost = sent.reported(Arrivals(1, 4, ((0, 9), (3, 9))))
    assert (len(delivered), lost) == (2, 0)
    assert sent.reported(Arrivals(5, 1, ((0, 12),))) == ([Delivery(1.0, 12 * TICK_S, 100, 0)], 1)
    assert sent.reported(Arrivals(5, 1, ((0, 12),))) == ([], 0)


def test_what_a_message_passes_over_has_been_sent_before_it() -> None:
    """Messages that count further than what was sent, or tell the same again, make nothing of later packets lost."""
    sent = Outstanding()

    def send(packets: int) -> None:
        for _ in range(packets):
            sent.sent(sent.number(), 100, 1.0)

    send(3)
    assert sent.reported(Arrivals(0, 100, ())) == ([], 0)
    assert sent.reported(Arrivals(0, 2, ())) == ([], 0)
    send(2)
    assert sent.reported(Arrivals(3, 1, ())) == ([], 3)
    assert sent.reported(Arrivals(5, 0, ())) == ([], 1)  # 3; nobody spoke of 4


def test_numbers_wrap_and_are_forgotten() -> None:
    """The low 16 bits are told; of packets nobody answers for, the oldest go."""
    sent = Outstanding(following=65_535)
    for _ in range(3):
        sent.sent(sent.number(), 100, 1.0)
    delivered, _ = sent.reported(Arrivals(65_535, 3, ((0, 0), (1, 0), (2, 0))))
    assert len(delivered) == 3
    for _ in range(MOST_OUTSTANDING + 5):
        sent.sent(sent.number(), 100, 1.0)
    assert len(sent._sent) == MOST_OUTSTANDING


def test_a_stumble_is_no_queue() -> None:
    """A computer that stands still for 0.3 s gets everything late at once: the next packets are on time."""
    queue = StandingQueue()
    for number in range(200):
        now = number * 0.01
        late = max(0.0, 0.3 - (now - 1.0)) if now >= 1.0 else 0.0
        queue.delivered(now, now + 50.0 + late, 100)
        if not 1.0 <= now < 1.5:
            assert queue.judge() < 0.001


def test_a_clock_that_stands_still_keeps_no_more() -> None:
    """A subscriber that says of all packets that they came at one moment makes the node remember some of them only."""
    queue, through = StandingQueue(), Throughput()
    for number in range(10_000):
        queue.delivered(-float(number), 5.0, 100)
        through.delivered(5.0, 100)
    through.delivered(5.4, 100)
    assert queue.judge() == 10_000 - MOST_RECENT
    assert through.bitrate_bps == MOST_THROUGH * 100 * 8 / (5.4 - 5.0)


def test_delays_that_grow_are_over_use_and_that_shrink_under_use() -> None:
    """Each picture 4 ms later than the one before; then each 4 ms earlier."""
    gradient, way = DelayGradient(), 50.0
    seen = []
    for number in range(60):
        way += 4.0 if 20 <= number < 40 else -4.0 if number >= 40 else 0.0
        gradient.delivered(number * 33.0, number * 33.0 + way)
        seen.append(gradient.usage)
    assert seen[:20] == [Usage.NORMAL] * 20
    assert Usage.OVER in seen[20:40]
    assert seen[-1] is Usage.UNDER
    gradient.delivered(60_000.0, 60_050.0)
    assert gradient.usage is Usage.NORMAL


def test_a_train_says_what_it_measured() -> None:
    """Spread by a link of 600 kbit/s it finds 95 % of that; with too little of it there, nothing."""
    prober = Prober()
    assert prober.poll(500_000, 1.0) is None
    prober.wish(5_000_000)
    train, packets = prober.poll(500_000, 4.0) or (0, 0)
    assert packets > LEAST
    assert prober.poll(500_000, 4.1) is None
    for number in range(packets):
        assert number > packets / 2 or prober.judge(500_000, 5.0, 4.2) is None
        prober.delivered(Delivery(4.0, 9.0 + number * 295 * 8 / 600_000, 295, train))
    assert prober.judge(500_000, 5.0, 4.3) == pytest.approx(0.95 * 600_000)
    assert prober.judge(500_000, 5.0, 4.3) is None
    assert prober.poll(570_000, 4.5) is None
    assert prober.poll(570_000, 4.8) is not None
    assert prober.poll(570_000, 7.0) is None  # given up: nobody told of it
    assert prober.poll(5_000_000, 60.0) is None  # there is room


def test_a_train_takes_the_place_of_voices_too() -> None:
    """Of the 600 kbit/s that it measured, voices of 60 go on beside what has numbers."""
    prober = Prober()
    prober.wish(5_000_000)
    train, packets = prober.poll(400_000, 4.0) or (0, 0)
    prober.beside_bps = 60_000
    for number in range(packets):
        prober.delivered(Delivery(4.0, 9.0 + number * 295 * 8 / 600_000, 295, train))
    assert prober.judge(400_000, 5.0, 4.3) == pytest.approx(0.95 * 600_000 - 60_000)


def test_a_train_that_is_taken_in_at_once_has_been_on_its_way() -> None:
    """Packets that a busy computer takes in together have no distance; 0.2 s late they say nothing of more room."""
    prober = Prober()
    prober.wish(5_000_000)
    train, packets = prober.poll(500_000, 4.0) or (0, 0)
    for _ in range(packets):
        prober.delivered(Delivery(4.0, 9.2, 295, train))
    assert prober.judge(500_000, 5.0, 4.3) is None


def test_loss_lowers_the_rate_and_little_of_it_only_stops_it() -> None:
    """Section 6 of gcc-02: up to 10 % hold, above it half the loss off, above 20 % what came through."""
    rate = RateControl(1_000_000.0)
    rate.reported(95, 5, 900_000.0, 1.0)
    rate.update(Usage.NORMAL, 0.0, 900_000.0, None, 0.1, 1.0)
    rate.update(Usage.NORMAL, 0.0, 900_000.0, None, 0.1, 2.0)
    assert rate.bitrate_bps == 1_000_000
    rate.reported(84, 16, 900_000.0, 3.0)
    assert rate.bitrate_bps == pytest.approx(920_000)
    rate.reported(60, 40, 500_000.0, 4.0)
    assert rate.bitrate_bps == 500_000
    rate.reported(100, 0, 500_000.0, 5.0)
    rate.update(Usage.NORMAL, 0.0, 500_000.0, None, 0.1, 6.0)
    assert rate.bitrate_bps == pytest.approx(540_000)
