"""Offers of Chromium, OBS and RFC 9725 and what we answer; offers that are no broadcast and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.whip.descriptions import MAX_OFFER
from media.broadcast.whip.publishing import MOST_LAYERS, PublisherOffer, read_publisher
from media.broadcast.whip.refusals import Refused, Why
from media.forwarder.api import Codec, Kind, Layer
from media.sdp.api import Description, Direction, Setup, parse
from tests.media.broadcast.whip.offers import (
    CHROMIUM,
    FIREFOX,
    HASH,
    OBS,
    OFFERS,
    RFC,
    RFC_VP8,
    SOUND_ONLY,
)
from tests.media.sdp.goldens import LOCAL


def taken(text: str, **more: tuple[Codec, ...]) -> PublisherOffer:
    offer = read_publisher(text.encode(), **more)
    assert isinstance(offer, PublisherOffer), offer
    return offer


def answered(text: str) -> Description:
    """The answer, as the client reads it."""
    return parse(taken(text).answer(LOCAL))


@pytest.mark.parametrize("name", OFFERS)
def test_every_client_is_answered(name: str) -> None:
    """One section for each, recvonly, muxed, our end as an ICE-lite server of DTLS, nothing that was not offered."""
    offer, answer = parse(OFFERS[name]), answered(OFFERS[name])
    assert answer.transport == LOCAL.transport(Setup.PASSIVE)
    assert answer.bundle == offer.bundle
    for ours, theirs in zip(answer.sections, offer.sections, strict=True):
        assert (ours.kind, ours.mid, ours.protocol) == (theirs.kind, theirs.mid, theirs.protocol)
        assert not ours.rejected
        assert ours.direction is Direction.RECVONLY
        assert ours.rtcp_mux
        assert {one.payload_type for one in ours.codecs} <= {
            one.payload_type for one in theirs.codecs
        }
        assert {one.id for one in ours.extensions} <= {one.id for one in theirs.extensions}


def test_chromium() -> None:
    """Of 20 codecs H.264 42e01f with its RTX, Opus in stereo; every layer, and the feedback that keeps it sharp."""
    sound, picture = answered(CHROMIUM).sections
    assert [(one.name, one.payload_type) for one in picture.codecs] == [("H264", 108), ("rtx", 109)]
    assert picture.codecs[0].parameters == {
        "level-asymmetry-allowed": "1",
        "packetization-mode": "1",
        "profile-level-id": "42e01f",
    }
    assert {"nack", "nack pli", "transport-cc"} <= set(picture.codecs[0].feedback)
    assert any("transport-wide-cc" in one.uri for one in picture.extensions)
    assert [(rid.id, rid.direction) for rid in picture.rids] == [(r, "recv") for r in "qhf"]
    assert picture.simulcast_recv == ("q", "h", "f")
    assert [one.name for one in sound.codecs] == ["opus"]
    assert sound.codecs[0].parameters["stereo"] == "1"


def test_chromium_for_the_forwarder() -> None:
    """Both tracks with their payload types; layers by rid, as it names no SSRCs."""
    offer = taken(CHROMIUM)
    sound, picture = offer.incoming
    assert (sound.kind, sound.payload_types, sound.clock_rate) == (
        Kind.AUDIO,
        {111: Codec.OPUS},
        48000,
    )
    assert list(sound.ssrcs.values()) == [Layer.HIGH]
    assert (picture.kind, picture.payload_types, picture.rtx) == (
        Kind.VIDEO,
        {108: Codec.H264},
        {109: 108},
    )
    assert picture.rids == {"q": Layer.LOW, "h": Layer.MEDIUM, "f": Layer.HIGH}
    assert (offer.mids, offer.kind.value) == (("7", "8"), "audio")
    assert (offer.remote.ufrag, offer.remote.setup) == ("bcpT", Setup.ACTPASS)


def test_obs() -> None:
    """ICE, DTLS and the role of the session; SSRCs of both, no RTX, sound first, stereo as it says."""
    offer = taken(OBS)
    assert (offer.remote.ufrag, offer.remote.pwd) == ("nAZ2", "V4eB0yRVlWsUeKQ7xLhrxb")
    assert [one.value for one in offer.remote.fingerprints] == [HASH]
    sound, picture = offer.incoming
    assert (sound.mid, list(sound.ssrcs)) == ("0", [1723452341])
    assert (picture.payload_types, picture.rtx, list(picture.ssrcs)) == (
        {96: Codec.H264},
        {},
        [1723452342],
    )
    text = offer.answer(LOCAL)
    assert "a=group:LS" not in text
    assert text.count("a=candidate:") == len(LOCAL.candidates)
    assert set(answered(OBS).sections[1].codecs[0].feedback) == {"nack", "nack pli", "goog-remb"}


def test_a_description_of_the_rfc() -> None:
    """Sections that are bundle-only with port 0 are offered all the same."""
    assert [one.kind for one in taken(RFC).incoming] == [Kind.AUDIO, Kind.VIDEO]


def test_sound_only() -> None:
    """A broadcast of a voice has no picture, and needs none."""
    assert [one.kind for one in taken(SOUND_ONLY).incoming] == [Kind.AUDIO]


def test_another_codec_where_the_node_transcodes() -> None:
    """H.264 stays first; VP8 is answered only to who has nothing better."""
    both = (Codec.H264, Codec.VP8)
    assert taken(RFC_VP8, video=both).incoming[1].payload_types == {96: Codec.VP8}
    assert taken(CHROMIUM, video=both).incoming[1].payload_types == {108: Codec.H264}


def test_a_client_that_is_the_dtls_client_already() -> None:
    """`active` is as good as `actpass` (RFC 9725 4.4.4)."""
    assert taken(OBS.replace("setup:actpass", "setup:active")).remote.setup is Setup.ACTIVE


def test_sendrecv() -> None:
    """What offers to receive too is answered that we do not send (RFC 9725 4.2)."""
    both = OBS.replace("a=sendonly", "a=sendrecv")
    assert {one.direction for one in answered(both).sections} == {Direction.RECVONLY}


LAYERS = (
    "a=rid:0 send\r\na=rid:1 send\r\na=rid:2 send\r\na=rid:3 send\r\na=simulcast:send 0;1;2;3\r\n"
)
NAMED = "".join(
    f"a=extmap:{number} urn:ietf:params:rtp-hdrext:sdes:{word}\r\n"
    for number, word in ((4, "mid"), (10, "rtp-stream-id"))
)


def test_more_layers_than_there_are_places() -> None:
    """The first three are taken: two on one rung would be mixed."""
    picture = answered(OBS + NAMED + LAYERS).sections[1]
    assert picture.simulcast_recv == ("0", "1", "2")
    assert len(picture.rids) == MOST_LAYERS


@pytest.mark.parametrize(
    "lines",
    [
        LAYERS,
        NAMED + "a=simulcast:send 0;1\r\n",
        NAMED + "a=rid:0 send\r\na=simulcast:send 0\r\n",
        NAMED + "a=rid:0 recv\r\na=rid:1 recv\r\na=simulcast:send 0;1\r\n",
    ],
    ids=["without extensions", "without rid lines", "one", "rids of the other direction"],
)
def test_layers_that_nobody_could_tell_apart(lines: str) -> None:
    """No simulcast is answered: the client then sends one picture, which its SSRC names."""
    offer = taken(OBS + lines)
    assert "simulcast" not in offer.answer(LOCAL)
    assert offer.incoming[1].rids == {}
    assert list(offer.incoming[1].ssrcs) == [1723452342]


DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n"
REFUSED = {
    "nothing at all": ("", Why.NOT_SDP),
    "no text": ("\udcff", Why.NOT_SDP),
    "html": ("<html>", Why.NOT_SDP),
    "a malformed line": (OBS.replace("a=ssrc:1723452342", "a=ssrc:x"), Why.NOT_SDP),
    "no sections": (OBS.split("m=audio")[0], Why.NOTHING),
    "given up": (SOUND_ONLY.replace("m=audio 51842", "m=audio 0"), Why.NOTHING),
    "VP8 only": (RFC_VP8, Why.NO_H264),
    "Firefox without OpenH264": (FIREFOX, Why.NO_H264),
    "high profile": (OBS.replace("42e01f", "640c1f"), Why.NO_H264),
    "packetization-mode 0": (OBS.replace("mode=1", "mode=0"), Why.NO_H264),
    "no profile": (OBS.replace("profile-level-id=42e01f;", ""), Why.NO_H264),
    "PCMU only": (
        OBS.replace("111", "0").replace("opus/48000/2", "PCMU/8000"),
        Why.NO_OPUS,
    ),
    "a viewer's": (OBS.replace("a=sendonly", "a=recvonly"), Why.DIRECTION),
    "half of it": (OBS.replace("a=sendonly", "a=inactive", 1), Why.DIRECTION),
    "two cameras": (
        OBS.replace("BUNDLE 0 1", "BUNDLE 0 1 2")
        + "m=video"
        + OBS.split("m=video")[1].replace("mid:1", "mid:2").replace("1723452342", "7"),
        Why.TOO_MANY,
    ),
    "a data channel": (OBS.replace("BUNDLE 0 1", "BUNDLE 0 1 2") + DATA, Why.DATA),
    "without BUNDLE": (OBS.replace("a=group:BUNDLE 0 1\r\n", ""), Why.NOT_BUNDLED),
    "half of it in BUNDLE": (OBS.replace("BUNDLE 0 1", "BUNDLE 0"), Why.NOT_BUNDLED),
    "without rtcp-mux": (OBS.replace("a=rtcp-mux\r\n", "", 1), Why.NO_MUX),
    "one SSRC for both": (OBS.replace("1723452342", "1723452341"), Why.SSRC_TWICE),
    "no ufrag": (OBS.replace("a=ice-ufrag:nAZ2\r\n", ""), Why.NO_ICE),
    "no password": (OBS.replace("a=ice-pwd:V4eB0yRVlWsUeKQ7xLhrxb\r\n", ""), Why.NO_ICE),
    "ICE-lite": (OBS.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n"), Why.ICE_LITE),
    "no fingerprint": (OBS.replace(f"a=fingerprint:sha-256 {HASH}\r\n", ""), Why.NO_DTLS),
    "SHA-1": (OBS.replace(f"sha-256 {HASH}", "sha-1 " + ":".join(["AB"] * 20)), Why.NO_DTLS),
    "in the clear": (OBS.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), Why.NO_DTLS),
    "a DTLS server": (OBS.replace("setup:actpass", "setup:passive"), Why.SETUP),
    "too long": (OBS + "a=x:\r\n" * (MAX_OFFER // 5), Why.TOO_LARGE),
    "too many sections": (OBS + DATA * 8, Why.NOT_SDP),
}


@pytest.mark.parametrize("name", REFUSED)
def test_no_broadcast(name: str) -> None:
    """Each is refused whole and by name: a broadcast that half works misleads its teacher (RFC 9725 4.4.3)."""
    text, why = REFUSED[name]
    refused = read_publisher(text.encode(errors="surrogateescape"))
    assert isinstance(refused, Refused)
    assert refused.why is why


def test_a_broken_line_is_named() -> None:
    """By its number; nothing of its text comes back."""
    refused = read_publisher(OBS.replace("a=ssrc:1723452342", "a=ssrc:x").encode())
    assert isinstance(refused, Refused)
    assert (refused.line, refused.status) == (31, 400)


@given(st.binary(max_size=400))
def test_fuzz_bytes(raw: bytes) -> None:
    """Whatever comes is taken or refused, never an error."""
    assert isinstance(read_publisher(raw), Refused)


LINES = sorted({line for text in (CHROMIUM, OBS, RFC) for line in text.split("\r\n") if line})


@given(
    st.sampled_from(list(OFFERS.values())),
    st.lists(
        st.tuples(
            st.floats(0, 1),
            st.sampled_from(["drop", "twice", "other", "cut"]),
            st.sampled_from(LINES),
        ),
        max_size=6,
    ),
)
def test_fuzz_offers(text: str, changes: list[tuple[float, str, str]]) -> None:
    """Lines lost, repeated, cut or put in from elsewhere: what is still taken has one of each kind and one answer."""
    lines = text.split("\r\n")
    for where, how, other in changes:
        at = int(where * (len(lines) - 1))
        match how:
            case "drop":
                del lines[at]
            case "twice":
                lines.insert(at, lines[at])
            case "other":
                lines.insert(at, other)
            case _:
                lines[at] = lines[at][: len(lines[at]) // 2]
    offer = read_publisher("\r\n".join(lines).encode())
    if isinstance(offer, Refused):
        return
    answer = parse(offer.answer(LOCAL))
    kinds = [one.kind for one in offer.incoming]
    assert 1 <= len(kinds) == len(set(kinds)) <= 2
    assert len(answer.sections) == sum(line.startswith("m=") for line in lines)
    for section in answer.sections:
        assert section.rejected or section.direction is Direction.RECVONLY
        assert {one.name.lower() for one in section.codecs if not section.rejected} <= {
            "opus",
            "h264",
            "rtx",
        }
        assert len(section.simulcast_recv) <= MOST_LAYERS
