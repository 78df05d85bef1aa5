"""What we understand of a session description (RFC 8866, RFC 8829), as values. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from attrs import field

from media.frozen import frozen


class SectionKind(enum.Enum):
    AUDIO = "audio"
    VIDEO = "video"
    DATA = "application"


class Direction(enum.Enum):
    """Of a section, seen from its writer."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)


class Setup(enum.Enum):
    """Who speaks first in DTLS (RFC 4145): the active one is the client."""

    ACTPASS = "actpass"
    ACTIVE = "active"
    PASSIVE = "passive"


@frozen
class Fingerprint:
    """Of a DTLS certificate (RFC 8122): `sha-256` and `AB:CD:…`."""

    algorithm: str
    value: str


@frozen(kw_only=True)
class Candidate:
    """An address that can be tried (RFC 8839 5.1). We only write host candidates, and read none for sending."""

    foundation: str
    protocol: str  # "udp" or "tcp"
    priority: int
    host: str = field(repr=False)
    port: int
    tcp_type: str | None = None  # "passive" for our TCP port (RFC 6544)


@frozen(kw_only=True)
class Transport:
    """How one bundle is reached: ICE and DTLS."""

    ufrag: str
    pwd: str = field(repr=False)
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup
    ice_lite: bool = False
    candidates: tuple[Candidate, ...] = ()


@frozen(kw_only=True)
class CodecLine:
    """One payload type: rtpmap, fmtp and rtcp-fb lines.

    Attributes:
        name: as written, `VP8`, `opus`, `rtx`, `red`.
        parameters: of fmtp, in the order of the line; a parameter without `=` has the value "".
        feedback: `nack`, `nack pli`, `ccm fir`, `goog-remb`, `transport-cc`.
    """

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    parameters: Mapping[str, str] = field(factory=dict)
    feedback: tuple[str, ...] = ()

    @property
    def repairs(self) -> int | None:
        """The payload type whose packets this RTX repeats (RFC 4588 8.1)."""
        apt = self.parameters.get("apt", "")
        is_number = apt.isascii() and apt.isdigit() and len(apt) < 4
        return int(apt) if self.name.lower() == "rtx" and is_number else None


@frozen
class ExtensionLine:
    """An RTP header extension (RFC 8285 8): `direction` is None where the line has none."""

    id: int
    uri: str
    direction: Direction | None = None


@frozen
class Rid:
    """One encoding of a simulcast section (RFC 8851)."""

    id: str
    direction: str  # "send" or "recv"
    restrictions: str = ""


@frozen
class SsrcGroup:
    """`FID` media, rtx · `SIM` layers (RFC 5576 4.2)."""

    semantics: str
    ssrcs: tuple[int, ...]


@frozen(kw_only=True)
class Section:
    """One m= section.

    Attributes:
        port: 0 means rejected (or bundled only, where `bundle_only`).
        payload_types: of the m= line, in order of preference; codecs holds their descriptions in the same order.
        msid: stream and track id; for a track without a stream "-".
        simulcast_send, simulcast_recv: rids in order; alternatives (`a,b`) are taken as their first, `~` is dropped.
        ssrcs: SSRC → its cname ("" where none is given), in the order of the lines.
    """

    kind: SectionKind
    mid: str
    protocol: str
    port: int = 9
    bundle_only: bool = False
    direction: Direction = Direction.SENDRECV
    codecs: tuple[CodecLine, ...] = ()
    extensions: tuple[ExtensionLine, ...] = ()
    extmap_allow_mixed: bool = False
    rids: tuple[Rid, ...] = ()
    simulcast_send: tuple[str, ...] = ()
    simulcast_recv: tuple[str, ...] = ()
    msid: tuple[str, str] | None = None
    ssrcs: Mapping[int, str] = field(factory=dict)
    ssrc_groups: tuple[SsrcGroup, ...] = ()
    sctp_port: int | None = None
    max_message_size: int | None = None
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    transport: Transport | None = None

    @property
    def rejected(self) -> bool:
        return self.port == 0 and not self.bundle_only

    def named(self, mid: str, transport: Transport | None) -> Section:
        """The same under another mid, and as it is reached elsewhere.

        `evolve` takes five times as long, and a room of a hundred has 200 of these.
        """
        return Section(
            kind=self.kind,
            mid=mid,
            protocol=self.protocol,
            port=self.port,
            bundle_only=self.bundle_only,
            direction=self.direction,
            codecs=self.codecs,
            extensions=self.extensions,
            extmap_allow_mixed=self.extmap_allow_mixed,
            rids=self.rids,
            simulcast_send=self.simulcast_send,
            simulcast_recv=self.simulcast_recv,
            msid=self.msid,
            ssrcs=self.ssrcs,
            ssrc_groups=self.ssrc_groups,
            sctp_port=self.sctp_port,
            max_message_size=self.max_message_size,
            rtcp_mux=self.rtcp_mux,
            rtcp_rsize=self.rtcp_rsize,
            transport=transport,
        )


@frozen(kw_only=True)
class Description:
    """A whole offer or answer.

    Attributes:
        transport: of the first accepted section: everything is bundled (RFC 9143).
        extensions: of every section, said once (RFC 8285 5); sections then have none of their own. What was read has
            them in its sections.
    """

    session_id: int = 1
    session_version: int = 1
    transport: Transport
    bundle: tuple[str, ...]
    extmap_allow_mixed: bool = False
    extensions: tuple[ExtensionLine, ...] = ()
    sections: tuple[Section, ...]
