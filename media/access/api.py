"""What the rest of the calls server needs of this package. Values: `claims`; tokens: `tokens.verify`, `tokens.mint`.

    app.add_subapp("/livekit/jwt", access_app(…))          endpoints.py, for NODE
    verify(token, keys, now) -> Claims | BadToken          for `/rtc`, `/rtc/v1`, `validate` and Twirp
    mint(claims, keys, now)                                for refresh_token, webhooks (`sha256`)
    leaves.connected(…), leaves.disconnected(…)            delayed leave, below; NODE runs `LeaveKeeper.run`
    access.leaves.drain()                                  before clients are told to go elsewhere
    Rechecker(rights, present, remove).run()               who was taken out of a room is out of its call: rechecking.py

A token that opens nothing is 401; a full room is 503, which Element Call shows as "the call is full" (calls.md §2.1).
"""

from __future__ import annotations

from typing import Protocol

from media.access.claims import Leave
from media.ids import Identity, ParticipantSid, RoomName


class Leaves(Protocol):
    """Takes people out of a Matrix call when their connection is gone (MSC4140). Nothing here waits or raises.

    With `delay_id` in its request for a token, a client no longer restarts its delayed leave itself; the token carries
    it (`Claims.member.leave`), so that a restart of this process or another node changes nothing.
    """

    def connected(
        self, room: RoomName, identity: Identity, sid: ParticipantSid, leave: Leave | None
    ) -> None:
        """A participant is in: `leave` of its token, kept alive from now on. Harmless when said again."""

    def disconnected(self, room: RoomName, identity: Identity, sid: ParticipantSid) -> None:
        """It is out, its time to resume is over. Nothing happens if a newer connection of this identity is in."""
