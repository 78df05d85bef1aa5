"""Writes session descriptions: the same value gives the same text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, evolve, field

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
    # Candidates stand in the first accepted section only, with which everything is bundled.
    candidates = description.transport.candidates
    for section in description.sections:
        known = texts.get(section) if texts is not None and not candidates else None
        if known is None:
            known = _text(_section(section, description.transport, candidates))
        if not candidates:
            written.append((section, known))
        parts.append(known)
        if not section.rejected and description.bundle:
            candidates = ()
    if texts is not None:
        texts.keep_only(written)
    return "".join(parts)


def _text(lines: Iterator[str]) -> str:
    return "".join([f"{line}\r\n" for line in lines])


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
    section: Section, bundled: Transport, candidates: tuple[Candidate, ...]
) -> Iterator[str]:
    is_data = section.kind is SectionKind.DATA
    formats = (
        ["webrtc-datachannel"]
        if is_data
        else [str(c.payload_type) for c in section.codecs] or ["0"]
    )
    yield f"m={section.kind.value} {section.port} {section.protocol} {' '.join(formats)}"
    if section.mid:
        yield f"a=mid:{section.mid}"
    if section.rejected:
        yield f"a={section.direction.value}"
        return
    if section.bundle_only:
        yield "a=bundle-only"
    own = section.transport
    if (
        own is not None
        and own.ufrag
        and evolve(own, candidates=()) != evolve(bundled, candidates=())
    ):
        yield from _transport(own)
    for candidate in candidates:
        yield f"a={candidate_text(candidate)}"
    if candidates:
        yield "a=end-of-candidates"
    yield from _data(section) if is_data else _media(section)


def _data(section: Section) -> Iterator[str]:
    if section.sctp_port is not None:
        yield f"a=sctp-port:{section.sctp_port}"
    if section.max_message_size is not None:
        yield f"a=max-message-size:{section.max_message_size}"


def _media(section: Section) -> Iterator[str]:
    yield f"a={section.direction.value}"
    if section.extmap_allow_mixed:
        yield "a=extmap-allow-mixed"
    yield from _extensions(section.extensions)
    if section.msid is not None:
        yield f"a=msid:{' '.join(word for word in section.msid if word)}"
    if section.rtcp_mux:
        yield "a=rtcp-mux"
    if section.rtcp_rsize:
        yield "a=rtcp-rsize"
    for codec in section.codecs:
        yield from _codec(codec)
    yield from _simulcast(section)
    for group in section.ssrc_groups:
        yield f"a=ssrc-group:{group.semantics} {' '.join(map(str, group.ssrcs))}"
    for ssrc, cname in section.ssrcs.items():
        yield f"a=ssrc:{ssrc} cname:{cname}"


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
