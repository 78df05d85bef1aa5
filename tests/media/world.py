"""A calls server on loopback ports, tokens for it, and participants of the Python SDK (libwebrtc in Rust).

::

    async with calls() as world:
        anna = await world.join("anna")
        boris = await world.join("boris", v1=False)
        await anna.publish_camera()
        await boris.sees("anna")
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import numpy as np
from aiohttp import web
from attrs import Factory, define, field
from livekit import rtc

from media.access.claims import Claims, Member
from media.access.tokens import Key, mint
from media.forwarder.choose import choose
from media.ids import Identity, RoomName
from media.plane.choose import plane_of
from media.signal import twirp
from media.signal.http import RUNNER_OPTIONS, add_routes
from media.signal.node import Node, open_node
from media.transport.api import TransportSettings
from media.transport.dtls import Certificate
from serving.patience import patient
from tests.support.polling import until_async

KEY = Key("test", "a-secret-of-at-least-32-characters")
LESSON = RoomName("lesson")
PREFIX = "/livekit/sfu"
SAMPLE_RATE, TONE_HZ = 48_000, 440
#: Native where a build fits; `SFERUM_FORWARDER=plain make test T=tests/media/signal`: the same clients on Python.
FORWARDER = choose(os.environ.get("SFERUM_FORWARDER", "auto"))
#: Seconds since 1970, for whoever signs tokens here.
wall = time.time
CERTIFICATE = Certificate.generateCertificate()


@define
class Guest:
    """A participant of the Python SDK, and what reached them."""

    name: str
    room: rtc.Room
    joined_in_s: float
    frames: dict[str, list[tuple[int, int]]] = Factory(dict)  # identity → sizes of decoded pictures
    loudest_hz: dict[str, float] = Factory(dict)  # identity → what is heard
    data: list[tuple[str, bytes, str | None]] = Factory(list)
    muted: list[tuple[str, bool]] = Factory(list)
    happened: list[str] = Factory(list)
    _group: asyncio.TaskGroup = field(kw_only=True)
    _node: Node = field(kw_only=True)
    _tasks: list[asyncio.Task[None]] = Factory(list)

    async def publish_camera(
        self,
        width: int = 640,
        height: int = 360,
        *,
        simulcast: bool = True,
        codec: Any = rtc.VideoCodec.VP8,
    ) -> rtc.LocalTrackPublication:
        source = rtc.VideoSource(width, height)
        track = rtc.LocalVideoTrack.create_video_track("camera", source)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA, simulcast=simulcast, video_codec=codec
        )
        self._start(_film(source, width, height))
        return await self.room.local_participant.publish_track(track, options)

    async def publish_screen(self) -> rtc.LocalTrackPublication:
        source = rtc.VideoSource(640, 360)
        track = rtc.LocalVideoTrack.create_video_track("screen", source)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_SCREENSHARE, simulcast=False
        )
        self._start(_film(source, 640, 360))
        return await self.room.local_participant.publish_track(track, options)

    async def publish_tone(self) -> rtc.LocalTrackPublication:
        source = rtc.AudioSource(SAMPLE_RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        self._start(_hum(source))
        return await self.room.local_participant.publish_track(track, options)

    def listen(self, *, decode: bool = True) -> None:
        """Decode whatever is subscribed to, and remember what happens. Before the connection."""
        if decode:
            self.room.on("track_subscribed", self._subscribed)
        self.room.on("data_received", self._data)
        self.room.on("track_muted", lambda who, _: self.muted.append((who.identity, True)))
        self.room.on("track_unmuted", lambda who, _: self.muted.append((who.identity, False)))
        for event in ("disconnected", "reconnecting", "reconnected", "track_unsubscribed"):
            self.room.on(event, lambda *_, event=event: self.happened.append(event))

    def _subscribed(
        self, track: rtc.Track, _publication: object, who: rtc.RemoteParticipant
    ) -> None:
        if track.kind == rtc.TrackKind.KIND_VIDEO:
            self._start(self._watch(rtc.VideoStream(track), who.identity))
        else:
            stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1)
            self._start(self._hear(stream, who.identity))

    def _data(self, packet: rtc.DataPacket) -> None:
        sender = packet.participant.identity if packet.participant is not None else ""
        self.data.append((sender, packet.data, packet.topic))

    async def _watch(self, stream: rtc.VideoStream, identity: str) -> None:
        async for event in stream:
            self.frames.setdefault(identity, []).append((event.frame.width, event.frame.height))

    async def _hear(self, stream: rtc.AudioStream, identity: str) -> None:
        """The strongest frequency of every fifth of a second, 0 where it is silent."""
        heard: list[np.ndarray] = []
        async for event in stream:
            heard.append(np.frombuffer(event.frame.data, dtype=np.int16))
            if sum(map(len, heard)) >= SAMPLE_RATE // 5:
                samples = np.concatenate(heard).astype(np.float64)
                heard.clear()
                hz = float(np.abs(np.fft.rfft(samples)).argmax()) * SAMPLE_RATE / len(samples)
                self.loudest_hz[identity] = hz if np.abs(samples).max() > 1000 else 0.0

    async def sees(
        self, identity: str, frames: int = 5, deadline_s: float = 60.0
    ) -> tuple[int, int]:
        """Wait for so many more decoded pictures; the size of the last."""
        seen = len(self.frames.get(identity, ()))

        async def more() -> tuple[int, int] | None:
            sizes = self.frames.get(identity, [])
            return sizes[-1] if len(sizes) >= seen + frames else None

        size = await until_async(more, what=f"{self.name} sees {identity}", deadline_s=deadline_s)
        assert size is not None
        return size

    async def until_happened(self, what: str, times: int = 1, deadline_s: float = 45.0) -> None:
        await eventually(
            lambda: self.happened.count(what) >= times, f"{self.name}: {what}", deadline_s
        )

    async def hears(self, identity: str, hz: float = TONE_HZ, deadline_s: float = 60.0) -> None:
        async def same() -> bool:
            return abs(self.loudest_hz.get(identity, 0.0) - hz) < 15

        try:
            await until_async(same, what=f"{self.name} hears {identity}", deadline_s=deadline_s)
        except TimeoutError as late:
            stats = self._node.services.plane.stats()
            raise TimeoutError(f"{late}; heard {self.loudest_hz}; {stats}") from None

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self.room.disconnect()

    def _start(self, work: Any) -> None:
        self._tasks.append(self._group.create_task(work))


async def silent_tone(guest: Guest) -> rtc.LocalAudioTrack:
    """A tone that is muted until its track is unmuted."""
    track = (await guest.publish_tone()).track
    assert isinstance(track, rtc.LocalAudioTrack)
    track.mute()
    return track


async def _film(source: rtc.VideoSource, width: int, height: int) -> None:
    """Fifteen pictures a second with a bar that moves."""
    picture = np.zeros((height, width, 4), dtype=np.uint8)
    at = 0
    while True:
        picture[:, :, :3] = 40
        picture[:, at : at + width // 8, :3] = 220
        at = (at + 8) % width
        source.capture_frame(
            rtc.VideoFrame(width, height, rtc.VideoBufferType.RGBA, picture.tobytes())
        )
        await asyncio.sleep(1 / 15)


async def _hum(source: rtc.AudioSource) -> None:
    samples, phase = SAMPLE_RATE // 50, 0
    while True:
        wave = np.sin(2 * np.pi * TONE_HZ * (np.arange(samples) + phase) / SAMPLE_RATE)
        phase += samples
        frame = rtc.AudioFrame((wave * 12_000).astype(np.int16).tobytes(), SAMPLE_RATE, 1, samples)
        await source.capture_frame(frame)  # keeps the time


async def eventually(
    fact: Callable[[], object | Awaitable[object]], what: str, deadline_s: float = 45.0
) -> None:
    """Wait until `fact()`, or what it promises, is true."""

    async def asked() -> object:
        answer = fact()
        return await answer if isinstance(answer, Awaitable) else answer

    await until_async(asked, what=what, deadline_s=deadline_s)


@define
class World:
    node: Node
    base: str  # http://127.0.0.1:port/livekit/sfu
    app: web.Application
    _group: asyncio.TaskGroup
    guests: list[Guest] = Factory(list)

    @property
    def ws(self) -> str:
        return self.base.replace("http", "ws", 1)

    def token(
        self, identity: str, room: str = LESSON, *, member: Member | None = None, **grants: Any
    ) -> str:
        """A participant's; `grants` are fields of Claims."""
        claims: dict[str, Any] = {
            "identity": Identity(identity),
            "name": identity.capitalize(),
            "room": RoomName(room),
            "join": True,
            "can_update_own_metadata": True,
            "member": member,
        }
        return mint(Claims(**(claims | grants)), [KEY], time.time())

    def service_token(self, **grants: Any) -> str:
        return mint(Claims(**grants), [KEY], time.time())

    async def join(
        self,
        name: str,
        room: str = LESSON,
        *,
        v1: bool = True,
        dynacast: bool = False,
        auto_subscribe: bool = True,
        decode: bool = True,
        relay: bool = False,
        **grants: Any,
    ) -> Guest:
        """A participant of the Python SDK, connected. `relay`: through a relay or not at all."""
        client = rtc.Room()
        guest = Guest(name, client, 0.0, group=self._group, node=self.node)
        guest.listen(decode=decode)
        options = rtc.RoomOptions(
            single_peer_connection=v1, dynacast=dynacast, auto_subscribe=auto_subscribe
        )
        if relay:
            options.rtc_config = rtc.RtcConfiguration(
                ice_transport_type=rtc.IceTransportType.TRANSPORT_RELAY
            )
        began = time.monotonic()
        await client.connect(self.ws, self.token(name, room, **grants), options)
        guest.joined_in_s = time.monotonic() - began
        self.guests.append(guest)
        return guest


@asynccontextmanager
async def calls(*, v1: bool = True, udp_port: int = 0, **options: Any) -> AsyncIterator[World]:
    """A node and its HTTP server. `options` go to `open_node`; without a `plane` it is the usual one."""
    plane = options.pop("plane", None) or plane_of(FORWARDER, None)
    transport = options.pop("transport", None) or TransportSettings(
        host="127.0.0.1", udp_port=udp_port, tcp_port=0, advertised=("127.0.0.1",)
    )
    app = web.Application()
    async with open_node(
        transport,
        CERTIFICATE,
        plane=plane,
        keys=[KEY],
        wall=time.time,
        bits=secrets.randbits,
        **options,
    ) as node:
        add_routes(app, node, PREFIX, v1=v1)
        twirp.add_routes(app, node, PREFIX)
        runner = web.AppRunner(app, shutdown_timeout=1, **RUNNER_OPTIONS)
        stack = AsyncExitStack()
        await stack.enter_async_context(patient(app, runner, lambda: node.count("http_too_slow")))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            async with asyncio.TaskGroup() as group:
                world = World(node, f"http://{host}:{port}{PREFIX}", app, group)
                try:
                    yield world
                finally:
                    for guest in world.guests:
                        await guest.leave()
        finally:
            await runner.cleanup()
            await stack.aclose()
