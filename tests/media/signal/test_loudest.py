"""Six people speak at once: LiveKit's Python SDK decodes what the three loudest say, and a host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from attrs import Factory, define
from livekit import rtc

from media.access.claims import Member
from media.forwarder.api import Drop
from tests.media.world import SAMPLE_RATE, Guest, calls, eventually

#: Amplitudes of 32,767. Quiet is 16 dB under loud: it would be heard well, if it were sent.
SILENT, QUIET, LOUD, LOUDEST = 0, 2_000, 12_000, 30_000
HEARD = 500
#: The machine's own delays differ from one to the next.
TRIES = 3
FRAME = SAMPLE_RATE // 50
HOST = Member(room_id="!lesson:school", user_id="@teacher:school", host=True)


@define
class Voice:
    """A tone of one frequency, as loud as `amplitude` says at each moment."""

    hz: int
    amplitude: int = SILENT

    async def speak(self, guest: Guest) -> None:
        """For ever."""
        source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=100)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await guest.room.local_participant.publish_track(track, options)
        at = 0
        while True:
            wave = np.sin(2 * np.pi * self.hz * (np.arange(FRAME) + at) / SAMPLE_RATE)
            at += FRAME
            samples = (wave * self.amplitude).astype(np.int16).tobytes()
            await source.capture_frame(rtc.AudioFrame(samples, SAMPLE_RATE, 1, FRAME))


@define
class Ears:
    """What a listener's speakers play, by who says it."""

    hz: dict[str, float] = Factory(dict)  # of the last fifth of a second; 0: silence
    awaited: dict[str, float] = Factory(
        dict
    )  # when they were first heard since they were taken out

    async def listen(self, track: rtc.Track, who: str) -> None:
        """For ever."""
        heard: list[np.ndarray] = []
        async for event in rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1):
            heard.append(np.frombuffer(event.frame.data, dtype=np.int16).astype(np.float64))
            if np.abs(heard[-1]).max() > HEARD:
                self.awaited.setdefault(who, asyncio.get_running_loop().time())
            if sum(map(len, heard)) >= SAMPLE_RATE // 5:
                samples = np.concatenate(heard)
                heard.clear()
                hz = float(np.abs(np.fft.rfft(samples)).argmax()) * SAMPLE_RATE / len(samples)
                self.hz[who] = hz if np.abs(samples).max() > HEARD else 0.0

    def hear_only(self, voices: dict[str, Voice], *names: str) -> bool:
        """These tones and no other."""
        expected = {name: voices[name].hz if name in names else 0.0 for name in voices}
        return all(abs(self.hz.get(name, 0.0) - hz) < 15 for name, hz in expected.items())


@asynccontextmanager
async def class_of(*names: str) -> AsyncIterator[tuple[Ears, dict[str, Voice], dict[str, int]]]:
    """People with microphones that are open and silent, and somebody who hears them; the node's drops."""
    ears = Ears()
    voices = {name: Voice(440 + 110 * number) for number, name in enumerate(names)}
    async with calls() as world, asyncio.TaskGroup() as group:
        listener = await world.join("listener", decode=False)

        def subscribed(track: rtc.Track, _: object, who: rtc.RemoteParticipant) -> None:
            tasks.append(group.create_task(ears.listen(track, who.identity)))

        tasks: list[asyncio.Task[None]] = []
        listener.room.on("track_subscribed", subscribed)
        for name, voice in voices.items():
            member = HOST if name == "teacher" else None
            guest = await world.join(name, auto_subscribe=False, decode=False, member=member)
            tasks.append(group.create_task(voice.speak(guest)))
        await eventually(lambda: set(ears.hz) == set(names), "everybody's track is there")
        drops: dict[str, int] = {}
        yield ears, voices, drops
        drops |= world.node.services.plane.stats().drops
        for task in tasks:
            task.cancel()


@pytest.mark.timeout(120)
async def test_of_six_who_speak_the_three_loudest_are_heard_and_the_host() -> None:
    """Also by who comes louder later: within a fifth of a second of a host, whom nothing holds back."""
    pupils = [f"pupil{number}" for number in range(6)]
    async with class_of("teacher", *pupils) as (ears, voices, drops):
        for name in pupils[:3]:
            voices[name].amplitude = QUIET
        await eventually(lambda: ears.hear_only(voices, *pupils[:3]), "three are heard")

        for name in pupils[3:]:
            voices[name].amplitude = LOUD
        await eventually(lambda: ears.hear_only(voices, *pupils[3:]), "the louder three are heard")

        now = [{"teacher", "pupil0", *pupils[3:]} - {left} for left in pupils[3:]]
        later = []
        for _ in range(TRIES):
            ears.awaited.clear()
            voices["teacher"].amplitude = voices["pupil0"].amplitude = LOUDEST
            await eventually(
                lambda: any(ears.hear_only(voices, *names) for names in now), "one gave up a place"
            )
            later.append(ears.awaited["pupil0"] - ears.awaited["teacher"])
            voices["teacher"].amplitude = voices["pupil0"].amplitude = SILENT
            await eventually(lambda: ears.hear_only(voices, *pupils[3:]), "and has it again")
        assert min(map(abs, later)) < 0.2, later
    assert drops[Drop.QUIETER.value] > 0
