"""A listener on loopback, and an observer that remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from attrs import Factory, define

from media.forwarder.api import Drop, SrtpKeys
from media.ids import PeerId, RoomName
from media.plane.api import Plane
from media.plane.plain import PlainPlane
from media.transport.api import Gone, PeerObserver, TransportSettings
from media.transport.dtls import Certificate
from media.transport.listener import PortListener
from media.transport.peer import ClientPeer
from tests.media.planes import PLANES, Tapped, plain
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


#: How the plane of the next `listen` is made; the fixture `planes` changes it.
_makes: list[Callable[[], Plane]] = [plain]


@pytest.fixture(scope="module", params=list(PLANES.values()), ids=list(PLANES))
def planes(request: pytest.FixtureRequest) -> Iterator[None]:
    """`listen` uses both, one after the other."""
    _makes.append(request.param)
    yield
    _makes.pop()


@asynccontextmanager
async def listen(
    settings: TransportSettings, certificate: Certificate
) -> AsyncIterator[PortListener]:
    """As `media.transport.listener.listen`; the forwarder gets the keys of whoever connects, as in a node."""
    listener = Node(settings, certificate, _makes[-1]())
    try:
        await listener.open()
        yield listener
    finally:
        await listener.close()


class Node(PortListener):
    def add_peer(self, peer: PeerId, observer: PeerObserver) -> ClientPeer:
        return super().add_peer(peer, Wired(observer, self.plane))


@define
class Wired:
    """A `PeerObserver` before another one."""

    _observer: PeerObserver
    _plane: Plane

    def connected(self, peer: PeerId, keys: SrtpKeys) -> None:
        self._plane.add_peer(peer, keys, RoomName("lesson"))
        self._observer.connected(peer, keys)

    def channel_opened(self, peer: PeerId, label: str) -> None:
        self._observer.channel_opened(peer, label)

    def message(self, peer: PeerId, label: str, data: bytes) -> None:
        self._observer.message(peer, label, data)

    def gone(self, peer: PeerId, why: Gone) -> None:
        with suppress(KeyError):  # it never connected
            self._plane.remove_peer(peer)
        self._observer.gone(peer, why)


def media_of(listener: PortListener) -> list[bytes]:
    """Media as it came to a plain plane."""
    assert isinstance(listener.plane, PlainPlane)
    assert isinstance(listener.plane.forwarder, Tapped)
    return listener.plane.forwarder.came


def heard(listener: PortListener) -> int:
    """Packets that the forwarder opened with somebody's keys. They are of no track: nobody published any."""
    return listener.plane.stats().drops.get(Drop.UNKNOWN_SSRC.value, 0)


@define
class Recorder:
    """A `PeerObserver`."""

    keys: SrtpKeys | None = None
    channels: list[str] = Factory(list)
    messages: list[tuple[str, bytes]] = Factory(list)
    why: Gone | None = None

    def connected(self, peer: PeerId, keys: SrtpKeys) -> None:
        self.keys = keys

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
