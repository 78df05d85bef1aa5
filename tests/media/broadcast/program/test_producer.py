"""A broadcast from tapped packets to parts, by the clock of the test; pictures and sound are coded for real."""

from __future__ import annotations

from io import BytesIO

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.program.producer import Producer
from media.broadcast.program.scene import SOUND, Scene
from media.forwarder.api import Codec, Layer, Tapped, TappedClock
from media.ids import TrackSid
from tests.media.broadcast.program.stagehand import (
    CAMERA,
    CODED,
    SIZES,
    VOICE,
    Encoder,
    Network,
    Publication,
    Show,
    rtp,
)
from tests.media.broadcast.program.test_mixer import strength, voice

OTHER = TrackSid("TR_other")


def producer(spare_cores: float = 0.0) -> Producer:
    return Producer(
        channels=1, bit_rate=64_000, zero_s=100.0, origin_ntp=0, spare_cores=spare_cores
    )


def scene(picture: TrackSid | None = CAMERA, **more: object) -> Scene:
    values: dict[str, object] = {
        "picture": picture,
        "publisher": "ann",
        "layers": frozenset(Layer),
        "voices": {VOICE: "ann"},
    }
    return Scene(**(values | more))  # type: ignore[arg-type] # checked by the class


def camera(track: TrackSid = CAMERA, layers: tuple[Layer, ...] = tuple(Layer)) -> list[Encoder]:
    return [Encoder(track, layer, SIZES[layer], skew=int(layer) * 100_000) for layer in layers]


def sizes(data: bytes) -> tuple[set[tuple[int, int]], int, float]:
    """Sizes of the pictures that FFmpeg decodes, how many, and seconds of sound."""
    with av.open(BytesIO(data), "r") as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    with av.open(BytesIO(data), "r") as container:
        pictures = any(stream.type == "video" for stream in container.streams)
        seen = [(one.width, one.height) for one in container.decode(video=0)] if pictures else []
    return set(seen), len(seen), samples / 48_000


def whole(origin: Publication) -> None:
    """Every rendition has the same parts, and the playlists take all of them."""
    assert origin.wrong == []
    assert origin.settled > 0
    shapes = {
        name: [
            (one.discontinuity, one.segment, one.number, one.ticks)
            for one, _ in origin.parts
            if one.rendition == name
        ]
        for name in origin.names
    }
    assert len({tuple(each) for each in shapes.values()}) == 1


def test_layers_are_the_ladder() -> None:
    """Three layers become three renditions that decode, in step with the sound, and one with the sound alone."""
    show = Show(producer(), scene(), camera(), {VOICE: voice(440, 0.3)})
    show.run(14)
    origin = show.end()
    whole(origin)
    assert [(one.rendition, one.picture and one.picture.width) for one in origin.of.variants] == [
        ("v48", 64),
        ("v96", 128),
        ("v192", 256),
        (SOUND, None),
    ]
    for name, layer in (("v48", Layer.LOW), ("v96", Layer.MEDIUM), ("v192", Layer.HIGH)):
        seen, count, sound_s = sizes(origin.file(name, 0))
        assert seen == {SIZES[layer]}
        assert abs(count / 25 - sound_s) < 1.5
    firsts = [one for one, _ in origin.parts if one.number == 0]
    assert all(one.independent for one in firsts)
    assert len({one.segment for one in firsts}) >= 3
    assert all(one.keys <= 6 for one in show.encoders), (
        "key frames are asked for every four seconds"
    )
    assert show.notices == []


def test_a_layer_that_stops_is_replaced() -> None:
    """Viewers of a size that the publisher has switched off see the next smaller one, and their own when it is back."""
    show = Show(producer(), scene(), camera(), {VOICE: voice(440, 0.3)})
    show.run(6)
    high = show.encoders.pop()
    show.run(8)
    show.encoders.append(high)
    high.key = True
    show.run(8)
    origin = show.end()
    whole(origin)
    last = max(one.discontinuity for one, _ in origin.parts)
    found = [sizes(origin.file("v192", number))[0] for number in range(last + 1)]
    assert found == [{SIZES[Layer.HIGH]}, {SIZES[Layer.MEDIUM]}, {SIZES[Layer.HIGH]}]
    for number in range(last + 1):
        assert sizes(origin.file("v48", number))[0] == {SIZES[Layer.LOW]}
    assert show.notices == []


def test_a_change_of_speaker_has_no_hole() -> None:
    """The one before is shown until the next has a key frame; a new size is one new beginning for all renditions."""
    layers = (Layer.LOW,)
    show = Show(producer(), scene(layers=frozenset(layers)), camera(layers=layers))
    show.voices = {VOICE: voice(440, 0.3)}
    show.run(6)
    second = Encoder(OTHER, Layer.LOW, SIZES[Layer.HIGH], key=False)
    second._place = 5  # it is under way: no key frame by itself
    show.obeys = False
    show.encoders.append(second)
    show.scene = scene(
        OTHER,
        publisher="bob",
        layers=frozenset(layers),
        voices={VOICE: "ann"},
        may_stay=frozenset({CAMERA}),
    )
    show.run(2)
    assert CAMERA in show.producer.tracks
    assert (OTHER, Layer.LOW) in {one for turn in show.turns for one in turn.asks}
    show.obeys = second.key = True
    show.run(6)
    assert show.producer.tracks == {OTHER, VOICE}
    origin = show.end()
    whole(origin)
    assert [sizes(origin.file("v48", number))[0] for number in (0, 1)] == [
        {SIZES[Layer.LOW]},
        {SIZES[Layer.HIGH]},
    ]
    assert "picture_away" not in show.notices


def test_what_may_not_stay_is_dark_at_once() -> None:
    """R48: a camera that left the spotlight is shown no longer, and the still picture comes with the next part."""
    show = Show(producer(), scene(), camera(), {VOICE: voice(440, 0.3)})
    show.run(6)
    show.scene = scene(None)
    before = show.now
    show.run(0.04)
    assert CAMERA not in show.producer.tracks
    show.run(8)
    origin = show.end()
    whole(origin)
    frames = []
    for name in ("v48", "v192"):
        with av.open(BytesIO(origin.file(name, 1)), "r") as container:
            frames += [(name, frame) for frame in container.decode(video=0)]
    assert {name for name, _ in frames} == {"v48", "v192"}
    assert all(bytes(frame.planes[0])[0] == 16 for _, frame in frames), "black"
    first = next(frame.pts for name, frame in frames if name == "v48")
    assert first is not None
    assert first - before < 48_000
    assert show.notices == ["picture_away"]


def test_a_publisher_drops_and_returns() -> None:
    """Without packets there are a still picture and silence after some seconds; then it goes on. Hosts hear of all."""
    layers = (Layer.LOW,)
    show = Show(producer(), scene(layers=frozenset(layers)), camera(layers=layers))
    show.voices = {VOICE: voice(440, 0.3)}
    show.run(6)
    encoders, voices = show.encoders, show.voices
    show.encoders, show.voices = [], {}
    show.run(9)
    show.encoders, show.voices = encoders, voices
    show.run(6)
    origin = show.end()
    whole(origin)
    assert show.notices == ["picture_away", "sound_away", "picture_back", "sound_back"]
    assert len({one.discontinuity for one, _ in origin.parts}) == 3
    last_s = sum(one.ticks for one, _ in origin.parts if one.rendition == SOUND) / 48_000
    assert 17 < last_s < 21


def test_two_voices_are_in_the_sound() -> None:
    """Both microphones on stage are heard in the rendition with sound alone; without a picture there is a still one."""
    show = Show(producer(), scene(None, voices={VOICE: "ann", OTHER: "bob"}, wants_picture=False))
    show.voices = {VOICE: voice(440, 0.3), OTHER: voice(1_000, 0.2)}
    show.run(7)
    origin = show.end()
    whole(origin)
    with av.open(BytesIO(origin.file(SOUND, 0)), "r") as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    middle = heard[48_000:96_000]
    assert strength(middle, 440) > 0.2
    assert strength(middle, 1_000) > 0.12
    assert show.notices == []


@pytest.mark.parametrize("codec", [Codec.VP9, Codec.AV1])
def test_a_codec_that_nobody_understands(codec: Codec) -> None:
    """Hosts are told once; the sound is there all the same."""
    show = Show(producer(), scene(codec=codec), camera(), {VOICE: voice(440, 0.3)})
    show.run(6)
    origin = show.end()
    whole(origin)
    assert show.notices.count("not_understood") == 1
    assert sizes(origin.file(SOUND, 0))[2] > 1


def test_an_encoder_that_takes_no_requests() -> None:
    """OBS: key frames every two seconds, whatever is asked; segments are never longer than was promised."""
    layers = (Layer.HIGH,)
    show = Show(producer(), scene(layers=frozenset(layers)), camera(layers=layers), obeys=False)
    show.voices = {VOICE: voice(440, 0.3)}
    show.encoders[0].every = 50
    show.run(20)
    origin = show.end()
    whole(origin)
    assert len({one.discontinuity for one, _ in origin.parts}) == 1
    firsts = [one for one, _ in origin.parts if one.number == 0 and one.rendition != SOUND]
    assert all(one.independent for one in firsts)
    assert show.notices == []


def test_b_frames_are_told_once() -> None:
    """They are left out, the rest is shown, and the host hears which setting is wrong."""
    layers = (Layer.HIGH,)
    show = Show(producer(), scene(layers=frozenset(layers)), camera(layers=layers))
    show.voices = {VOICE: voice(440, 0.3)}
    show.encoders[0].more = {"b_frames": 2}
    show.run(8)
    origin = show.end()
    whole(origin)
    assert show.notices == ["b_frames"]
    _, count, sound_s = sizes(origin.file("v192", 0))
    assert 0 < count < sound_s * 25 * 0.7


def test_after_a_page_somebody_of_a_call() -> None:
    """Layers of H.264 are passed on; whoever follows with VP8 is coded into the same renditions, and back again."""
    show = Show(producer(4.0), scene(), camera(), {VOICE: voice(440, 0.3)})
    show.run(6)
    assert show.coded == []
    show.encoders.append(Encoder(OTHER, Layer.HIGH, (160, 96), vp8=True, every=200))
    show.scene = scene(
        OTHER,
        publisher="bob",
        codec=Codec.VP8,
        layers=frozenset({Layer.HIGH}),
        may_stay=frozenset({CAMERA}),
    )
    show.run(8)
    assert set(show.coded) == {Codec.VP8}
    assert show.producer.tracks == {OTHER, VOICE}
    show.scene = scene(may_stay=frozenset({OTHER}))
    show.run(7)
    origin = show.end()
    whole(origin)
    last = max(one.discontinuity for one, _ in origin.parts)
    for name, layer in (("v48", Layer.LOW), ("v96", Layer.MEDIUM), ("v192", Layer.HIGH)):
        found = [sizes(origin.file(name, number))[0] for number in range(last + 1)]
        assert [size for size in found if size] == [{SIZES[layer]}, {CODED}, {SIZES[layer]}], found
    assert show.notices == []


def test_losses_of_the_network() -> None:
    """Packets that come late are put in their place; a picture that is lost costs those until a key frame."""
    show = Show(producer(), scene(), camera(), {VOICE: voice(440, 0.3)})
    show.network = Network(late=3, lost=97)
    show.run(14)
    origin = show.end()
    whole(origin)
    assert len({one.discontinuity for one, _ in origin.parts}) == 1
    seen, count, sound_s = sizes(origin.file("v192", 0))
    assert seen == {SIZES[Layer.HIGH]}
    assert count > sound_s * 25 * 0.5
    assert show.notices == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from([CAMERA, VOICE, OTHER]),
            st.sampled_from(list(Layer)),
            st.sampled_from([None, Codec.H264, Codec.OPUS, Codec.RED]),
            st.binary(max_size=60),
            st.integers(0, 65_535),
        ),
        max_size=40,
    ),
    st.sampled_from([Codec.H264, Codec.VP8]),
)
def test_fuzz_packets(
    came: list[tuple[TrackSid, Layer, Codec | None, bytes, int]], codec: Codec
) -> None:
    """Whatever a publisher sends, a turn ends, and what comes out is taken by the playlists."""
    show = Show(producer(), scene(codec=codec, voices={VOICE: "ann", OTHER: "bob"}))
    now_s = 100.0
    for track, layer, kind, payload, number in came:
        now_s += 0.2
        data = rtp(payload, number, number * 3_000, marker=bool(number & 1))
        raw = Tapped(track, layer, kind, payload, now_s)
        clock = TappedClock(track, layer, number << 20, number, now_s)
        show.take(
            show.producer.turn(
                show.scene, [raw, Tapped(track, layer, kind, data, now_s), clock], [], now_s
            )
        )
    if show.origin is not None:
        assert show.origin.wrong == []
