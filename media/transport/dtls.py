"""DTLS of one peer: aiortc's transport, without its SRTP and with our datagrams.

Uses private names of aiortc 1.16; `tests/media/transport/test_aiortc_private.py` pins them.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
)
from aiortc.rtcicetransport import RTCIceTransport
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from media.forwarder.api import SrtpKeys, SrtpProfile
from media.sdp.values import Fingerprint
from media.transport.records import MAX_DATAGRAM, datagrams

#: In our order, which wins as we are the server: 128-bit GCM costs half of SHA-1 and a tenth less than 256
#: (forwarder.md §3).
PROFILES: list[SRTPProtectionProfile] = [
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
]
_LONGEST_RECORD = 16384  # bytes, RFC 6347 4.1


class Wire(Protocol):
    """What carries DTLS: datagrams of one peer."""

    role: str

    async def _recv(self) -> bytes:
        """The next datagram."""

    async def _send(self, data: bytes) -> None: ...


class Certificate(RTCCertificate):
    """One for all peers of a process, with one OpenSSL context; clients are told its fingerprint in SDP."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, cert: x509.Certificate) -> None:
        super().__init__(key, cert)
        self._context: SSL.Context | None = None
        first = next(f for f in self.getFingerprints() if f.algorithm == "sha-256")
        self.fingerprint = Fingerprint(first.algorithm, first.value)

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
            self._context.set_options(SSL.OP_NO_QUERY_MTU)
        return self._context


class Dtls(RTCDtlsTransport):
    """Hands out keys instead of decrypting media, and never raises for what a client sends."""

    srtp: SrtpKeys | None = None

    def __init__(self, wire: Wire, certificate: Certificate) -> None:
        super().__init__(cast(RTCIceTransport, wire), [certificate])
        self._srtp_profiles = PROFILES

    async def _do_handshake(self) -> None:
        self._connection.set_ciphertext_mtu(MAX_DATAGRAM)
        await super()._do_handshake()

    @property
    def _connection(self) -> SSL.Connection:
        assert self._ssl is not None, "not before start()"
        return self._ssl

    def _setup_srtp(self) -> None:
        chosen = self._connection.get_selected_srtp_profile()
        profile = next((p for p in PROFILES if p.openssl_profile == chosen), None)
        if profile is None:
            self._set_state(State.FAILED)
            return
        size = 2 * (profile.key_length + profile.salt_length)
        material = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", size)
        client, server = (profile.get_key_and_salt(material, side) for side in (0, 1))
        rx, tx = (client, server) if self._role == "server" else (server, client)
        self.srtp = SrtpKeys(
            profile=SrtpProfile(profile.openssl_profile.decode()),
            rx_key=rx[: profile.key_length],
            rx_salt=rx[profile.key_length :],
            tx_key=tx[: profile.key_length],
            tx_salt=tx[profile.key_length :],
        )

    async def _recv_next(self) -> None:
        """One datagram; aiortc reads one record of it, which leaves the next for whenever another datagram comes."""
        timeout = None if self.encrypted else self._connection.DTLSv1_get_timeout()
        try:
            async with asyncio.timeout(timeout):
                datagram = await self.transport._recv()
        except TimeoutError:
            self._handle_timeout()
            await self._write_ssl()
            return
        self._connection.bio_write(datagram)
        while True:
            try:
                data = self._connection.recv(_LONGEST_RECORD)
            except SSL.WantReadError:
                break
            except SSL.ZeroReturnError:
                await self._write_ssl()
                raise ConnectionError("closed by the client") from None
            except SSL.Error:
                await self._write_ssl()
                if self.encrypted:
                    raise ConnectionError("fatal alert") from None
                break  # the handshake sees it too
            if data and self._data_receiver is not None:
                await self._data_receiver._handle_data(data)
        await self._write_ssl()

    def _handle_timeout(self) -> None:
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error:
            raise ConnectionError("no answer to the handshake") from None

    async def _send_data(self, data: bytes) -> None:
        """Like a datagram: into the void where there is no connection. aiortc's timers of SCTP call this."""
        if self._state != State.CONNECTED:
            return
        try:
            self._connection.send(data)
        except SSL.Error:
            return
        await self._write_ssl()

    async def _write_ssl(self) -> None:
        """All that OpenSSL has written, in whole records."""
        flight = b""
        while True:
            try:
                flight += self._connection.bio_read(_LONGEST_RECORD)
            except SSL.WantReadError:
                break
        for datagram in datagrams(flight):
            await self.transport._send(datagram)
