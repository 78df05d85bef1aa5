"""What light participants read of a server's descriptions: ours, and those of LiveKit's own server."""

from __future__ import annotations

from bench.light_sdp import Candidate, Ours, answered, candidates, shown, theirs, trickled

#: Of livekit-server 1.13.5, shortened: no candidates, ICE in each section, sendrecv where it only sends.
GENERAL = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 D4:A3\r\na=ice-lite\r\n"
)
SECTION = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=setup:actpass\r\na=mid:1\r\n"
    "a=ice-ufrag:qOxa\r\na=ice-pwd:mXPohuOndZZBMBcT\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=ssrc-group:FID 32 30\r\na=ssrc:32 cname:PA_x|TR_y\r\n"
    "a=msid:PA_x|TR_y TR_y\r\na=sendrecv\r\n"
)
OURS = Ours("ufrag", "pwd", "sha-256 AB:CD")


def test_candidates_may_come_later() -> None:
    """A description without them is whole; who answers with `active` begins the handshake."""
    found = theirs(GENERAL + SECTION)
    assert (found.ufrag, found.fingerprint) == ("qOxa", "sha-256 D4:A3")
    assert (found.candidates, found.begins) == ((), False)
    assert theirs((GENERAL + SECTION).replace("actpass", "active")).begins


def test_a_trickled_candidate_is_read() -> None:
    """Only UDP and RTP's own component; the end of candidates is none."""
    init = (
        '{"candidate":"candidate:28 1 udp 2130706431 127.0.0.1 7882 typ host ufrag q","sdpMid":"0"}'
    )
    assert trickled(init) == (Candidate("127.0.0.1", 7882),)
    assert trickled(init.replace("28 1", "28 2")) == trickled(init.replace("udp", "tcp")) == ()
    assert trickled('{"candidate":""}') == trickled('{"candidate":null}') == ()


def test_candidates_of_a_description_are_all_read() -> None:
    """Each with its address, in their order."""
    text = (
        "a=candidate:1 1 udp 2130706431 10.0.0.1 5000 typ host\r\n"
        "a=candidate:2 1 UDP 2130706430 127.0.0.1 5001 typ host\r\n"
    )
    assert candidates(text) == (Candidate("10.0.0.1", 5000), Candidate("127.0.0.1", 5001))


def test_a_section_that_may_send_both_ways_shows_a_track() -> None:
    """It is answered as one that we only receive on; where nothing is sent nothing is shown."""
    seen = shown(SECTION)
    assert seen is not None
    assert (seen.mid, seen.track, seen.ssrc) == ("1", "TR_y", 32)
    assert "\r\na=recvonly\r\n" in answered(SECTION, OURS)
    gone = SECTION.replace("sendrecv", "recvonly")
    assert shown(gone) is None
    assert "\r\na=inactive\r\n" in answered(gone, OURS)
