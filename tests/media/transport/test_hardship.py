"""Losses, silence, crowds, and clients that misuse their data channels."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiortc.rtcsctptransport import (
    DataChunk,
    ForwardTsnChunk,
    HeartbeatChunk,
    InitChunk,
    SackChunk,
    serialize_packet,
)
from attrs import evolve

from media.ids import PeerId
from media.sdp.values import Fingerprint
from media.transport import channels
from media.transport.api import Gone, Ignored, PeerState, Sent
from media.transport.sctp import MAX_CHANNELS, MAX_STREAMS
from tests.media.transport.raw_client import RawClient
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

#: Types of chunks → bytes before their parameters: INIT, INIT ACK, HEARTBEAT, its ACK, ABORT, ERROR, RE-CONFIG.
WITH_PARAMETERS = {1: 16, 2: 16, 4: 0, 5: 0, 6: 0, 9: 0, 130: 0}


async def test_a_wrong_certificate_is_refused() -> None:
    """Whoever answers with another certificate than the SDP's is not the one who was invited."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, recorder = RawClient(), Recorder()
        peer = listener.add_peer(PeerId("anna"), recorder)
        wrong = Fingerprint("sha-256", ":".join(["00"] * 32))
        peer.start(evolve(client.remote_parameters, fingerprints=(wrong,)))
        await client.open(listener)
        await client.checked(peer.local)
        connecting = asyncio.ensure_future(client.connect(listener))
        await eventually(lambda: recorder.why is Gone.DTLS_FAILED, "refused")
        assert recorder.keys is None
        assert listener.peers == 0
        connecting.cancel()
        await client.close()


async def test_who_falls_silent_is_gone() -> None:
    """Without a valid check for the time of consent the peer ends, whatever media still comes."""
    async with listen(settings(consent_s=0.5), CERTIFICATE) as listener:
        client, recorder = await joined(listener)
        peer = listener._peers[PeerId("anna")]
        assert peer.seen_s(listener.now()) < 1.0
        await eventually(lambda: recorder.why is Gone.CONSENT_LOST, "consent is lost")
        assert (listener.peers, listener._by_ufrag, listener._by_address) == (0, {}, {})
        assert not peer.send(b"\x80")
        await client.close()


async def test_who_never_comes_is_gone() -> None:
    """An announced peer that does not connect ends after its time."""
    async with listen(settings(connect_s=0.5), CERTIFICATE) as listener:
        recorder = Recorder()
        listener.add_peer(PeerId("anna"), recorder)
        await eventually(lambda: recorder.why is Gone.NEVER_CAME, "given up")
        assert listener.peers == 0


async def test_an_ice_restart_from_another_address() -> None:
    """Wi-Fi to mobile: new credentials, another socket, the same DTLS session and the same keys."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, _ = await joined(listener)
        peer = listener._peers[PeerId("anna")]
        keys = peer.keys()
        client._udp.close()  # type: ignore[union-attr] # opened by joined
        client.ufrag = "elsewhere"
        local = peer.restart_ice(client.credentials)
        await client.open(listener)
        await client.checked(local)
        assert peer.ufrags() == {local.ufrag}
        await client.dtls._send_rtp(bytes.fromhex("806000010000000000000007") + b"hi")
        await eventually(lambda: heard(listener), "media comes from the new address")
        assert peer.send(b"\x80" + bytes(30))
        await eventually(lambda: client.media, "media goes to the new address")
        assert peer.keys() is keys
        await client.close()


async def test_a_draining_listener_takes_nobody_new() -> None:
    """Those who are connected go on."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, _ = await joined(listener)
        listener.stop_accepting()
        with pytest.raises(RuntimeError, match="draining"):
            listener.add_peer(PeerId("boris"), Recorder())
        await client.dtls._send_rtp(bytes.fromhex("806000010000000000000007") + b"hi")
        await eventually(lambda: heard(listener), "media still comes")
        await client.close()


async def test_the_end_is_told_to_clients_and_observers() -> None:
    """Closing the listener closes every peer: its client's DTLS is shut down, its observer told once."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, recorder = await joined(listener)
    assert recorder.why is Gone.CLOSED
    await eventually(lambda: client.dtls.state == "closed", "the client knows")
    await client.close()


async def test_a_class_of_a_hundred_joins_at_once() -> None:
    """R41: a hundred handshakes in one burst, each with an open channel; the time is printed."""
    async with listen(settings(), CERTIFICATE) as listener:
        begun = time.perf_counter()
        pairs = await asyncio.gather(*(joined(listener, f"p{number}") for number in range(100)))
        for client, _ in pairs:
            client.channel("_reliable")
        await eventually(
            lambda: all(recorder.channels == ["_reliable"] for _, recorder in pairs), "all open", 60
        )
        print(f"100 joins in {time.perf_counter() - begun:.2f} s, clients included")  # noqa: T201
        assert listener._faults == 0
        assert len({recorder.keys.rx_key for _, recorder in pairs if recorder.keys}) == 100
        await asyncio.gather(*(client.close() for client, _ in pairs))


# --- data channels


async def test_who_does_not_keep_up_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the backlog a message is refused, nothing is queued, and later it is taken again."""
    monkeypatch.setitem(channels.BACKLOG, "_reliable", 200_000)
    async with listen(settings(), CERTIFICATE) as listener:
        client, recorder = await joined(listener)
        client.channel("_reliable")
        await eventually(lambda: recorder.channels, "open")
        peer = listener._peers[PeerId("anna")]
        client.loses_down = lambda _: True
        outcomes = [peer.send_message("_reliable", bytes(50_000)) for _ in range(8)]
        assert outcomes[:4] == [Sent.QUEUED] * 4
        assert outcomes[-1] is Sent.FULL
        assert peer.buffered("_reliable") <= 200_000
        client.loses_down = lambda _: False
        await eventually(lambda: peer.buffered("_reliable") == 0, "it is delivered", 60)
        assert peer.send_message("_reliable", b"again") is Sent.QUEUED
        await client.close()


async def test_a_bomb_of_gaps_costs_nothing() -> None:
    """A SACK that claims 290 gaps of 65,000 each is one step of work, not nineteen million."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, _ = await joined(listener)
        client.channel("_reliable")
        await eventually(lambda: client.sctp.state == "connected", "associated")
        sack = SackChunk()
        sack.cumulative_tsn = client.sctp._last_received_tsn or 0
        sack.advertised_rwnd = 1000
        sack.gaps = [(1, 65_535)] * 290
        before = time.process_time()
        for _ in range(20):
            await client.sctp._send_chunk(sack)
        await _settled(client)
        assert time.process_time() - before < 2.0
        await client.close()


async def _settled(client: RawClient) -> None:
    """A heartbeat comes back after everything that was sent before it."""
    received = client.received
    await client.sctp._send_chunk(HeartbeatChunk())
    await eventually(lambda: client.received > received, "the heartbeat is answered")


async def test_a_late_init_changes_nothing() -> None:
    """The client's first packet comes again after its channel was used: what follows arrives and is confirmed."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, recorder = await joined(listener)
        first = InitChunk()
        first.initiate_tag = client.sctp._local_verification_tag
        first.initial_tsn = client.sctp._local_tsn
        first.advertised_rwnd = 100_000
        first.outbound_streams = first.inbound_streams = 65_535
        channel = client.channel("_reliable")
        await eventually(lambda: channel.readyState == "open", "open")
        channel.send(b"before")
        await eventually(lambda: recorder.messages, "the first message")
        tag, client.sctp._remote_verification_tag = client.sctp._remote_verification_tag, 0
        await client.sctp._send_chunk(first)
        client.sctp._remote_verification_tag = tag
        channel.send(b"after")
        await eventually(lambda: len(recorder.messages) == 2, "the second message")
        await eventually(lambda: not client.sctp._sent_queue, "and is acknowledged", 3)
        await client.close()


async def test_confused_sctp_ends_nothing_else() -> None:
    """Malformed chunks, endless streams, holes and openings are counted; another client's channel works on."""
    async with listen(settings(), CERTIFICATE) as listener:
        rude, _ = await joined(listener, "rude")
        kind, heard = await joined(listener, "kind")
        await eventually(lambda: rude.sctp.state == "connected", "associated")
        for junk in (
            b"",
            b"\0" * 40,
            _packet(rude, b"\x00\x03\x00\x05\x01"),
            _packet(rude, b"\xc0\0\0\5a"),
            *(_packet(rude, _with_a_parameter_of_no_length(kind)) for kind in WITH_PARAMETERS),
        ):
            await rude.dtls._send_data(junk or b"\1")
        for stream in range(MAX_STREAMS + 20):
            await rude.sctp._send_chunk(_data(rude, stream, ahead=stream + 2))
        await rude.sctp._send_chunk(_data(rude, 1, ahead=30_000))
        forward = ForwardTsnChunk()
        forward.cumulative_tsn = (rude.sctp._local_tsn + 200) % 2**32
        forward.streams = [(number, 0) for number in range(200)]
        await rude.sctp._send_chunk(forward)
        await eventually(
            lambda: (
                listener.ignored()[Ignored.SCTP_MALFORMED] > 3 + len(WITH_PARAMETERS)
                and listener.ignored()[Ignored.SCTP_LIMIT] > 0
            ),
            "counted",
        )
        streams = listener._peers[PeerId("rude")]._channels._sctp._inbound_streams
        assert len(streams) <= MAX_STREAMS
        channel = kind.channel("_reliable")
        await eventually(lambda: channel.readyState == "open", "the other's channel opens")
        channel.send(b"hi")
        await eventually(lambda: heard.messages, "and carries a message")
        assert listener._faults == 0
        await rude.close()
        await kind.close()


def _with_a_parameter_of_no_length(kind: int) -> bytes:
    """aiortc would look at it for ever."""
    body = bytes(WITH_PARAMETERS[kind]) + b"\x00\x01\x00\x00"
    return bytes((kind, 0)) + (4 + len(body)).to_bytes(2, "big") + body


def _data(client: RawClient, stream: int, ahead: int) -> DataChunk:
    """A piece out of the middle of some message."""
    chunk = DataChunk()
    chunk.tsn = (client.sctp._local_tsn + ahead) % 2**32
    chunk.stream_id, chunk.user_data = stream, b"x"
    return chunk


class _Raw:
    """Bytes as a chunk."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __bytes__(self) -> bytes:
        return self._body


def _packet(client: RawClient, chunk: bytes) -> bytes:
    packed: bytes = serialize_packet(
        5000,
        5000,
        client.sctp._remote_verification_tag,
        _Raw(chunk + bytes(-len(chunk) % 4)),  # type: ignore[arg-type] # anything with bytes
    )
    return packed


async def test_channels_without_an_end_are_refused() -> None:
    """The seventeenth channel and a label of a kilobyte are not opened; of one label the first counts."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, recorder = await joined(listener)
        opened = [client.channel("_reliable") for _ in range(MAX_CHANNELS + 4)]
        client.channel("x" * 1000)
        await eventually(lambda: listener.ignored()[Ignored.SCTP_LIMIT] == 5, "refused", 30)
        await eventually(
            lambda: sum(channel.readyState == "open" for channel in opened) == MAX_CHANNELS,
            "the others are open",
        )
        assert recorder.channels == ["_reliable"]
        peer = listener._peers[PeerId("anna")]
        assert peer.state is PeerState.CONNECTED
        await client.close()


async def test_a_message_above_64_kb_is_dropped() -> None:
    """It is counted, and the next one arrives."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, recorder = await joined(listener)
        client.sctp._remote_max_message_size = 0
        channel = client.channel("_reliable")
        await eventually(lambda: channel.readyState == "open", "open")
        channel.send(bytes(65_537))
        channel.send(b"next")
        await eventually(lambda: recorder.messages == [("_reliable", b"next")], "the next", 30)
        assert listener.ignored()[Ignored.MESSAGE_TOO_LONG] == 1
        await client.close()
