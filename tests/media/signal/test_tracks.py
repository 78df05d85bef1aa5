"""Which section is which announced track."""

from __future__ import annotations

from attrs import evolve

from media.forwarder.api import Codec, Kind
from media.ids import ParticipantSid, PeerId, TrackSid
from media.room.model import Source, Track
from media.sdp.api import (
    CodecLine,
    Description,
    Direction,
    Section,
    SectionKind,
    Setup,
    Transport,
)
from media.signal.tracks import Publications

CAMERA = Track(
    sid=TrackSid("TR_camera"),
    publisher=ParticipantSid("PA_a"),
    cid="camera-cid",
    kind=Kind.VIDEO,
    source=Source.CAMERA,
)
SCREEN = evolve(CAMERA, sid=TrackSid("TR_screen"), cid="screen-cid", source=Source.SCREEN)
TRANSPORT = Transport(ufrag="u", pwd="p", fingerprints=(), setup=Setup.ACTPASS)
VP8 = CodecLine(payload_type=96, name="VP8", clock_rate=90000)


def section(mid: str, track: str, direction: Direction = Direction.SENDONLY) -> Section:
    return Section(
        kind=SectionKind.VIDEO,
        mid=mid,
        protocol="UDP/TLS/RTP/SAVPF",
        direction=direction,
        codecs=(VP8,),
        msid=("-", track),
    )


def offer(*sections: Section) -> Description:
    mids = tuple(one.mid for one in sections)
    return Description(transport=TRANSPORT, bundle=mids, sections=sections)


def answer(offered: Description) -> Description:
    receiving = {True: Direction.RECVONLY, False: Direction.INACTIVE}
    return evolve(
        offered,
        sections=tuple(
            evolve(one, direction=receiving[one.direction.sends]) for one in offered.sections
        ),
    )


def negotiate(publications: Publications, *sections: Section) -> tuple[dict[str, str], list[str]]:
    """Track → mid of what is ready, and what is gone."""
    offered = offer(*sections)
    publications.offered(offered)
    changes = publications.answered(offered, answer(offered))
    return {one.track.sid: one.track.mid for one in changes.ready}, list(changes.gone)


def test_sections_are_matched_by_cid_in_any_order() -> None:
    """Chromium and Rust name the section's track as AddTrack did."""
    publications = Publications(PeerId("p"))
    publications.announce(CAMERA)
    publications.announce(SCREEN)

    ready, _ = negotiate(publications, section("0", "screen-cid"), section("1", "camera-cid"))

    assert ready == {"TR_camera": "1", "TR_screen": "0"}


def test_firefox_names_are_matched_by_kind_and_order() -> None:
    """Firefox's track ids are others than the cids (calls.md §2.5)."""
    publications = Publications(PeerId("p"))
    publications.announce(CAMERA)
    ready, _ = negotiate(publications, section("0", "{firefox-1}"))
    assert ready == {"TR_camera": "0"}

    publications.announce(SCREEN)
    ready, _ = negotiate(publications, section("0", "{firefox-1}"), section("1", "{firefox-2}"))
    assert ready == {"TR_camera": "0", "TR_screen": "1"}


def test_an_offer_that_comes_before_its_announcement_is_matched_later() -> None:
    """Clients that know our codecs send AddTrack and the offer at once (calls.md §2.2)."""
    publications = Publications(PeerId("p"))
    ready, _ = negotiate(publications, section("0", "camera-cid"))
    assert ready == {}

    changes = publications.announce(CAMERA)
    assert [one.track.mid for one in changes.ready] == ["0"]
    assert changes.ready[0].codec is Codec.VP8


def test_a_section_that_goes_inactive_ends_its_track() -> None:
    """Unpublishing is an inactive section; the same section may carry another track later."""
    publications = Publications(PeerId("p"))
    publications.announce(CAMERA)
    negotiate(publications, section("0", "camera-cid"))

    _, gone = negotiate(publications, section("0", "camera-cid", Direction.INACTIVE))
    assert gone == ["TR_camera"]
    publications.withdraw(CAMERA.sid)

    publications.announce(SCREEN)
    ready, _ = negotiate(publications, section("0", "screen-cid"))
    assert ready == {"TR_screen": "0"}


def test_a_withdrawn_track_that_goes_on_sending_is_nobodys() -> None:
    """A shared screen that the server ended is not taken for the camera announced next (R43)."""
    publications = Publications(PeerId("p"))
    publications.announce(SCREEN)
    negotiate(publications, section("0", "{firefox-1}"))
    publications.withdraw(SCREEN.sid)
    publications.announce(CAMERA)

    ready, _ = negotiate(publications, section("0", "{firefox-1}"))
    assert ready == {}
    ready, _ = negotiate(publications, section("0", "{firefox-1}"), section("1", "{firefox-2}"))
    assert ready == {"TR_camera": "1"}


def test_a_refused_track_is_not_taken_for_another() -> None:
    """The screen that was refused stays unseen when the camera is announced (R43)."""
    publications = Publications(PeerId("p"))
    publications.refuse("screen-cid")
    publications.announce(CAMERA)

    ready, _ = negotiate(publications, section("0", "screen-cid"))
    assert ready == {}
    ready, _ = negotiate(publications, section("0", "screen-cid"), section("1", "camera-cid"))
    assert ready == {"TR_camera": "1"}
