"""A listener on loopback, and an observer that remembers."""

from __future__ import annotations

from attrs import Factory, define

from media.forwarder.api import SrtpKeys
from media.ids import PeerId
from media.transport.api import Gone, TransportSettings
from media.transport.dtls import Certificate
from media.transport.listener import PortListener
from tests.media.transport.raw_client import RawClient
from tests.support.polling import until_async

CERTIFICATE = Certificate.generateCertificate()


def settings(**changes: object) -> TransportSettings:
    """Free ports on loopback."""
    defaults: dict[str, object] = {
        "host": "127.0.0.1",
        "udp_port": 0,
        "tcp_port": 0,
        "advertised": ("127.0.0.1",),
    }
    return TransportSettings(**(defaults | changes))  # type: ignore[arg-type] # checked by the class


@define
class Recorder:
    """A `PeerObserver`."""

    keys: SrtpKeys | None = None
    packets: list[bytes] = Factory(list)
    channels: list[str] = Factory(list)
    messages: list[tuple[str, bytes]] = Factory(list)
    why: Gone | None = None

    def connected(self, peer: PeerId, keys: SrtpKeys) -> None:
        self.keys = keys

    def media(self, peer: PeerId, datagram: bytes, now: float) -> None:
        self.packets.append(datagram)

    def channel_opened(self, peer: PeerId, label: str) -> None:
        self.channels.append(label)

    def message(self, peer: PeerId, label: str, data: bytes) -> None:
        self.messages.append((label, data))

    def gone(self, peer: PeerId, why: Gone) -> None:
        assert self.why is None, "told twice"
        self.why = why


async def joined(
    listener: PortListener,
    name: str = "anna",
    *,
    tcp: bool = False,
    client: RawClient | None = None,
) -> tuple[RawClient, Recorder]:
    """A client that is checked and connected."""
    client = client or RawClient()
    recorder = Recorder()
    peer = listener.add_peer(PeerId(name), recorder)
    peer.start(client.remote_parameters)
    await client.open(listener, tcp=tcp)
    await client.checked(peer.local)
    await client.connect(listener)
    await eventually(lambda: recorder.keys is not None, f"{name} is connected", 60)
    return client, recorder


async def eventually(probe: object, what: str, deadline_s: float = 10.0) -> None:
    """Wait until the callable `probe` says something true."""
    assert callable(probe)

    async def asked() -> object:
        return probe()

    await until_async(asked, what=what, deadline_s=deadline_s)
