"""Which codecs and header extensions go through us, and how we write them. Pure.

One configuration of each codec: everybody can then be sent what anybody publishes. Nothing is transcoded, so an H.264
stream of another profile could be published and not be seen.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from media.forwarder.api import LAYERED, Codec, Extensions
from media.frozen import frozen
from media.sdp.values import CodecLine, Direction, ExtensionLine

AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
DEPENDENCY_DESCRIPTOR = (
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)
ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"

#: URI → the field of `Extensions` that carries its id. Video orientation is not taken on purpose: a phone then turns
#: its pictures itself, and every subscriber sees them upright.
EXTENSION_FIELDS = {
    AUDIO_LEVEL: "audio_level",
    ABS_SEND_TIME: "abs_send_time",
    TRANSPORT_CC: "transport_cc",
    MID: "mid",
    RID: "rid",
    REPAIRED_RID: "repaired_rid",
    DEPENDENCY_DESCRIPTOR: "dependency_descriptor",
    ABS_CAPTURE_TIME: "abs_capture_time",
}

#: What is offered downstream (v0) in every section; ids as Chromium 156 numbers them. Pictures carry transport-wide
#: numbers, or send times where the client does not know those (`streams.py`). No levels: who speaks is told by
#: signalling.
_OFFERED_EXTENSIONS = (
    ExtensionLine(2, ABS_SEND_TIME),
    ExtensionLine(3, TRANSPORT_CC),
    ExtensionLine(4, MID),
)

AUDIO_FEEDBACK_UP = ("transport-cc", "nack")
VIDEO_FEEDBACK_UP = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
AUDIO_FEEDBACK_DOWN = ("nack",)
#: Who knows PLI asks for pictures with that: "ccm fir" would be words that nobody uses.
VIDEO_FEEDBACK_DOWN = ("goog-remb", "transport-cc", "nack", "nack pli")

#: Of opus; livekit-client plays one channel of what does not say so.
SENDS_STEREO = {"sprop-stereo": "1"}
_AUDIO = {Codec.OPUS, Codec.RED}
_H264 = {
    "level-asymmetry-allowed": "1",
    "packetization-mode": "1",
    "profile-level-id": "42e01f",
}


@frozen(kw_only=True)
class _Offered:
    line: CodecLine
    rtx: int | None


def _video(payload_type: int, name: str, rtx: int, **parameters: str) -> _Offered:
    named = {key.replace("_", "-"): value for key, value in parameters.items()}
    return _Offered(
        line=CodecLine(
            payload_type=payload_type,
            name=name,
            clock_rate=90000,
            parameters=named,
            feedback=VIDEO_FEEDBACK_DOWN,
        ),
        rtx=rtx,
    )


#: How we offer each codec downstream; one payload type means one thing in the whole bundle (RFC 8843 10.1.2).
_OFFERED = {
    Codec.OPUS: _Offered(
        line=CodecLine(
            payload_type=111,
            name="opus",
            clock_rate=48000,
            channels=2,
            feedback=AUDIO_FEEDBACK_DOWN,
        ),
        rtx=None,
    ),
    Codec.RED: _Offered(
        line=CodecLine(
            payload_type=63, name="red", clock_rate=48000, channels=2, parameters={"111/111": ""}
        ),
        rtx=None,
    ),
    Codec.VP8: _video(96, "VP8", 97),
    Codec.VP9: _video(98, "VP9", 99, profile_id="0"),
    Codec.H264: _video(102, "H264", 103, **_H264),
    Codec.AV1: _video(45, "AV1", 46, level_idx="5", profile="0", tier="0"),
}


def codec_of(line: CodecLine) -> Codec | None:
    """What `line` is to us; None: RTX, FEC, telephone events, and profiles that not everybody decodes."""
    name, parameters = line.name.lower(), line.parameters
    if name == "opus":
        return Codec.OPUS
    if name == "red" and line.clock_rate == 48000:
        return Codec.RED
    if name == "vp8":
        return Codec.VP8
    if name == "vp9":
        return Codec.VP9 if parameters.get("profile-id", "0") == "0" else None
    if name == "av1":
        return Codec.AV1 if parameters.get("profile", "0") == "0" else None
    if name == "h264":
        baseline = parameters.get("profile-level-id", "").lower().startswith(("42e0", "42c0"))
        return Codec.H264 if baseline and parameters.get("packetization-mode") == "1" else None
    return None


def known_codecs(lines: Iterable[CodecLine]) -> dict[Codec, tuple[CodecLine, CodecLine | None]]:
    """The first line of each codec, and the RTX line that repairs it, in the order of `lines`."""
    lines = tuple(lines)
    rtx = {line.repairs: line for line in reversed(lines) if line.repairs is not None}
    known: dict[Codec, tuple[CodecLine, CodecLine | None]] = {}
    for line in lines:
        codec = codec_of(line)
        if codec is not None and codec not in known:
            known[codec] = (line, rtx.get(line.payload_type))
    return known


def offered_lines(codecs: Iterable[Codec], *, stereo: bool = False) -> tuple[CodecLine, ...]:
    """As we write `codecs` in our own offers, each with its RTX.

    Opus without what a receiver would like (RFC 7587 6.1): we receive nothing there. What a sender says is `stereo`.
    """
    lines: list[CodecLine] = []
    for codec in codecs:
        offered = _OFFERED[codec]
        spoken = stereo and codec is Codec.OPUS
        lines.append(evolve(offered.line, parameters=SENDS_STEREO) if spoken else offered.line)
        if offered.rtx is not None:
            lines.append(rtx_line(offered.rtx, offered.line.payload_type))
    return tuple(lines)


def offered_extensions(codecs: Iterable[Codec]) -> tuple[ExtensionLine, ...]:
    """Of an offer with tracks in `codecs`, for all its sections: only packets of layered ones carry the last."""
    if not LAYERED.isdisjoint(codecs):
        return (*_OFFERED_EXTENSIONS, ExtensionLine(12, DEPENDENCY_DESCRIPTOR))
    return _OFFERED_EXTENSIONS


def rtx_line(payload_type: int, repairs: int) -> CodecLine:
    return CodecLine(
        payload_type=payload_type,
        name="rtx",
        clock_rate=90000,
        parameters={"apt": str(repairs)},
    )


def with_feedback(line: CodecLine, wanted: tuple[str, ...]) -> CodecLine:
    """What both sides can do, in the client's order."""
    return evolve(line, feedback=tuple(kind for kind in line.feedback if kind in wanted))


def without_remb(line: CodecLine, extensions: Iterable[ExtensionLine]) -> CodecLine:
    """As we write it where we send pictures: who tells of every arrival estimates nothing itself."""
    numbered = any(each.uri == TRANSPORT_CC for each in extensions)
    if not numbered or "transport-cc" not in line.feedback:
        return line
    return evolve(line, feedback=tuple(kind for kind in line.feedback if kind != "goog-remb"))


def extensions_of(lines: Iterable[ExtensionLine]) -> Extensions:
    """Ids for the forwarder. One-byte ids only (1..14): what has a higher one is not negotiated."""
    ids = {
        EXTENSION_FIELDS[line.uri]: line.id
        for line in lines
        if line.uri in EXTENSION_FIELDS and line.id <= 14
    }
    return Extensions(**ids)


def accepted_extensions(
    lines: Iterable[ExtensionLine], *, sound: bool
) -> tuple[ExtensionLine, ...]:
    """Those of an offer that we take, each id and URI once: all that are ever wanted; send times only of pictures."""
    taken: dict[int, ExtensionLine] = {}
    uris: set[str] = set()
    for line in lines:
        known = line.uri in EXTENSION_FIELDS and line.id <= 14
        known = known and not (sound and line.uri == ABS_SEND_TIME)
        if known and line.id not in taken and line.uri not in uris:
            direction = _MIRRORED[line.direction] if line.direction else None
            taken[line.id] = ExtensionLine(line.id, line.uri, direction)
            uris.add(line.uri)
    return tuple(taken.values())


def sent_extensions(lines: Iterable[ExtensionLine], codec: Codec) -> tuple[ExtensionLine, ...]:
    """Those of `accepted_extensions` that packets of a track in `codec` carry towards a client (v1).

    Pictures have transport-wide numbers, else send times, of which libwebrtc makes REMB from pictures only
    (`Call::NotifyBweOfReceivedPacket`); nothing has mids, as the section names its SSRCs.
    """
    if codec in _AUDIO:
        return ()
    lines = tuple(lines)
    numbered = any(line.uri == TRANSPORT_CC for line in lines)
    wanted = {TRANSPORT_CC if numbered else ABS_SEND_TIME}
    if codec in LAYERED:
        wanted.add(DEPENDENCY_DESCRIPTOR)
    return tuple(line for line in lines if line.uri in wanted)


_MIRRORED = {
    Direction.SENDRECV: Direction.SENDRECV,
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.RECVONLY: Direction.SENDONLY,
    Direction.INACTIVE: Direction.INACTIVE,
}
