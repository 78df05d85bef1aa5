"""Voices together: coded for real, mixed, decoded again and looked at by frequency."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from math import pi, sin

import av
import numpy as np
from av.audio.frame import AudioFrame

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.sound import FRAME, Sound, audio_config
from media.broadcast.program.mixer import PAUSE, WAIT, Mixer
from media.ids import TrackSid

ANN, BOB = TrackSid("TR_ann"), TrackSid("TR_bob")
STEP = 960


@cache
def voice(hertz: int, level: float, count: int = 100) -> tuple[bytes, ...]:
    """Packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "mono", "flt"
    encoder.time_base = Fraction(1, RATE)
    made: list[bytes] = []
    for number in range(count):
        frame = AudioFrame("flt", "mono", STEP)
        frame.sample_rate, frame.pts = RATE, number * STEP
        wave = [level * sin(2 * pi * hertz * (number * STEP + at) / RATE) for at in range(STEP)]
        frame.planes[0].update(array("f", wave).tobytes())
        made += (bytes(each) for each in encoder.encode(frame))
    return tuple(made)


def decoded(frames: Sequence[Sound], channels: int = 1) -> np.ndarray:
    """Samples of the first channel."""
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = audio_config(channels)
    heard = [frame for each in frames for frame in decoder.decode(av.Packet(each.data))]
    return np.concatenate([frame.to_ndarray()[0] for frame in heard])


def strength(samples: np.ndarray, hertz: int) -> float:
    """Of a tone, as the amplitude of its sine."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) * 4 / len(samples)
    place = round(hertz * len(samples) / RATE)
    return float(spectrum[place - 3 : place + 4].max())


def mixed(
    voices: dict[TrackSid, Sequence[bytes]],
    *,
    late: dict[TrackSid, int] | None = None,
    bit_rate: int = 64_000,
) -> tuple[Mixer, list[Sound]]:
    """All of them begin at once; `late`: ticks that the packets of one need more."""
    mixer, out = Mixer(1, bit_rate), list[Sound]()
    waiting = {sid: list(packets) for sid, packets in voices.items()}
    lags = late or {}
    for now in range(0, 3 * RATE, STEP):
        for sid, packets in waiting.items():
            number = now // STEP - 1 - lags.get(sid, 0) // STEP
            if 0 <= number < len(packets):
                mixer.take(sid, packets[number], number * STEP, now)
        out += mixer.advance(now)
    return mixer, out + mixer.end()


def test_two_voices_are_both_heard() -> None:
    """A mix has the tone of each voice at its own strength, without a gap, though one of them comes 120 ms later."""
    mixer, out = mixed({ANN: voice(440, 0.3), BOB: voice(1_000, 0.2)}, late={BOB: 6 * STEP})
    assert [each.ticks - out[0].ticks for each in out] == list(range(0, FRAME * len(out), FRAME))
    middle = decoded(out)[RATE // 2 : RATE * 3 // 2]
    assert 0.25 < strength(middle, 440) < 0.35
    assert 0.15 < strength(middle, 1_000) < 0.25
    assert mixer.late <= 6  # of the beginning: nobody knew of it
    assert mixer.broken == 0


def test_loud_voices_are_limited() -> None:
    """Two voices that would be one and a half times full scale are no louder than full, and neither is gone."""
    _, out = mixed({ANN: voice(440, 0.75), BOB: voice(1_000, 0.75)}, bit_rate=192_000)
    middle = decoded(out)[RATE // 2 : RATE * 3 // 2]
    assert np.abs(middle).max() < 1.0
    assert min(strength(middle, 440), strength(middle, 1_000)) > 0.35


def test_a_voice_that_stops_holds_nobody_up() -> None:
    """While one is silent (DTX) the other is heard after `WAIT` at most, and what comes too late is left out."""
    mixer = Mixer(1, 64_000)
    packets = voice(440, 0.3)
    mixer.take(BOB, packets[0], 0, STEP)
    out = []
    for number in range(60):
        now = (number + 1) * STEP
        mixer.take(ANN, packets[number], number * STEP, now)
        out += mixer.advance(now)
        coded = out[-1].ticks + 3 * FRAME if out else 0
        assert coded >= now - WAIT - 2 * FRAME
    mixer.take(BOB, packets[1], STEP, 60 * STEP)
    before = mixer.late
    mixer.take(BOB, packets[2], 0, 60 * STEP)
    assert mixer.late == before + 1


def test_silence_is_not_coded() -> None:
    """After a second without any voice it stops, and begins again where the next word is."""
    mixer = Mixer(1, 64_000)
    packets = voice(440, 0.3)
    for number in range(10):
        mixer.take(ANN, packets[number], number * STEP, number * STEP)
    out = [each for now in range(0, 3 * RATE, STEP) for each in mixer.advance(now)]
    assert out[-1].ticks < PAUSE + 10 * STEP + FRAME
    mixer.take(ANN, packets[10], 5 * RATE, 5 * RATE)
    mixer.take(ANN, packets[11], 5 * RATE + STEP, 5 * RATE)
    again = (*mixer.advance(5 * RATE), *mixer.end())
    assert again[0].ticks == 5 * RATE


def test_one_voice_costs_little() -> None:
    """A second of one voice in stereo takes less than 40 ms of CPU."""
    packets = voice(440, 0.3)
    mixer = Mixer(2, 96_000)
    began = time.thread_time()
    for number, packet in enumerate(packets):
        mixer.take(ANN, packet, number * STEP, number * STEP)
        mixer.advance(number * STEP)
    spent = (time.thread_time() - began) / (len(packets) * STEP / RATE)
    assert spent < 0.04 * 2  # the machine is shared
