"""What others use of the transport: one listener, a peer for each connection, and who is told what happens.

::

    async with listen(settings, certificate, plane) as listener:      # media.transport.listener
        peer = listener.add_peer(PeerId("…"), observer)
        answer SDP with peer.local, listener.fingerprint, listener.candidates
        peer.start(RemoteParameters(ufrag=…, fingerprints=…, setup=…))

Nothing here blocks: observers are called from the event loop and must return at once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from attrs import field

from media.forwarder.api import SrtpKeys
from media.frozen import frozen
from media.ids import PeerId
from media.sdp.values import Candidate, Fingerprint, Setup


@frozen
class IceCredentials:
    """Short-term credentials of one side (RFC 8839 5.4). The password is a secret between the two."""

    ufrag: str
    pwd: str = field(repr=False)


@frozen(kw_only=True)
class RemoteParameters:
    """What the client's SDP says of its end. Its candidates are not needed: it comes to us (ICE-lite)."""

    ufrag: str
    pwd: str = field(repr=False)
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup  # the client's: ACTIVE or ACTPASS make us the DTLS server, PASSIVE the client
    sctp_port: int = 5000
    max_message_size: int = (
        65536  # bytes, what the client takes; RFC 8841 6.1: 65536 where it says nothing
    )


class PeerState(enum.Enum):
    NEW = "new"
    CONNECTING = "connecting"  # the client's parameters are known
    CONNECTED = "connected"  # DTLS is done, keys are there
    GONE = "gone"


class Gone(enum.Enum):
    """Why a peer ended. The values are stable: logged, counted, tested."""

    CLOSED = "closed"  # by us
    CLOSED_BY_CLIENT = "closed_by_client"  # DTLS close_notify
    CONSENT_LOST = "consent_lost"  # no valid check for `consent_s` (RFC 7675)
    NEVER_CAME = "never_came"  # not connected within `connect_s`
    DTLS_FAILED = "dtls_failed"  # handshake refused, wrong fingerprint, no SRTP profile


class Ignored(enum.Enum):
    """Why a datagram went no further. The values are stable: counted, tested."""

    TOO_LONG = "too_long"
    EMPTY = "empty"
    NOT_OURS = "not_ours"  # RFC 7983: none of STUN, DTLS, RTP
    STRANGER = "stranger"  # no valid check came from this address
    STUN_MALFORMED = "stun_malformed"
    UNKNOWN_UFRAG = "unknown_ufrag"
    FORGED = "forged"  # MESSAGE-INTEGRITY is not made with our password
    OTHERS_ADDRESS = "others_address"  # a live peer has just been checked from there
    EARLY = "early"  # media before the keys are there
    NOT_A_REQUEST = "not_a_request"
    UNASKED = "unasked"  # an answer to no check of ours
    UNPROVED = "unproved"  # ours, held back: nobody has answered from that address yet
    TOO_MANY_HANDSHAKES = "too_many_handshakes"  # the client sends its ClientHello again
    QUEUE_FULL = "queue_full"
    SEND_BLOCKED = "send_blocked"  # the socket's buffer is full
    SCTP_MALFORMED = "sctp_malformed"
    SCTP_LIMIT = "sctp_limit"
    MESSAGE_TOO_LONG = "message_too_long"
    MESSAGE_IGNORED = "message_ignored"  # text, or a channel that we do not serve (`_data_track`)
    TCP_MALFORMED = "tcp_malformed"
    TCP_SLOW = "tcp_slow"  # the client does not read
    TCP_SILENT = "tcp_silent"  # no valid check came
    TCP_FULL = "tcp_full"  # too many connections


Address = tuple[Any, ...]  # of the socket: (host, port), for IPv6 with two more


class Route(Protocol):
    """A way back to a client. `owner`: whose valid check came this way (`Plane.bind`). `proved`: whoever is there has
    asked for it, as TCP knows.
    """

    owner: PeerId | None

    @property
    def proved(self) -> bool: ...

    @property
    def source(self) -> tuple[str, int]: ...

    def send(self, datagram: bytes) -> Ignored | None:
        """Why it was not sent, if it was not."""

    def close(self) -> None: ...


class Sent(enum.Enum):
    """What became of a message for a data channel."""

    QUEUED = "queued"
    NO_CHANNEL = "no_channel"  # not open (yet)
    FULL = "full"  # the client does not keep up; nothing was queued
    TOO_LONG = "too_long"


class PeerObserver(Protocol):
    """Told what happens to a peer, in order, and never again after `gone`."""

    def connected(self, peer: PeerId, keys: SrtpKeys) -> None:
        """From now on its packets may be taken in: whoever forwards is given the keys here."""

    def channel_opened(self, peer: PeerId, label: str) -> None: ...

    def message(self, peer: PeerId, label: str, data: bytes) -> None: ...

    def gone(self, peer: PeerId, why: Gone) -> None: ...


class Peer(Protocol):
    """One ICE + DTLS connection of a client."""

    @property
    def id(self) -> PeerId: ...

    @property
    def local(self) -> IceCredentials: ...

    @property
    def remote_ufrag(self) -> str | None: ...

    @property
    def state(self) -> PeerState: ...

    def start(self, remote: RemoteParameters) -> None:
        """Believe the client's parameters. Once; checks were answered before, DTLS waits for this."""

    def restart_ice(self, remote: IceCredentials | None = None) -> IceCredentials:
        """New credentials on the same DTLS session; the old ones hold until the new ones are used.

        `remote`: of the client's new offer; None where its answer will bring them (`set_remote`).
        """

    def set_remote(self, remote: IceCredentials) -> None: ...

    def keys(self) -> SrtpKeys | None: ...

    def open_channel(
        self, label: str, *, ordered: bool = True, max_retransmits: int | None = None
    ) -> None: ...

    def send_message(self, label: str, data: bytes) -> Sent: ...

    def buffered(self, label: str) -> int:
        """Bytes that wait in the channel; 0 without such a channel."""

    def seen_s(self, now: float) -> float:
        """Seconds since the last valid check: above 5 something is wrong, at `consent_s` the peer is gone."""

    def close(self) -> None: ...


@frozen(kw_only=True)
class TransportSettings:
    """Where to listen and what to bear.

    Attributes:
        host: of the sockets; `0.0.0.0` or `::` (both families).
        udp_port, tcp_port: 0 for any free one (tests); tcp_port None: no TCP.
        advertised: addresses for candidates; one that clients can reach, behind NAT the outer one.
        advertised_udp_port, advertised_tcp_port: where a router maps other ports.
        consent_s: RFC 7675: 30 s without consent and nothing may be sent.
        connect_s: for a peer that was announced to connect.
        handshakes_per_s, handshake_burst: DTLS costs about 2 ms each (forwarder.md §1).
    """

    host: str = "0.0.0.0"  # noqa: S104 -- calls are reached from outside
    udp_port: int
    tcp_port: int | None
    advertised: tuple[str, ...] = field(repr=False)
    advertised_udp_port: int | None = None
    advertised_tcp_port: int | None = None
    consent_s: float = 30.0
    connect_s: float = 30.0
    handshakes_per_s: float = 100.0
    handshake_burst: int = 100
    max_tcp_connections: int = 1000


class Listener(Protocol):
    @property
    def candidates(self) -> tuple[Candidate, ...]: ...

    @property
    def fingerprint(self) -> Fingerprint: ...

    @property
    def peers(self) -> int: ...

    def routes(self) -> Sequence[Route]:
        """How media goes to each connected peer that can be reached."""

    def add_peer(self, peer: PeerId, observer: PeerObserver) -> Peer: ...

    def ignored(self) -> Mapping[Ignored, int]: ...

    def stop_accepting(self) -> None:
        """For a drain: connected peers go on, nobody new is added."""
