"""Small pure parts: packets in order again, which layer a line shows, what hosts are told, names that stay."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.rhythm import LOW_LATENCY, USUAL
from media.broadcast.ladder.choice import Ladder, Passed, Sent
from media.broadcast.ladder.values import Rung
from media.broadcast.program.feeding import Feed, Stream
from media.broadcast.program.notices import SENTENCES, Notice
from media.broadcast.program.outlet import shape_of
from media.broadcast.program.reorder import ANEW, MOST_WAITING, PATIENCE, Reorder
from media.broadcast.program.scene import announced, fitted, lines_of, variants_of
from media.broadcast.program.watch import AWAY, Watch
from media.forwarder.api import Layer
from media.forwarder.plain.sequence import seq_delta
from media.ids import TrackSid
from tests.media.broadcast.cmaf.camera import packet

A, B = TrackSid("TR_a"), TrackSid("TR_b")


def numbers(reorder: Reorder, sequence: int, now: int) -> list[int]:
    return [one.sequence for one in reorder.take(packet(sequence, 0, b"x"), now)]


def test_a_repaired_packet_comes_in_its_place() -> None:
    """What follows a hole waits for it a quarter of a second, and the hole is nobody's afterwards."""
    reorder = Reorder()
    assert numbers(reorder, 65_535, 0) == [65_535]
    assert numbers(reorder, 1, 10) == []
    assert numbers(reorder, 2, 20) == []
    assert numbers(reorder, 0, 30) == [0, 1, 2]
    assert numbers(reorder, 4, 40) == []
    assert reorder.look(40 + PATIENCE - 1) == []
    assert [one.sequence for one in reorder.look(40 + PATIENCE)] == [4]
    assert numbers(reorder, 3, 50 + PATIENCE) == []
    assert reorder.lost == 1


def test_a_stream_that_begins_anew_goes_on() -> None:
    """Numbers far away are another beginning; what waited is given out before."""
    reorder = Reorder()
    assert numbers(reorder, 10, 0) == [10]
    assert numbers(reorder, 12, 0) == []
    assert numbers(reorder, 40_000, 0) == [12, 40_000]
    assert numbers(reorder, 40_001, 0) == [40_001]


@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 5_000)), max_size=80))
def test_whatever_comes_goes_out_once_and_in_order(came: list[tuple[int, int]]) -> None:
    """Each packet goes out at most once, in the order of its numbers between two beginnings, and few ever wait."""
    reorder, now = Reorder(), 0
    out: list[int] = []
    for sequence, later in came:
        now += later
        out += numbers(reorder, sequence, now)
        assert len(reorder._waiting) <= MOST_WAITING
    out += [one.sequence for one in reorder.look(now + PATIENCE)]
    assert len(out) <= len(came)
    assert not any(-ANEW <= seq_delta(after, before) <= 0 for before, after in pairwise(out))
    assert not reorder._waiting


def test_which_layer_a_line_shows() -> None:
    """Its own while that comes, else the next lower one, else a higher one; always from a key frame on."""
    feed = Feed(Layer.MEDIUM)
    came: dict[Stream, int] = {(A, Layer.LOW): 0, (A, Layer.HIGH): 0}
    assert not feed.takes((A, Layer.LOW), key=False, on_air=A, came=came, now=0)
    assert feed.takes((A, Layer.LOW), key=True, on_air=A, came=came, now=0)
    came[A, Layer.MEDIUM] = 0
    assert not feed.takes((A, Layer.MEDIUM), key=False, on_air=A, came=came, now=0)
    assert feed.waits(A, came, 0) == (A, Layer.MEDIUM)
    assert feed.takes((A, Layer.LOW), key=True, on_air=A, came=came, now=0)
    assert feed.takes((A, Layer.MEDIUM), key=True, on_air=A, came=came, now=0)
    assert not feed.takes((A, Layer.LOW), key=True, on_air=A, came=came, now=0)
    later = 2 * RATE
    came |= {(A, Layer.LOW): later, (A, Layer.HIGH): later}
    assert feed.waits(A, came, later) == (A, Layer.LOW)
    assert feed.takes((A, Layer.MEDIUM), key=False, on_air=A, came=came, now=later)
    assert feed.takes((A, Layer.LOW), key=True, on_air=A, came=came, now=later)
    assert feed.best(B, came, later) is None
    assert feed.takes((A, Layer.LOW), key=False, on_air=B, came=came, now=later)


def test_a_screen_that_stands_still_stays() -> None:
    """A picture in five seconds is enough for a stream to be the one that is shown."""
    feed = Feed(Layer.HIGH)
    came: dict[Stream, int] = {(A, Layer.HIGH): 0}
    assert feed.takes((A, Layer.HIGH), key=True, on_air=A, came=came, now=0)
    assert feed.waits(A, came, 5 * RATE) is None
    assert feed.takes((A, Layer.HIGH), key=False, on_air=A, came=came, now=5 * RATE)


def test_what_is_missing_is_said_once() -> None:
    """Five seconds without, and hosts are told; again only after it has been back."""
    watch = Watch(0)
    said = [
        one
        for at in range(0, 30 * RATE, RATE // 2)
        for one in watch.look(min(at, 2 * RATE) if at < 20 * RATE else at, at, at)
    ]
    assert said == [Notice.PICTURE_AWAY, Notice.PICTURE_BACK]
    assert Watch(0).look(None, None, AWAY + 1) == [Notice.PICTURE_AWAY, Notice.SOUND_AWAY]
    assert watch.once(Notice.B_FRAMES) == [Notice.B_FRAMES]
    assert watch.once(Notice.B_FRAMES) == []


def test_every_notice_has_its_sentences() -> None:
    """In Russian and in English, for the host's page."""
    for notice in Notice:
        russian, english = SENTENCES[notice]
        assert russian.endswith(".")
        assert english.endswith(".")


def test_sizes_that_will_come_are_offered() -> None:
    """A publisher that announced three layers gets three, though its network has let only the smallest through yet."""
    seen = {Layer.LOW: Sent(layer=Layer.LOW, width=320, height=180, bit_rate=150_000)}
    sent = announced(seen, frozenset(Layer))
    assert [(one.width, one.height) for one in sent] == [(320, 180), (640, 360), (1280, 720)]
    assert announced({}, frozenset(Layer)) == ()


def test_names_stay_after_a_start_of_the_process() -> None:
    """Players know renditions by name: what is sent now comes under the same ones, the nearest size in each."""
    sent = [
        Sent(layer=Layer.LOW, width=320, height=180, bit_rate=0),
        Sent(layer=Layer.HIGH, width=1280, height=720, bit_rate=0),
    ]
    before = lines_of(Ladder(passed=tuple(Passed(f"v{one.height}", one) for one in sent)))
    promised = variants_of(before, 2)
    again = fitted(lines_of(Ladder(made=(Rung("v360", 640, 360, 450_000),))), promised)
    assert [(one.name, one.width) for one in again] == [("v180", 640), ("v720", 640)]
    assert fitted(before, promised) == before
    assert fitted(before, ()) == before


def test_players_are_told_the_longest_segment() -> None:
    """TARGETDURATION is what the cutter never exceeds, rounded as RFC 8216bis does."""
    assert (shape_of(USUAL).target_s, shape_of(USUAL).part_ticks) == (6, 49_152)
    assert (shape_of(LOW_LATENCY).target_s, shape_of(LOW_LATENCY).part_ticks) == (4, 24_576)
