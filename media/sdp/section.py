"""Reads one m= section. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NoReturn

from attrs import define, field

from media.sdp.values import (
    Candidate,
    CodecLine,
    Direction,
    ExtensionLine,
    Fingerprint,
    Rid,
    Section,
    SectionKind,
    Setup,
    SsrcGroup,
    Transport,
)

#: More than any client has: Chromium 156 writes 35 payload types and 14 extensions in a video section.
MAX_PAYLOAD_TYPES = 96
MAX_EXTENSIONS = 32
MAX_SSRCS = 32
MAX_RIDS = 8
MAX_PARAMETERS = 32
MAX_FEEDBACK = 16
MAX_CANDIDATES = 64

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`{|}~]{1,64}")  # RFC 8866 9, bounded
_ICE = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839 5.4: ice-char
_HASH = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){15,63}")
_RID = re.compile(r"[A-Za-z0-9_-]{1,16}")
_MSID = re.compile(r"[^\s\x00-\x1f]{1,256}")
#: Lines that say how the bundle is reached, without their values; all others are passed over.
_OF_TRANSPORT = frozenset({"a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup", "a=candidate"})
#: What follows `a=` there, `a=ice-lite` too.
_BEGIN_TRANSPORT = frozenset({key[2] for key in _OF_TRANSPORT})
_DIRECTIONS = {direction.value: direction for direction in Direction}


class SdpError(ValueError):
    """A description that cannot be used. `line` counts from 1; 0: the text as a whole."""

    def __init__(self, line: int, fault: str) -> None:
        super().__init__(f"line {line} {fault}" if line else f"the description {fault}")
        self.line = line


@define
class _Codec:
    """A payload type while its lines come in; rtpmap, fmtp and rtcp-fb may stand in any order."""

    name: str = ""
    clock_rate: int = 0
    channels: int = 1
    parameters: dict[str, str] = field(factory=dict)
    feedback: list[str] = field(factory=list)


@define
class _Draft:
    """A section while its lines come in."""

    kind: SectionKind
    protocol: str
    port: int
    codecs: dict[int, _Codec]
    line: int
    mid: str = ""
    bundle_only: bool = False
    direction: Direction = Direction.SENDRECV
    extensions: list[ExtensionLine] = field(factory=list)
    mixed: bool = False
    rids: list[Rid] = field(factory=list)
    simulcast: dict[str, tuple[str, ...]] = field(factory=dict)
    msid: tuple[str, str] | None = None
    ssrcs: dict[int, str] = field(factory=dict)
    groups: list[SsrcGroup] = field(factory=list)
    sctp_port: int | None = None
    max_message_size: int | None = None
    rtcp_mux: bool = False
    rtcp_rsize: bool = False

    def fail(self, fault: str) -> NoReturn:
        raise SdpError(self.line, fault)

    def number(self, word: str, highest: int, what: str) -> int:
        if not (word.isascii() and word.isdigit() and len(word) <= 10) or int(word) > highest:
            self.fail(f"has no {what} between 0 and {highest}")
        return int(word)


def parse_section(lines: Sequence[str], first_line: int) -> Section:
    """The section whose m= line is `lines[0]`, line `first_line` of the whole.

    Raises:
        SdpError: malformed, or more of something than a client could mean.
    """
    draft = _media_line(lines[0], first_line)
    for draft.line, line in enumerate(lines[1:], first_line + 1):
        if line[1:2] != "=":
            draft.fail("is not of the form x=value")
        if line[0] != "a":
            continue
        key, _, value = line[2:].partition(":")
        if key in _DIRECTIONS:
            draft.direction = _DIRECTIONS[key]
        elif (read := _READERS.get(key)) is not None:
            read(draft, value)
    transport = transport_of(lines, first_line)
    return Section(
        kind=draft.kind,
        mid=draft.mid,
        protocol=draft.protocol,
        port=draft.port,
        bundle_only=draft.bundle_only,
        direction=draft.direction,
        codecs=tuple(
            CodecLine(
                payload_type=payload_type,
                name=codec.name,
                clock_rate=codec.clock_rate,
                channels=codec.channels,
                parameters=codec.parameters,
                feedback=tuple(codec.feedback),
            )
            for payload_type, codec in draft.codecs.items()
            if codec.name
        ),
        extensions=tuple(draft.extensions),
        extmap_allow_mixed=draft.mixed,
        rids=tuple(draft.rids),
        simulcast_send=draft.simulcast.get("send", ()),
        simulcast_recv=draft.simulcast.get("recv", ()),
        msid=draft.msid,
        ssrcs=draft.ssrcs,
        ssrc_groups=tuple(draft.groups),
        sctp_port=draft.sctp_port,
        max_message_size=draft.max_message_size,
        rtcp_mux=draft.rtcp_mux,
        rtcp_rsize=draft.rtcp_rsize,
        transport=transport
        if transport.ufrag or transport.fingerprints or transport.candidates
        else None,
    )


def transport_of(lines: Sequence[str], first_line: int) -> Transport:
    """ICE and DTLS as these lines have them; what they do not say is empty, `setup` then is ACTPASS.

    Raises:
        SdpError: a malformed ufrag, password, fingerprint, setup or candidate.
    """
    ufrag = pwd = ""
    fingerprints: list[Fingerprint] = []
    setup = Setup.ACTPASS
    lite = False
    candidates: list[Candidate] = []
    for number, line in enumerate(lines, first_line):
        if line[2:3] not in _BEGIN_TRANSPORT:
            continue
        key, colon, value = line.partition(":")
        if not colon:
            lite = lite or line == "a=ice-lite"
        elif key not in _OF_TRANSPORT:
            continue
        elif key == "a=ice-ufrag":
            ufrag = _ice_word(value, number, 4)
        elif key == "a=ice-pwd":
            pwd = _ice_word(value, number, 22)
        elif key == "a=fingerprint":
            algorithm, _, digest = value.partition(" ")
            if not _TOKEN.fullmatch(algorithm) or not _HASH.fullmatch(digest):
                raise SdpError(number, "has no fingerprint")
            fingerprints.append(Fingerprint(algorithm.lower(), digest.upper()))
        elif key == "a=setup":
            setup = _setup(value, number)
        elif key == "a=candidate":
            candidate = parse_candidate(line[2:], number)
            if candidate is not None and len(candidates) < MAX_CANDIDATES:
                candidates.append(candidate)
        if len(fingerprints) > 8:
            raise SdpError(number, "is a ninth fingerprint")
    return Transport(
        ufrag=ufrag,
        pwd=pwd,
        fingerprints=tuple(fingerprints),
        setup=setup,
        ice_lite=lite,
        candidates=tuple(candidates),
    )


def session_extensions(lines: Sequence[str]) -> tuple[ExtensionLine, ...]:
    """What the lines before the first section say of every section (RFC 8285 5); they begin with line 1.

    Raises:
        SdpError: a malformed one, or too many.
    """
    draft = _Draft(kind=SectionKind.DATA, protocol="", port=0, codecs={}, line=1)
    for draft.line, line in enumerate(lines, 1):
        if line.startswith("a=extmap:"):
            _extmap(draft, line.removeprefix("a=extmap:"))
    return tuple(draft.extensions)


def parse_candidate(text: str, line: int = 0) -> Candidate | None:
    """A host candidate; None for other types, for names instead of addresses (mDNS) and for RTCP's component.

    Raises:
        SdpError: not a candidate at all.
    """
    words = text.removeprefix("candidate:").split()
    if len(words) < 8 or words[6] != "typ" or not (words[3].isdigit() and words[5].isdigit()):
        raise SdpError(line, "is not a candidate")
    foundation, component, protocol, priority, host, port = words[:6]
    if words[7] != "host" or component != "1" or host.endswith(".local"):
        return None
    if not priority.isascii() or not port.isascii() or len(priority) > 10 or len(port) > 5:
        raise SdpError(line, "has no priority or port")
    extra = dict(zip(words[8::2], words[9::2], strict=False))
    return Candidate(
        foundation=foundation,
        protocol=protocol.lower(),
        priority=int(priority),
        host=host,
        port=int(port),
        tcp_type=extra.get("tcptype"),
    )


def _ice_word(word: str, number: int, shortest: int) -> str:
    if not _ICE.fullmatch(word) or len(word) < shortest:
        raise SdpError(number, "has no ICE credential")
    return word


def _setup(word: str, number: int) -> Setup:
    try:
        return Setup(word)
    except ValueError:
        raise SdpError(number, "has no known setup") from None


def _media_line(line: str, number: int) -> _Draft:
    words = line[2:].split()
    if len(words) < 4:
        raise SdpError(number, "has not the four words of m=")
    try:
        kind = SectionKind(words[0])
    except ValueError:
        raise SdpError(number, "is neither audio, video nor application") from None
    draft = _Draft(kind=kind, protocol=words[2], port=0, codecs={}, line=number)
    if not _TOKEN.fullmatch(words[2].replace("/", "")):
        draft.fail("has no protocol")
    draft.port = draft.number(words[1], 65535, "port")
    if kind is not SectionKind.DATA:
        if len(words) - 3 > MAX_PAYLOAD_TYPES:
            draft.fail(f"has more than {MAX_PAYLOAD_TYPES} payload types")
        draft.codecs = {draft.number(word, 127, "payload type"): _Codec() for word in words[3:]}
    return draft


def is_mid(word: str) -> bool:
    """A token (RFC 5888 4), bounded."""
    return len(word) <= 32 and _TOKEN.fullmatch(word) is not None


def _mid(draft: _Draft, value: str) -> None:
    if not is_mid(value):
        draft.fail("has no mid")
    draft.mid = value


def _codec_of(draft: _Draft, word: str) -> _Codec | None:
    """The payload type's draft; None for one that the m= line does not have."""
    return draft.codecs.get(draft.number(word, 127, "payload type"))


def _rtpmap(draft: _Draft, value: str) -> None:
    word, _, encoding = value.partition(" ")
    codec = _codec_of(draft, word)
    name, *rest = encoding.split("/")
    if not _TOKEN.fullmatch(name) or not 1 <= len(rest) <= 2:
        draft.fail("has no encoding")
    if codec is not None:
        codec.name = name
        codec.clock_rate = draft.number(rest[0], 1_000_000, "clock rate")
        codec.channels = draft.number(rest[1], 255, "channels") if len(rest) == 2 else 1


def _fmtp(draft: _Draft, value: str) -> None:
    word, _, parameters = value.partition(" ")
    codec = _codec_of(draft, word)
    if codec is None:
        return
    for parameter in parameters.split(";"):
        name, _, content = parameter.strip().partition("=")
        if name:
            codec.parameters[name] = content
    if len(codec.parameters) > MAX_PARAMETERS:
        draft.fail(f"brings more than {MAX_PARAMETERS} parameters")


def _rtcp_fb(draft: _Draft, value: str) -> None:
    word, _, kind = value.partition(" ")
    codecs = [*draft.codecs.values()] if word == "*" else [_codec_of(draft, word)]
    for codec in codecs:
        if codec is not None and kind not in codec.feedback:
            codec.feedback.append(kind)
            if len(codec.feedback) > MAX_FEEDBACK:
                draft.fail(f"brings more than {MAX_FEEDBACK} kinds of feedback")


def _extmap(draft: _Draft, value: str) -> None:
    words = value.split()
    if len(words) < 2:
        draft.fail("has no extension")
    word, _, direction = words[0].partition("/")
    if direction and direction not in _DIRECTIONS:
        draft.fail("has no known direction")
    if len(draft.extensions) >= MAX_EXTENSIONS:
        draft.fail(f"is more than {MAX_EXTENSIONS} extensions")
    number = draft.number(word, 255, "extension id")
    if number == 0:
        draft.fail("has the extension id 0")
    draft.extensions.append(ExtensionLine(number, words[1], _DIRECTIONS.get(direction)))


def _rid(draft: _Draft, value: str) -> None:
    name, _, rest = value.partition(" ")
    direction, _, restrictions = rest.partition(" ")
    if not _RID.fullmatch(name) or direction not in {"send", "recv"}:
        draft.fail("has no rid")
    if len(draft.rids) >= MAX_RIDS:
        draft.fail(f"is more than {MAX_RIDS} rids")
    draft.rids.append(Rid(name, direction, restrictions))


def _simulcast(draft: _Draft, value: str) -> None:
    words = value.split()
    for direction, streams in zip(words[::2], words[1::2], strict=False):
        names = tuple(stream.split(",")[0].removeprefix("~") for stream in streams.split(";"))
        known = direction in {"send", "recv"} and len(names) <= MAX_RIDS
        if not known or not all(map(_RID.fullmatch, names)):
            draft.fail("has no simulcast")
        draft.simulcast[direction] = names
    if len(words) % 2 or not words:
        draft.fail("has no simulcast")


def _msid(draft: _Draft, value: str) -> None:
    words = value.split(" ")
    if not 1 <= len(words) <= 2 or not all(map(_MSID.fullmatch, words)):
        draft.fail("has no msid")
    if draft.msid is None:
        draft.msid = (words[0], words[1] if len(words) == 2 else "")


def _ssrc(draft: _Draft, value: str) -> None:
    word, _, attribute = value.partition(" ")
    ssrc = draft.number(word, 0xFFFFFFFF, "SSRC")
    name, _, content = attribute.partition(":")
    draft.ssrcs.setdefault(ssrc, "")
    if name == "cname" and len(content) <= 256:
        draft.ssrcs[ssrc] = content
    elif name == "msid" and draft.msid is None:
        _msid(draft, content)
    if len(draft.ssrcs) > MAX_SSRCS:
        draft.fail(f"is more than {MAX_SSRCS} SSRCs")


def _ssrc_group(draft: _Draft, value: str) -> None:
    semantics, *words = value.split()
    if not words or len(draft.groups) >= MAX_SSRCS or len(words) > MAX_SSRCS:
        draft.fail("has no group of SSRCs, or there are too many")
    ssrcs = tuple(draft.number(word, 0xFFFFFFFF, "SSRC") for word in words)
    draft.groups.append(SsrcGroup(semantics, ssrcs))


def _sctp_port(draft: _Draft, value: str) -> None:
    draft.sctp_port = draft.number(value, 65535, "port")


def _max_message_size(draft: _Draft, value: str) -> None:
    draft.max_message_size = draft.number(value, 9_999_999_999, "size")


def _flag(name: str) -> Callable[[_Draft, str], None]:
    def read(draft: _Draft, _value: str) -> None:
        setattr(draft, name, True)

    return read


_READERS: dict[str, Callable[[_Draft, str], None]] = {
    "mid": _mid,
    "rtpmap": _rtpmap,
    "fmtp": _fmtp,
    "rtcp-fb": _rtcp_fb,
    "extmap": _extmap,
    "extmap-allow-mixed": _flag("mixed"),
    "rid": _rid,
    "simulcast": _simulcast,
    "msid": _msid,
    "ssrc": _ssrc,
    "ssrc-group": _ssrc_group,
    "sctp-port": _sctp_port,
    "max-message-size": _max_message_size,
    "bundle-only": _flag("bundle_only"),
    "rtcp-mux": _flag("rtcp_mux"),
    "rtcp-rsize": _flag("rtcp_rsize"),
}
