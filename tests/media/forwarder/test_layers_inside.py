"""A publisher whose one stream has layers inside (VP9, AV1): each subscriber gets the size and rate that it wants."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from attrs import evolve

from media.forwarder.api import Forwarder, Layer, Rates
from tests.media.forwarder.film import (
    ALL,
    ALL_APART,
    APART,
    CAMERA,
    RATES,
    SSRC,
    TWO,
    UNCHAINED,
    Film,
    numbers_without_holes,
    sizes,
)

LOW, MEDIUM, HIGH = Layer


def test_each_gets_its_size(make: Callable[[], Forwarder]) -> None:
    """From a keyframe on, with numbers without holes, and the marker where their picture ends."""
    for layer, spatial in ((LOW, 0), (MEDIUM, 1), (HIGH, 2)):
        film = Film(make())
        film.want(layer)
        got = film.show(4, key=True)
        assert sizes(got) == [*range(spatial + 1), *[spatial] * 3]
        numbers = [one.sequence for one in got]
        assert numbers == list(range(numbers[0], numbers[0] + len(got)))
        assert [one.marker for one in got] == [False] * spatial + [True] * 4
        assert film.told() == [layer]


def test_sizes_that_stand_alone_change_at_a_keyframe(make: Callable[[], Forwarder]) -> None:
    """Both ways; it is asked for, and what is sent goes on until it comes."""
    film = Film(make())
    film.show(3, key=True)
    film.now += 2.0  # requests are a second apart
    film.want(LOW)
    assert film.asked()
    assert set(sizes(film.show(3))) == {2}
    assert set(sizes(film.show(3, key=True))) == {0}
    film.now += 2.0
    film.want(HIGH)
    assert film.asked()
    assert set(sizes(film.show(3))) == {0}
    assert sizes(film.show(2, key=True)) == [0, 1, 2, 2]
    assert film.told() == [HIGH, LOW, HIGH]


def test_sizes_that_build_on_each_other_shrink_at_once(make: Callable[[], Forwarder]) -> None:
    """Less with the next picture; more with a keyframe only."""
    film = Film(make(), TWO)
    assert sizes(film.show(2, key=True)) == [0, 1, 0, 1]
    film.want(MEDIUM)
    assert sizes(film.show(3)) == [0, 0, 0]
    film.want(HIGH)
    assert sizes(film.show(2)) == [0, 0]
    assert sizes(film.show(1, key=True)) == [0, 1]


def test_fewer_pictures(make: Callable[[], Forwarder]) -> None:
    """Of one size every second picture, every fourth, and all again, without a keyframe."""
    film = Film(make(), RATES)
    assert len(film.show(9, key=True)) == 9
    film.want(HIGH, temporal=0)
    assert len(film.show(8)) == 2
    film.want(HIGH, temporal=1)
    assert len(film.show(8)) == 4
    film.want(HIGH)
    assert len(film.show(8)) == 8


def test_the_room_is_told_what_there_is(make: Callable[[], Forwarder]) -> None:
    """Three layers on the air, and what each costs: small ones less."""
    film = Film(make())
    film.show(120, key=True)
    assert film.seen() == [{LOW, MEDIUM, HIGH}]
    (first, *_) = [each.layers for each in film.events if isinstance(each, Rates)]
    assert set(first) == {LOW, MEDIUM, HIGH}
    assert all(rate > 0 for rate in first.values())


def test_who_reads_no_descriptors_gets_all(make: Callable[[], Forwarder]) -> None:
    """Firefox and older clients: the whole stream, as it is."""
    film = Film(make(), numbered=False)
    film.want(LOW)
    assert sizes(film.show(3, key=True)) == [0, 1, 2] * 3


def test_three_sizes_that_build_on_each_other(make: Callable[[], Forwarder]) -> None:
    """L3T3: a smaller size at once, a larger one at a keyframe that is asked for; fewer pictures at once, and more."""
    film = Film(make(), ALL, parts=2)
    got = film.show(5, key=True)
    assert sizes(got) == [0, 0, 1, 1, 2, 2] * 5
    film.want(MEDIUM)
    got += film.show(4)
    film.want(LOW)
    got += film.show(4)
    assert sizes(got[30:]) == [0, 0, 1, 1] * 4 + [0, 0] * 4
    film.now += 2.0
    film.want(HIGH)
    assert film.asked()
    assert sizes(film.show(3)) == [0] * 6
    again = film.show(4, key=True)
    assert sizes(again) == [0, 0, 1, 1, 2, 2] * 4
    film.want(HIGH, temporal=0)
    assert len(film.show(8)) == 12
    film.want(HIGH)
    assert len(film.show(8)) == 48
    assert numbers_without_holes(got)
    assert numbers_without_holes(again)
    last = [last for last, then in pairwise(got) if last.timestamp != then.timestamp]
    assert all(one.marker for one in last)
    assert sum(one.marker for one in got) == 13


def test_three_sizes_that_stand_alone(make: Callable[[], Forwarder]) -> None:
    """L3T3_KEY, livekit-client's: sizes change at keyframes, rates at once; the last packet of a picture is marked."""
    film = Film(make(), ALL_APART, parts=2)
    for layer, spatial in ((LOW, 0), (HIGH, 2), (MEDIUM, 1)):
        film.now += 2.0
        film.want(layer)
        got = film.show(1, key=True)
        assert sizes(got) == [each for each in range(spatial + 1) for _ in "ab"]
        got += film.show(8)
        assert sizes(got[-16:]) == [spatial] * 16
        film.want(layer, temporal=1)
        got += film.show(8)
        assert sizes(got[-8:]) == [spatial] * 8
        assert numbers_without_holes(got)
        assert [one.marker for one in got[-24:]] == [False, True] * 12
        assert sum(one.marker for one in got) == 13
    assert film.told() == [LOW, HIGH, MEDIUM]
    film.want(HIGH)
    assert set(sizes(film.show(4))) == {1}


def test_a_structure_that_comes_late(make: Callable[[], Forwarder]) -> None:
    """The first packet of a keyframe with another structure was lost: all of it goes on until that comes again."""
    film = Film(make(), APART)
    film.want(LOW)
    film.show(2, key=True)
    film.kind = ALL_APART
    first, *others = film.packets(key=True)
    assert len(film.give(others)) == 2
    assert len(film.show()) == 3
    assert sizes(film.give([first])) == [0]
    assert sizes(film.show(4)) == [0] * 4
    assert film.seen() == [{LOW, MEDIUM, HIGH}]


def test_a_keyframe_that_is_lost(make: Callable[[], Forwarder]) -> None:
    """What builds on it is sent, for it may still come; a larger size does not begin without it."""
    film = Film(make(), ALL)
    film.want(LOW)
    film.show(2, key=True)
    film.now += 2.0
    film.want(HIGH)
    assert film.asked()
    lost, *others = film.packets(key=True)
    assert film.give(others) == []
    assert sizes(film.show(4)) == [0] * 4
    assert sizes(film.give([lost])) == [0]
    assert sizes(film.show(4)) == [0] * 4
    film.now += 2.0
    assert film.asked()
    assert sizes(film.show(2, key=True)) == [0, 1, 2] * 2


def test_sizes_that_come_and_go(make: Callable[[], Forwarder]) -> None:
    """Of two sizes the smaller is called MEDIUM; where the publisher's line has no room for one, the other is sent."""
    film = Film(make(), APART)
    film.want(LOW)
    got = film.show(2, key=True)
    film.kind, film.now = TWO, film.now + 2.0
    got += film.show(4, key=True)
    assert sizes(got) == [0] * 6
    assert numbers_without_holes(got)
    film.now += 2.0
    film.want(HIGH)
    assert sizes(film.show(2, key=True)) == [0, 1] * 2
    film.now, film.active = film.now + 2.0, 0b01
    assert sizes(film.show(2)) == [0, 0]
    assert film.told() == [LOW, MEDIUM, HIGH, MEDIUM]
    assert film.seen() == [{LOW, MEDIUM, HIGH}, {MEDIUM, HIGH}, {MEDIUM}]


def test_the_room_is_told_once_a_second(make: Callable[[], Forwarder]) -> None:
    """Of other layers, to choose from or sent: a publisher can change them with every packet."""
    film = Film(make(), ALL)
    film.show(1, key=True)
    film.events.clear()
    for number in range(100):  # 4 s
        film.active = (0b111, 0b111111)[number % 2]
        film.show()
    assert 3 <= len(film.seen()) <= 4
    assert 3 <= len(film.told()) <= 4


def test_layers_inside_of_simulcast(make: Callable[[], Forwarder]) -> None:
    """Each stream keeps its own name, whatever rates are inside."""
    streams = {1001: LOW, 1002: MEDIUM, SSRC: HIGH}
    film = Film(make(), RATES, track=evolve(CAMERA, ssrcs=streams))
    for key in (True, False, False):
        for ssrc in streams:
            film.give(film.packets(key=key, ssrc=ssrc))
            film.frames -= 1
    assert film.seen()[-1] == {LOW, MEDIUM, HIGH}
    assert film.told()[-1] is HIGH
    film.want(LOW)
    film.packets(key=True)
    assert len(film.give(film.packets(key=True, ssrc=1001))) == 1
    assert film.told()[-1] is LOW


def test_one_stream_of_several_that_were_announced(make: Callable[[], Forwarder]) -> None:
    """LiveKit's Rust announces two and sends both sizes in the second: who wants the first gets it out of that."""
    film = Film(make(), TWO, track=evolve(CAMERA, ssrcs={1001: LOW, SSRC: MEDIUM}))
    film.want(LOW)
    assert sizes(film.show(30, key=True)) == [0] * 30
    assert film.seen() == [{LOW, MEDIUM}]
    film.want(HIGH)
    assert sizes(film.show(2, key=True)) == [0, 1] * 2
    assert film.told() == [LOW, MEDIUM]


def test_what_nobody_can_choose_from(make: Callable[[], Forwarder]) -> None:
    """Without descriptors, or without chains in them, it goes on whole, and the room hears of one layer."""
    for kind, described in ((UNCHAINED, True), (APART, False)):
        film = Film(make(), kind)
        film.want(LOW)
        for key in (True, False, False):
            assert sizes(film.give(film.packets(key=key, described=described))) == [0, 1, 2]
        assert film.seen() == [{HIGH}]
        assert film.told() == [HIGH]


def test_a_descriptor_in_between_is_missing(make: Callable[[], Forwarder]) -> None:
    """Such a packet goes on, and nothing changes for those that follow."""
    film = Film(make(), APART)
    film.want(LOW)
    got = film.show(2, key=True)
    got += film.give(film.packets(key=False, described=False))
    got += film.show(2)
    assert sizes(got) == [0, 0, 0, 1, 2, 0, 0]
    assert numbers_without_holes(got)


def test_encrypted_pictures_are_chosen_from(make: Callable[[], Forwarder]) -> None:
    """End to end: nothing but the first byte of a payload is needed, for descriptors are beside it."""
    came = []
    for encrypted in (False, True):
        film = Film(make(), ALL_APART, track=evolve(CAMERA, encrypted=encrypted))
        film.want(LOW)
        got = film.show(4, key=True)
        film.want(MEDIUM)
        got += film.show(4, key=True)
        came.append([(one.sequence, one.timestamp, one.marker) for one in got])
    assert len(came[0]) == 9
    assert came[0] == came[1]


def test_an_encoder_that_counts_anew(make: Callable[[], Forwarder]) -> None:
    """Its frames have old numbers, its packets have not: a keyframe begins all the same."""
    film = Film(make(), ALL_APART)
    film.want(LOW)
    film.frames = 30_000
    assert sizes(film.show(3, key=True)) == [0] * 3
    film.frames = 0
    assert sizes(film.show(3, key=True)) == [0] * 3
