"""Who is not invited gets nothing, costs little, and does not disturb those who are."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from media.ids import PeerId
from media.transport.api import Ignored, PeerState
from media.transport.framing import frame
from media.transport.listener import PortListener
from media.transport.routes import TCP_BACKLOG
from tests.media.transport.raw_client import RawClient, binding_request
from tests.media.transport.world import (
    CERTIFICATE,
    Recorder,
    eventually,
    heard,
    joined,
    listen,
    settings,
)

pytestmark = pytest.mark.usefixtures("planes")

DTLS_HELLO = bytes.fromhex("16fefd0000000000000000000101") + bytes(40)


def counted(listener: PortListener) -> dict[str, int]:
    return {ignored.value: number for ignored, number in listener.ignored().items()}


async def test_packets_of_strangers_go_nowhere() -> None:
    """DTLS, media, junk and checks for nobody from an unknown address: counted, unanswered, nothing is kept of them."""
    async with listen(settings(), CERTIFICATE) as listener:
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.connect(("127.0.0.1", listener.udp_port))
        stranger.setblocking(False)
        for packet in (DTLS_HELLO, b"\x80" + bytes(40), b"\xff", b"", bytes(3000), b"\0\1"):
            stranger.send(packet)
        peer = listener.add_peer(PeerId("anna"), Recorder())
        stranger.send(binding_request(peer.local, "x", pwd="w" * 32))
        nobody = type(peer.local)("nobody", "w" * 32)
        stranger.send(binding_request(nobody, "x"))
        expected = {
            "stranger": 2,
            "not_ours": 1,
            "empty": 1,
            "too_long": 1,
            "stun_malformed": 1,
            "forged": 1,
            "unknown_ufrag": 1,
        }
        expected["stun_malformed"] += expected.pop("too_long")  # zeros look like STUN
        await eventually(lambda: counted(listener) == expected, "everything is counted")
        assert listener._by_address == {}
        assert peer.state is PeerState.NEW
        with pytest.raises(BlockingIOError):
            stranger.recv(2000)
        stranger.close()


async def test_somebody_elses_ufrag_moves_nothing() -> None:
    """Who knows another's ufrag, not the password, changes nothing; nor does a wrong remote ufrag."""
    async with listen(settings(), CERTIFICATE) as listener:
        anna, _ = await joined(listener, "anna")
        boris, _ = await joined(listener, "boris")
        annas = listener._peers[PeerId("anna")]
        route = annas._ice.selected
        boris.send(
            binding_request(annas.local, anna.ufrag, pwd=listener._peers[PeerId("boris")].local.pwd)
        )
        boris.send(binding_request(annas.local, boris.ufrag))
        await eventually(
            lambda: counted(listener) == {"forged": 1, "unknown_ufrag": 1}, "both are counted"
        )
        assert annas._ice.selected is route
        await anna.dtls._send_rtp(bytes.fromhex("806000010000000000000007") + b"hi")
        await eventually(lambda: heard(listener), "anna still is heard")
        await anna.close()
        await boris.close()


async def test_a_spoofed_address_of_a_live_peer_is_not_taken() -> None:
    """A check with good credentials from an address where another peer was just checked is dropped."""
    async with listen(settings(), CERTIFICATE) as listener:
        anna, _ = await joined(listener, "anna")
        thief = listener.add_peer(PeerId("boris"), Recorder())
        anna.send(binding_request(thief.local, "x"))  # from anna's own address: as good as spoofed
        await eventually(lambda: counted(listener) == {"others_address": 1}, "it is counted")
        assert thief._ice.routes() == ()
        await anna.dtls._send_rtp(bytes.fromhex("806000010000000000000007") + b"hi")
        await eventually(lambda: heard(listener), "anna still is heard")
        await anna.close()


async def test_an_address_that_fell_silent_goes_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A NAT gives an old client's port to a new one: the new one's check takes it over."""
    monkeypatch.setattr("media.transport.listener.ADDRESS_KEPT_S", 0.0)
    async with listen(settings(), CERTIFICATE) as listener:
        anna, _ = await joined(listener, "anna")
        after = listener.add_peer(PeerId("boris"), Recorder())
        anna.send(binding_request(after.local, "x"))
        await eventually(after._ice.routes, "boris has the address")
        assert listener._peers[PeerId("anna")]._ice.routes() == ()
        await anna.close()


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_a_client_that_believes_we_control_is_corrected(tcp: bool) -> None:
    """ICE-CONTROLLED is answered with 487; its address is not taken, and nothing is kept of it."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, peer = RawClient(), listener.add_peer(PeerId("anna"), Recorder())
        await client.open(listener, tcp=tcp)
        client.send(binding_request(peer.local, "x", controlled=True))
        answer = await asyncio.wait_for(client.answers.get(), 5)
        assert answer.error_code == 487
        assert answer.check_message_integrity(peer.local.pwd.encode())
        assert peer._ice.routes() == ()
        assert listener._by_address == {}
        client.send(b"\x80" + bytes(40))
        await eventually(lambda: counted(listener) == {"stranger": 1}, "it is a stranger's")
        await client.close()


async def test_a_flood_of_hellos_begins_few_handshakes() -> None:
    """Above the rate a ClientHello is dropped and counted; the client's next one is admitted."""
    async with listen(settings(handshakes_per_s=0.0, handshake_burst=1), CERTIFICATE) as listener:
        first, _ = await joined(listener, "anna")
        second = RawClient()
        peer = listener.add_peer(PeerId("boris"), Recorder())
        peer.start(second.remote_parameters)
        await second.open(listener)
        await second.checked(peer.local)
        second.send(DTLS_HELLO)
        await eventually(lambda: counted(listener) == {"too_many_handshakes": 1}, "refused")
        assert peer._inbox == []
        listener._admission.per_second = 1000.0
        await second.connect(listener)
        assert peer.state is PeerState.CONNECTED
        await first.close()
        await second.close()


async def test_hellos_before_the_answer_wait_in_a_short_queue() -> None:
    """Four datagrams are kept until the client's parameters come, the rest is dropped."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, peer = RawClient(), listener.add_peer(PeerId("anna"), Recorder())
        await client.open(listener)
        await client.checked(peer.local)
        connecting = asyncio.ensure_future(client.connect(listener))
        for _ in range(9):
            client.send(b"\x16\0\0" + bytes(40))  # of no version: OpenSSL passes over it
        await eventually(lambda: counted(listener).get("queue_full"), "the rest is dropped")
        assert len(peer._inbox) == 4
        peer.start(client.remote_parameters)
        await asyncio.wait_for(connecting, 10)
        assert peer.state is PeerState.CONNECTED
        await client.close()


async def test_media_before_the_keys_is_not_handed_on() -> None:
    """A checked client's SRTP before its handshake is nobody's."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, recorder = RawClient(), Recorder()
        peer = listener.add_peer(PeerId("anna"), recorder)
        await client.open(listener)
        await client.checked(peer.local)
        client.send(b"\x80" + bytes(40))
        await eventually(lambda: counted(listener) == {"early": 1}, "it is counted")
        assert listener.plane.stats().packets_in == 0
        await client.close()


# --- TCP


async def test_a_stranger_on_tcp_is_dropped() -> None:
    """A frame that is too long ends the connection; DTLS without a check is nobody's."""
    async with listen(settings(), CERTIFICATE) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.tcp_port)
        writer.write(frame(DTLS_HELLO) + frame(b"\xff") + b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(_to_the_end(reader), 5)
        assert counted(listener) == {"stranger": 1, "not_ours": 1, "tcp_malformed": 1}
        await eventually(lambda: listener.plane.connections == 0, "its end is told")
        writer.close()


async def _to_the_end(reader: asyncio.StreamReader) -> None:
    if await reader.read(1) == b"":
        raise ConnectionResetError


async def test_connections_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one too many is closed at once; one that brings no check is closed after a while."""
    monkeypatch.setattr("media.transport.routes.TCP_PATIENCE_S", 0.2)
    async with listen(settings(max_tcp_connections=1), CERTIFICATE) as listener:
        patient, first = await asyncio.open_connection("127.0.0.1", listener.tcp_port)
        refused, second = await asyncio.open_connection("127.0.0.1", listener.tcp_port)
        for reader in (refused, patient):
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(_to_the_end(reader), 5)
        assert counted(listener) == {"tcp_full": 1, "tcp_silent": 1}
        first.close()
        second.close()


async def test_a_client_that_does_not_read() -> None:
    """What waits for it is bounded: packets are dropped and counted."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, _ = await joined(listener, tcp=True)
        assert client._reading is not None
        client._reading.cancel()
        peer = listener._peers[PeerId("anna")]
        sent = 0
        while peer.send(b"\x80" + bytes(1199)):
            sent += 1
            assert sent < 20_000, "no end"
        assert listener.ignored()[Ignored.TCP_SLOW] == 1
        assert isinstance(peer._ice.selected, object)
        assert sent * 1200 >= TCP_BACKLOG
        await client.close()


@given(st.lists(st.binary(max_size=120), max_size=30))
def test_any_datagrams_are_survived(datagrams: list[bytes]) -> None:
    """From a checked client too: nothing raises, and the listener still answers a good check."""

    async def run() -> None:
        async with listen(settings(), CERTIFICATE) as listener:
            client, recorder = await joined(listener)
            for datagram in datagrams:
                for first in (b"", b"\0\1\0\0!\x12\xa4B", b"\x16\xfe\xfd", b"\x80"):
                    client.send(first + datagram)
            await client.checked(listener._peers[PeerId("anna")].local)
            assert listener._faults == 0
            assert recorder.why is None
            await client.close()

    asyncio.run(run())


# --- whoever asks from an address that is not theirs


def bound(listener: PortListener, host: str = "127.0.0.1") -> socket.socket:
    """A socket at another address of this machine: for a client that forges its source, a victim."""
    victim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    victim.bind((host, 0))
    victim.connect(("127.0.0.1", listener.udp_port))
    victim.setblocking(False)
    return victim


def received(victim: socket.socket) -> list[bytes]:
    datagrams = []
    while True:
        try:
            datagrams.append(victim.recv(4096))
        except BlockingIOError:
            return datagrams


async def test_media_does_not_follow_a_forged_source() -> None:
    """A client's own USE-CANDIDATE from an address that never answers moves nothing, however often it comes."""
    async with listen(settings(), CERTIFICATE) as listener:
        anna, _ = await joined(listener)
        peer = listener._peers[PeerId("anna")]
        victim, sent = bound(listener, "127.0.0.2"), 0
        for number in range(20):
            request = binding_request(peer.local, anna.ufrag)
            sent += len(request)
            victim.send(request)
            await eventually(lambda n=number: len(peer._ice._checked) == 2, "it is known")
            assert peer.send(b"\x80" + bytes(1199))
        await anna.checked(peer.local)
        heard = received(victim)
        assert sum(map(len, heard)) <= 3 * sent
        assert all(datagram[0] <= 3 for datagram in heard)
        await eventually(lambda: len(anna.media) == 20, "all media goes where the client is")
        victim.close()
        await anna.close()


async def test_a_client_that_moves_is_followed_once_it_answers() -> None:
    """Wi-Fi to mobile without a restart: the check from there is answered, ours too, and media moves."""
    async with listen(settings(), CERTIFICATE) as listener:
        anna, _ = await joined(listener)
        peer = listener._peers[PeerId("anna")]
        before = peer._ice.selected
        anna._udp.close()  # type: ignore[union-attr] # opened by joined
        await anna.open(listener)
        await anna.checked(peer.local)
        await eventually(lambda: peer._ice.selected is not before, "media moves")
        assert peer.send(b"\x80" + bytes(30))
        await eventually(lambda: anna.media, "media goes to the new address")
        await anna.close()


async def test_an_address_that_never_answers_gets_three_times_what_it_sent() -> None:
    """Not even our half of the handshake: what is held back is counted, and nothing connects."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, peer = RawClient(), listener.add_peer(PeerId("anna"), Recorder())
        client.answers_checks = False
        peer.start(client.remote_parameters)
        victim, sent = bound(listener, "127.0.0.3"), 0
        for _ in range(3):
            request = binding_request(peer.local, client.ufrag)
            sent += len(request)
            victim.send(request)
        await eventually(peer._ice.routes, "it is known")
        while peer.send(bytes([22]) * 100):
            assert listener.ignored()[Ignored.UNPROVED] == 0
        assert listener.ignored()[Ignored.UNPROVED] >= 1
        assert sum(map(len, received(victim))) <= 3 * sent
        victim.close()


async def test_an_answer_that_nobody_asked_for_proves_nothing() -> None:
    """Of a stranger, of another transaction, or made with another password: counted."""
    async with listen(settings(), CERTIFICATE) as listener:
        anna, _ = await joined(listener)
        peer = listener._peers[PeerId("anna")]
        victim = bound(listener, "127.0.0.4")
        victim.send(bytes.fromhex("0101000021 12a442".replace(" ", "")) + bytes(12))
        victim.send(binding_request(peer.local, anna.ufrag))
        await eventually(lambda: len(peer._ice.routes()) == 2, "it is known")
        route = next(one for one in peer._ice.routes() if not peer._ice.is_proved(one))
        asked = peer._questions[route]
        for transaction, pwd in ((bytes(12), anna.pwd), (asked, peer.local.pwd)):
            answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction)
            answer.add_message_integrity(pwd.encode())
            victim.send(bytes(answer))
        victim.send(bytes.fromhex("010100002112a442") + asked)
        await eventually(lambda: counted(listener).get("unasked") == 4, "all are counted")
        assert not peer._ice.is_proved(route)
        victim.close()
        await anna.close()
