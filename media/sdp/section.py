"""Reads one m= section. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NoReturn

from attrs import define, field

from media.sdp.fault import TOKEN, SdpError
from media.sdp.reach import transport_of
from media.sdp.values import (
    CodecLine,
    Direction,
    ExtensionLine,
    Rid,
    Section,
    SectionKind,
    SsrcGroup,
)

#: More than any client has: Chromium 156 writes 35 payload types and 14 extensions in a video section.
MAX_PAYLOAD_TYPES = 96
MAX_EXTENSIONS = 32
MAX_SSRCS = 32
MAX_RIDS = 8
MAX_PARAMETERS = 32
MAX_FEEDBACK = 16

_RID = re.compile(r"[A-Za-z0-9_-]{1,16}")
_MSID = re.compile(r"[^\s\x00-\x1f]{1,256}")
_DIRECTIONS = {direction.value: direction for direction in Direction}


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


def _media_line(line: str, number: int) -> _Draft:
    words = line[2:].split()
    if len(words) < 4:
        raise SdpError(number, "has not the four words of m=")
    try:
        kind = SectionKind(words[0])
    except ValueError:
        raise SdpError(number, "is neither audio, video nor application") from None
    draft = _Draft(kind=kind, protocol=words[2], port=0, codecs={}, line=number)
    if not TOKEN.fullmatch(words[2].replace("/", "")):
        draft.fail("has no protocol")
    draft.port = draft.number(words[1], 65535, "port")
    if kind is not SectionKind.DATA:
        if len(words) - 3 > MAX_PAYLOAD_TYPES:
            draft.fail(f"has more than {MAX_PAYLOAD_TYPES} payload types")
        draft.codecs = {draft.number(word, 127, "payload type"): _Codec() for word in words[3:]}
    return draft


def is_mid(word: str) -> bool:
    """A token (RFC 5888 4), bounded."""
    return len(word) <= 32 and TOKEN.fullmatch(word) is not None


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
    if not TOKEN.fullmatch(name) or not 1 <= len(rest) <= 2:
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
