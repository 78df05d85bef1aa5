"""The media ports under fire, while two people see each other: strangers, forged addresses, replays, wrong keys."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import cycle
from random import Random  # noqa: TID251 -- seeded: the same attack in every run
from typing import Any, cast

import pytest
from livekit.protocol import rtc

from media.forwarder.plain.forwarder import PlainForwarder
from media.plane.plain import PlainPlane
from media.transport.listener import PortListener
from media.transport.peer import ClientPeer
from tests.media.hostile.intruder import SSRC, Intruder, intruder
from tests.media.hostile.siege import Siege, is_dtls, is_rtcp, is_rtp, is_stun_request, siege
from tests.media.signal.test_doors import member, raw
from tests.media.transport.raw_client import binding_request
from tests.media.world import eventually

#: Chance with a seed: what fails once fails again.
CHANCE = Random(20261128)  # noqa: S311 -- tests


@contextmanager
def stranger(call: Siege, host: str) -> Iterator[socket.socket]:
    """At another address of this machine: nobody the server knows, or a victim whose address is forged."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((host, 0))
        opened.connect(call.way.node)
        opened.setblocking(False)
        yield opened


async def fire(datagrams: Iterable[bytes], send: Callable[[bytes], object]) -> None:
    for number, datagram in enumerate(datagrams):
        with suppress(OSError):
            send(datagram)
        if number % 20 == 0:
            await asyncio.sleep(0)


def mangled(datagram: bytes) -> Iterator[bytes]:
    """Cut off, with bits turned, with lengths that lie, with more behind it."""
    for _ in range(10):
        yield datagram[: CHANCE.randrange(len(datagram))]
        turned = bytearray(datagram)
        for _ in range(CHANCE.randrange(1, 4)):
            turned[CHANCE.randrange(len(turned))] ^= 1 << CHANCE.randrange(8)
        yield bytes(turned)
    yield datagram[:2] + b"\xff\xff" + datagram[4:]
    yield datagram + CHANCE.randbytes(50)


def peer_of(call: Siege, guest: Any) -> ClientPeer:
    """The server's end of a guest's connection."""
    out = call.way._onwards[guest].getsockname()
    listener = cast(PortListener, call.world.node.services.listener)
    owner = listener._by_address[out].owner
    assert owner is not None
    return listener._peers[owner]


@pytest.mark.integration
async def test_a_call_goes_on_whatever_strangers_send() -> None:
    """Noise, mangled packets of the call itself, and hellos from two hundred addresses: each is counted."""
    async with siege() as call:
        noise = [CHANCE.randbytes(CHANCE.randrange(1, 1_500)) for _ in range(1_000)]
        firsts = (b"\x00", b"\x16", b"\x80", b"\x81\xc9", b"\xff")
        await call.withstands(
            "noise",
            lambda: from_many(call, (CHANCE.choice(firsts) + one for one in noise)),
            ("ignored", "stranger"),
            ("ignored", "stun_malformed"),
            ("ignored", "not_ours"),
        )
        hello = call.way.captured(is_dtls)[0][1]
        await call.withstands(
            "hellos", lambda: from_many(call, [hello] * 400), ("ignored", "stranger")
        )
        for kind, name in ((is_stun_request, "checks"), (is_dtls, "DTLS"), (is_rtp, "media")):
            real = [data for _, data in call.way.captured(kind)[-20:]]
            broken = [one for datagram in real for one in mangled(datagram)]
            counted = "stun_malformed" if kind is is_stun_request else "stranger"
            await call.withstands(
                f"mangled {name}", partial(from_many, call, broken), ("ignored", counted)
            )
            await call.withstands(
                f"mangled {name} of a guest",
                partial(as_guest, call, kind),
                ("ignored", counted) if kind is is_stun_request else ("dropped", "forged"),
            )
        listener = call.world.node.services.listener
        assert len(listener._by_address) < 20  # type: ignore[attr-defined]


async def from_many(call: Siege, datagrams: Iterable[bytes]) -> None:
    """From two hundred addresses in turn."""
    sockets = []
    for number in range(200):
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((f"127.0.1.{number + 1}", 0))
        opened.connect(call.way.node)
        opened.setblocking(False)
        sockets.append(opened)
    turns = cycle(sockets)
    await fire(datagrams, lambda one: next(turns).send(one))
    for opened in sockets:
        opened.close()


def _from(call: Siege, guest: Any, datagram: bytes) -> None:
    call.way.forward(datagram, guest)


async def as_guest(call: Siege, kind: Callable[[bytes], bool]) -> None:
    """From the guest's own address; and forged SRTP, so that something is counted whatever the kind."""
    for guest, data in call.way.captured(kind)[-10:]:
        await fire(mangled(data), partial(_from, call, guest))
    guest, data = call.way.captured(is_rtp)[-1]
    ahead = (
        int.from_bytes(data[2:4], "big") + 300
    ) % 2**16  # numbers that came already are replays
    call.way.forward(data[:2] + ahead.to_bytes(2, "big") + data[4:], guest)


@pytest.mark.integration
async def test_a_call_goes_on_whatever_comes_over_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that lie about their length, noise, and connections that say nothing, are closed and counted."""
    monkeypatch.setattr("media.transport.routes.TCP_PATIENCE_S", 0.5)
    async with siege() as call:
        port = call.world.node.services.listener.tcp_port  # type: ignore[attr-defined]

        async def say(*chunks: bytes) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with suppress(ConnectionError):
                for chunk in chunks:
                    writer.write(chunk)
                    await writer.drain()
                async with asyncio.timeout(20):
                    assert await reader.read(1) == b""
            writer.close()

        real = call.way.captured(is_stun_request)[0][1]
        malformed, silent = ("ignored", "tcp_malformed"), ("ignored", "tcp_silent")
        lies = (
            (b"\xff\xff" + real, malformed),
            (len(real).to_bytes(2, "big") + real[:-5], silent),
            (b"\x00\x00" * 100_000, silent),
            ((5).to_bytes(2, "big") + real, malformed),
            (CHANCE.randbytes(60_000), malformed),
            (b"", silent),
        )
        for number, (chunk, counted) in enumerate(lies):
            await call.withstands(f"lie {number}", partial(say, chunk), counted)
        one_by_one = [bytes((byte,)) for byte in (b"\x00\x30" + bytes(48)) * 20]
        await call.withstands("bytes one by one", lambda: say(*one_by_one), silent)

        async def crowd() -> None:
            await asyncio.gather(*(say(b"\x00") for _ in range(200)))

        await call.withstands("a crowd that says nothing", crowd, silent)


@pytest.mark.integration
async def test_nobody_moves_anothers_media() -> None:
    """With somebody's ufrag, one's own password, a replayed check: nothing moves, a forged address gets little."""
    async with siege() as call, intruder(call.world, "mallory") as mallory:
        guest, check = call.way.captured(is_stun_request)[-1]
        peer = peer_of(call, guest)
        selected = peer._ice.selected
        before = peer._ice.current.remote_ufrag
        assert before is not None
        with stranger(call, "127.0.2.1") as thief:
            forged = binding_request(peer.local, before, pwd=mallory.local.pwd)
            await call.withstands(
                "mallory's password", lambda: fire([forged] * 50, thief.send), ("ignored", "forged")
            )
            wrong = binding_request(peer.local, mallory.wire.ufrag)
            await call.withstands(
                "a wrong ufrag",
                lambda: fire([wrong] * 50, thief.send),
                ("ignored", "unknown_ufrag"),
            )
            await call.withstands("a replayed check", lambda: fire([check] * 50, thief.send))
            assert peer._ice.selected is selected
            heard = []
            with suppress(BlockingIOError):
                while True:
                    heard.append(thief.recv(4096))
            assert sum(map(len, heard)) <= 3 * 50 * len(check)
            assert all(one[0] <= 3 for one in heard), "STUN and nothing else"
        # of mallory's own: the lesson goes on where its client answers
        mine = call.world.node.services.listener._by_ufrag[mallory.local.ufrag]  # type: ignore[attr-defined]
        own = mine._ice.selected
        with stranger(call, "127.0.2.2") as victim:
            moved = binding_request(mallory.local, mallory.wire.ufrag)
            await call.withstands("a forged address", lambda: fire([moved] * 50, victim.send))
            assert mine._ice.selected is own


@pytest.mark.integration
async def test_media_that_is_not_the_guests_own_goes_nowhere() -> None:
    """Replays, wrong keys, streams nobody announced, and RTCP about the streams of others."""
    plane = PlainPlane(PlainForwarder())  # whose tables `about_others` reads
    async with siege(plane) as call, intruder(call.world, "mallory", cid="voice") as mallory:
        for kind, name in ((is_rtp, "SRTP"), (is_rtcp, "SRTCP")):
            real = call.way.captured(kind)[-100:]

            async def again(real: list[tuple[Any, bytes]] = real) -> None:
                for guest, data in real:
                    call.way.forward(data, guest)

            await call.withstands(f"replayed {name}", again, ("dropped", "replayed"))
            stolen = [data for _, data in real]
            await call.withstands(
                f"stolen {name}",
                partial(fire, stolen, mallory.wire.send),
                ("dropped", "forged"),
            )
        plain = bytes.fromhex("806f000100000000") + SSRC.to_bytes(4, "big") + bytes(40)
        await call.withstands(
            "RTP without SRTP",
            lambda: fire([plain] * 50, mallory.wire.send),
            ("dropped", "forged"),
        )

        async def unannounced() -> None:
            for ssrc in (SSRC, *range(1, 400)):
                await mallory.rtp(ssrc, payload=b"x" * 60)

        await call.withstands("streams nobody knows", unannounced, ("dropped", "unknown_ssrc"))
        assert call.boris.loudest_hz.keys() == {"anna"}
        await about_others(call, mallory)


async def about_others(call: Siege, mallory: Intruder) -> None:
    """PLI, NACK, FIR, BYE and REMB for what Anna sends and Boris gets."""
    forwarder: Any = cast(PlainPlane, call.world.node.services.plane).forwarder
    sent = {down.spec.ssrc for down in forwarder._downs.values()}
    published = {
        stream.ssrc for track in forwarder._tracks.values() for stream in track.streams.values()
    }
    assert sent
    assert published
    plis = forwarder.stats().plis_sent

    async def ask() -> None:
        for ssrc in (sent | published) - {SSRC}:
            own, other = SSRC.to_bytes(4, "big"), ssrc.to_bytes(4, "big")
            for _ in range(100):
                await mallory.rtcp(bytes.fromhex("81ce0002") + own + other)  # PLI
                await mallory.rtcp(bytes.fromhex("81cd0003") + own + other + b"\x00\x01\xff\xff")
            await mallory.rtcp(bytes.fromhex("84ce0004") + own + bytes(4) + other + bytes(4))
            await mallory.rtcp(bytes.fromhex("81cb0001") + other)  # BYE
            remb = b"REMB\x01\xfc\x00\x01"  # the least there is, and the most
            await mallory.rtcp(bytes.fromhex("8fce0005") + own + bytes(4) + remb + other)
            await mallory.rtcp(
                bytes.fromhex("8fce0005") + own + bytes(4) + b"REMB\x01\xff\xff\xff" + other
            )

    await call.withstands("RTCP about others", ask, ("dropped", "not_theirs"))
    assert forwarder.stats().plis_sent - plis < 20

    async def broken() -> None:
        for number in range(500):
            await mallory.rtcp(bytes((0x80 | number % 32, 200 + number % 7)) + CHANCE.randbytes(30))

    await call.withstands("RTCP that is none", broken, ("dropped", "rtcp_malformed"))


@pytest.mark.integration
async def test_a_held_microphone_sends_into_the_void() -> None:
    """A pupil who came in muted just sends: nothing is heard, each packet is counted; unmuting is refused (R43)."""
    async with siege() as call, raw(call.world, "host", member=member("host", host=True)) as host:
        await host.until("join")
        rights = member("pupil", muted_on_entry=True)
        async with intruder(call.world, "pupil", cid="voice", member=rights) as pupil:
            added = rtc.AddTrackRequest(cid="voice", type="AUDIO", source="MICROPHONE")
            await pupil.signal.say(add_track=added)
            track = (await pupil.signal.until("track_published")).track_published.track
            assert track.muted

            async def unmute_and_speak() -> None:
                unmute = rtc.MuteTrackRequest(sid=track.sid, muted=False)
                for number in range(100):
                    await pupil.rtp(SSRC, number, bytes(80))
                    with suppress(ConnectionError):
                        await pupil.signal.say(mute=unmute)
                    await asyncio.sleep(0)
                await eventually(lambda: pupil.signal.socket.closed, "and cut off for asking")

            await call.withstands(
                "a held microphone",
                unmute_and_speak,
                ("dropped", "muted"),
                ("wrong", "refused_held"),
                ("wrong", "too_fast"),
            )
            assert call.boris.loudest_hz.keys() <= {"anna", "pupil"}
            assert not call.boris.loudest_hz.get("pupil")
