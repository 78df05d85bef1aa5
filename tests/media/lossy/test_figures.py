"""Figures of a schedule, from samples that are written by hand."""

from __future__ import annotations

from attrs import evolve

from tests.media.lossy.figures import Figures, Sample, Stage, figures, with_made

GOOD_LINE, NARROW_LINE, AGAIN = (
    Stage(name=name, lasts_s=4.0) for name in ("good", "narrow", "again")
)
SCHEDULE = (GOOD_LINE, NARROW_LINE, AGAIN)
SAMPLE_S, STAGE_SAMPLES = 0.25, 16


def film(*frames_s: float, stages: int = 3) -> list[Sample]:
    """Samples whose pictures come at the given rate for one second each; then whichever came last. Sound is whole."""
    samples, frames = [Sample(at_s=100.0, stage=0, width=1280)], 0.0
    for number in range(1, stages * STAGE_SAMPLES + 1):
        second = int((number - 1) * SAMPLE_S)
        frames += SAMPLE_S * frames_s[min(second, len(frames_s) - 1)]
        samples.append(
            Sample(
                at_s=100.0 + number * SAMPLE_S,
                stage=number // STAGE_SAMPLES,
                frames=int(frames),
                width=1280,
                packets=100 * number,
                made=4 * number,
                samples=12_000 * number,
            )
        )
    return samples


def of(samples: list[Sample]) -> tuple[Figures, ...]:
    return figures(SCHEDULE, samples)


def narrow(samples: list[Sample]) -> Figures:
    return of(samples)[1]


def test_a_good_line_moves_at_once() -> None:
    """Each stage has the rate of its own pictures, nothing stands still, nothing is made up."""
    for one in of(film(16)):
        assert 15 < one.frames_s <= 16
        assert (one.freezes, one.longest_s, one.switches, one.width) == (0, 0.0, 0, 1280)
        assert one.moves_after_s == 0.0
        assert one.concealed == one.concealed_later == one.lost == 0.0


def test_a_stage_ends_where_the_next_one_begins() -> None:
    """What happens before the first sample of the next stage belongs to this one."""
    rates = [one.frames_s for one in of(film(16, 16, 16, 16, 8, 8, 8, 8, 4))]
    assert rates == [16, 8, 4]


def test_what_was_not_sent_does_not_count() -> None:
    """A publisher that makes half of its pictures has a viewer who sees all of them, and sees them move."""
    sent = [
        (at, {"q": round(16 * at), "f": round(8 * at)}) for at in (0.25 * n for n in range(500))
    ]
    samples = with_made(film(16, 16, 16, 16, 8), sent, {1280: "f", 320: "q"})
    assert [one.share for one in of(samples)] == [2.0, 1.0, 1.0]
    assert [one.made_s for one in of(samples)] == [8.0, 8.0, 8.0]
    smaller = [evolve(one, width=320 if one.at_s > 108.0 else 1280) for one in samples]
    its = of(with_made(smaller, sent, {1280: "f", 320: "q"}))
    assert [one.share for one in its] == [2.0, 1.0, 0.5]
    assert [one.moves_after_s for one in its] == [0.0, 0.0, None]


def test_nobody_waits_for_pictures_of_a_pause() -> None:
    """What is made meanwhile is not asked for, and a paused picture does not move."""
    sent = [(at, {"f": round(16 * at)}) for at in (0.25 * n for n in range(500))]
    paused = [
        evolve(one, paused=104.0 <= one.at_s < 106.0) for one in film(16, 16, 16, 16, 0, 0, 16)
    ]
    its = narrow(with_made(paused, sent, {1280: "f"}))
    assert (its.share, its.made_s, its.paused_for, its.moves_after_s) == (1.0, 16.0, 0.5, 2.0)


def test_a_picture_moves_again_when_it_moved_for_two_seconds() -> None:
    """One second at the good rate between two poor ones is not yet it."""
    samples = film(16, 16, 16, 16, 2, 16, 2, 16, 16, 16)
    assert narrow(samples).moves_after_s is None
    assert of(samples)[2].moves_after_s == 0.0
    assert narrow(film(16, 16, 16, 16, 2, 16, 16, 16)).moves_after_s == 0.5


def test_a_standstill_that_goes_on_counts() -> None:
    """The browser counts a freeze when it ends; a picture that never comes back stood still all the time."""
    assert narrow(film(16, 16, 16, 16, 0)).longest_s == 4.0
    assert narrow(film(16, 16, 16, 16, 0)).freezes == 0


def test_the_browsers_own_freezes_count_where_samples_miss_them() -> None:
    """A freeze of 0.4 s between two pictures may show in no pair of samples."""
    samples = [
        evolve(one, freezes=2, frozen_s=0.4) if one.at_s >= 105.0 else one for one in film(16)
    ]
    its = narrow(samples)
    assert (its.freezes, its.longest_s, its.frozen) == (2, 0.4, 0.1)


def test_a_pause_is_no_standstill() -> None:
    """A picture that the server says it does not send stands still on purpose."""
    samples = [evolve(one, paused=104.0 < one.at_s <= 108.0) for one in film(16, 16, 16, 16, 0)]
    its = narrow(samples)
    assert (its.longest_s, its.paused, its.paused_for) == (0.0, True, 15 / 16)
    assert of(samples)[2].longest_s == 4.0


def test_a_freeze_that_was_a_pause_counts_from_its_end() -> None:
    """The browser counts two seconds when the picture is back; the server had paused it until half a second before."""
    samples = [
        evolve(one, paused=104.25 <= one.at_s < 106.0, frozen_s=2.0 if one.at_s >= 106.25 else 0.0)
        for one in film(16)
    ]
    its = narrow(samples)
    assert (its.longest_s, its.frozen) == (0.5, 0.125)


def test_each_change_of_the_width_is_a_switch() -> None:
    """There and back are two, and no width yet is none."""
    widths = {105.0: 0, 106.0: 320}
    samples = [evolve(one, width=widths.get(one.at_s, one.width)) for one in film(16)]
    its = narrow(samples)
    assert (its.switches, its.width, its.width_after_s) == (2, 1280, 2.25)
    assert of(samples)[0].width_after_s == 0.0


def test_sound_and_packets_are_shares_of_their_stage() -> None:
    """A sixteenth of the sound was made up, all of it at first; a packet in five was lost."""
    samples = [
        evolve(
            one,
            concealed=12_000 if one.at_s > 104.0 else 0,
            lost=min(400, max(0, round((one.at_s - 104.0) * 100))),
        )
        for one in film(16)
    ]
    its = narrow(samples)
    assert its.concealed == 1 / 16
    assert its.concealed_later == 0.0
    assert its.lost == 400 / (400 + 1600)
