"""Who publishes and who watches, through all that happens to a session."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.whip.admitted import Admitted
from media.broadcast.whip.egress import Egress
from media.broadcast.whip.ids import BroadcastId, SessionId
from media.broadcast.whip.ingest import Ingest
from media.broadcast.whip.lineup import SILENT_S, Lineup
from media.broadcast.whip.refusals import Refused, Why
from media.broadcast.whip.sessions import Created, Restarted, Trickled
from media.forwarder.api import Codec
from media.ids import TrackSid
from tests.media.broadcast.whip.doubles import CONCERT, KEY, FakeGallery, FakeStage, numbered
from tests.media.broadcast.whip.offers import (
    CHROMIUM,
    CHROMIUM_VIEWER,
    NEW_PWD,
    OBS,
    RFC_VP8,
    restart,
    trickle,
)

TEACHER = Admitted(CONCERT, "")
ANN, BOB = Admitted(CONCERT, "@ann:s"), Admitted(CONCERT, "@bob:s")


def ingest(stage: FakeStage, **more: Any) -> Ingest:
    names = numbered()
    return Ingest(stage, lambda: f"s{next(names)}", **more)


def egress(gallery: FakeGallery, **more: Any) -> Egress:
    names = numbered()
    return Egress(gallery, lambda: f"w{next(names)}", **more)


def publish(whip: Ingest, text: str = OBS) -> Created:
    created = whip.create(TEACHER, text.encode())
    assert isinstance(created, Created), created
    return created


def watch(whep: Egress, who: Admitted = ANN) -> Created:
    created = whep.create(who, CHROMIUM_VIEWER.encode())
    assert isinstance(created, Created), created
    return created


async def test_whose_key() -> None:
    """The key of this broadcast; another one and another broadcast are one answer."""
    whip = ingest(FakeStage())
    assert await whip.admit(CONCERT, KEY) == TEACHER
    wrong = await whip.admit(CONCERT, KEY + "x")
    assert wrong == await whip.admit(BroadcastId("other"), KEY) == Refused(Why.UNAUTHORIZED)
    assert await whip.admit(CONCERT, "") == Refused(Why.UNAUTHORIZED)


def test_a_publisher_begins_and_ends() -> None:
    """The peer is opened before it starts, is on air at once, and nobody is when it has ended."""
    whip = ingest(stage := FakeStage())
    created = publish(whip)
    assert "a=ice-ufrag:ours1" in created.answer
    assert created.etag == '"ours1"'
    assert whip.delete(TEACHER, created.session) is None
    assert stage.told == [
        ("open", "s1"),
        ("publish", "concert", "s1"),
        ("on_air", "concert", "s1"),
        ("on_air", "concert", "nobody"),
        ("end", "s1"),
    ]
    assert whip.delete(TEACHER, created.session) == Refused(Why.NO_SESSION)
    assert whip.lineup(CONCERT) == Lineup()
    assert len(whip.sessions) == 0


def test_a_refused_offer_changes_nothing() -> None:
    """No peer is opened for it, and who is on air stays there."""
    whip = ingest(stage := FakeStage())
    publish(whip)
    before = list(stage.told)
    assert whip.create(TEACHER, RFC_VP8.encode()) == Refused(Why.NO_H264)
    assert stage.told == before


def test_a_node_that_takes_vp8() -> None:
    """As it is told when it is made."""
    whip = ingest(stage := FakeStage(), video=(Codec.H264, Codec.VP8))
    created = publish(whip, RFC_VP8)
    assert stage.offers[created.session].incoming[1].payload_types == {96: Codec.VP8}


def test_a_spare() -> None:
    """A second publisher waits, a third is told to wait; the spare is on air when the first goes."""
    whip = ingest(stage := FakeStage())
    first, second = publish(whip), publish(whip, CHROMIUM)
    third = whip.create(TEACHER, OBS.encode())
    assert isinstance(third, Refused)
    assert (third.why, third.status, third.wait_s) == (Why.TAKEN, 409, 5)
    assert whip.lineup(CONCERT) == Lineup(first.session, second.session)
    stage.told.clear()
    whip.gone(first.session)
    assert stage.told == [("on_air", "concert", second.session)]
    whip.gone(first.session)
    whip.gone(SessionId("nobody"))
    assert len(stage.told) == 1


def test_obs_comes_again_after_its_network() -> None:
    """The session that fell silent is ended and its place is the new one's, without waiting for its 30 s of consent."""
    whip = ingest(stage := FakeStage())
    old = publish(whip)
    stage.silence[old.session] = SILENT_S + 0.1
    stage.told.clear()
    new = publish(whip)
    assert stage.told == [
        ("open", new.session),
        ("publish", "concert", new.session),
        ("on_air", "concert", new.session),
        ("end", old.session),
    ]
    assert whip.delete(TEACHER, old.session) == Refused(Why.NO_SESSION)


def test_a_spare_takes_over_from_the_silent(caplog: pytest.LogCaptureFixture) -> None:
    """At the next look, once; a silence of less than the limit is none; the log says it to whoever must act."""
    whip = ingest(stage := FakeStage())
    first, second = publish(whip), publish(whip)
    stage.told.clear()
    stage.silence[first.session] = SILENT_S
    whip.look()
    assert stage.told == []
    stage.silence[first.session] = SILENT_S + 1
    with caplog.at_level(logging.WARNING):
        whip.look()
        whip.look()
    assert stage.told == [("on_air", "concert", second.session)]
    assert caplog.text.count("fell silent broadcast=concert") == 1
    assert whip.lineup(CONCERT) == Lineup(second.session, first.session)


def test_a_node_that_drains() -> None:
    """503 with a time, and nothing is kept of who asked."""
    whip = ingest(FakeStage(draining=True))
    refused = whip.create(TEACHER, OBS.encode())
    assert isinstance(refused, Refused)
    assert (refused.why, refused.status, refused.wait_s) == (Why.DRAINING, 503, 5)
    assert whip.lineup(CONCERT) == Lineup()


def test_the_host_stops_the_broadcast() -> None:
    """Both publishers are ended; a second time there is nobody to end."""
    whip = ingest(stage := FakeStage())
    first, second = publish(whip), publish(whip)
    stage.told.clear()
    whip.close(CONCERT)
    whip.close(CONCERT)
    assert stage.told == [
        ("end", first.session),
        ("end", second.session),
        ("on_air", "concert", "nobody"),
    ]


def test_candidates_and_restarts() -> None:
    """Candidates are taken under the tag, a restart gives another tag, and then the old one is of no use."""
    whip = ingest(stage := FakeStage())
    created = publish(whip)
    mine = trickle("nAZ2")
    assert whip.patch(TEACHER, created.session, created.etag, mine.encode()) == Trickled()
    restarted = whip.patch(TEACHER, created.session, "*", restart().encode())
    assert isinstance(restarted, Restarted)
    assert restarted.etag == '"ours2"'
    assert "a=ice-ufrag:ours2\r\n" in restarted.fragment
    assert stage.told[-1] == ("restart", created.session, "ysXw", NEW_PWD)
    stale = whip.patch(TEACHER, created.session, created.etag, mine.encode())
    assert stale == Refused(Why.OTHER_ICE)
    now = trickle("ysXw", NEW_PWD).encode()
    assert whip.patch(TEACHER, created.session, restarted.etag, now) == Trickled()


def test_a_restart_that_cannot_be() -> None:
    """A peer that has just ended: 404. Bad pieces change nothing: the session goes on under its tag."""
    whip = ingest(stage := FakeStage())
    created = publish(whip)
    for condition, text, why in (
        (None, restart(), Why.NO_CONDITION),
        ('"other"', restart(), Why.OTHER_ICE),
        ("*", "a=candidate:1", Why.FRAGMENT),
    ):
        refused = whip.patch(TEACHER, created.session, condition, text.encode())
        assert isinstance(refused, Refused)
        assert refused.why is why
    stage.lost = True
    gone = whip.patch(TEACHER, created.session, "*", restart().encode())
    assert gone == Refused(Why.NO_SESSION)
    assert whip.lineup(CONCERT).on_air == created.session


STEPS = st.sampled_from(
    ["post", "post", "delete", "gone", "silent", "heard", "look", "close", "drain"]
)


@given(st.lists(st.tuples(STEPS, st.integers(0, 9)), max_size=40))
def test_fuzz_histories(steps: list[tuple[str, int]]) -> None:
    """Whatever happens: the stage shows who is on air here, every peer is in its place or ended, none ended twice."""
    whip = ingest(stage := FakeStage())
    for step, who in steps:
        session = SessionId(f"s{who}")
        match step:
            case "post":
                whip.create(TEACHER, OBS.encode())
            case "delete":
                whip.delete(TEACHER, session)
            case "gone":
                if session in whip.lineup(CONCERT).sessions:
                    stage.told.append(("end", session))  # by itself
                whip.gone(session)
            case "silent":
                stage.silence[session] = SILENT_S + 1
            case "heard":
                stage.silence.pop(session, None)
            case "look":
                whip.look()
            case "close":
                whip.close(CONCERT)
            case _:
                stage.draining = not stage.draining
        lineup = whip.lineup(CONCERT)
        shown = [told[2] for told in stage.told if told[0] == "on_air"]
        assert (shown or ["nobody"])[-1] == (lineup.on_air or "nobody")
        opened = [told[1] for told in stage.told if told[0] == "open"]
        ended = [told[1] for told in stage.told if told[0] == "end"]
        assert sorted([*lineup.sessions, *ended]) == sorted(opened)
        assert {one.id for one in whip.sessions.of(CONCERT)} == set(lineup.sessions)


async def test_whose_pass() -> None:
    """Whoever the module let in; a broadcast that is not theirs is the same no."""
    whep = egress(FakeGallery())
    assert await whep.admit(CONCERT, "pass-of-ann") == ANN
    assert await whep.admit(BroadcastId("other"), "pass-of-ann") == Refused(Why.UNAUTHORIZED)
    assert await whep.admit(CONCERT, "") == Refused(Why.UNAUTHORIZED)


def test_a_viewer_begins_and_ends() -> None:
    """The peer starts with what is shown to it; nobody else's account ends it."""
    whep = egress(gallery := FakeGallery())
    created = watch(whep)
    assert set(gallery.shown[created.session]) == {TrackSid("TR_A1"), TrackSid("TR_V1")}
    track, how = gallery.shown[created.session][TrackSid("TR_V1")]
    assert (track.codec, how.payload_types) == (Codec.H264, {Codec.H264: (108, 109)})
    assert whep.delete(BOB, created.session) == Refused(Why.NO_SESSION)
    assert whep.patch(BOB, created.session, "*", restart().encode()) == Refused(Why.NO_SESSION)
    assert whep.delete(ANN, created.session) is None
    assert gallery.told == [
        ("open", "w1"),
        ("watch", "concert", "w1", "bcpT"),
        ("end", "w1"),
    ]


def test_nobody_on_air() -> None:
    """409 with a time: the page tries again."""
    refused = egress(FakeGallery(tracks=())).create(ANN, CHROMIUM_VIEWER.encode())
    assert isinstance(refused, Refused)
    assert (refused.why, refused.status, refused.wait_s) == (Why.NOT_ON_AIR, 409, 5)


def test_viewers_that_are_refused() -> None:
    """Who sends, who cannot play, and a node that drains: no peer is kept."""
    whep = egress(gallery := FakeGallery())
    assert whep.create(ANN, OBS.encode()) == Refused(Why.CANNOT_PLAY)
    gallery.tracks = ()
    gallery.draining = True
    refused = whep.create(ANN, CHROMIUM_VIEWER.encode())
    assert isinstance(refused, Refused)
    assert refused.why is Why.NOT_ON_AIR
    gallery.tracks = FakeGallery().tracks
    refused = whep.create(ANN, CHROMIUM_VIEWER.encode())
    assert isinstance(refused, Refused)
    assert refused.why is Why.DRAINING
    assert gallery.told == []
    assert len(whep.sessions) == 0


def test_a_third_device_of_one_account() -> None:
    """The one that came first makes room: a page loaded again and again holds two places."""
    whep = egress(gallery := FakeGallery())
    first, second, third = watch(whep), watch(whep), watch(whep)
    assert ("end", first.session) in gallery.told
    assert [one.id for one in whep.sessions.of(CONCERT)] == [second.session, third.session]


def test_places_without_delay() -> None:
    """When they are taken the page is told to use the ordinary way; one that comes free is given again."""
    whep = egress(FakeGallery(), most_viewers=2)
    watch(whep)
    mine = watch(whep, BOB)
    refused = whep.create(Admitted(CONCERT, "@eve:s"), CHROMIUM_VIEWER.encode())
    assert isinstance(refused, Refused)
    assert (refused.why, refused.status) == (Why.FULL, 503)
    whep.gone(mine.session)
    whep.gone(mine.session)
    watch(whep, Admitted(CONCERT, "@eve:s"))


def test_somebody_may_watch_no_longer() -> None:
    """Their devices are cut off at once (R27), others watch on; at the end everybody's are."""
    whep = egress(gallery := FakeGallery())
    first, second, other = watch(whep), watch(whep), watch(whep, BOB)
    whep.revoke("@ann:s")
    assert gallery.told[-2:] == [("end", first.session), ("end", second.session)]
    whep.close(CONCERT)
    assert gallery.told[-1] == ("end", other.session)
    assert len(whep.sessions) == 0
