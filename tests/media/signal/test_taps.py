"""What a broadcast is packed from: real clients publish, nobody watches, and the taps yield pictures and sound."""

from __future__ import annotations

from collections import defaultdict

import av
import numpy as np
import pytest
from attrs import Factory, define
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from livekit import rtc

from media.broadcast.cmaf.depacketizer import Depacketizer
from media.broadcast.program.reorder import Reorder
from media.forwarder.api import EVERY_LAYER, Codec, Copy, Kind, Layer, Tapped, TappedClock
from media.forwarder.plain.red import primary_block
from media.forwarder.plain.rtp import parse_rtp
from media.forwarder.plain.vp8 import parse_descriptor
from media.ids import TrackSid
from media.room.events import TapAsked
from media.signal.hall import Hall
from tests.media.planes import PLANES
from tests.media.room.ledger import call_of
from tests.media.world import LESSON, SAMPLE_RATE, TONE_HZ, calls, eventually

pytestmark = pytest.mark.integration
START_CODE = b"\0\0\0\1"


@define
class Pictures:
    """Of one layer: the sizes of what was decoded of it."""

    codec: Codec
    sizes: list[tuple[int, int]] = Factory(list)
    _order: Reorder = Factory(Reorder)
    _units: Depacketizer = Factory(Depacketizer)
    _decoder: VideoCodecContext | None = None
    _vp8: bytearray = Factory(bytearray)

    def take(self, copy: Tapped) -> None:
        for packet in self._order.take(parse_rtp(copy.packet), int(copy.at * SAMPLE_RATE)):
            if self.codec is Codec.H264:
                for units in self._units.take(packet):
                    self._decode(b"".join(START_CODE + nal for nal in units.nals), "h264")
            elif packet.payload:
                self._vp8 += packet.payload[parse_descriptor(packet.payload).size :]
                if packet.marker:
                    self._decode(bytes(self._vp8), "vp8")
                    self._vp8.clear()

    def _decode(self, picture: bytes, name: str) -> None:
        decoder = self._decoder
        if decoder is None:
            made = av.CodecContext.create(name, "r")
            assert isinstance(made, VideoCodecContext)
            decoder = self._decoder = made
        try:
            frames = decoder.decode(av.Packet(picture))
        except av.error.InvalidDataError:  # before the first key frame
            return
        self.sizes += [(frame.width, frame.height) for frame in frames]


@define
class Sound:
    """The strongest frequency of what was decoded last."""

    hz: float = 0.0
    _samples: list[np.ndarray] = Factory(list)
    _decoder: AudioCodecContext | None = None

    def take(self, copy: Tapped) -> None:
        payload = parse_rtp(copy.packet).payload
        if copy.codec is Codec.RED:
            payload = primary_block(payload)
        if self._decoder is None:
            self._decoder = av.CodecContext.create("opus", "r")
            self._decoder.layout, self._decoder.sample_rate = "mono", SAMPLE_RATE
        for frame in self._decoder.decode(av.Packet(payload)):
            self._samples.append(frame.to_ndarray().ravel())
        samples = np.concatenate(self._samples[-20:])
        if len(samples) >= SAMPLE_RATE // 5 and np.abs(samples).max() > 0.03:
            strongest = float(np.abs(np.fft.rfft(samples)).argmax())
            self.hz = strongest * SAMPLE_RATE / len(samples)


@define
class Packager:
    """Takes what a plane gives it."""

    pictures: dict[tuple[TrackSid, Layer], Pictures] = Factory(dict)
    sounds: dict[TrackSid, Sound] = Factory(lambda: defaultdict(Sound))
    clocks: dict[TrackSid, TappedClock] = Factory(dict)

    def hear(self, copy: Copy) -> None:
        if isinstance(copy, TappedClock):
            self.clocks[copy.track] = copy
        elif copy.codec in {Codec.H264, Codec.VP8}:
            known = self.pictures.setdefault((copy.track, copy.layer), Pictures(copy.codec))
            known.take(copy)
        else:
            self.sounds[copy.track].take(copy)

    def seen(self, track: TrackSid) -> dict[Layer, tuple[int, int]]:
        """Sizes of the layers of which ten pictures or more were decoded."""
        layers = {layer: one for (sid, layer), one in self.pictures.items() if sid == track}
        return {layer: one.sizes[-1] for layer, one in layers.items() if len(one.sizes) >= 10}


def published(hall: Hall, kind: Kind) -> list[TrackSid]:
    return [sid for sid, one in call_of(hall.room).tracks.items() if one.track.kind is kind]


@pytest.mark.parametrize("name", list(PLANES))
async def test_taps_yield_pictures_and_sound(name: str) -> None:
    """H.264 in layers that nobody watched any more, VP8 and a voice: decoded from the copies, on one wall clock."""
    packager = Packager()
    async with calls(plane=PLANES[name]()) as world:
        world.node.services.plane.hear_media = packager.hear
        anna = await world.join("anna", dynacast=True)
        await anna.publish_camera(codec=rtc.VideoCodec.H264)
        await anna.publish_tone()
        hall = world.node.halls[LESSON]
        call = call_of(hall.room)
        await eventually(lambda: published(hall, Kind.AUDIO), "anna's voice")
        (camera,), (voice,) = published(hall, Kind.VIDEO), published(hall, Kind.AUDIO)
        await eventually(lambda: call.tracks[camera].asked is None, "dynacast stops the camera")
        assert packager.pictures == {}

        hall.handle(TapAsked(camera, EVERY_LAYER))
        hall.handle(TapAsked(voice, EVERY_LAYER))
        await eventually(lambda: len(packager.seen(camera)) >= 2, "pictures of two layers")
        assert packager.seen(camera).keys() == set(call.tracks[camera].layers)
        assert max(packager.seen(camera).values()) == (640, 360)
        await eventually(lambda: abs(packager.sounds[voice].hz - TONE_HZ) < 15, "the tone")
        await eventually(lambda: {camera, voice} <= packager.clocks.keys(), "both clocks")
        picture, sound = packager.clocks[camera], packager.clocks[voice]
        apart_s = (picture.ntp - sound.ntp) / 2**32 - (picture.at - sound.at)
        assert abs(apart_s) < 0.5

        boris = await world.join("boris", dynacast=True)
        await boris.publish_camera(320, 180, simulcast=False)
        await eventually(lambda: len(published(hall, Kind.VIDEO)) == 2, "boris's camera")
        (other,) = set(published(hall, Kind.VIDEO)) - {camera}
        hall.handle(TapAsked(other, EVERY_LAYER))
        await eventually(
            lambda: [*packager.seen(other).values()] == [(320, 180)], "boris's pictures"
        )
        assert {one.codec for (sid, _), one in packager.pictures.items() if sid == other} == {
            Codec.VP8
        }
        assert world.node.services.plane.stats().taps_lost == 0
        assert world.node.services.plane.faults == 0
