"""How loud each voice is, from the levels that clients write into every audio packet (RFC 6464)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from media.ids import TrackSid

#: Seconds between two events, LiveKit's pace of speaker updates.
INTERVAL_S = 0.5
#: Share of the newest half second in the smoothed level.
NEWEST = 0.6

#: Amplitude 0..1 of each level in -dBov (RFC 6464 3: 127 is silence).
_AMPLITUDE = (*(round(10 ** (-level / 20), 6) for level in range(127)), 0.0)


@define
class _Voice:
    total: float = 0.0
    packets: int = 0
    smoothed: float = 0.0


@define
class LoudnessMeter:
    """Of all audio tracks of a forwarder."""

    _voices: dict[TrackSid, _Voice] = field(factory=dict)
    _due: float | None = None

    def heard(self, track: TrackSid, element: bytes, now: float) -> None:
        """An audio packet with this extension element came; an empty one says nothing."""
        if not element:
            return
        voice = self._voices.get(track)
        if voice is None:
            voice = self._voices[track] = _Voice()
        voice.total += _AMPLITUDE[element[0] & 0x7F]
        voice.packets += 1
        if self._due is None:
            self._due = now + INTERVAL_S

    def gone(self, track: TrackSid) -> None:
        self._voices.pop(track, None)

    def next_wakeup(self) -> float | None:
        return self._due

    def poll(self, now: float) -> Mapping[TrackSid, float] | None:
        """Every half second the smoothed levels; a track that fell silent is in it once more, with 0.0."""
        if self._due is None or now < self._due:
            return None
        levels: dict[TrackSid, float] = {}
        for track, voice in list(self._voices.items()):
            level = voice.total / voice.packets if voice.packets else 0.0
            voice.smoothed += NEWEST * (level - voice.smoothed)
            if voice.smoothed < 0.001:  # -60 dBov: nothing that anybody hears
                voice.smoothed = 0.0
                if not voice.packets:
                    del self._voices[track]
            voice.total, voice.packets = 0.0, 0
            levels[track] = round(voice.smoothed, 4)
        self._due = now + INTERVAL_S if self._voices else None
        return levels
