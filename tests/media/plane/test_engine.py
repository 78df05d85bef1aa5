"""The media engine itself: sockets and threads in Rust, with clients whose SRTP is libsrtp's."""

from __future__ import annotations

import importlib
import selectors
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from media.forwarder.api import Want
from media.forwarder.choose import MODULE
from media.ids import DownId, PeerId, TrackSid
from media.plane.engine import Engine
from tests.media.forwarder.ends import End
from tests.media.forwarder.histories import (
    CAMERA_IN,
    MICROPHONE_IN,
    TEACHER,
    camera_down,
    microphone_down,
    pupil,
    voice,
)
from tests.media.planes import PLANES
from tests.support.polling import until

pytestmark = pytest.mark.skipif("native" not in PLANES, reason="the native forwarder is not built")

LESSON = "lesson"
BINDING_REQUEST = bytes.fromhex("000100082112a442") + bytes(12) + b"\0\x06\0\x04our:"


def sockets(host: str, count: int = 1) -> list[socket.socket]:
    """Of one port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made: list[socket.socket] = []
    for _ in range(count):
        one = socket.socket(family, socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind((host, made[0].getsockname()[1] if made else 0))
        one.settimeout(10)
        made.append(one)
    return made


def engine_on(ports: list[socket.socket]) -> Any:
    return importlib.import_module(MODULE).MediaEngine([port.fileno() for port in ports])


@pytest.fixture(params=["127.0.0.1", "::1"])
def port(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    (made,) = sockets(request.param)
    with made:
        yield made


@pytest.fixture
def engine(port: socket.socket) -> Iterator[Engine]:
    made = engine_on([port])
    yield made
    made.close()


def client(port: socket.socket) -> socket.socket:
    """Connected to the engine's port."""
    (made,) = sockets(port.getsockname()[0])
    made.connect(port.getsockname())
    return made


def readable(engine: Engine) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(engine.fileno(), selectors.EVENT_READ)
        return bool(selector.select(0))


def heard(end: End, ear: socket.socket) -> bytes:
    """The payload of the next RTP packet."""
    while True:
        datagram = ear.recv(2048)
        if not 192 <= datagram[1] <= 223:
            read = end.read(datagram)
            assert not isinstance(read, bytes)
            return read.payload


def test_a_voice_reaches_the_pupil(engine: Engine, port: socket.socket) -> None:
    """Sealed by libsrtp, opened by libsrtp; between them no packet is Python's."""
    teacher, listener = End(TEACHER), End(pupil(0))
    with client(port) as mouth, client(port) as ear:
        for end, their in ((teacher, mouth), (listener, ear)):
            engine.bind(their.getsockname(), end.peer)
            engine.set_route(end.peer, their.getsockname())
            engine.add_peer(end.peer, end.keys, LESSON)
        engine.add_track(MICROPHONE_IN)
        engine.add_down(microphone_down(0), Want())
        for number in range(20):
            mouth.send(teacher.protect(voice(number).packet))
            assert heard(listener, ear) in voice(number).packet
    until(lambda: engine.stats().packets_out >= 20, what="the counters")
    assert engine.take_received(10) == []
    assert engine.ignored() == {}


def test_what_goes_up_is_readable_until_it_is_taken(engine: Engine, port: socket.socket) -> None:
    """A check comes with the address that `recvfrom` would give; the file is readable exactly while something waits."""
    assert not readable(engine)
    engine.add_ufrag("our")
    with client(port) as their:
        their.send(BINDING_REQUEST)
        until(lambda: readable(engine), what="a check")
        ((address, datagram, _),) = engine.take_received(10)
        assert (address, datagram) == (their.getsockname(), BINDING_REQUEST)
        assert not readable(engine)
        engine.remove_ufrag("our")
        their.send(BINDING_REQUEST)
        until(lambda: engine.ignored() == {"unknown_ufrag": 1}, what="nobody's check")


def test_unknown_ids_are_said_at_once(engine: Engine) -> None:
    """`KeyError`, as from every forwarder; a known one is refused the second time."""
    nobody = PeerId("nobody")
    calls: list[Callable[[], None]] = [
        lambda: engine.remove_peer(nobody),
        lambda: engine.add_track(CAMERA_IN),
        lambda: engine.remove_track(TrackSid("none")),
        lambda: engine.mute_track(TrackSid("none"), True),
        lambda: engine.add_down(camera_down(0), Want()),
        lambda: engine.add_downs([(camera_down(0), Want())]),
        lambda: engine.remove_down(DownId("none")),
        lambda: engine.set_want(DownId("none"), Want()),
    ]
    for call in calls:
        with pytest.raises(KeyError):
            call()
    engine.add_peer(TEACHER, End(TEACHER).keys, LESSON)
    with pytest.raises(KeyError):
        engine.add_peer(TEACHER, End(TEACHER).keys, LESSON)


def test_many_down_tracks_are_added_in_one_call(engine: Engine) -> None:
    """Those before a refused one are there, those after it are not; none at all is no mistake."""
    for peer in (TEACHER, *map(pupil, range(3))):
        engine.add_peer(peer, End(peer).keys, LESSON)
    engine.add_track(MICROPHONE_IN)
    engine.add_track(CAMERA_IN)

    engine.add_downs([(microphone_down(0), Want()), (camera_down(0), Want())])
    engine.add_downs([])
    with pytest.raises(KeyError):
        engine.add_downs([(one, Want()) for one in map(microphone_down, (1, 0, 2))])

    for number in (0, 1):
        engine.remove_down(microphone_down(number).id)
    engine.remove_down(camera_down(0).id)
    with pytest.raises(KeyError):
        engine.remove_down(microphone_down(2).id)


def test_a_track_is_for_its_own_room(engine: Engine) -> None:
    """Rooms are on threads of their own: nobody elsewhere can be given it."""
    for peer, room in ((TEACHER, LESSON), (pupil(0), "another")):
        engine.add_peer(peer, End(peer).keys, room)
    engine.add_track(MICROPHONE_IN)
    with pytest.raises(KeyError):
        engine.add_down(microphone_down(0), Want())


def test_after_the_end_calls_are_refused() -> None:
    """The threads are joined; a second end is harmless; what is no socket is refused at the beginning."""
    ports = sockets("127.0.0.1", 3)
    made = engine_on(ports)
    made.close()
    made.close()
    with pytest.raises(RuntimeError, match="closed"):
        made.add_peer(TEACHER, End(TEACHER).keys, LESSON)
    for one in ports:
        one.close()
    with pytest.raises(OSError, match="descriptor"):
        engine_on(ports)
