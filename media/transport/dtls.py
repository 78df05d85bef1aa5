"""DTLS of one peer: pyOpenSSL, driven by the datagrams that come and by OpenSSL's own timer. No task, no queue.

aiortc's transport, which this was, has a task for each flight and objects for SRTP that nobody uses here; of it remain
how a certificate is made and compared, and what its SCTP asks of the DTLS below (`channels`, `sctp`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    X509_DIGEST_ALGORITHMS,
    RTCCertificate,
    SRTPProtectionProfile,
)
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

    def connection(self) -> SSL.Connection:
        """A new one, over memory."""
        made = SSL.Connection(self._create_ssl_context(PROFILES))
        made.set_ciphertext_mtu(MAX_DATAGRAM)
        return made


class Receiver(Protocol):
    """aiortc's SCTP. What it does with a packet is a coroutine by its form, and never waits: `run_through`."""

    async def _handle_data(self, data: bytes) -> None: ...


def run_through(work: Coroutine[Any, Any, None]) -> None:
    """Run to its end what is a coroutine only by its form; a task of its own would cost more than the work.

    Raises:
        RuntimeError: it waits for something. A bug of ours.
    """
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError(f"{work!r} waits")


class Dtls:
    """Hands out keys instead of decrypting media, and never raises for what a client sends.

    `_role`, `_register_data_receiver`, `_unregister_data_receiver` and `_send_data` have the names by which aiortc's
    SCTP calls them.

    Attributes:
        state: `new`, `connecting`, `connected`, then `failed` (by the handshake) or `closed`.
        srtp: once it is connected.
    """

    def __init__(
        self, certificate: Certificate, send: Callable[[bytes], object], changed: Callable[[], None]
    ) -> None:
        """`send` takes datagrams; `changed` is called when `state` becomes connected, failed or closed."""
        self.state = "new"
        self.srtp: SrtpKeys | None = None
        self._role = "server"
        self._certificate = certificate
        self._send = send
        self._changed = changed
        self._fingerprints: Sequence[Fingerprint] = ()
        self._ssl: SSL.Connection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._data_receiver: Receiver | None = None

    def begin(self, *, as_client: bool, fingerprints: Sequence[Fingerprint]) -> None:
        """`fingerprints`: of the other side, as its SDP has them."""
        self._role = "client" if as_client else "server"
        self._fingerprints = fingerprints
        self._ssl = self._certificate.connection()
        if as_client:
            self._ssl.set_connect_state()
        else:
            self._ssl.set_accept_state()
        self.state = "connecting"
        self._go_on()

    def receive(self, datagram: bytes) -> None:
        """One that came, of any length and content. Not before `begin`."""
        if not datagram or self.state not in ("connecting", "connected"):
            return
        self._connection.bio_write(datagram)
        if self.state == "connecting":
            self._go_on()
        if self.state == "connected":
            self._read()

    def stop(self) -> None:
        """Tell the other side. Harmless when said twice."""
        self._stop_timer()
        if self.state in ("connecting", "connected"):
            self.state = "closed"
            try:
                self._connection.shutdown()
            except SSL.Error:  # in the middle of a handshake
                return
            self._flush()

    # --- inside

    @property
    def _connection(self) -> SSL.Connection:
        assert self._ssl is not None, "not before begin()"
        return self._ssl

    def _go_on(self) -> None:
        """With the handshake, as far as what has come goes."""
        self._stop_timer()
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            self._flush()
            self._start_timer()
            return
        except SSL.Error:
            self._flush()
            self._become("failed")
            return
        if self._is_invited() and (srtp := self._keys()) is not None:
            self.srtp = srtp
            self._become("connected")  # before our last flight: its answer is media
        else:
            self._become("failed")
        self._flush()

    def _read(self) -> None:
        """All records that are there."""
        while self.state == "connected":
            try:
                data = self._connection.recv(_LONGEST_RECORD)
            except SSL.WantReadError:
                break
            except SSL.Error:  # closed by the client, or a fatal alert
                self._flush()
                self._become("closed")
                return
            if data and self._data_receiver is not None:
                run_through(self._data_receiver._handle_data(data))
        self._flush()

    def _become(self, state: str) -> None:
        self.state = state
        self._changed()

    def _is_invited(self) -> bool:
        """RFC 8122 5: the certificate is the one of the SDP, by every fingerprint there whose hash we know."""
        certificate = self._connection.get_peer_certificate()
        known = [
            one for one in self._fingerprints if one.algorithm.lower() in X509_DIGEST_ALGORITHMS
        ]
        if certificate is None or not known:
            return False
        return all(
            certificate.digest(one.algorithm.lower().replace("-", "")).decode() == one.value.upper()
            for one in known
        )

    def _keys(self) -> SrtpKeys | None:
        """None: the client knows none of our profiles."""
        chosen = self._connection.get_selected_srtp_profile()
        profile = next((p for p in PROFILES if p.openssl_profile == chosen), None)
        if profile is None:
            return None
        size = 2 * (profile.key_length + profile.salt_length)
        material = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", size)
        client, server = (profile.get_key_and_salt(material, side) for side in (0, 1))
        rx, tx = (client, server) if self._role == "server" else (server, client)
        return SrtpKeys(
            profile=SrtpProfile(profile.openssl_profile.decode()),
            rx_key=rx[: profile.key_length],
            rx_salt=rx[profile.key_length :],
            tx_key=tx[: profile.key_length],
            tx_salt=tx[profile.key_length :],
        )

    def _flush(self) -> None:
        """Send all that OpenSSL has written, in whole records."""
        flight = b""
        more = True
        while more:
            try:
                read = self._connection.bio_read(_LONGEST_RECORD)
            except SSL.WantReadError:
                break
            flight += read
            more = len(read) == _LONGEST_RECORD
        for datagram in datagrams(flight):
            self._send(datagram)

    def _start_timer(self) -> None:
        """OpenSSL repeats its flight when no answer comes (RFC 6347 4.2.4)."""
        timeout = self._connection.DTLSv1_get_timeout()
        if timeout is not None:
            self._timer = asyncio.get_running_loop().call_later(timeout, self._late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error:  # no answer to any
            self._become("failed")
            return
        self._flush()
        self._start_timer()

    # --- for SCTP

    def _register_data_receiver(self, receiver: Receiver) -> None:
        self._data_receiver = receiver

    def _unregister_data_receiver(self, _receiver: Receiver) -> None:
        self._data_receiver = None

    async def _send_data(self, data: bytes) -> None:
        """Like a datagram: into the void where there is no connection. aiortc's timers of SCTP call this."""
        if self.state != "connected":
            return
        try:
            self._connection.send(data)
        except SSL.Error:
            return
        self._flush()
