"""What we answer to real clients' offers, and what it means for the forwarder."""

from __future__ import annotations

import pytest
from attrs import evolve

from media.forwarder.api import Codec, Kind, Layer
from media.sdp.api import (
    Description,
    Direction,
    Incoming,
    Policy,
    Section,
    Setup,
    Wish,
    build_answer,
    incoming,
    parse,
    sending,
    track_of,
    write,
)
from tests.media.sdp.goldens import LOCAL, NAMES, camera, golden, microphone

PUBLISH = parse(golden("chromium_v1_publish"))


def answered(offer: Description = PUBLISH, **more: object) -> Description:
    """The answer, as the client reads it."""
    return parse(write(build_answer(offer, LOCAL, **more)))  # type: ignore[arg-type]


def names(section: Section) -> list[str]:
    return [codec.name for codec in section.codecs]


@pytest.mark.parametrize("name", NAMES)
def test_every_section_is_answered(name: str) -> None:
    """RFC 3264: as many sections as offered, of the same kind and mid, with payload types of the offer."""
    offer = parse(golden(name))
    answer = answered(offer)
    for ours, theirs in zip(answer.sections, offer.sections, strict=True):
        assert (ours.kind, ours.mid, ours.protocol) == (theirs.kind, theirs.mid, theirs.protocol)
        assert {c.payload_type for c in ours.codecs} <= {c.payload_type for c in theirs.codecs}
        assert {e.id for e in ours.extensions} <= {e.id for e in theirs.extensions}
        assert not ours.rejected
        assert ours.rtcp_mux is theirs.rtcp_mux  # one port for all (RFC 8834 4.5)
    assert answer.bundle == offer.bundle


def test_the_transport_of_an_answer() -> None:
    """ICE-lite, passive in DTLS, every candidate in the SDP with an end."""
    text = write(build_answer(PUBLISH, LOCAL))
    answer = parse(text)
    assert answer.transport == LOCAL.transport(Setup.PASSIVE)
    assert "a=ice-lite\r\n" in text.split("m=")[0]
    assert "a=candidate:2 1 tcp 3 192.0.2.1 5001 typ host tcptype passive\r\n" in text
    assert text.count("a=end-of-candidates") == 1, "with the first section everything is bundled"


def test_a_published_camera() -> None:
    """All layers are received, VP8 is first, RTX and the feedback without which quality stays low are there."""
    section = answered().sections[8]
    assert section.direction is Direction.RECVONLY
    assert section.simulcast_recv == ("q", "h", "f")
    assert [(rid.id, rid.direction) for rid in section.rids] == [(r, "recv") for r in "qhf"]
    assert names(section) == ["VP8", "rtx", "H264", "rtx", "VP9", "rtx", "AV1", "rtx"]
    assert section.codecs[0].feedback == (
        "goog-remb",
        "transport-cc",
        "ccm fir",
        "nack",
        "nack pli",
    )
    assert section.codecs[2].parameters["profile-level-id"] == "42e01f"
    assert section.msid is None


def test_an_extension_that_is_offered_twice() -> None:
    """One id means one thing, and one thing has one id: the first of each is taken."""
    mid = next(one for one in PUBLISH.sections[3].extensions if one.uri.endswith(":mid"))
    level = evolve(mid, uri="urn:ietf:params:rtp-hdrext:ssrc-audio-level")
    section = evolve(PUBLISH.sections[3], extensions=(mid, evolve(mid, id=9), level))
    offer = evolve(PUBLISH, sections=(*PUBLISH.sections[:3], section))
    assert answered(offer).sections[3].extensions == (mid,)


def test_the_first_answer_takes_every_extension() -> None:
    """Chromium offers later only what the first answer took: free sections too accept all that is ever wanted."""
    offered = {extension.uri for extension in PUBLISH.sections[3].extensions}
    taken = {extension.uri.rpartition(":")[2] for extension in answered().sections[3].extensions}
    assert "urn:3gpp:video-orientation" in offered
    assert {"mid", "rtp-stream-id", "repaired-rtp-stream-id"} <= taken
    assert "video-orientation" not in taken
    assert answered().sections[3].direction is Direction.INACTIVE


def test_the_codec_that_a_publisher_announced_comes_first() -> None:
    """AddTrack with VP9: the answer prefers VP9 for this section only."""
    section = answered(wishes={"8": Wish(codec=Codec.VP9)}).sections[8]
    assert names(section)[:4] == ["VP9", "rtx", "VP8", "rtx"]
    narrow = Policy(video=(Codec.VP8,))
    assert names(answered(policy=narrow, wishes={"8": Wish(codec=Codec.VP9)}).sections[8]) == [
        "VP8",
        "rtx",
    ]


def test_a_microphone() -> None:
    """Opus without RED unless the policy has it; pauses and stereo as AddTrack says."""
    plain = answered().sections[7]
    assert names(plain) == ["opus"]
    assert plain.codecs[0].parameters == {"minptime": "10", "useinbandfec": "1"}
    music = answered(wishes={"7": Wish(dtx=True, stereo=True)}).sections[7].codecs[0]
    assert music.parameters["usedtx"] == music.parameters["stereo"] == "1"
    assert names(answered(policy=Policy(red=True)).sections[7]) == ["opus", "red"]


def test_tracks_in_free_sections() -> None:
    """A section that carries a track is sendonly with `PA|TR` and SSRCs; others of the kind are inactive."""
    text = write(build_answer(PUBLISH, LOCAL, outgoing={"0": microphone(), "3": camera()}))
    answer = parse(text)
    voice, picture = answer.sections[0], answer.sections[3]
    assert voice.direction is picture.direction is Direction.SENDONLY
    assert picture.msid == ("PA_1|TR_V1", "")
    assert picture.ssrcs == {1001: "c", 2001: "c"}
    assert picture.ssrc_groups[0].semantics == "FID"
    assert names(picture) == ["VP8", "rtx"]
    assert picture.codecs[0].feedback == ("transport-cc", "nack", "nack pli")
    assert "a=ssrc:1001 cname:c\r\n" in text
    assert answer.sections[1].direction is answer.sections[4].direction is Direction.INACTIVE


def test_a_track_that_the_client_cannot_decode_is_not_sent() -> None:
    """Its section stays inactive and acceptable, instead of dying by a rejection."""
    only_vp9 = [c for c in PUBLISH.sections[3].codecs if c.name in {"VP9", "rtx"}]
    sections = tuple(
        evolve(s, codecs=tuple(only_vp9)) if s.mid == "3" else s for s in PUBLISH.sections
    )
    answer = answered(evolve(PUBLISH, sections=sections), outgoing={"3": camera()})
    assert answer.sections[3].direction is Direction.INACTIVE
    assert not answer.sections[3].rejected


def test_a_section_without_any_codec_of_ours_is_rejected() -> None:
    """Telephone events alone make no call."""
    only = tuple(c for c in PUBLISH.sections[7].codecs if c.name == "telephone-event")
    sections = tuple(evolve(s, codecs=only) if s.mid == "7" else s for s in PUBLISH.sections)
    answer = answered(evolve(PUBLISH, sections=sections))
    assert answer.sections[7].rejected
    assert "7" not in answer.bundle


def test_what_the_forwarder_is_told_of_a_camera() -> None:
    """Layers by rid, codecs and RTX by payload type, ids of the extensions that name packets."""
    offered, taken = PUBLISH.sections[8], answered().sections[8]
    told = incoming(offered, taken)
    assert isinstance(told, Incoming)
    assert told.kind is Kind.VIDEO
    assert told.rids == {"q": Layer.LOW, "h": Layer.MEDIUM, "f": Layer.HIGH}
    assert told.payload_types[96] is Codec.VP8
    assert told.rtx[97] == 96
    assert told.ssrcs == {}
    assert (told.extensions.mid, told.extensions.rid, told.extensions.repaired_rid) == (4, 10, 11)
    assert told.extensions.transport_cc == 3
    assert track_of(offered) == offered.msid[1] if offered.msid else False


def test_what_the_forwarder_is_told_of_a_microphone() -> None:
    """The SSRC is in the SDP and has one layer."""
    told = incoming(PUBLISH.sections[7], answered().sections[7])
    assert told is not None
    assert told.payload_types == {111: Codec.OPUS}
    assert list(told.ssrcs.values()) == [Layer.HIGH]
    assert told.extensions.audio_level == 1
    assert incoming(PUBLISH.sections[0], answered().sections[0]) is None


def test_what_the_forwarder_is_told_of_the_way_down() -> None:
    """The client's own payload types; numbers for pictures, instead of send times, if it tells of their arrival."""
    answer = answered(outgoing={"3": camera()})
    picture = answer.sections[3]
    told = sending(picture)
    assert told is not None
    assert told.payload_types == {Codec.VP8: (96, 97)}
    assert told.extensions.transport_cc == 3
    assert told.extensions.abs_send_time == 0
    assert told.extensions.mid == 4
    assert sending(answer.sections[6]) is None
    silent = tuple(evolve(codec, feedback=("goog-remb", "nack")) for codec in picture.codecs)
    told = sending(evolve(picture, codecs=silent))
    assert told is not None
    assert told.extensions.transport_cc == 0
    assert told.extensions.abs_send_time == 2


def test_who_tells_of_arrivals_is_not_asked_for_an_estimate() -> None:
    """A free section with transport-cc and its extension loses goog-remb; one without them keeps it."""
    assert "goog-remb" not in answered(outgoing={"3": camera()}).sections[3].codecs[0].feedback
    bare = evolve(PUBLISH.sections[3], extensions=())
    offer = evolve(PUBLISH, sections=(*PUBLISH.sections[:3], bare, *PUBLISH.sections[4:]))
    feedback = answered(offer, outgoing={"3": camera()}).sections[3].codecs[0].feedback
    assert feedback == ("goog-remb", "transport-cc", "nack", "nack pli")


def test_layers_of_other_names_and_of_ssrc_groups() -> None:
    """Unknown rids count from low to high; a SIM group does the same with SSRCs, without their RTX."""
    offered = PUBLISH.sections[8]
    other = evolve(offered, simulcast_send=("1", "2"))
    sections = (*PUBLISH.sections[:8], other)
    told = incoming(other, answered(evolve(PUBLISH, sections=sections)).sections[8])
    assert told is not None
    assert told.rids == {"1": Layer.LOW, "2": Layer.MEDIUM}
    text = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtpmap:96 VP8/90000\r\n"
    text += "a=ssrc-group:FID 1 2\r\na=ssrc-group:FID 3 4\r\na=ssrc-group:SIM 1 3\r\n"
    text += "".join(f"a=ssrc:{n} cname:a\r\n" for n in (1, 2, 3, 4))
    offer = parse(text)
    told = incoming(offer.sections[0], answered(offer).sections[0])
    assert told is not None
    assert told.ssrcs == {1: Layer.LOW, 3: Layer.MEDIUM}


def test_firefox() -> None:
    """Its camera is bundled only (port 0), its extensions have directions, its track's name is not the page's."""
    offer = parse(golden("firefox_publish"))
    answer = answered(offer)
    camera_offered, camera_taken = offer.sections[1], answer.sections[1]
    assert camera_offered.bundle_only
    assert not camera_offered.rejected
    assert camera_taken.port == 9
    told = incoming(camera_offered, camera_taken)
    assert told is not None
    assert told.rids == {"q": Layer.LOW, "h": Layer.MEDIUM, "f": Layer.HIGH}
    assert told.payload_types[120] is Codec.VP8
    directions = {line.id: line.direction for line in camera_taken.extensions}
    assert directions[told.extensions.rid] is Direction.RECVONLY
    assert (track_of(camera_offered) or "").startswith("{")
    assert "stereo" not in answer.sections[0].codecs[0].parameters
    assert offer.transport.fingerprints
