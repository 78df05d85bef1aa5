"""Who is speaking: levels in, changes out, with hysteresis so that a breath switches nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, define

from media.ids import ParticipantSid
from media.room.messages import Speaker

#: Loudness (0..1, the forwarder's) from which somebody speaks, and below which they stop after `HOLD_S`.
BEGINS, ENDS, HOLD_S = 0.03, 0.015, 0.6
#: Least seconds between two messages (LiveKit: 400-500 ms, and the forwarder's levels come about as often), and the
#: smallest change of a level that is worth one.
INTERVAL_S, STEP = 0.35, 0.1


@define
class _Voice:
    level: float
    last_loud: float
    told: float


@define
class Speakers:
    """The speakers of one call."""

    _voices: dict[ParticipantSid, _Voice] = Factory(dict)
    _told_at: float = float("-inf")

    def is_speaking(self, sid: ParticipantSid) -> bool:
        """As last told."""
        return sid in self._voices

    def hear(self, levels: Mapping[ParticipantSid, float], now: float) -> tuple[Speaker, ...]:
        """What has changed since the last message, the loudest first; nothing more often than every 0.35 s."""
        if now - self._told_at < INTERVAL_S:
            return ()
        changes = []
        for sid, voice in list(self._voices.items()):
            voice.level = levels.get(sid, 0.0)
            if voice.level >= ENDS:
                voice.last_loud = now
            if now - voice.last_loud >= HOLD_S:
                del self._voices[sid]
                changes.append(Speaker(sid, 0.0, active=False))
            elif voice.level >= ENDS and abs(voice.level - voice.told) >= STEP:
                voice.told = voice.level
                changes.append(Speaker(sid, voice.level, active=True))
        for sid, level in levels.items():
            if level >= BEGINS and sid not in self._voices and not _just_ended(changes, sid):
                self._voices[sid] = _Voice(level, now, level)
                changes.append(Speaker(sid, level, active=True))
        if changes:
            self._told_at = now
        return tuple(sorted(changes, key=lambda s: (-s.level, s.sid)))

    def forget(self, sid: ParticipantSid) -> bool:
        """Muted, or gone; whether they were speaking."""
        return self._voices.pop(sid, None) is not None

    def now_speaking(self) -> tuple[Speaker, ...]:
        """For a newcomer."""
        found = [Speaker(sid, voice.told, active=True) for sid, voice in self._voices.items()]
        return tuple(sorted(found, key=lambda s: (-s.level, s.sid)))


def _just_ended(changes: list[Speaker], sid: ParticipantSid) -> bool:
    return any(change.sid == sid for change in changes)
