"""When whose delayed leave is restarted or sent (MSC4140). Pure: time comes in, calls come out.

A client that handed over its delayed event sets it to an hour and no longer touches it. While they are connected we
restart it at 80 % of its time; once they are gone we send it, and the others see them leave. Whatever fails, the
homeserver sends it by itself at its end: nobody stays in a call for ever.
"""

from __future__ import annotations

import enum

from attrs import define, field, frozen

from media.access.claims import Leave
from media.ids import Identity, ParticipantSid, RoomName

#: Share of its time after which it is restarted; lk-jwt-service's.
RESTART_AT = 0.8
#: Seconds between "gone" and sending: a client that connects anew is back within them, and nobody sees a flicker.
GRACE_S = 3.0
#: Seconds for the first connection after a token: a page that was closed in between would stay for an hour.
CLAIM_S = 120.0
#: Seconds until a call that failed is made again; then the last one repeats.
AGAIN_S = (1.0, 2.0, 5.0, 15.0, 60.0)


class Action(enum.Enum):
    """The last part of MSC4140's address."""

    RESTART = "restart"
    SEND = "send"


class Outcome(enum.Enum):
    """What came of a call. The values are stable: counted, tested."""

    DONE = "done"
    MISSING = "missing"  # sent or cancelled already: the client said goodbye itself
    REFUSED = "refused"
    LATER = "later"  # no answer, or too many calls


Key = tuple[RoomName, Identity]


@frozen
class Call:
    """To the homeserver, at once."""

    key: Key = field(repr=False)
    delay_id: str = field(repr=False)
    action: Action


class _State(enum.Enum):
    UNCLAIMED = enum.auto()  # a token was given, nobody has come with it yet
    CONNECTED = enum.auto()
    GONE = enum.auto()


@define
class _Kept:
    """One delayed event. Times in seconds of any clock that never goes back.

    Attributes:
        ends_at: when the homeserver sends it by itself.
        next_at: when we have to do something about it.
        late: handed over while they were connected: newer than the one in their token.
        asked_at: of the call under way.
    """

    leave: Leave
    state: _State
    ends_at: float
    next_at: float
    late: bool = False
    tries: int = 0
    asked_at: float | None = None


@define
class DelayedLeaves:
    """All of one process.

    Attributes:
        most: delayed events at one time.
        draining: this process is about to end, and clients go on elsewhere with the same token: who goes is
            forgotten here.
        sends_unclaimed: whoever fetched a token here and did not come within CLAIM_S is taken out of the call. False
            where they may have come to another node.
    """

    most: int = 5_000
    sends_unclaimed: bool = True
    draining: bool = False
    _kept: dict[Key, _Kept] = field(factory=dict, init=False)
    _present: dict[Key, ParticipantSid] = field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._kept)

    def hand_over(self, room: RoomName, identity: Identity, leave: Leave, now: float) -> bool:
        """A client's wish, in its request for a token or later. False: too many are kept already."""
        key = (room, identity)
        earlier = self._kept.get(key)
        if earlier is not None and earlier.leave == leave:
            return True
        if earlier is None and len(self._kept) >= self.most:
            return False
        is_here = key in self._present
        self._kept[key] = _Kept(
            leave,
            _State.CONNECTED if is_here else _State.UNCLAIMED,
            ends_at=now + _seconds(leave),
            next_at=now if is_here else now + min(CLAIM_S, _seconds(leave)),
            late=is_here,
        )
        return True

    def connected(
        self,
        room: RoomName,
        identity: Identity,
        sid: ParticipantSid,
        leave: Leave | None,
        now: float,
    ) -> None:
        """They are in, with `leave` of their token, if it has one."""
        key = (room, identity)
        self._present[key] = sid
        kept = self._kept.get(key)
        if leave is not None and (kept is None or (kept.leave != leave and not kept.late)):
            if kept is None and len(self._kept) >= self.most:
                return
            kept = self._kept[key] = _Kept(leave, _State.UNCLAIMED, now + _seconds(leave), now)
        if kept is not None and kept.state is not _State.CONNECTED:
            kept.state, kept.next_at, kept.tries = _State.CONNECTED, now, 0

    def disconnected(
        self, room: RoomName, identity: Identity, sid: ParticipantSid, now: float
    ) -> None:
        """That connection is gone for good; a newer one of the same identity stays."""
        key = (room, identity)
        if self._present.get(key) != sid:
            return
        del self._present[key]
        if self.draining:
            self._kept.pop(key, None)
            return
        kept = self._kept.get(key)
        if kept is not None:
            kept.state, kept.next_at, kept.tries = _State.GONE, now + GRACE_S, 0

    def forget(self, room: RoomName) -> None:
        """The call is another process's now: whoever goes from here is not sent out of it."""
        for key in [key for key in self._kept if key[0] == room]:
            del self._kept[key]
        for key in [key for key in self._present if key[0] == room]:
            del self._present[key]

    def due(self, now: float) -> list[Call]:
        """Calls to be made now; each is answered by `answered`."""
        calls: list[Call] = []
        for key, kept in list(self._kept.items()):
            if kept.asked_at is not None or kept.next_at > now:
                continue
            if kept.state is _State.UNCLAIMED and not self.sends_unclaimed:
                del self._kept[key]
                continue
            kept.asked_at = now
            is_here = kept.state is _State.CONNECTED
            action = Action.RESTART if is_here else Action.SEND
            calls.append(Call(key, kept.leave.delay_id, action))
        return calls

    def answered(
        self, call: Call, outcome: Outcome, now: float, *, retry_after_s: float = 0.0
    ) -> None:
        """What came of a call of `due`."""
        kept = self._kept.get(call.key)
        if kept is None or kept.leave.delay_id != call.delay_id or kept.asked_at is None:
            return  # another event has taken its place meanwhile
        asked_at, kept.asked_at = kept.asked_at, None
        if outcome is Outcome.LATER:
            wait = AGAIN_S[min(kept.tries, len(AGAIN_S) - 1)]
            kept.tries += 1
            kept.next_at = max(kept.next_at, now + max(wait, retry_after_s))
            if kept.next_at >= kept.ends_at:  # by then the homeserver has sent it
                del self._kept[call.key]
        elif outcome is not Outcome.DONE or call.action is Action.SEND:
            del self._kept[call.key]
        else:
            kept.tries = 0
            kept.ends_at = asked_at + _seconds(kept.leave)
            if kept.state is _State.CONNECTED:
                kept.next_at = asked_at + RESTART_AT * _seconds(kept.leave)

    def next_wakeup(self) -> float | None:
        """When `due` has something to say, unless something happens earlier."""
        waiting = (kept.next_at for kept in self._kept.values() if kept.asked_at is None)
        return min(waiting, default=None)


def _seconds(leave: Leave) -> float:
    return leave.timeout_ms / 1000
