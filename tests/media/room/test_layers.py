"""Adaptive stream, dynacast, and links that are full."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Layer, Tap, Want
from media.ids import ParticipantSid, TrackSid
from media.room.budget import SOUND_BPS, Budget, Demand, for_pictures, share
from media.room.commands import SetTap, SetWant, SetWish, StartForwarding, Tell
from media.room.events import (
    Estimated,
    HostAsked,
    LayersSeen,
    Left,
    TakesWhole,
    TapAsked,
    TrackRates,
    TrackReady,
    TrackSettings,
    Unsubscribe,
)
from media.room.messages import LayersWanted, StreamsChanged, StreamState
from media.room.model import Grants, Source
from media.room.operations import Admit, BackToWaiting
from tests.media.room.script import (
    BOARD,
    FACE,
    HOST,
    MASHA,
    PETYA,
    TEACHER,
    Lesson,
    joined,
    name_of,
    only,
    play,
    told,
    track,
)

LOW, MEDIUM, HIGH = Layer
ALL = frozenset(Layer)


def lesson_with_face(*, adaptive: bool = True) -> Lesson:
    """The teacher's camera on its way to Masha."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA, adaptive=adaptive))
    lesson.publish(track(FACE, TEACHER, Source.CAMERA))
    lesson.let(5.0)
    return lesson


def sized(width: int = 0, height: int = 0, **more: object) -> TrackSettings:
    return TrackSettings(by=MASHA, tracks=(FACE,), width=width, height=height, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "want"),
    [
        (sized(160, 90), Want(layer=LOW)),
        (sized(330, 185), Want(layer=LOW)),
        (sized(400, 225), Want(layer=MEDIUM)),
        (sized(1280, 720), Want(layer=HIGH)),
        (sized(4000, 3000), Want(layer=HIGH)),
        (sized(quality=MEDIUM), Want(layer=MEDIUM)),
        (sized(), Want(layer=HIGH)),
        (sized(1280, 720, fps=15), Want(layer=HIGH, temporal=1)),
        (sized(1280, 720, fps=5), Want(layer=HIGH, temporal=0)),
        (sized(disabled=True), Want(layer=LOW, paused=True)),
    ],
)
def test_the_layer_follows_the_screen(settings: TrackSettings, want: Want) -> None:
    """The smallest layer that fills the element, from the next packet on."""
    lesson = lesson_with_face()
    expected = [] if want == Want(layer=LOW) else [SetWant(FACE, MASHA, want)]
    assert only(SetWant, lesson.do(settings)) == expected


def test_settings_before_the_subscription_count() -> None:
    """What was said of a track before it is forwarded is what it begins with."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA, adaptive=True))
    lesson.publish(track(FACE, TEACHER, Source.CAMERA))
    lesson.do(sized(1280, 720))
    assert only(StartForwarding, lesson.let(1.0)) == [StartForwarding(FACE, MASHA, Want())]


def test_without_simulcast_there_is_one_layer() -> None:
    """A screen without layers is forwarded whole, however small it is shown."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA, adaptive=True))
    lesson.publish(track(BOARD, TEACHER, Source.SCREEN))
    assert only(StartForwarding, lesson.let(1.0)) == [StartForwarding(BOARD, MASHA, Want())]
    assert lesson.do(TrackSettings(by=MASHA, tracks=(BOARD,), width=100, height=50)) == []


def test_layers_inside_one_stream_are_layers_too() -> None:
    """VP9 and AV1 have their sizes in one stream (SVC): a small tile wants the small one; whole where none is seen."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA, adaptive=True))
    camera = track(FACE, TEACHER, Source.CAMERA)
    lesson.publish(evolve(camera, mime_type="video/VP9", simulcast=False))
    assert only(StartForwarding, lesson.let(1.0)) == [StartForwarding(FACE, MASHA, Want(layer=LOW))]
    lesson.do(LayersSeen(FACE, ALL))
    assert lesson.do(sized(1280, 720))[0] == SetWant(FACE, MASHA, Want(layer=HIGH))
    lesson.do(sized(160, 90))
    assert lesson.do(LayersSeen(FACE, frozenset({HIGH})))[0] == SetWant(FACE, MASHA, Want())


def test_better_too_sharp_than_nothing() -> None:
    """When the wanted layer is not on the air, the lowest that is; back as soon as it is there."""
    lesson = lesson_with_face()
    play(
        lesson,
        (
            LayersSeen(FACE, frozenset({HIGH})),
            [
                SetWant(FACE, MASHA, Want(layer=HIGH)),
                Tell((TEACHER,), LayersWanted(FACE, ALL)),
            ],
        ),
        (LayersSeen(FACE, ALL), [SetWant(FACE, MASHA, Want(layer=LOW))]),
    )


def test_dynacast() -> None:
    """More layers are asked for at once, fewer after two seconds, none when nobody looks."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA, adaptive=True))
    lesson.publish(track(FACE, TEACHER, Source.CAMERA))
    asked = [m for m in told(lesson.let(1.9), TEACHER) if isinstance(m, LayersWanted)]
    assert asked == []
    play(
        lesson,
        (0.2, [Tell((TEACHER,), LayersWanted(FACE, frozenset({LOW})))]),
        (
            sized(640, 360),
            [
                SetWant(FACE, MASHA, Want(layer=MEDIUM)),
                Tell((TEACHER,), LayersWanted(FACE, frozenset({LOW, MEDIUM}))),
            ],
        ),
        (sized(disabled=True), [SetWant(FACE, MASHA, Want(layer=LOW, paused=True))]),
        (1.9, []),
        (0.2, [Tell((TEACHER,), LayersWanted(FACE, frozenset()))]),
    )


def test_what_is_broadcast_is_encoded() -> None:
    """A tap asks for its layers whoever looks, small tiles or nobody; without it they go after two seconds."""
    lesson = lesson_with_face()
    tapped = Tap(FACE, frozenset({LOW, MEDIUM}))
    asked = Tell((TEACHER,), LayersWanted(FACE, tapped.layers))
    play(
        lesson,
        (TapAsked(FACE, tapped.layers), [SetTap(tapped), asked]),
        (TapAsked(FACE, tapped.layers), []),
        (sized(disabled=True), [SetWant(FACE, MASHA, Want(layer=LOW, paused=True))]),
        (3.0, []),
        (TapAsked(FACE, frozenset()), [SetTap(Tap(FACE, frozenset()))]),
        (1.9, []),
        (0.2, [Tell((TEACHER,), LayersWanted(FACE, frozenset()))]),
        (TapAsked(BOARD, ALL), []),
    )


def test_a_tap_is_set_again_after_a_negotiation() -> None:
    """The forwarder was given the track anew: it knows of no tap."""
    lesson = lesson_with_face()
    lesson.do(TapAsked(FACE, ALL))
    assert only(SetTap, lesson.do(TrackReady(FACE, mid="2"))) == [SetTap(Tap(FACE, ALL))]


def test_who_waits_is_not_broadcast() -> None:
    """Moved back into the waiting room their camera is copied no more, admitted it is again (R44)."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA), joined(PETYA))
    lesson.publish(track(FACE, MASHA, Source.CAMERA))
    lesson.do(TapAsked(FACE, ALL))
    back = HostAsked(by=TEACHER, operation=BackToWaiting(name_of(MASHA)), request="r")
    assert only(SetTap, lesson.do(back)) == [SetTap(Tap(FACE, frozenset()))]
    assert only(SetTap, lesson.do(TapAsked(FACE, frozenset({LOW})))) == []
    admit = HostAsked(by=TEACHER, operation=Admit(name_of(MASHA)), request="r")
    assert only(SetTap, lesson.do(admit)) == [SetTap(Tap(FACE, frozenset({LOW})))]


def test_scrolling_past_stops_no_encoder() -> None:
    """A tile that is hidden and shown again within two seconds costs its publisher nothing."""
    lesson = lesson_with_face()
    lesson.do(sized(disabled=True))
    lesson.let(1.0)
    lesson.do(sized(160, 90))
    assert told(lesson.let(5.0), TEACHER) == []


def test_the_most_demanding_subscriber_counts() -> None:
    """When the one who watches large leaves, the layers go down to what the others need."""
    lesson = lesson_with_face()
    lesson.come(joined(PETYA, Grants()))
    lesson.let(3.0)
    lesson.do(Left(PETYA))
    asked = [m for m in told(lesson.let(3.0), TEACHER) if isinstance(m, LayersWanted)]
    assert asked == [LayersWanted(FACE, frozenset({LOW}))]
    lesson.do(Unsubscribe(MASHA, (FACE,)))
    asked = [m for m in told(lesson.let(3.0), TEACHER) if isinstance(m, LayersWanted)]
    assert asked == [LayersWanted(FACE, frozenset())]


# --- full links


def demand(name: str, *costs: int, rank: int = 1) -> Demand:
    return Demand(track=TrackSid(name), costs=dict(zip(Layer, costs, strict=False)), rank=(rank,))


@pytest.mark.parametrize(
    ("limit", "chosen"),
    [
        (10_000_000, {"a": HIGH, "b": HIGH}),
        (SOUND_BPS + 2_000_000, {"a": HIGH, "b": LOW}),
        (SOUND_BPS + 700_000, {"a": MEDIUM, "b": LOW}),
        (SOUND_BPS + 300_000, {"a": LOW, "b": LOW}),
        (SOUND_BPS + 200_000, {"a": LOW, "b": None}),
        (90_000, {"a": LOW, "b": None}),
        (50_000, {"a": None, "b": None}),
    ],
)
def test_a_budget_is_shared_in_order(limit: int, chosen: dict[str, Layer | None]) -> None:
    """Everyone gets the least before anyone gets more; the first is paused last."""
    wanted = [demand("b", 150_000, 500_000, 1_700_000, rank=2)]
    wanted.append(demand("a", 150_000, 500_000, 1_700_000, rank=1))
    assert share(limit, wanted) == chosen


@pytest.mark.parametrize(("limit", "layer"), [(215_000, LOW), (214_000, None), (160_000, None)])
def test_no_picture_goes_where_its_voice_would_not(limit: int, layer: Layer | None) -> None:
    """On a link that is measured; of one that is guessed the first picture is kept."""
    wanted = [demand("a", 150_000, 500_000)]
    assert share(limit, wanted, measured=True) == {"a": layer}
    assert share(limit, wanted) == {"a": LOW}


def test_a_measured_budget_is_not_filled_to_the_last_bit() -> None:
    """Three cameras on 1 Mbit/s: all small, as a middle one more would fill it; at 1.3 one of them is larger."""
    wanted = [demand(name, 160_000, 450_000, 1_700_000) for name in "abc"]
    assert share(1_000_000, wanted, measured=True) == {"a": LOW, "b": LOW, "c": LOW}
    assert share(1_000_000, wanted) == {"a": MEDIUM, "b": LOW, "c": LOW}
    assert share(1_300_000, wanted, measured=True) == {"a": MEDIUM, "b": LOW, "c": LOW}


def test_an_estimate_alone_limits_nothing() -> None:
    """Not where it begins, not while it rises, not when it falls above what is sent: only a fall below it."""
    budget = Budget()
    for bitrate, sent in ((500_000, 3_000_000), (600_000, 3_000_000), (550_000, 400_000)):
        assert not budget.estimate(bitrate, sent, 0.0)
    assert not budget.estimate(540_000, 0, 1.0)
    assert budget.estimate(530_000, 3_000_000, 2.0)
    assert budget.limit_bps == 530_000
    assert budget.estimate(400_000, 500_000, 3.0)
    assert budget.limit_bps == 400_000


def test_a_budget_that_holds_grows() -> None:
    """Every three seconds to twice as much, until everything fits; then it is forgotten."""
    budget = Budget()
    budget.estimate(900_000, 1_000_000, 0.0)
    budget.estimate(200_000, 1_000_000, 1.0)
    assert not budget.grow(3.9)
    assert budget.grows_at == 4.0
    assert budget.grow(4.0)
    assert budget.limit_bps == 400_000
    assert not budget.fits([demand("a", 150_000, 500_000)])
    assert budget.fits([demand("a", 150_000)])
    assert budget.grows_at is None


def test_a_step_that_was_too_much_waits_twice_as_long() -> None:
    """On a link that stays narrow every try costs sound: they become rare; a fall without a try is no reason."""
    budget, now = Budget(), 0.0
    budget.estimate(900_000, 1_000_000, now)
    budget.estimate(400_000, 1_000_000, now)
    waits = []
    for _ in range(7):
        assert budget.grows_at is not None
        waits.append(budget.grows_at - now)
        now = budget.grows_at
        assert budget.grow(now)
        now += 2.0
        assert budget.estimate(399_000 - len(waits), 800_000, now)
    assert waits == [3.0, 6.0, 12.0, 24.0, 48.0, 96.0, 96.0]
    budget.estimate(300_000, 800_000, now + 50.0)
    assert budget.grows_at == now + 53.0


def test_a_measured_estimate_is_followed_upwards() -> None:
    """What came through raises the limit once it has held for three seconds; a step into the blue waits ten times."""
    budget = Budget()
    budget.estimate(1_000_000, 900_000, 0.0, measured=True)
    assert budget.estimate(400_000, 900_000, 0.0, measured=True)
    assert budget.grows_at == 30.0
    assert not budget.estimate(900_000, 380_000, 2.9, measured=True)
    assert not budget.estimate(430_000, 380_000, 3.1, measured=True)
    assert budget.estimate(900_000, 380_000, 3.2, measured=True)
    assert budget.limit_bps == 900_000
    assert budget.estimate(500_000, 800_000, 5.0, measured=True)
    assert not budget.estimate(900_000, 480_000, 10.9, measured=True)
    assert budget.estimate(900_000, 480_000, 11.0, measured=True)


def test_what_was_measured_too_early_is_not_forgotten() -> None:
    """It is told once: the limit rises to it when it has held for three seconds, without another word."""
    budget = Budget()
    budget.estimate(1_000_000, 900_000, 0.0, measured=True)
    budget.estimate(400_000, 900_000, 0.0, measured=True)
    assert not budget.estimate(1_900_000, 380_000, 1.0, measured=True)
    assert budget.grows_at == 3.0
    assert not budget.grow(2.9)
    assert budget.grow(3.0)
    assert budget.limit_bps == 1_900_000
    assert budget.grows_at == 33.0


def test_noise_moves_no_limit() -> None:
    """Estimates that swing by 5 % around what is sent change nothing, measured or not."""
    for measured in (False, True):
        budget = Budget()
        budget.estimate(1_000_000, 900_000, 0.0, measured=measured)
        budget.estimate(600_000, 900_000, 0.0, measured=measured)
        for step in range(1, 12):
            swing = 570_000 if step % 2 else 630_000
            assert not budget.estimate(swing, 600_000, float(step), measured=measured)
        assert budget.limit_bps == 600_000


def test_equals_share_evenly_and_words_on_a_screen_come_first() -> None:
    """Nobody has the large picture before all of a rank have the middle one; a screen is readable before faces."""
    faces = [demand(name, 150_000, 500_000, 1_700_000) for name in "abc"]
    assert share(SOUND_BPS + 1_700_000, faces) == {"a": MEDIUM, "b": MEDIUM, "c": MEDIUM}
    screen = evolve(demand("screen", 150_000, 500_000, 1_700_000, rank=0), readable=MEDIUM)
    narrow = share(SOUND_BPS + 800_000, [*faces, screen])
    assert narrow == {"screen": MEDIUM, "a": LOW, "b": LOW, "c": None}
    assert share(SOUND_BPS + 300_000, [*faces, screen])[screen.track] is LOW


demands = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(10_000, 2_000_000), min_size=1, max_size=3)),
    min_size=1,
    max_size=8,
).map(
    lambda rows: [
        demand(f"v{at}", *sorted(costs), rank=rank) for at, (rank, costs) in enumerate(rows)
    ]
)


@given(demands, st.integers(50_000, 8_000_000))
def test_no_more_is_shared_than_there_is(wanted: list[Demand], limit: int) -> None:
    """The pictures fit beside the sound, but for the first one's least; and who is paused is no better ranked."""
    chosen = share(limit, wanted)
    spent = {d.track: d.costs[layer] for d in wanted if (layer := chosen[d.track]) is not None}
    first = min(wanted, key=lambda d: d.rank).track
    assert sum(spent.values()) <= for_pictures(limit) or set(spent) == {first}
    assert len(chosen) == len(wanted)


@given(demands, st.integers(50_000, 4_000_000), st.integers(0, 4_000_000))
def test_with_more_room_nobody_important_has_less(
    wanted: list[Demand], limit: int, more: int
) -> None:
    """Going down the ranks, the first who is shown or not shown otherwise is one that is shown with more room."""
    ordered = sorted(wanted, key=lambda d: d.rank)
    narrow, wide = share(limit, wanted), share(limit + more, wanted)
    for each in ordered:
        before, after = narrow[each.track], wide[each.track]
        if (before is None) != (after is None):
            assert before is None
            return
    top = ordered[0].track
    assert (wide[top] or LOW) >= (narrow[top] or LOW)


def test_a_full_link_is_probed_for_what_waits() -> None:
    """Measured, the wish is everything at its best, in steps of 0.1 Mbit/s; when all of it is sent there is none."""
    lesson = lesson_with_face(adaptive=False)
    assert lesson.do(Estimated(MASHA, 2_500_000, 1_700_000, measured=True)) == []
    commands = lesson.do(Estimated(MASHA, 500_000, 1_700_000, measured=True))
    wishes = only(SetWish, commands)
    assert [wish.to for wish in wishes] == [MASHA]
    assert wishes[0].bitrate_bps >= 1_700_000
    assert wishes[0].bitrate_bps % 100_000 == 0
    lesson.let(3.1)
    commands = lesson.do(Estimated(MASHA, 5_000_000, 400_000, measured=True))
    assert only(SetWish, commands) == [SetWish(MASHA, 0)]
    assert {c.want for c in only(SetWant, commands)} == {Want()}


def test_a_full_link_pauses_and_says_so() -> None:
    """The board stays, cameras go down or are paused, their viewer is told; later they come back."""
    lesson = Lesson()
    speaker = ParticipantSid("PA_speaker")
    lesson.come(joined(TEACHER, HOST), joined(speaker, Grants()), joined(MASHA))
    lesson.publish(track(FACE, TEACHER, Source.CAMERA))
    lesson.publish(track(TrackSid("TR_2"), speaker, Source.CAMERA))
    lesson.let(1.0)
    assert lesson.do(Estimated(MASHA, 2_500_000, 3_000_000)) == []
    commands = lesson.do(Estimated(MASHA, 300_000, 3_000_000), after=1.1)
    wants = {c.track: c.want for c in only(SetWant, commands)}
    assert sorted(want.paused for want in wants.values()) == [False, True]
    paused = next(sid for sid, want in wants.items() if want.paused)
    publisher = TEACHER if paused == FACE else speaker
    state = StreamsChanged((StreamState(publisher, paused, paused=True),))
    assert Tell((MASHA,), state) in commands
    back = []
    for _ in range(10):
        back += lesson.do(Estimated(MASHA, 5_000_000, 400_000))
        back += lesson.let(9.0)
    state = StreamsChanged((StreamState(publisher, paused, paused=False),))
    assert Tell((MASHA,), state) in back
    assert {c.track: c.want for c in only(SetWant, back)}[paused] == Want()


def test_measured_pictures_fit_where_announced_ones_would_not() -> None:
    """Four faces of 40 kb/s each, announced as 150, stay on a link of 340 kb/s (an estimate as seen)."""
    lesson = Lesson()
    faces = [TrackSid(f"TR_{number}") for number in range(4)]
    lesson.come(joined(MASHA, adaptive=True))
    for number, face in enumerate(faces):
        pupil = ParticipantSid(f"PA_{number}")
        lesson.come(joined(pupil))
        lesson.publish(track(face, pupil, Source.CAMERA))
    lesson.let(3.0)
    lesson.do(*(TrackRates(face, {LOW: 40_000}) for face in faces))
    lesson.do(Estimated(MASHA, 3_400_000, 180_000))
    commands = lesson.do(Estimated(MASHA, 340_000, 416_000))
    assert not [c for c in only(SetWant, commands) if c.want.paused]
    lesson.do(*(TrackRates(face, {LOW: 400_000}) for face in faces))
    commands = lesson.do(Estimated(MASHA, 200_000, 416_000))
    assert len([c for c in only(SetWant, commands) if c.want.paused]) == 3


def with_layers_inside() -> Lesson:
    """Two cameras in VP9 on their way to Masha, who has small tiles: 900 kb/s each, of which the smallest are 40."""
    lesson, speaker, second = Lesson(), ParticipantSid("PA_speaker"), TrackSid("TR_2")
    lesson.come(joined(TEACHER, HOST), joined(speaker, Grants()), joined(MASHA, adaptive=True))
    for face, by in ((FACE, TEACHER), (second, speaker)):
        camera = track(face, by, Source.CAMERA)
        lesson.publish(evolve(camera, mime_type="video/VP9", simulcast=False))
    lesson.let(3.0)
    for face in (FACE, second):
        lesson.do(LayersSeen(face, ALL))
        lesson.do(TrackRates(face, {LOW: 40_000, MEDIUM: 160_000, HIGH: 700_000}))
    lesson.do(Estimated(MASHA, 3_400_000, 180_000))
    return lesson


def test_who_is_sent_all_layers_inside_is_budgeted_for_all() -> None:
    """A client that cannot read the small one alone gets all of it: on 700 kb/s one camera, where others get both."""
    lesson = with_layers_inside()
    commands = lesson.do(Estimated(MASHA, 700_000, 1_800_000))
    assert not [c for c in only(SetWant, commands) if c.want.paused]
    lesson = with_layers_inside()
    assert lesson.do(TakesWhole(MASHA, FACE), TakesWhole(MASHA, TrackSid("TR_2"))) == []
    commands = lesson.do(Estimated(MASHA, 700_000, 1_800_000))
    assert len([c for c in only(SetWant, commands) if c.want.paused]) == 1
    lesson = with_layers_inside()
    lesson.do(Estimated(MASHA, 100_000, 1_800_000))
    paused = SetWant(TrackSid("TR_2"), MASHA, Want(layer=LOW, paused=True))
    assert paused in lesson.do(TakesWhole(MASHA, TrackSid("TR_2")))
    assert lesson.do(TakesWhole(MASHA, TrackSid("TR_2"))) == []


def test_a_stream_without_the_layers_it_announced_costs_all_of_it() -> None:
    """Firefox publishes VP9 in one size, whatever was asked of it: nothing cheaper can be chosen."""
    lesson = with_layers_inside()
    for face in (FACE, TrackSid("TR_2")):
        lesson.do(LayersSeen(face, frozenset({HIGH})))
    commands = lesson.do(Estimated(MASHA, 700_000, 1_800_000))
    assert len([c for c in only(SetWant, commands) if c.want.paused]) == 1
