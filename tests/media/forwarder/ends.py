"""The other end of a peer in tests: its keys the other way round, packets as a browser makes them."""

from __future__ import annotations

import hashlib

from attrs import define, field
from pylibsrtp import Policy, Session

from media.forwarder.api import SrtpKeys, SrtpProfile
from media.forwarder.plain.rtp import RtpPacket, parse_rtp, write_elements, write_header
from media.ids import PeerId

_POLICIES = {
    SrtpProfile.AES128_CM_SHA1_80: (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
    SrtpProfile.AEAD_AES_128_GCM: (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    SrtpProfile.AEAD_AES_256_GCM: (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12),
}

#: Header extension ids that Chromium offers.
AUDIO_LEVEL, SEND_TIME, TRANSPORT_CC, MID, RID, REPAIRED_RID = 1, 2, 3, 4, 10, 11


def keys_of(peer: PeerId, profile: SrtpProfile = SrtpProfile.AEAD_AES_128_GCM) -> SrtpKeys:
    """Always the same for one name."""
    _, key, salt = _POLICIES[profile]

    def piece(use: str, size: int) -> bytes:
        return hashlib.sha256(f"{peer} {use}".encode()).digest()[:size]

    return SrtpKeys(
        profile, piece("rk", key), piece("rs", salt), piece("tk", key), piece("ts", salt)
    )


@define(eq=False)
class End:
    """A client's end of the transport `peer`."""

    peer: PeerId
    profile: SrtpProfile = SrtpProfile.AEAD_AES_128_GCM
    _read: dict[bytes, RtpPacket | bytes] = field(factory=dict)
    _tx: Session = field(init=False)
    _rx: Session = field(init=False)

    def __attrs_post_init__(self) -> None:
        keys = keys_of(self.peer, self.profile)
        profile = _POLICIES[self.profile][0]
        out = Policy(keys.rx_key + keys.rx_salt, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)
        out.allow_repeat_tx = True
        out.window_size = 4096
        into = Policy(keys.tx_key + keys.tx_salt, Policy.SSRC_ANY_INBOUND, srtp_profile=profile)
        into.window_size = 4096
        self._tx, self._rx = Session(out), Session(into)

    @property
    def keys(self) -> SrtpKeys:
        return keys_of(self.peer, self.profile)

    def protect(self, packet: bytes) -> bytes:
        """RTP or RTCP, by its second byte."""
        if 192 <= packet[1] <= 223:
            return self._tx.protect_rtcp(packet)
        return self._tx.protect(packet)

    def read(self, datagram: bytes) -> RtpPacket | bytes:
        """An RTP packet, or the bytes of an RTCP one. The same datagram may be read again."""
        if datagram not in self._read:
            if 192 <= datagram[1] <= 223:
                self._read[datagram] = self._rx.unprotect_rtcp(datagram)
            else:
                self._read[datagram] = parse_rtp(self._rx.unprotect(datagram))
        return self._read[datagram]


def rtp(
    *,
    ssrc: int,
    sequence: int,
    payload: bytes,
    payload_type: int = 96,
    timestamp: int = 0,
    marker: bool = False,
    elements: dict[int, bytes] | None = None,
    padding: int = 0,
) -> bytes:
    head = write_header(
        marker=marker,
        payload_type=payload_type,
        sequence=sequence,
        timestamp=timestamp,
        ssrc=ssrc,
        extensions=write_elements((elements or {}).items()),
    )
    if padding:
        head = bytes((head[0] | 0x20,)) + head[1:]
        payload += bytes(padding - 1) + bytes((padding,))
    return head + payload


def vp8(
    picture: int,
    *,
    tl0: int = 0,
    temporal: int = 0,
    sync: bool = False,
    key: bool = False,
    start: bool = True,
    body: bytes = b"picture",
    short_id: bool = False,
) -> bytes:
    """A VP8 payload with everything in its descriptor, as Chromium writes it (RFC 7741 4.2)."""
    descriptor = bytes((0x90 if start else 0x80, 0xE0))
    if short_id:
        descriptor += bytes((picture & 0x7F,))
    else:
        descriptor += (0x8000 | picture & 0x7FFF).to_bytes(2, "big")
    descriptor += bytes((tl0 & 0xFF, temporal << 6 | (0x20 if sync else 0)))
    return descriptor + bytes((0x10 if key else 0x11,)) + body
