"""A viewer's offer (WHEP) and what it is shown."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.whip.refusals import Refused, Why
from media.broadcast.whip.watching import ViewerOffer, read_viewer
from media.forwarder.api import Codec
from media.sdp.api import Direction, Outgoing, SectionKind, Setup, parse
from tests.media.broadcast.whip.offers import CHROMIUM_VIEWER, FIREFOX, OBS
from tests.media.sdp.goldens import LOCAL, camera, microphone

SOUND, PICTURE = microphone(), camera(codec=Codec.H264)


def taken(text: str = CHROMIUM_VIEWER) -> ViewerOffer:
    offer = read_viewer(text.encode())
    assert isinstance(offer, ViewerOffer), offer
    return offer


def placed(offer: ViewerOffer, *tracks: Outgoing) -> dict[str, Outgoing]:
    shown = offer.placed(tracks)
    assert not isinstance(shown, Refused)
    return dict(shown)


def test_chromium_watches() -> None:
    """Sound and picture, sendonly, with our SSRCs; H.264 with RTX only; the forwarder learns payload types."""
    offer = taken()
    shown = placed(offer, SOUND, PICTURE)
    assert shown == {"0": SOUND, "3": PICTURE}
    answer = offer.answer(LOCAL, shown)
    sound, picture = parse(answer.text).sections
    assert sound.direction is picture.direction is Direction.SENDONLY
    assert [one.name for one in picture.codecs] == ["H264", "rtx"]
    assert set(picture.ssrcs) == {PICTURE.ssrc, PICTURE.rtx_ssrc}
    assert answer.sending[PICTURE.sid].payload_types == {Codec.H264: (108, 109)}
    assert answer.sending[PICTURE.sid].extensions.transport_cc
    assert answer.sending[SOUND.sid].payload_types == {Codec.OPUS: (111, 0)}
    assert parse(answer.text).transport == LOCAL.transport(Setup.PASSIVE)
    assert (offer.mids, offer.kind) == (("0", "3"), SectionKind.AUDIO)


def test_a_broadcast_of_a_voice() -> None:
    """The section for a picture stays, inactive: a viewer gets what there is."""
    offer = taken()
    answer = offer.answer(LOCAL, placed(offer, SOUND))
    directions = [one.direction for one in parse(answer.text).sections]
    assert directions == [Direction.SENDONLY, Direction.INACTIVE]
    assert set(answer.sending) == {SOUND.sid}


def test_a_viewer_that_would_send_too() -> None:
    """Nothing is taken from it: neither where it is shown something nor where it is not."""
    offer = taken(CHROMIUM_VIEWER.replace("a=recvonly", "a=sendrecv"))
    answer = parse(offer.answer(LOCAL, placed(offer, SOUND)).text)
    assert not any(one.direction.receives for one in answer.sections)


def test_a_data_channel_is_declined() -> None:
    """The rest is watched all the same."""
    data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\na=sctp-port:5000\r\n"
    offer = taken(CHROMIUM_VIEWER + data)
    answer = parse(offer.answer(LOCAL, placed(offer, SOUND, PICTURE)).text)
    assert [one.rejected for one in answer.sections] == [False, False, True]


def test_a_browser_without_h264() -> None:
    """It hears; where there is only a picture it is told to use the ordinary page."""
    offer = taken(FIREFOX.replace("a=sendonly", "a=recvonly"))
    assert placed(offer, SOUND, PICTURE) == {"0": SOUND}
    assert offer.placed((PICTURE,)) == Refused(Why.CANNOT_PLAY)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (OBS, Why.CANNOT_PLAY),
        (OBS.split("m=audio")[0], Why.NOTHING),
        (CHROMIUM_VIEWER.replace("a=recvonly", "a=inactive"), Why.CANNOT_PLAY),
        (CHROMIUM_VIEWER.replace("a=setup:actpass", "a=setup:passive"), Why.SETUP),
        ("v=1", Why.NOT_SDP),
    ],
    ids=["a publisher's", "nothing", "inactive", "a DTLS server", "no SDP"],
)
def test_no_viewer(text: str, why: Why) -> None:
    """Refused by name."""
    refused = read_viewer(text.encode())
    assert isinstance(refused, Refused)
    assert refused.why is why


@given(st.lists(st.sampled_from([SOUND, PICTURE, camera(2), microphone(2)]), max_size=5))
def test_any_tracks(tracks: list[Outgoing]) -> None:
    """No section shows two, no track is in two, and nothing that the browser does not decode is shown."""
    offer = taken()
    tracks = [evolve(one) for one in tracks]
    shown = offer.placed(tuple(tracks))
    if isinstance(shown, Refused):
        assert not any(one.codec in {Codec.OPUS, Codec.H264, Codec.VP8} for one in tracks)
        return
    answer = parse(offer.answer(LOCAL, shown).text)
    for section in answer.sections:
        track = shown.get(section.mid)
        assert (track is None) == (section.direction is Direction.INACTIVE)
        assert track is None or track.ssrc in section.ssrcs


LINES = CHROMIUM_VIEWER.split("\r\n")


@given(st.lists(st.tuples(st.integers(0, len(LINES) - 1), st.sampled_from(LINES)), max_size=6))
def test_fuzz_offers(changes: list[tuple[int, str]]) -> None:
    """Lines replaced by others: refused, or answered without taking anything from the viewer."""
    lines = list(LINES)
    for at, other in changes:
        lines[at] = other
    offer = read_viewer("\r\n".join(lines).encode())
    if isinstance(offer, Refused):
        return
    shown = offer.placed((SOUND, PICTURE))
    if isinstance(shown, Refused):
        return
    answer = parse(offer.answer(LOCAL, shown).text)
    assert not any(one.direction.receives for one in answer.sections if not one.rejected)
    assert {one.mid for one in answer.sections if one.direction.sends} == set(shown)
