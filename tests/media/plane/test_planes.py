"""What a plane owes the listener and the rooms, without ICE and DTLS: on both."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from media.forwarder.api import Forwarding, Loudness, Want
from media.forwarder.plain.forwarder import PlainForwarder
from media.ids import DownId, PeerId
from media.plane.api import Plane
from media.plane.plain import PlainPlane
from media.transport.api import IceCredentials, Ignored
from media.transport.framing import Framer, frame
from tests.media.forwarder.ends import End
from tests.media.forwarder.histories import (
    MICROPHONE,
    TEACHER,
    microphone_down,
    pupil,
)
from tests.media.plane.world import LESSON, Client, Heard, lesson, opened
from tests.media.planes import PLANES
from tests.media.transport.raw_client import binding_request
from tests.media.transport.world import eventually, settings
from tests.support.polling import until_async

HELLO = bytes.fromhex("16fefd0000000000000000000101") + bytes(40)
CHECK = binding_request(IceCredentials("known", "w" * 32), "x")


def counted(plane: Plane, why: Ignored) -> int:
    return plane.ignored().get(why, 0)


async def test_a_voice_goes_where_it_is_steered(make: Callable[[], Plane]) -> None:
    """To the pupil's address; to another one once the listener says so, then nowhere; Python's side sees none of it."""
    async with lesson(make) as now:
        await now.says(now.pupil)
        elsewhere = Client.of(pupil(0), now.plane)
        elsewhere.end = now.pupil.end
        now.plane.steer(pupil(0), now.plane.route_to(elsewhere.address))
        await now.says(elsewhere)
        now.pupil.voices()
        now.plane.steer(pupil(0), None)
        await now.settled()
        elsewhere.voices()
        await now.settled()
        assert elsewhere.voices() == []
        assert now.pupil.voices() == []
        assert now.heard.came == []
        elsewhere.port.close()


async def test_media_is_of_whom_the_address_is_bound_to(make: Callable[[], Plane]) -> None:
    """A stranger's goes nowhere; that of a bound peer without keys is early; who was unbound is a stranger again."""
    async with lesson(make) as now:
        await now.says(now.pupil)
        other = Client.of(PeerId("PC_other"), now.plane)
        other.speak(0)
        await eventually(lambda: counted(now.plane, Ignored.STRANGER) == 1, "a stranger's")
        route = now.plane.route_to(other.address)
        now.plane.bind(route, other.end.peer)
        assert route.owner == other.end.peer
        other.speak(1)
        await eventually(lambda: counted(now.plane, Ignored.EARLY) == 1, "early")
        now.plane.bind(route, TEACHER)  # a NAT gave the address away
        other.end = now.teacher.end
        other.speak(500)
        await eventually(lambda: b"voice 500" in now.pupil.voices(), "it is the teacher's now")
        now.plane.unbind(route)
        other.speak(501)
        await eventually(lambda: counted(now.plane, Ignored.STRANGER) == 2, "a stranger again")
        other.port.close()


async def test_who_left_is_sent_nothing(make: Callable[[], Plane]) -> None:
    """A removed peer is unknown, its tracks too; who comes again by that name begins anew."""
    async with lesson(make) as now:
        await now.says(now.pupil)
        now.plane.remove_peer(pupil(0))
        with pytest.raises(KeyError):
            now.plane.set_want(microphone_down(0).id, Want())
        with pytest.raises(KeyError):
            now.plane.remove_peer(pupil(0))
        now.plane.add_peer(pupil(0), now.pupil.end.keys, LESSON)
        now.plane.add_downs([(microphone_down(0), Want())])
        now.pupil.end = End(pupil(0))
        now.plane.steer(pupil(0), now.to_pupil)
        await now.says(now.pupil)


async def test_a_hard_mute_holds(make: Callable[[], Plane]) -> None:
    """What a muted track sends is dropped; unmuted it is heard again (R43)."""
    async with lesson(make) as now:
        await now.says(now.pupil)
        now.plane.mute_track(MICROPHONE, True)

        def muted() -> bool:
            now.teacher.speak(1_000 + now.plane.stats().drops.get("muted", 0))
            return now.plane.stats().drops.get("muted", 0) > 2

        await eventually(muted, "it is dropped")
        now.plane.mute_track(MICROPHONE, False)
        now._spoken = 2_000
        await now.says(now.pupil)


async def test_loudness_is_told(make: Callable[[], Plane]) -> None:
    """The forwarder's events reach whoever hears."""
    async with lesson(make) as now:
        told: list[object] = []
        now.plane.hear = told.append
        await now.says(now.pupil)
        await eventually(
            lambda: any(isinstance(one, Loudness) and MICROPHONE in one.levels for one in told),
            "how loud it is",
        )


def test_an_event_that_meets_a_bug_costs_no_other() -> None:
    """Of what one flush tells, each is told, and each mistake is counted."""
    forwarder = PlainForwarder()
    plane, told = PlainPlane(forwarder), []

    def hear(event: object) -> None:
        told.append(event)
        raise LookupError

    plane.hear = hear
    events = [Forwarding(DownId(name), None) for name in ("a", "b")]
    for event in events:
        forwarder._outbox.event(event)
    plane._flush()
    assert told == events
    assert plane.faults == 2


async def test_control_is_handed_up(make: Callable[[], Plane]) -> None:
    """Checks that name a known ufrag from anywhere, DTLS from a bound address; with the address they came from."""
    async with opened(make) as (plane, heard):
        client = Client.of(TEACHER, plane)
        plane.add_ufrag("known")
        client.port.send(CHECK)
        await eventually(lambda: heard.came == [(client.address, CHECK)], "the check")
        plane.bind(plane.route_to(client.address), TEACHER)
        client.port.send(HELLO)
        await eventually(lambda: heard.came[1:] == [(client.address, HELLO)], "the hello")
        for odd, why in ((b"\xff", Ignored.NOT_OURS), (b"", Ignored.EMPTY)):
            client.port.send(odd)
            await eventually(lambda why=why: counted(plane, why) == 1, f"{why} is counted")
        client.port.close()


async def test_media_over_tcp(make: Callable[[], Plane]) -> None:
    """A teacher and a pupil behind connections: framed both ways, in pieces too; the end of one is told."""
    async with lesson(make) as now:
        assert now.plane.tcp_port is not None
        now.plane.add_ufrag("known")
        reader, writer = await asyncio.open_connection("127.0.0.1", now.plane.tcp_port)
        framed = frame(CHECK)
        for piece in (framed[:1], framed[1:30], framed[30:]):
            writer.write(piece)
            await writer.drain()
        await eventually(lambda: now.heard.came, "the check")
        route, datagram = now.heard.came[0]
        assert datagram == CHECK
        assert not isinstance(route, tuple)
        assert route.source == writer.get_extra_info("sockname")[:2]
        assert now.plane.connections == 1
        now.plane.bind(route, pupil(0))
        now.plane.steer(pupil(0), route)
        framer = Framer()

        async def heard() -> object:
            now.teacher.speak(now._spoken)
            now._spoken += 1
            with_time = asyncio.wait_for(reader.read(4096), 0.05)
            try:
                packets = list(framer.feed(await with_time))
            except TimeoutError:
                return None
            return [now.pupil.end.read(one) for one in packets if not 192 <= one[1] <= 223]

        await until_async(heard, what="the voice comes over TCP")
        assert route.send(b"\x16" + bytes(10)) is None
        writer.close()
        await eventually(lambda: now.heard.lost == [route], "its end is told")
        await eventually(lambda: now.plane.connections == 0, "it is counted no more")
        await eventually(lambda: route.send(b"\x16") is Ignored.SEND_BLOCKED, "nobody is there")


@pytest.mark.parametrize("name", list(PLANES))
async def test_a_taken_port_is_said(name: str) -> None:
    """Whoever shares a port would not notice: it is an error, and nothing stays open."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        plane = PLANES[name]()
        with pytest.raises(OSError, match="in use"):
            await plane.open(settings(udp_port=taken.getsockname()[1]), Heard())
        plane.close()
    async with opened(PLANES[name]) as (first, _):
        second = PLANES[name]()
        with pytest.raises(OSError, match="in use"):
            await second.open(settings(udp_port=first.udp_port), Heard())
        second.close()


async def test_closing_is_harmless(make: Callable[[], Plane]) -> None:
    """Before it was opened, and twice."""
    plane = make()
    plane.close()
    async with opened(make) as (plane, _):
        plane.close()
