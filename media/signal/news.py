"""Who comes and goes, told to everybody: a class that comes in together is a few messages, not three for each.

For somebody who publishes nothing nobody waits. The first news is told at once, what follows within `INTERVAL_S`
together, and of each person only the last; while many come, within `CROWD_S`. LiveKit's server does the same, every
three seconds. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import Factory, define

from media.frozen import frozen
from media.ids import ParticipantSid
from media.room.model import Participant

#: Seconds between two messages to everyone; as between two negotiations (`media/room/subscriptions.py`).
INTERVAL_S = 0.25
#: The same after a message about more people than `FEW`: a bell has rung, and a message costs what everybody is sent.
FEW, CROWD_S = 3, 1.0


@frozen
class Told:
    """One message to those who hear the same."""

    to: tuple[ParticipantSid, ...]
    participants: tuple[Participant, ...]


@define
class News:
    """Time in seconds, of any monotonic clock."""

    _held: dict[ParticipantSid, Told] = Factory(dict)  # by whom it is about
    _publish: set[ParticipantSid] = Factory(set)
    _told_at: float = float("-inf")
    _interval_s: float = INTERVAL_S  # until the next message

    def may_wait(self, participants: Sequence[Participant]) -> bool:
        """Whether it is about one person who has no track and never had one. What may not wait goes after `take`."""
        self._publish.update(one.sid for one in participants if one.tracks)
        return len(participants) == 1 and participants[0].sid not in self._publish

    def hold(self, one: Participant, to: tuple[ParticipantSid, ...]) -> None:
        self._held[one.sid] = Told(to, (one,))

    def holds(self, sid: ParticipantSid) -> bool:
        """Whether there is news of this one that has not been told yet."""
        return sid in self._held

    def is_due(self, now: float) -> bool:
        return bool(self._held) and now - self._told_at >= self._interval_s

    def take(self, now: float) -> list[Told]:
        """All that is held, to be told now; in the order in which it began to be held."""
        if not self._held:
            return []
        held, self._held, self._told_at = list(self._held.values()), {}, now
        self._interval_s = CROWD_S if len(held) > FEW else INTERVAL_S
        heard: dict[ParticipantSid, list[int]] = {}
        for number, told in enumerate(held):
            for sid in told.to:
                heard.setdefault(sid, []).append(number)
        alike: dict[tuple[int, ...], list[ParticipantSid]] = {}
        for sid, numbers in heard.items():
            alike.setdefault(tuple(numbers), []).append(sid)
        return [
            Told(tuple(to), tuple(held[number].participants[0] for number in numbers))
            for numbers, to in alike.items()
        ]

    def forget(self, sid: ParticipantSid) -> None:
        """They are gone; that they went may be held."""
        self._publish.discard(sid)
