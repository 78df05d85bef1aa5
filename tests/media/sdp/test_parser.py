"""Real clients' descriptions are read; broken and monstrous ones are refused with the line's number."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from media.sdp.api import (
    Cache,
    Direction,
    ExtensionLine,
    Limits,
    SdpError,
    SectionKind,
    Setup,
    parse,
    parse_candidate,
    write,
)
from tests.media.sdp.goldens import NAMES, golden

PUBLISH = golden("chromium_v1_publish")
SHORT = golden("chromium_v0_channels")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_understood_survives(name: str) -> None:
    """Reading, writing and reading again a real client's offer gives the same value."""
    once = parse(golden(name))
    again = parse(write(once))
    assert again.transport == once.transport
    for before, after in zip(once.sections, again.sections, strict=True):
        assert evolve(after, transport=None) == evolve(before, transport=None)
    assert write(again) == write(once)


def test_a_publishers_offer() -> None:
    """Chromium 156's offer: three free sections of each kind, channels, a microphone and three layers of a camera."""
    offer = parse(PUBLISH)
    kinds = [section.kind.value for section in offer.sections]
    assert kinds == ["audio"] * 3 + ["video"] * 3 + ["application", "audio", "video"]
    assert offer.bundle == tuple("012345678")
    assert offer.extmap_allow_mixed
    assert offer.transport.setup is Setup.ACTPASS
    assert len(offer.transport.fingerprints) == 1
    free, camera, data = offer.sections[3], offer.sections[8], offer.sections[6]
    assert free.direction is Direction.RECVONLY
    assert camera.direction is Direction.SENDONLY
    assert camera.simulcast_send == ("q", "h", "f")
    assert [rid.id for rid in camera.rids] == ["q", "h", "f"]
    assert camera.ssrcs == {}
    assert camera.msid is not None
    assert "rtp-stream-id" in " ".join(extension.uri for extension in camera.extensions)
    vp8 = next(codec for codec in camera.codecs if codec.name == "VP8")
    assert vp8.feedback == ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
    rtx = next(codec for codec in camera.codecs if codec.repairs == vp8.payload_type)
    assert rtx.clock_rate == 90000
    opus = offer.sections[7].codecs[0]
    assert (opus.name, opus.channels, opus.parameters["useinbandfec"]) == ("opus", 2, "1")
    assert (data.kind, data.sctp_port, data.max_message_size) == (SectionKind.DATA, 5000, 262144)


def test_unknown_lines_stay_outside() -> None:
    """A line that we do not know is not in what we write."""
    text = SHORT + "a=x-nonsense:7\r\na=rtcp:9 IN IP4 192.0.2.7\r\n"
    assert parse(text) == parse(SHORT)
    assert "nonsense" not in write(parse(text))


def test_what_the_session_says_of_all_sections() -> None:
    """Extensions before the first section hold for each of sound or pictures that has none itself (RFC 8285 5)."""
    own = "m=video 9 RTP/AVP 96\r\na=extmap:7/sendonly urn:own\r\n"
    data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    read = parse(f"v=0\r\na=extmap:3 urn:all\r\nm=audio 9 RTP/AVP 0\r\n{own}{data}")
    assert [section.extensions for section in read.sections] == [
        (ExtensionLine(3, "urn:all"),),
        (ExtensionLine(7, "urn:own", Direction.SENDONLY),),
        (),
    ]
    assert read.extensions == ()


def test_ice_of_the_session_with_the_fingerprint_of_a_section() -> None:
    """Either may stand in either place; the section's own role comes with its fingerprint, candidates stay."""
    ice = "a=ice-ufrag:ufra\r\na=ice-pwd:" + "p" * 22 + "\r\n"
    host = "a=candidate:1 1 UDP 7 192.0.2.7 4000 typ host\r\n"
    dtls = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\na=setup:active\r\n"
    media = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    apart = parse(f"v=0\r\n{ice}{media}{host}{dtls}").transport
    assert apart == parse(f"v=0\r\n{ice}{dtls}{media}{host}").transport
    assert (apart.ufrag, apart.setup, len(apart.fingerprints)) == ("ufra", Setup.ACTIVE, 1)
    assert [one.port for one in apart.candidates] == [4000]


@given(
    st.lists(st.sampled_from(["0", "1", "a", "b c", "", "1\r\na=mid:2"]), min_size=1, max_size=4)
)
def test_sections_that_differ_in_their_mids(mids: list[str]) -> None:
    """Each is what it is when it stands alone, or the whole is refused as it would be alone."""
    head, section = "v=0\r\n", "m=video 9 RTP/AVP 96\r\na=mid:{}\r\na=rtpmap:96 VP8/90000\r\n"
    try:
        alone = [parse(head + section.format(mid)).sections[0] for mid in mids]
    except SdpError:
        alone = []
    names = [one.mid for one in alone]
    if not alone or len(set(names)) != len(names):
        with pytest.raises(SdpError):
            parse(head + "".join(map(section.format, mids)))
    else:
        assert list(parse(head + "".join(map(section.format, mids))).sections) == alone


BROKEN = {
    "": "line 1 does not begin with v=0",
    "v=1\r\n": "line 1 does not begin with v=0",
    "v=0\r\nhello\r\n": "line 2 is not of the form x=value",
    "v=0\r\no=- 1 IN IP4 0\r\n": "line 2 o= has not six words with two numbers",
    "v=0\r\nm=audio 9\r\n": "line 2 has not the four words of m=",
    "v=0\r\nm=text 9 RTP/AVP 0\r\n": "line 2 is neither audio, video nor application",
    "v=0\r\nm=audio 70000 RTP/AVP 0\r\n": "line 2 has no port between 0 and 65535",
    "v=0\r\nm=audio 9 RTP/AVP 128\r\n": "line 2 has no payload type between 0 and 127",
    "v=0\r\nm=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU\r\n": "line 3 has no encoding",
    "v=0\r\nm=audio 9 RTP/AVP 0\r\na=extmap:0 urn:x\r\n": "line 3 has the extension id 0",
    "v=0\r\nm=audio 9 RTP/AVP 0\r\na=extmap:1/up urn:x\r\n": "line 3 has no known direction",
    "v=0\r\nm=audio 9 RTP/AVP 0\r\na=ssrc:-1 cname:a\r\n": "line 3 has no SSRC between 0 and 4294967295",
    "v=0\r\nm=audio 9 RTP/AVP 0\r\na=rid:a/b send\r\n": "line 3 has no rid",
    "v=0\r\nm=audio 9 RTP/AVP 0\r\na=simulcast:send\r\n": "line 3 has no simulcast",
    "v=0\r\nm=audio 9 RTP/AVP 0\r\na=mid:a b\r\n": "line 3 has no mid",
    "v=0\r\nm=audio 9 RTP/AVP 0\r\na=ice-ufrag:a\r\n": "line 3 has no ICE credential",
    "v=0\r\na=fingerprint:sha-256 AB\r\n": "line 2 has no fingerprint",
    "v=0\r\ns=-\r\na=extmap:0 urn:x\r\n": "line 3 has the extension id 0",
    "v=0\r\na=setup:holdconn\r\n": "line 2 has no known setup",
    "v=0\r\na=candidate:1 1 udp\r\n": "line 2 is not a candidate",
    "v=0\r\nm=audio 9 RTP/AVP 0\r\na=mid:1\r\nm=audio 9 RTP/AVP 0\r\na=mid:1\r\n": (
        "the description has two sections with the same mid"
    ),
    "v=0\r\ns=a\rb\r\n": "line 2 holds a control character",
    "v=0\r\ns=a\0b\r\n": "line 2 holds a control character",
}


@pytest.mark.parametrize(("text", "message"), BROKEN.items())
def test_broken_lines_are_named(text: str, message: str) -> None:
    """The message says which line and what is missing, and repeats nothing of the text."""
    with pytest.raises(SdpError) as refused:
        parse(text)
    assert str(refused.value) == message


TOO_MUCH = {
    "characters": ("v=0\r\n" + "s=a\r\n" * 30, Limits(characters=100)),
    "lines": ("v=0\r\n" + "s=a\r\n" * 30, Limits(lines=20)),
    "line": ("v=0\r\ns=" + "a" * 200 + "\r\n", Limits(line_characters=100)),
    "sections": ("v=0\r\n" + "m=audio 9 RTP/AVP 0\r\n" * 30, Limits(sections=20)),
    "payload types": ("v=0\r\nm=audio 9 RTP/AVP " + "1 " * 200, Limits()),
    "extensions": ("v=0\r\nm=audio 9 RTP/AVP 0\r\n" + "a=extmap:1 u\r\n" * 40, Limits()),
    "rids": (
        "v=0\r\nm=video 9 RTP/AVP 0\r\n" + "".join(f"a=rid:{n} send\r\n" for n in range(9)),
        Limits(),
    ),
    "ssrcs": (
        "v=0\r\nm=video 9 RTP/AVP 0\r\n" + "".join(f"a=ssrc:{n} cname:a\r\n" for n in range(40)),
        Limits(),
    ),
    "fingerprints": ("v=0\r\n" + f"a=fingerprint:sha-1 {':'.join(['AB'] * 20)}\r\n" * 9, Limits()),
    "parameters": (
        "v=0\r\nm=video 9 RTP/AVP 0\r\na=fmtp:0 " + ";".join(f"a{n}=1" for n in range(40)),
        Limits(),
    ),
    "feedback": (
        "v=0\r\nm=video 9 RTP/AVP 0\r\n" + "".join(f"a=rtcp-fb:0 a{n}\r\n" for n in range(20)),
        Limits(),
    ),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_nothing_grows_without_an_end(what: str) -> None:
    """More of anything than a client could mean is refused."""
    text, limits = TOO_MUCH[what]
    with pytest.raises(SdpError):
        parse(text, limits=limits)


def test_only_changed_sections_are_read_again() -> None:
    """A second offer with one more section takes all others from the first one's."""
    cache = Cache()
    parse(golden("chromium_v1_publish"), cache)
    assert cache.hits == 0
    grown = PUBLISH + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:9\r\n"
    assert parse(grown, cache).sections[:-1] == parse(PUBLISH).sections
    assert cache.hits == 9
    parse(SHORT, cache)
    parse(PUBLISH, cache)
    assert cache.hits == 9, "only the last description is kept"


def test_a_bundle_whose_fingerprint_is_the_sessions() -> None:
    """Firefox writes the fingerprint once, before the sections; it holds for all of them."""
    fingerprint = next(line for line in SHORT.splitlines() if line.startswith("a=fingerprint"))
    moved = SHORT.replace(fingerprint + "\r\n", "").replace("t=0 0", f"t=0 0\r\n{fingerprint}")
    offer = parse(moved)
    assert offer.transport == parse(SHORT).transport
    assert offer.sections[0].transport == evolve(offer.transport, fingerprints=())


def test_candidates() -> None:
    """Host candidates are read; names, relays and RTCP's component are not ours to try."""
    found = parse_candidate("candidate:1 1 TCP 99 192.0.2.7 9 typ host tcptype active generation 0")
    assert found is not None
    assert (found.protocol, found.host, found.tcp_type) == ("tcp", "192.0.2.7", "active")
    assert parse_candidate("candidate:1 1 udp 99 a-b.local 9 typ host") is None
    assert parse_candidate("candidate:1 2 udp 99 192.0.2.7 9 typ host") is None
    assert parse_candidate("candidate:1 1 udp 99 192.0.2.7 9 typ relay raddr 0.0.0.0") is None


@given(st.data())
def test_any_damage_is_survived(data: st.DataObject) -> None:
    """Lines of a real offer dropped, doubled, cut or filled with anything: a value or an SdpError, nothing else."""
    lines = golden(data.draw(st.sampled_from(NAMES))).split("\r\n")
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[at])))
        junk = data.draw(st.text(max_size=20))
        changes = [[], [lines[at]] * 2, [lines[at][:cut]], [lines[at][:cut] + junk]]
        lines[at : at + 1] = data.draw(st.sampled_from(changes))
        if not lines:
            return
    _value_or_refusal("\r\n".join(lines))


@given(
    st.text(max_size=400)
    | st.lists(
        st.sampled_from(
            ["a=", "m=", ":", " ", "\r\n", "rtpmap", "fmtp", "ssrc", "0", "/", "audio"]
        ),
        max_size=80,
    ).map(lambda parts: "v=0\r\n" + "".join(parts))
)
def test_any_text_is_survived(text: str) -> None:
    """Any text at all is a value or an SdpError."""
    _value_or_refusal(text)


def _value_or_refusal(text: str) -> None:
    try:
        read = parse(text)
    except SdpError:
        return
    parse(write(read))
