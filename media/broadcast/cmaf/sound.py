"""Sound: frames of AAC one after the other, 1,024 ticks each, and silence where none came."""

from __future__ import annotations

from attrs import define, field, frozen

from media.broadcast.cmaf.clocks import RATE

#: Samples of one AAC-LC frame, and its ticks.
FRAME = 1_024
#: Largest frame of one channel, bytes: 6,144 bits (ISO/IEC 14496-3 4.5.3.2).
LARGEST_FRAME = 768
#: One silent AAC-LC frame at 48 kHz by number of channels; hls.js fills gaps with the same ones (aac-helper.ts).
SILENCE = {1: bytes.fromhex("00c800802380"), 2: bytes.fromhex("210049900219002380")}
#: Sound that comes so much later than it should is a gap: less is the jitter of clocks, which nobody hears.
GAP = 2 * FRAME
#: Sound that is so far ahead of what was cut does not belong here: two minutes of memory are not a publisher's to take.
MOST_AHEAD = 10 * RATE


@frozen
class Sound:
    """One AAC-LC frame at 48 kHz, without ADTS header.

    Attributes:
        ticks: when its first sample is heard.
    """

    ticks: int
    data: bytes = field(repr=False)

    @data.validator
    def _is_possible(self, _: object, value: bytes) -> None:
        if not 0 < len(value) <= max(SILENCE) * LARGEST_FRAME:
            raise ValueError(f"an AAC frame has 1 to 1,536 bytes, not {len(value)}")


def audio_config(channels: int) -> bytes:
    """AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1): AAC-LC, 48 kHz, one channel or two."""
    return (2 << 11 | 3 << 7 | channels << 3).to_bytes(2, "big")


@define
class SoundLine:
    """What is heard from `begins` on without a gap.

    Attributes:
        begins: ticks of the first frame that was not cut off yet.
        late: frames that came when their time was given to others.
        silent: frames of silence that were put in.
    """

    channels: int
    begins: int
    late: int = 0
    silent: int = 0
    _frames: list[bytes] = field(factory=list, repr=False)

    @property
    def filled(self) -> int:
        """Ticks up to which everything is known."""
        return self.begins + FRAME * len(self._frames)

    def take(self, sound: Sound) -> None:
        """Add a frame where it belongs, to the nearest whole frame; one that is late is left out."""
        ahead = sound.ticks - self.filled
        if ahead <= -FRAME or sound.ticks - self.begins > MOST_AHEAD:
            self.late += 1
            return
        if ahead >= GAP:
            self._silence(ahead // FRAME)
        self._frames.append(sound.data)

    def fill(self, ticks: int) -> None:
        """What has not come until now is silence, up to `ticks`; at most `MOST_AHEAD` at a time."""
        missing = min(ticks, self.begins + MOST_AHEAD) - self.filled
        if missing > 0:
            self._silence(-(-missing // FRAME))

    def cut(self, count: int) -> tuple[bytes, ...]:
        """Take away the first `count` frames."""
        taken = tuple(self._frames[:count])
        del self._frames[:count]
        self.begins += FRAME * len(taken)
        return taken

    def _silence(self, count: int) -> None:
        self._frames += [SILENCE[self.channels]] * count
        self.silent += count
