"""The forwarder is told things in the order it needs, whatever order they happen in."""

from __future__ import annotations

import pytest
from attrs import Factory, define, evolve
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import (
    Codec,
    DownTrack,
    Extensions,
    Kind,
    Layer,
    SrtpKeys,
    SrtpProfile,
    Tap,
    TrackIn,
    Want,
)
from media.forwarder.plain.forwarder import PlainForwarder
from media.ids import DownId, PeerId, RoomName, TrackSid
from media.plane.plain import PlainPlane
from media.signal.wiring import Wiring

ANNA, BORIS = PeerId("anna"), PeerId("boris")
ROOM = RoomName("lesson")
KEYS = SrtpKeys(SrtpProfile.AEAD_AES_128_GCM, b"k" * 16, b"s" * 12, b"K" * 16, b"S" * 12)
TRACK = TrackIn(
    sid=TrackSid("TR_a"),
    peer=ANNA,
    kind=Kind.AUDIO,
    mid="0",
    payload_types={111: Codec.OPUS},
    clock_rate=48000,
    ssrcs={},
)
DOWN = DownTrack(
    id=DownId("d"),
    track=TRACK.sid,
    peer=BORIS,
    mid="1",
    ssrc=1,
    rtx_ssrc=0,
    payload_types={Codec.OPUS: (111, 0)},
    extensions=Extensions(),
    cname="c",
    first_sequence=0,
    first_timestamp=0,
)
STEPS = {
    "anna comes": lambda w: w.peer_connected(ANNA, KEYS, ROOM),
    "boris comes": lambda w: w.peer_connected(BORIS, KEYS, ROOM),
    "track": lambda w: w.put_track(TRACK),
    "down": lambda w: w.put_downs([(DOWN, Want())]),
    "want": lambda w: w.set_want(DOWN.id, Want(paused=True)),
    "wish": lambda w: w.set_wish(BORIS, 1_000_000),
    "mute": lambda w: w.mute(TRACK.sid, True),
    "unmute": lambda w: w.mute(TRACK.sid, False),
    "pin": lambda w: w.pin(TRACK.sid, True),
    "unpin": lambda w: w.pin(TRACK.sid, False),
    "tap": lambda w: w.tap(Tap(TRACK.sid)),
    "no tap": lambda w: w.tap(Tap(TRACK.sid, frozenset())),
    "key": lambda w: w.ask_key(TRACK.sid, Layer.HIGH),
    "no track": lambda w: w.drop_track(TRACK.sid),
    "no down": lambda w: w.drop_down(DOWN.id),
    "anna goes": lambda w: w.peer_gone(ANNA),
    "boris goes": lambda w: w.peer_gone(BORIS),
}


@define
class Recorded(PlainForwarder):
    """The real one, with a memory of mutes, groups and taps."""

    muted: dict[TrackSid, bool] = Factory(dict)
    groups: list[str] = Factory(list)
    taps: list[Tap] = Factory(list)

    def add_track(self, track: TrackIn) -> None:
        super().add_track(track)
        self.groups.append(track.group)

    def mute_track(self, sid: TrackSid, muted: bool) -> None:
        super().mute_track(sid, muted)
        self.muted[sid] = muted

    def add_tap(self, tap: Tap) -> None:
        super().add_tap(tap)
        self.taps.append(tap)


@given(st.permutations(["anna comes", "boris comes", "track", "down"]))
def test_a_subscription_starts_in_any_order(order: list[str]) -> None:
    """Whatever comes last, the track is then on its way."""
    wiring = Wiring(PlainPlane(PlainForwarder()))
    for step in order:
        STEPS[step](wiring)
    wiring.forwarder.set_want(DOWN.id, Want())  # KeyError if it did not know the down track


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=40))
def test_no_order_of_events_is_a_bug(steps: list[str]) -> None:
    """The forwarder raises KeyError for ids that it does not know; it never has to."""
    wiring = Wiring(PlainPlane(PlainForwarder()))
    for step in steps:
        STEPS[step](wiring)


def test_a_mute_from_before_the_track_holds() -> None:
    """A pupil is muted by the server from the first packet on (R43)."""
    forwarder = Recorded()
    wiring = Wiring(PlainPlane(forwarder))
    for step in ("mute", "anna comes", "track"):
        STEPS[step](wiring)
    assert forwarder.muted == {TRACK.sid: True}


def test_a_pinned_voice_competes_with_nobody() -> None:
    """Pinned before its track came or after, it has no group and is always heard; unpinned it has its own again."""
    forwarder = Recorded()
    wiring = Wiring(PlainPlane(forwarder))
    voice = evolve(TRACK, group="lesson")
    STEPS["pin"](wiring)
    STEPS["anna comes"](wiring)
    wiring.put_track(voice)
    for step in ("unpin", "pin"):
        STEPS[step](wiring)
    wiring.put_track(evolve(voice, mid="7"))
    assert forwarder.groups == ["", "lesson", "", ""]


def test_a_tap_waits_for_its_track() -> None:
    """Said before the track came it holds; it ends with the track, and is not there when that comes again."""
    forwarder = Recorded()
    wiring = Wiring(PlainPlane(forwarder))
    for step in ("tap", "anna comes", "track", "no tap", "tap", "no track", "track"):
        STEPS[step](wiring)
    assert forwarder.taps == [Tap(TRACK.sid), Tap(TRACK.sid, frozenset()), Tap(TRACK.sid)]


def test_who_goes_takes_only_what_is_theirs() -> None:
    """Of two who receive a track one stays; the track's own publisher ends it, and comes back with it."""
    forwarder = PlainForwarder()
    wiring = Wiring(PlainPlane(forwarder))
    klara = PeerId("klara")
    other = evolve(DOWN, id=DownId("e"), peer=klara, ssrc=2)
    for step in ("anna comes", "boris comes", "track", "down"):
        STEPS[step](wiring)
    wiring.peer_connected(klara, KEYS, ROOM)
    wiring.put_downs([(other, Want())])
    wiring.peer_gone(BORIS)
    forwarder.set_want(other.id, Want())
    with pytest.raises(KeyError):
        forwarder.set_want(DOWN.id, Want())
    wiring.peer_gone(ANNA)
    with pytest.raises(KeyError):
        forwarder.set_want(other.id, Want())
    for step in ("anna comes", "track"):
        STEPS[step](wiring)
    forwarder.set_want(other.id, Want())  # its subscriber was never away
