"""One broadcast as it is kept, and how it goes on. Pure. Times are seconds since 1970."""

from __future__ import annotations

import enum
import unicodedata

from attrs import evolve, field, frozen

from media.broadcast.whip.ids import BroadcastId

#: Octets of a broadcast's name (22 characters) and of its key (32 characters), of the machine's chance.
ID_BYTES, KEY_BYTES = 16, 24
#: Characters of a title; it stands in the school's room.
MOST_TITLE = 120
#: Seconds ahead that a broadcast may be announced: a school year.
FURTHEST_S = 366 * 86_400.0


class State(enum.Enum):
    """Where a broadcast is. The values are stable: kept, sent to the module."""

    WAITING = "waiting"  # its link shows when it begins
    LIVE = "live"
    PAUSED = "paused"  # nobody is on the stage for a moment
    ENDED = "ended"
    DELETED = "deleted"  # called off before it began; nobody is shown it


#: What may follow what.
_FOLLOWS = {
    State.WAITING: frozenset({State.LIVE, State.DELETED}),
    State.LIVE: frozenset({State.PAUSED, State.ENDED}),
    State.PAUSED: frozenset({State.LIVE, State.ENDED}),
    State.ENDED: frozenset[State](),
    State.DELETED: frozenset[State](),
}


@frozen(kw_only=True)
class Recording:
    """The MP4 of a broadcast (R48).

    Attributes:
        file: its name in the folder of recordings.
        captions: of the WebVTT file beside it; "": nobody typed any.
        until: it is deleted then (retention).
    """

    file: str
    seconds: float
    size: int
    made_at: float
    until: float
    captions: str = ""


@frozen(kw_only=True)
class Audience:
    """For whom: a whole school, or one room of its list.

    Attributes:
        room_id: "" for the whole school.
        kind: of the room in the module's words; "announcements" for the whole school.
        name: as people know it: the school's name, or the room's.
    """

    org_id: str
    school: str
    room_id: str = ""
    kind: str = "announcements"
    name: str = ""
    timezone: str = "Europe/Moscow"


@frozen(kw_only=True)
class Broadcast:
    """Attributes:
    made_by: the Matrix id of the host who made it; hosts are whoever the module says.
    begins_at: as the host announced it; None: nobody said when.
    recorded: announced to everybody, and kept (R48).
    captions: how often hosts gave out a code for typing them; 0: there are none.
    low_latency: half-second parts, for up to some 5,000 viewers.
    key_digest: `whip.tokens.digest` of the key that publishes it.
    recording_deleted: there was one; a host threw it away, or its time was over.
    by: whose doing its last change was, for the school's log; "": what the machine saw.
    reason: of that, a word for the log.
    told: the `stage` that the rooms of the school were last told; "": nothing yet.
    """

    id: BroadcastId
    audience: Audience
    title: str
    made_by: str = field(repr=False)
    made_at: float
    key_digest: bytes = field(repr=False)
    begins_at: float | None = None
    recorded: bool = True
    low_latency: bool = False
    captions: int = 0
    state: State = State.WAITING
    started_at: float | None = None
    ended_at: float | None = None
    recording: Recording | None = None
    recording_deleted: bool = False
    by: str = field(default="", repr=False)
    reason: str = ""
    told: str = ""

    @property
    def org_id(self) -> str:
        return self.audience.org_id

    @property
    def on_air(self) -> bool:
        """Begun, and not over."""
        return self.state in {State.LIVE, State.PAUSED}

    @property
    def publishable(self) -> bool:
        """Whether its key opens anything: before the start too, so that the stage can be looked at."""
        return self.state in {State.WAITING, State.LIVE, State.PAUSED}

    @property
    def stage(self) -> str:
        """What rooms should say now: a word of docs/contracts.md §2, `POST /broadcasts/announce`."""
        if self.state is State.ENDED and self.recording is not None:
            return "recorded"
        if self.state is State.ENDED and self.recording_deleted:
            return "removed"
        return "live" if self.state is State.PAUSED else str(self.state.value)


class BadWish(enum.Enum):
    """Why a broadcast is not made as wished. The values are stable: names of texts."""

    TITLE_EMPTY = "title_empty"
    TITLE_LONG = "title_long"
    BEGINS_AT = "begins_at"  # in the past, or more than a year ahead


@frozen(kw_only=True)
class Wish:
    """What a host asks for."""

    title: str
    room_id: str = ""
    begins_at: float | None = None
    recorded: bool = True
    low_latency: bool = False

    def wrong(self, now: float) -> BadWish | None:
        """Why it cannot be."""
        title = clean_title(self.title)
        if not title:
            return BadWish.TITLE_EMPTY
        if len(title) > MOST_TITLE:
            return BadWish.TITLE_LONG
        if self.begins_at is not None and not now - 60 <= self.begins_at <= now + FURTHEST_S:
            return BadWish.BEGINS_AT
        return None


def clean_title(text: str) -> str:
    """One line: blanks are one blank, what nobody writes (controls, directions, surrogates) is gone."""
    blanks = "".join(" " if one.isspace() else one for one in text)
    kept = (
        one for one in blanks if unicodedata.category(one) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )
    return " ".join("".join(kept).split())


def moved(one: Broadcast, to: State, now: float) -> Broadcast | None:
    """The broadcast in its next state; itself where it is there already; None: that cannot follow."""
    if one.state is to:
        return one
    if to not in _FOLLOWS[one.state]:
        return None
    started = now if to is State.LIVE and one.started_at is None else one.started_at
    ended = now if to is State.ENDED else one.ended_at
    return evolve(one, state=to, started_at=started, ended_at=ended)
