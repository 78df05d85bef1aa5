"""Writes session descriptions: the same value gives the same text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, evolve, field

from media.frozen import frozen
from media.sdp.values import (
    Candidate,
    CodecLine,
    Description,
    ExtensionLine,
    Section,
    SectionKind,
    Transport,
)


@define
class Texts:
    """Sections of one connection's last description, as they were written; the next one mostly repeats them.

    Known by which object they are: whoever builds descriptions keeps sections that did not change.
    """

    _sections: dict[int, tuple[Section, str]] = field(factory=dict)

    def get(self, section: Section) -> str | None:
        known = self._sections.get(id(section))
        return known[1] if known is not None else None

    def keep_only(self, written: list[tuple[Section, str]]) -> None:
        self._sections = {id(section): (section, text) for section, text in written}


def write(description: Description, texts: Texts | None = None) -> str:
    """The text, lines ended by CRLF (RFC 8866 5). `texts`: of this connection, and changed."""
    parts = [_text(_session(description))]
    written: list[tuple[Section, str]] = []
    codecs: _Codecs = {}
    # Candidates stand in the first accepted section only, with which everything is bundled.
    candidates = description.transport.candidates
    for section in description.sections:
        known = texts.get(section) if texts is not None and not candidates else None
        if known is None:
            known = _text(_section(section, description.transport, candidates, codecs))
        if not candidates:
            written.append((section, known))
        parts.append(known)
        if not section.rejected and description.bundle:
            candidates = ()
    if texts is not None:
        texts.keep_only(written)
    return "".join(parts)


def _text(lines: Iterable[str]) -> str:
    return "\r\n".join([*lines, ""])


def _session(description: Description) -> Iterator[str]:
    yield "v=0"
    yield f"o=- {description.session_id} {description.session_version} IN IP4 127.0.0.1"
    yield "s=-"
    # Once for all sections (RFC 8866 5.7), as nobody connects to it: candidates say where (RFC 8839 4.3.1).
    yield "c=IN IP4 0.0.0.0"
    yield "t=0 0"
    if description.transport.ice_lite:
        yield "a=ice-lite"
    if description.bundle:
        yield "a=group:BUNDLE " + " ".join(description.bundle)
    if description.extmap_allow_mixed:
        yield "a=extmap-allow-mixed"
    yield from _extensions(description.extensions)
    yield "a=msid-semantic: WMS *"
    # ICE and DTLS once for all sections (RFC 8839 5.4, RFC 8842 5): 190 bytes in each of 200 would be a third of the
    # whole. Chromium 156 rejects sections for which neither they nor the session say it.
    yield from _transport(description.transport)


def _section(
    section: Section, bundled: Transport, candidates: tuple[Candidate, ...], codecs: _Codecs
) -> list[str]:
    is_data = section.kind is SectionKind.DATA
    written = _NO_CODECS if is_data else _codecs(section.codecs, codecs)
    lines = [f"m={section.kind.value} {section.port} {section.protocol} {written.formats}"]
    if section.mid:
        lines.append(f"a=mid:{section.mid}")
    if section.rejected:
        lines.append(f"a={section.direction.value}")
        return lines
    if section.bundle_only:
        lines.append("a=bundle-only")
    own = section.transport
    if (
        own is not None
        and own.ufrag
        and evolve(own, candidates=()) != evolve(bundled, candidates=())
    ):
        lines += _transport(own)
    lines += [f"a={candidate_text(candidate)}" for candidate in candidates]
    if candidates:
        lines.append("a=end-of-candidates")
    return lines + (_data(section) if is_data else _media(section, written.lines))


def _data(section: Section) -> list[str]:
    lines = []
    if section.sctp_port is not None:
        lines.append(f"a=sctp-port:{section.sctp_port}")
    if section.max_message_size is not None:
        lines.append(f"a=max-message-size:{section.max_message_size}")
    return lines


def _media(section: Section, codecs: list[str]) -> list[str]:
    lines = [f"a={section.direction.value}"]
    if section.extmap_allow_mixed:
        lines.append("a=extmap-allow-mixed")
    if section.extensions:
        lines += _extensions(section.extensions)
    if section.msid is not None:
        lines.append(f"a=msid:{' '.join([word for word in section.msid if word])}")
    if section.rtcp_mux:
        lines.append("a=rtcp-mux")
    if section.rtcp_rsize:
        lines.append("a=rtcp-rsize")
    lines += codecs
    if section.rids or section.simulcast_send or section.simulcast_recv:
        lines += _simulcast(section)
    for group in section.ssrc_groups:
        lines.append(f"a=ssrc-group:{group.semantics} {' '.join(map(str, group.ssrcs))}")
    for ssrc, cname in section.ssrcs.items():
        lines.append(f"a=ssrc:{ssrc} cname:{cname}")
    return lines


def _extensions(extensions: Iterable[ExtensionLine]) -> Iterator[str]:
    for extension in extensions:
        direction = f"/{extension.direction.value}" if extension.direction else ""
        yield f"a=extmap:{extension.id}{direction} {extension.uri}"


def _simulcast(section: Section) -> Iterator[str]:
    for rid in section.rids:
        yield f"a=rid:{rid.id} {rid.direction} {rid.restrictions}".rstrip()
    simulcast = [
        f"{direction} {';'.join(rids)}"
        for direction, rids in (("send", section.simulcast_send), ("recv", section.simulcast_recv))
        if rids
    ]
    if simulcast:
        yield f"a=simulcast:{' '.join(simulcast)}"


def _transport(transport: Transport) -> Iterator[str]:
    if transport.ufrag and transport.pwd:
        yield f"a=ice-ufrag:{transport.ufrag}"
        yield f"a=ice-pwd:{transport.pwd}"
    for fingerprint in transport.fingerprints:
        yield f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}"
    yield f"a=setup:{transport.setup.value}"


def candidate_text(candidate: Candidate) -> str:
    """`candidate:…`, as in SDP and in trickle messages."""
    tcp_type = f" tcptype {candidate.tcp_type}" if candidate.tcp_type else ""
    return (
        f"candidate:{candidate.foundation} 1 {candidate.protocol} {candidate.priority} "
        f"{candidate.host} {candidate.port} typ host{tcp_type}"
    )


@frozen
class _Written:
    """Codecs as the m= line names them, and their own lines. `of`: whose text this is; so its id is nobody else's."""

    of: tuple[CodecLine, ...]
    formats: str
    lines: list[str]


#: By the id of a tuple of codecs: sections that carry the same mostly have the same object.
_Codecs = dict[int, _Written]
_NO_CODECS = _Written((), "webrtc-datachannel", [])


def _codecs(codecs: tuple[CodecLine, ...], known: _Codecs) -> _Written:
    written = known.get(id(codecs))
    if written is None:
        written = known[id(codecs)] = _Written(
            codecs,
            " ".join([str(each.payload_type) for each in codecs]) or "0",
            [line for codec in codecs for line in _codec(codec)],
        )
    return written


def _codec(codec: CodecLine) -> Iterator[str]:
    channels = f"/{codec.channels}" if codec.channels != 1 else ""
    yield f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}"
    for feedback in codec.feedback:
        yield f"a=rtcp-fb:{codec.payload_type} {feedback}"
    if codec.parameters:
        parameters = ";".join(
            f"{name}={content}" if content else name for name, content in codec.parameters.items()
        )
        yield f"a=fmtp:{codec.payload_type} {parameters}"
