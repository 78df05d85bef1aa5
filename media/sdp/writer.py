"""Writes session descriptions: the same value gives the same text. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from media.sdp.values import (
    Candidate,
    CodecLine,
    Description,
    Section,
    SectionKind,
    Transport,
)


def write(description: Description) -> str:
    """The text, lines ended by CRLF (RFC 8866 5)."""
    return "".join(f"{line}\r\n" for line in _lines(description))


def _lines(description: Description) -> Iterator[str]:
    yield "v=0"
    yield f"o=- {description.session_id} {description.session_version} IN IP4 127.0.0.1"
    yield "s=-"
    yield "t=0 0"
    if description.transport.ice_lite:
        yield "a=ice-lite"
    if description.bundle:
        yield "a=group:BUNDLE " + " ".join(description.bundle)
    if description.extmap_allow_mixed:
        yield "a=extmap-allow-mixed"
    yield "a=msid-semantic: WMS *"
    # Candidates stand in the first accepted section only, with which everything is bundled; ICE and DTLS in all of
    # them, as Chromium 156 rejects sections of an offer that lack them.
    transport = description.transport
    for section in description.sections:
        yield from _section(section, transport)
        if not section.rejected and description.bundle:
            transport = evolve(description.transport, candidates=())


def _section(section: Section, bundled: Transport) -> Iterator[str]:
    is_data = section.kind is SectionKind.DATA
    formats = (
        ["webrtc-datachannel"]
        if is_data
        else [str(c.payload_type) for c in section.codecs] or ["0"]
    )
    yield f"m={section.kind.value} {section.port} {section.protocol} {' '.join(formats)}"
    yield "c=IN IP4 0.0.0.0"
    if section.mid:
        yield f"a=mid:{section.mid}"
    if section.rejected:
        yield f"a={section.direction.value}"
        return
    if section.bundle_only:
        yield "a=bundle-only"
    transport = section.transport or bundled
    if not transport.fingerprints:  # Firefox says it once for all
        transport = evolve(transport, fingerprints=bundled.fingerprints)
    yield from _transport(transport)
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
    for extension in section.extensions:
        direction = f"/{extension.direction.value}" if extension.direction else ""
        yield f"a=extmap:{extension.id}{direction} {extension.uri}"
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
    for candidate in transport.candidates:
        yield f"a={candidate_text(candidate)}"
    if transport.candidates:
        yield "a=end-of-candidates"


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
