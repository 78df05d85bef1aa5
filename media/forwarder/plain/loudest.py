"""Which voices of a room go on: the three loudest. Nobody follows four people at once, but everybody pays for it.

Judged for each packet as it comes, by the level that its client wrote into it (RFC 6464): whoever begins to speak is
heard from the first packet, as long as one of the three places is silent.
"""

from __future__ import annotations

from attrs import define, field

from media.ids import TrackSid

#: Voices of a group that go on at one time.
PLACES = 3
#: Levels here are in dB over silence: 127 - the -dBov of RFC 6464. From this one on somebody speaks (-50 dBov).
SPEAKS = 77
#: Seconds that a place outlives the last word, and that it is kept against a voice which is only somewhat louder.
HOLD_S = 1.0
#: How much louder, dB, a voice must be to take a place that has been held for `HOLD_S`, and one that has not.
LOUDER, MUCH_LOUDER = 6.0, 15.0
#: Share of the newest packet in the level of a voice: it rises within two packets, and falls within a second.
RISES, FALLS = 0.75, 0.02


@define
class _Voice:
    level: float = 0.0  # dB over silence, smoothed
    spoke: float = float("-inf")  # when it last was at `SPEAKS`


@define
class _Group:
    voices: dict[TrackSid, _Voice] = field(factory=dict)
    places: dict[TrackSid, float] = field(factory=dict)  # since when, the oldest first

    def heard(self, track: TrackSid, level: int, now: float) -> bool:
        voice = self.voices.get(track)
        if voice is None:
            voice = self.voices[track] = _Voice()
        if level >= SPEAKS:
            voice.spoke = now
        if (
            level >= SPEAKS or now - voice.spoke >= HOLD_S
        ):  # a pause between words is no quieter voice
            voice.level += (RISES if level > voice.level else FALLS) * (level - voice.level)
        if track in self.places:
            return True
        if len(self.places) >= PLACES:
            given_up = self._weakest(level, min(voice.level, level), now)
            if given_up is None:
                return False
            del self.places[given_up]
        self.places[track] = now
        return True

    def _weakest(self, level: int, smoothed: float, now: float) -> TrackSid | None:
        """Whose place a voice of this level takes: one where nobody speaks before the quietest."""
        weakest: tuple[bool, float, TrackSid] | None = None
        for track, since in self.places.items():
            voice = self.voices[track]
            speaks = now - voice.spoke < HOLD_S
            margin = LOUDER if now - since >= HOLD_S else MUCH_LOUDER
            if smoothed >= voice.level + margin or (level >= SPEAKS and not speaks):
                found = speaks, voice.level, track
                if weakest is None or found[:2] < weakest[:2]:
                    weakest = found
        return None if weakest is None else weakest[2]


@define
class Loudest:
    """Of all groups of a forwarder."""

    _groups: dict[str, _Group] = field(factory=dict)

    def heard(self, group: str, track: TrackSid, element: bytes, now: float) -> bool:
        """Whether an audio packet with this extension element goes on; without a group, or a level, it always does."""
        if not group or not element:
            return True
        found = self._groups.get(group)
        if found is None:
            found = self._groups[group] = _Group()
        return found.heard(track, 127 - (element[0] & 0x7F), now)

    def gone(self, group: str, track: TrackSid) -> None:
        """Muted by the server, unpublished, or no longer of this group: its place is free."""
        found = self._groups.get(group)
        if found is None:
            return
        found.voices.pop(track, None)
        found.places.pop(track, None)
        if not found.voices:
            del self._groups[group]
