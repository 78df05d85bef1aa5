"""Which qualities a broadcast has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.ladder.choice import Ladder, Sent, Unsuited, choose, cores, rung
from media.broadcast.ladder.values import Rung
from media.broadcast.ladder.words import read_words, write_words
from media.forwarder.api import Codec, Layer


def _sent(width: int, height: int, layer: Layer = Layer.HIGH, rate: int = 30) -> Sent:
    return Sent(layer=layer, width=width, height=height, bit_rate=1_000_000, frames_per_s=rate)


LAYERS = (
    _sent(320, 180, Layer.LOW),
    _sent(1280, 720),
    _sent(640, 360, Layer.MEDIUM),
)


def _names(of: Ladder | Unsuited) -> tuple[list[str], list[str]]:
    assert isinstance(of, Ladder)
    return [one.name for one in of.passed], [one.name for one in of.made]


def test_layers_of_h264_are_the_ladder() -> None:
    """Three layers in H.264 are three qualities, best first, and nothing is coded, whatever is spare."""
    chosen = choose(Codec.H264, LAYERS, spare_cores=8)
    assert _names(chosen) == (["v720", "v360", "v180"], [])
    assert isinstance(chosen, Ladder)
    assert chosen.cores == 0


def test_one_layer_of_h264() -> None:
    """OBS sends one picture: it is passed on, and a small one is made beside it where the machine bears that."""
    one = (_sent(1920, 1080),)
    assert _names(choose(Codec.H264, one, spare_cores=1)) == (["v1080"], ["v360"])
    assert _names(choose(Codec.H264, one, spare_cores=0)) == (["v1080"], [])
    assert _names(choose(Codec.H264, (_sent(640, 360),), spare_cores=1)) == (["v360"], [])


def test_vp8_is_made_as_the_machine_bears() -> None:
    """A publisher in VP8: two rungs, then fewer pictures a second, then a small one, and a refusal that says why."""
    rungs = [
        (2.0, [("v720", 30), ("v360", 30)]),
        (0.4, [("v720", 15), ("v360", 15)]),
        (0.17, [("v360", 15)]),
    ]
    for spare, wanted in rungs:
        chosen = choose(Codec.VP8, (_sent(1280, 720, rate=25),), spare)
        assert isinstance(chosen, Ladder)
        assert [(one.name, one.frames_per_s) for one in chosen.made] == wanted
        assert chosen.from_ is Layer.HIGH
        assert chosen.passed == ()
    assert choose(Codec.VP8, (_sent(1280, 720),), 0.01) is Unsuited.MACHINE


def test_a_lesser_layer_where_the_best_is_too_much() -> None:
    """Of VP8 in layers a smaller one is made into a rung where decoding the best would be too much already."""
    chosen = choose(Codec.VP8, LAYERS, 0.1)
    assert isinstance(chosen, Ladder)
    assert chosen.from_ is Layer.MEDIUM


@pytest.mark.parametrize("codec", [Codec.VP9, Codec.AV1])
def test_codecs_that_are_refused(codec: Codec) -> None:
    """VP9 and AV1 have a refusal that hosts are told."""
    assert choose(codec, LAYERS, 8) is Unsuited.CODEC


def test_no_picture() -> None:
    """A broadcast of voices has the sound alone."""
    assert choose(Codec.H264, (), 1) == Ladder()
    assert choose(Codec.VP8, (), 1) == Ladder()


def test_shapes() -> None:
    """A rung has its publisher's shape, upright too; what is wider than a cinema gets bars."""
    assert [(one.width, one.height) for one in (
        rung(_sent(1280, 720), 360, 30),
        rung(_sent(960, 720), 360, 30),
        rung(_sent(720, 1280), 360, 30),
        rung(_sent(3440, 1000), 360, 30),
        rung(_sent(300, 200), 360, 30),
    )] == [(640, 360), (480, 360), (360, 640), (864, 360), (300, 200)]  # fmt: skip


@given(
    st.sampled_from([Codec.H264, Codec.VP8]),
    st.lists(
        st.builds(_sent, st.integers(1, 8192), st.integers(1, 8192), st.sampled_from(Layer)),
        max_size=3,
    ),
    st.floats(0, 4),
)
def test_whatever_is_sent(codec: Codec, sent: list[Sent], spare: float) -> None:
    """Rungs have names once, sizes that a coder takes, and never take more than is spare."""
    chosen = choose(codec, sent, spare)
    if isinstance(chosen, Ladder):
        names = [one.name for one in chosen.passed] + [one.name for one in chosen.made]
        assert len(set(names)) == len(names)
        assert chosen.cores <= spare
        source = [one for one in sent if one.layer is chosen.from_]
        assert bool(chosen.made) == bool(source)
        assert not chosen.made or any(cores(codec, one, chosen.made) <= spare for one in source)


RUNGS = st.builds(
    Rung,
    st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True),
    st.integers(8, 960).map(lambda half: 2 * half),
    st.integers(8, 960).map(lambda half: 2 * half),
    st.integers(20_000, 10_000_000),
    st.integers(1, 60),
)


@given(st.integers(1, 8192), st.integers(1, 8192), st.integers(1, 8192))
def test_any_size_has_a_rung(width: int, height: int, lines: int) -> None:
    """A screen of 4K, a strip, a stamp: a size that the coder takes, of about the same shape, and not larger."""
    found = rung(_sent(width, height), lines, 30)
    assert max(found.width, found.height) <= 1920
    assert found.width <= max(40, width)  # a stamp is made larger
    assert found.height <= max(40, height)
    assert (found.width >= found.height) == (width >= height) or found.width == found.height


@given(st.sampled_from([Codec.H264, Codec.VP8]), st.lists(RUNGS, min_size=1, max_size=8))
def test_words(codec: Codec, rungs: list[Rung]) -> None:
    """A coder's command line says what was meant."""
    assert read_words(write_words(codec, rungs)) == (codec, tuple(rungs))


@pytest.mark.parametrize(
    "words", [[], ["AV1", "v:16:16:20000:1"], ["VP8"], ["VP8", "v:16"], ["VP8", "V:16:16:20000:1"]]
)
def test_words_that_mean_nothing(words: list[str]) -> None:
    """Another codec, no rung, half a rung, a name that is none: the coder does not begin."""
    with pytest.raises((ValueError, TypeError)):
        read_words(words)
