"""All tapped streams of one broadcast: cameras by track and layer, voices, clocks of their publishers. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Set

from attrs import define, field

from media.broadcast.cmaf.clocks import PublisherClock
from media.broadcast.cmaf.pictures import Picture
from media.broadcast.ladder.values import Coded
from media.broadcast.program.feeding import Stream
from media.broadcast.program.intake import CameraIn, VoiceIn, camera_in, voice_in
from media.broadcast.program.scene import Scene
from media.forwarder.api import Codec, Layer, Tapped, TappedClock
from media.ids import TrackSid

Camera = CameraIn[Picture] | CameraIn[Coded]


@define(eq=False)
class Streams:
    """Attributes:

    cameras: of what is on air or still shown; they begin with their first packet.
    """

    cameras: dict[Stream, Camera] = field(factory=dict)
    _voices: dict[TrackSid, VoiceIn] = field(factory=dict)
    _speakers: dict[TrackSid, str] = field(factory=dict)  # whose voice it is
    _pictures: dict[TrackSid, tuple[Codec, str]] = field(factory=dict)
    _publishers: dict[str, PublisherClock] = field(factory=dict)

    def change(self, scene: Scene) -> list[TrackSid]:
        """This is on air now. Returns voices that are heard no more."""
        gone = [sid for sid in self._voices if sid not in scene.voices]
        for sid in gone:
            del self._voices[sid]
        self._speakers = dict(scene.voices)
        if scene.picture is not None:
            self._pictures[scene.picture] = (scene.codec, scene.publisher)
        return gone

    def forget(self, kept: Set[TrackSid]) -> list[Stream]:
        """All pictures but these; which streams that were."""
        gone = [stream for stream in self.cameras if stream[0] not in kept]
        for stream in gone:
            del self.cameras[stream]
        for track in self._pictures.keys() - kept:
            del self._pictures[track]
        used = {name for _, name in self._pictures.values()} | set(self._speakers.values())
        for name in self._publishers.keys() - used:
            del self._publishers[name]
        return gone

    def is_picture(self, track: TrackSid) -> bool:
        return track in self._pictures

    def is_voice(self, track: TrackSid) -> bool:
        return track in self._speakers

    def codec_of(self, track: TrackSid) -> Codec | None:
        """None: it is no picture of ours (any more)."""
        found = self._pictures.get(track)
        return None if found is None else found[0]

    def came(self) -> dict[Stream, int]:
        """When the last packet of each camera came, ticks."""
        return {stream: camera.came for stream, camera in self.cameras.items()}

    def sizes_of(self, track: TrackSid | None) -> dict[Layer, int]:
        """Bytes that came of each of its layers."""
        return {layer: one.size for (of, layer), one in self.cameras.items() if of == track}

    def camera(self, stream: Stream, came: int) -> Camera | None:
        """None: its codec is not understood here."""
        camera = self.cameras.get(stream)
        if camera is None:
            codec, publisher = self._pictures[stream[0]]
            camera = camera_in(codec, self._clock(publisher), came)
            if camera is not None:
                self.cameras[stream] = camera
        return camera

    def hear(self, copy: Tapped | TappedClock, came: int) -> list[tuple[bytes, int]]:
        """Of a voice: Opus, and when it is heard."""
        voice = self._voices.get(copy.track)
        if voice is None:
            clock = self._clock(self._speakers[copy.track])
            voice = self._voices[copy.track] = voice_in(clock, came)
        if isinstance(copy, TappedClock):
            voice.clock.report(copy.ntp, copy.rtp, came)
            return []
        return voice.take(copy.packet, came, copy.codec)

    def late(self, now: int) -> Iterator[tuple[TrackSid, bytes, int]]:
        """Of voices for which something was waited in vain."""
        for sid, voice in self._voices.items():
            for packet, ticks in voice.look(now):
                yield sid, packet, ticks

    def _clock(self, publisher: str) -> PublisherClock:
        return self._publishers.setdefault(publisher, PublisherClock())
