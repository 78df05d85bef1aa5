"""aiortc encodes and decodes; between its ends, in memory, our forwarder: keys of real DTLS, real VP8 and Opus."""

from __future__ import annotations

import asyncio
import fractions
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
from aiortc import RTCCertificate, RTCRtpReceiver, RTCRtpSender
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcrtpparameters import (
    RTCRtcpParameters,
    RTCRtpCodecParameters,
    RTCRtpDecodingParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpReceiveParameters,
    RTCRtpRtxParameters,
    RTCRtpSendParameters,
)
from aiortc.rtcrtpreceiver import RemoteStreamTrack
from attrs import define, evolve, field
from av import AudioFrame, VideoFrame

from media.forwarder.api import (
    Codec,
    DownTrack,
    Event,
    Extensions,
    Forwarder,
    Forwarding,
    Kind,
    Layer,
    Loudness,
    Quality,
    SrtpKeys,
    SrtpProfile,
    TrackIn,
    Want,
)
from media.ids import DownId, PeerId, TrackSid

Make = Callable[[], Forwarder]

_VP8 = RTCRtpCodecParameters(mimeType="video/VP8", clockRate=90_000, payloadType=97)
_RTX = RTCRtpCodecParameters(
    mimeType="video/rtx", clockRate=90_000, payloadType=98, parameters={"apt": 97}
)
_OPUS = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48_000, channels=2, payloadType=96)
_EXTENSIONS = [
    RTCRtpHeaderExtensionParameters(id=1, uri="urn:ietf:params:rtp-hdrext:sdes:mid"),
    RTCRtpHeaderExtensionParameters(
        id=2, uri="http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    ),
    RTCRtpHeaderExtensionParameters(id=3, uri="urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
]
_IDS = Extensions(mid=1, abs_send_time=2, audio_level=3)


@define(eq=False)
class Memory:
    """What DTLS needs of ICE: a queue each way, with every `lose_every`-th media packet lost."""

    role: str
    inbox: asyncio.Queue[bytes] = field(factory=asyncio.Queue)
    other: Memory | None = None
    lose_every: int = 0
    _sent: int = 0

    async def _recv(self) -> bytes:
        return await self.inbox.get()

    async def _send(self, data: bytes) -> None:
        assert self.other is not None
        if data[0] >= 128:
            self._sent += 1
            if self.lose_every and self._sent % self.lose_every == 0:
                return
        self.other.inbox.put_nowait(data)


@define(eq=False)
class Client:
    """An aiortc end, and the forwarder's side of its transport."""

    peer: PeerId
    dtls: RTCDtlsTransport
    near: Memory  # the client's
    far: Memory  # the forwarder's


class Colours(VideoStreamTrack):
    """A picture of one grey that changes each frame, about 30 a second."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__()
        self._size = (height, width, 3)
        self._count = 0

    async def recv(self) -> VideoFrame:
        pts, base = await self.next_timestamp()
        self._count += 1
        noise = np.random.default_rng(self._count).integers(0, 40, self._size, dtype=np.uint8)
        frame = VideoFrame.from_ndarray(noise + np.uint8(self._count % 150), format="rgb24")
        frame.pts, frame.time_base = pts, base
        return frame


class Tone(AudioStreamTrack):
    """440 Hz at a tenth of full scale."""

    async def recv(self) -> AudioFrame:
        silent = await super().recv()
        assert isinstance(silent, AudioFrame)
        pts = silent.pts or 0
        time = (np.arange(silent.samples) + pts) / silent.sample_rate
        samples = (3277 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = silent.sample_rate, pts
        frame.time_base = fractions.Fraction(1, silent.sample_rate)
        return frame


@define(eq=False)
class Call:
    """A forwarder with its pump: takes datagrams in, polls every 20 ms, hands datagrams out."""

    forwarder: Forwarder
    clients: dict[PeerId, Client] = field(factory=dict)
    events: list[Event] = field(factory=list)
    tasks: list[asyncio.Task[None]] = field(factory=list)

    async def join(self, name: str, *, loses_every: int = 0) -> Client:
        """DTLS from end to end, then the keys go to the forwarder."""
        near = Memory("controlling")
        far = Memory("controlled", other=near, lose_every=loses_every)
        near.other, near.lose_every = far, loses_every
        client = RTCDtlsTransport(
            cast(RTCIceTransport, near), [RTCCertificate.generateCertificate()]
        )
        server = RTCDtlsTransport(
            cast(RTCIceTransport, far), [RTCCertificate.generateCertificate()]
        )
        client._set_role("client")
        server._set_role("server")
        await asyncio.gather(
            client.start(server.getLocalParameters()), server.start(client.getLocalParameters())
        )
        assert client.state == server.state == "connected"
        assert server._task is not None
        server._task.cancel()
        peer = PeerId(name)
        self.forwarder.add_peer(peer, _exported(server))
        joined = self.clients[peer] = Client(peer, client, near, far)
        return joined

    async def pump(self, group: asyncio.TaskGroup) -> None:
        """Until cancelled."""
        for client in self.clients.values():
            self.tasks.append(group.create_task(self._take(client)))
        loop = asyncio.get_running_loop()
        never = asyncio.Event()
        while True:
            self.forwarder.poll(loop.time())
            await self._deliver()
            try:
                await asyncio.wait_for(never.wait(), 0.02)
            except TimeoutError:
                continue

    async def _take(self, client: Client) -> None:
        loop = asyncio.get_running_loop()
        while True:
            datagram = await client.far.inbox.get()
            if 128 <= datagram[0] <= 191:
                self.forwarder.receive(client.peer, datagram, loop.time())
                await self._deliver()

    async def _deliver(self) -> None:
        for transmit in self.forwarder.take_output():
            await self.clients[transmit.peer].far._send(transmit.data)
        self.events += self.forwarder.take_events()


def _exported(server: RTCDtlsTransport) -> SrtpKeys:
    """RFC 5764 4.2: client key, server key, client salt, server salt."""
    assert server._ssl is not None
    chosen = server._ssl.get_selected_srtp_profile()
    profile = next(each for each in SRTP_PROFILES if each.openssl_profile == chosen)
    material = server._ssl.export_keying_material(
        b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length)
    )
    rx, tx = profile.get_key_and_salt(material, 0), profile.get_key_and_salt(material, 1)
    size = profile.key_length
    return SrtpKeys(SrtpProfile(chosen.decode()), rx[:size], rx[size:], tx[:size], tx[size:])


@asynccontextmanager
async def running(call: Call) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        pump = group.create_task(call.pump(group))
        try:
            yield
        finally:
            pump.cancel()
            for task in call.tasks:
                task.cancel()
            for client in call.clients.values():
                await client.dtls.stop()


async def publish(
    client: Client, track: MediaStreamTrack, codecs: list[RTCRtpCodecParameters], mid: str
) -> RTCRtpSender:
    sender = RTCRtpSender(track, client.dtls)
    await sender.send(
        RTCRtpSendParameters(
            codecs=codecs,
            headerExtensions=_EXTENSIONS,
            muxId=mid,
            rtcp=RTCRtcpParameters(cname="teacher", mux=True),
        )
    )
    return sender


async def subscribe(
    client: Client, down: DownTrack, kind: str, codecs: list[RTCRtpCodecParameters]
) -> RTCRtpReceiver:
    receiver = RTCRtpReceiver(kind, client.dtls)
    receiver._track = RemoteStreamTrack(kind=kind)
    receiver._set_rtcp_ssrc(4242)
    rtx = RTCRtpRtxParameters(ssrc=down.rtx_ssrc) if down.rtx_ssrc else None
    await receiver.receive(
        RTCRtpReceiveParameters(
            codecs=codecs,
            headerExtensions=_EXTENSIONS,
            muxId=down.mid,
            rtcp=RTCRtcpParameters(cname="pupil", ssrc=4242, mux=True),
            encodings=[
                RTCRtpDecodingParameters(
                    ssrc=down.ssrc, payloadType=codecs[0].payloadType or 0, rtx=rtx
                )
            ],
        )
    )
    return receiver


def camera_in(ssrcs: dict[int, Layer]) -> TrackIn:
    return TrackIn(
        sid=TrackSid("TR_VC"),
        peer=PeerId("teacher"),
        kind=Kind.VIDEO,
        mid="1",
        payload_types={97: Codec.VP8},
        rtx={98: 97},
        clock_rate=90_000,
        ssrcs=ssrcs,
        extensions=_IDS,
    )


CAMERA_DOWN = DownTrack(
    id=DownId("down"),
    track=TrackSid("TR_VC"),
    peer=PeerId("pupil"),
    mid="7",
    ssrc=777,
    rtx_ssrc=778,
    payload_types={Codec.VP8: (97, 98)},
    extensions=_IDS,
    cname="teacher",
    first_sequence=1000,
    first_timestamp=4_000_000_000,
    first_picture_id=32_700,
)


async def frames(receiver: RTCRtpReceiver, count: int) -> list[VideoFrame]:
    got: list[VideoFrame] = []
    async with asyncio.timeout(60):
        while len(got) < count:
            frame = await receiver.track.recv()
            assert isinstance(frame, VideoFrame)
            got.append(frame)
    return got


@pytest.mark.parametrize("loses_every", [0, 15])
async def test_a_camera_is_decoded(make: Make, loses_every: int) -> None:
    """Sixty frames arrive and decode in order, also when one packet in fifteen is lost on every link."""
    call = Call(make())
    teacher = await call.join("teacher", loses_every=loses_every)
    pupil = await call.join("pupil", loses_every=loses_every)
    async with running(call):
        receiver = await subscribe(pupil, CAMERA_DOWN, "video", [_VP8, _RTX])
        sender = await publish(teacher, Colours(320, 240), [_VP8, _RTX], "1")
        call.forwarder.add_track(camera_in({sender._ssrc: Layer.HIGH}))
        call.forwarder.add_down(CAMERA_DOWN, Want())
        call.forwarder.set_budget(PeerId("teacher"), 1_000_000)

        got = await frames(receiver, 60)
        assert all((frame.width, frame.height) == (320, 240) for frame in got)
        times = [frame.pts or 0 for frame in got]
        assert times == sorted(times)
        stats = call.forwarder.stats()
        if loses_every:
            assert stats.nacks_sent
            assert stats.retransmitted
        await sender.stop()
        await receiver.stop()
    assert any(isinstance(event, Quality) for event in call.events) or len(got) == 60


async def test_layers_change_without_a_break(make: Make) -> None:
    """Two encodings of one camera: the pupil's decoder follows from small to large and back."""
    call = Call(make())
    teacher, pupil = await call.join("teacher"), await call.join("pupil")
    async with running(call):
        receiver = await subscribe(pupil, CAMERA_DOWN, "video", [_VP8, _RTX])
        small = await publish(teacher, Colours(160, 120), [_VP8, _RTX], "1")
        large = await publish(teacher, Colours(320, 240), [_VP8, _RTX], "1")
        track = camera_in({small._ssrc: Layer.LOW, large._ssrc: Layer.HIGH})
        call.forwarder.add_track(evolve(track, rids={"q": Layer.LOW, "f": Layer.HIGH}))
        call.forwarder.add_down(CAMERA_DOWN, Want(layer=Layer.LOW))
        widths = [frame.width for frame in await frames(receiver, 20)]
        call.forwarder.set_want(CAMERA_DOWN.id, Want(layer=Layer.HIGH))
        widths += [frame.width for frame in await frames(receiver, 60)]
        call.forwarder.set_want(CAMERA_DOWN.id, Want(layer=Layer.LOW))
        widths += [frame.width for frame in await frames(receiver, 60)]

        changes = [widths[0]] + [b for a, b in pairwise(widths) if a != b]
        assert changes == [160, 320, 160]
        for each in (small, large):
            await each.stop()
        await receiver.stop()
    told = [event.layer for event in call.events if isinstance(event, Forwarding)]
    assert told[:3] == [Layer.LOW, Layer.HIGH, Layer.LOW]


async def test_a_voice_is_heard(make: Make) -> None:
    """A tone of 440 Hz is decoded as such, and its loudness is told."""
    call = Call(make())
    teacher, pupil = await call.join("teacher"), await call.join("pupil")
    down = evolve(
        CAMERA_DOWN, track=TrackSid("TR_AM"), rtx_ssrc=0, payload_types={Codec.OPUS: (96, 0)}
    )
    async with running(call):
        receiver = await subscribe(pupil, down, "audio", [_OPUS])
        sender = await publish(teacher, Tone(), [_OPUS], "0")
        call.forwarder.add_track(
            TrackIn(
                sid=TrackSid("TR_AM"),
                peer=PeerId("teacher"),
                kind=Kind.AUDIO,
                mid="0",
                payload_types={96: Codec.OPUS},
                clock_rate=48_000,
                extensions=_IDS,
            )
        )
        call.forwarder.add_down(down, Want())
        async with asyncio.timeout(60):
            sound = [await receiver.track.recv() for _ in range(60)]
        frame = sound[-1]
        assert isinstance(frame, AudioFrame)
        heard = frame.to_ndarray().reshape(-1, 2)[:, 0].astype(float)
        crossings = np.count_nonzero(np.diff(np.signbit(heard)))
        assert 14 <= crossings <= 21  # 440 Hz in 20 ms: 17.6
        await sender.stop()
        await receiver.stop()
    levels = [event.levels for event in call.events if isinstance(event, Loudness)]
    assert any(level.get(TrackSid("TR_AM"), 0) > 0.02 for level in levels)
