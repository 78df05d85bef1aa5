"""Reading an offer of either side: what must be there before anybody asks for sound or pictures. Pure."""

from __future__ import annotations

from media.broadcast.whip.refusals import Refused, Why
from media.sdp.api import (
    Description,
    Fingerprint,
    Limits,
    Local,
    SdpError,
    Section,
    SectionKind,
    Setup,
    parse,
)
from media.transport.api import RemoteParameters

#: Bytes of an offer. Chromium 156 with three layers writes 9 kB, OBS 2 kB.
MAX_OFFER = 65_536
LIMITS = Limits(characters=MAX_OFFER, sections=8, lines=2000, line_characters=2048)
#: RFC 8122 5.1; MD5 and SHA-1 prove nothing any more.
_HASHES = frozenset({"sha-256", "sha-384", "sha-512"})
#: RFC 8829 5.1.2: each of these is DTLS-SRTP, where there is a fingerprint.
_PROTOCOLS = frozenset({"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "RTP/SAVPF"})

#: Before a peer is there: an answer's sections do not depend on our end.
NOWHERE = Local(ufrag="", pwd="", fingerprint=Fingerprint("sha-256", ""), candidates=())


def read(raw: bytes) -> Description | Refused:
    """The description, if we could connect with it at all."""
    if len(raw) > MAX_OFFER:
        return Refused(Why.TOO_LARGE)
    try:
        description = parse(raw.decode(), limits=LIMITS)
    except UnicodeDecodeError:
        return Refused(Why.NOT_SDP)
    except SdpError as error:
        return Refused(Why.NOT_SDP, error.line)
    why = _connection_fault(description) or _media_fault(description)
    return description if why is None else Refused(why)


def media_of(description: Description) -> tuple[Section, ...]:
    """The sections of sound and pictures that are not given up already."""
    return tuple(
        one for one in description.sections if one.kind is not SectionKind.DATA and not one.rejected
    )


def remote_of(description: Description) -> RemoteParameters:
    """The client's end. A role that it leaves open is the client's: it connects."""
    theirs = description.transport
    return RemoteParameters(
        ufrag=theirs.ufrag,
        pwd=theirs.pwd,
        fingerprints=tuple(one for one in theirs.fingerprints if one.algorithm in _HASHES),
        setup=theirs.setup,
    )


def _connection_fault(description: Description) -> Why | None:
    theirs = description.transport
    if not theirs.ufrag or not theirs.pwd:
        return Why.NO_ICE
    if theirs.ice_lite:
        return Why.ICE_LITE
    if not any(one.algorithm in _HASHES for one in theirs.fingerprints):
        return Why.NO_DTLS
    return Why.SETUP if theirs.setup is Setup.PASSIVE else None


def _media_fault(description: Description) -> Why | None:
    sections = media_of(description)
    if any(one.protocol.upper() not in _PROTOCOLS for one in sections):
        return Why.NO_DTLS
    if not all(one.rtcp_mux for one in sections):
        return Why.NO_MUX
    if len(sections) > 1 and not {one.mid for one in sections} <= set(description.bundle):
        return Why.NOT_BUNDLED
    numbers = [ssrc for one in sections for ssrc in one.ssrcs]
    return Why.SSRC_TWICE if len(set(numbers)) != len(numbers) else None
