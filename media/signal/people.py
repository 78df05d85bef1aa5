"""Participants as clients are told of them: made and written once, until something about one is different. Pure.

A newcomer to a class of a hundred is told of all the others, and nearly all of them are as they were for the last one.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field
from livekit.protocol import rtc

from media.frozen import frozen
from media.ids import ParticipantSid
from media.room.model import Participant, State
from media.signal import messages as wire


@frozen
class _Written:
    """One participant in each of the messages: what is written one after the other is read as one with both."""

    one: Participant
    as_other: bytes  # of a JoinResponse
    as_news: bytes  # of a ParticipantUpdate


@define(eq=False)
class People:
    """Of one room."""

    _known: dict[ParticipantSid, _Written] = field(factory=dict)

    def others(self, participants: Iterable[Participant]) -> bytes:
        """A JoinResponse of nothing but `other_participants`."""
        return b"".join([self._written(one).as_other for one in participants])

    def news(self, participants: Iterable[Participant]) -> rtc.SignalResponse:
        """A ParticipantUpdate."""
        response = rtc.SignalResponse()
        response.update.MergeFromString(
            b"".join([self._written(one).as_news for one in participants])
        )
        return response

    def forget(self, sid: ParticipantSid) -> None:
        self._known.pop(sid, None)

    def _written(self, one: Participant) -> _Written:
        known = self._known.get(one.sid)
        if known is None or (known.one is not one and known.one != one):
            info = wire.participant(one)
            known = _Written(
                one,
                rtc.JoinResponse(other_participants=[info]).SerializeToString(),
                rtc.ParticipantUpdate(participants=[info]).SerializeToString(),
            )
            if one.state is not State.DISCONNECTED:
                self._known[one.sid] = known
        return known
