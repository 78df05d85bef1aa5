"""Who and what is in a call: people's standing, connections, tracks and who gets them. No decisions here. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from attrs import Factory, define, field

from media.forwarder.api import Layer, Want
from media.ids import Identity, ParticipantSid, TrackSid
from media.room.budget import Budget
from media.room.links import Line
from media.room.messages import Message
from media.room.model import Grants, Participant, Person, Source, State, Track
from media.room.replay import Sent


@define(kw_only=True)
class Standing:
    """What hosts decided about a person in this call; outlives their connections."""

    admitted: bool = False
    must_wait: bool = False  # removed, or sent back: comes in through the waiting room only
    held: set[Source] = Factory(set)  # hard mute
    released: set[Source] = Factory(set)  # from the mute on entry
    hand: float | None = None  # raised at, seconds since 1970


@define(kw_only=True)
class Subscription:
    """One track on its way to one subscriber.

    Attributes:
        want: what the forwarder was told last.
        shown_paused: whether the client was told that the server pauses it.
        whole: all layers of it go there, whatever is wanted.
    """

    want: Want
    shown_paused: bool = False
    whole: bool = False


@define(kw_only=True)
class Screen:
    """What a subscriber's screen has room for (UpdateTrackSettings); kept before and after the subscription too."""

    disabled: bool = False
    quality: Layer | None = None
    width: int = 0
    height: int = 0
    fps: int = 0
    priority: int = 0


@define(kw_only=True, eq=False)
class Published:
    """A track of somebody.

    Attributes:
        layers: that can be chosen from, lowest first (`layers.layers_of`).
        seen: layers that carry media, None before the first word of it.
        rates: bits a second of each layer, as measured last.
        asked: the highest layer that dynacast asked for, None for nothing; publishers begin with all of them.
        lower_at: when it will ask for less.
        ask_at: when its client is asked again to mute it (`Call.unheard`); `asked_again`: so often by now.
        pinned: this voice is heard whoever else speaks.
        tapped: layers of which copies are taken, for a broadcast.
        highest: the highest layer that anybody receives or that is broadcast; `stale` when it may be lower than before.
    """

    track: Track
    added_at: float
    layers: tuple[Layer, ...] = (Layer.HIGH,)
    subscribers: set[ParticipantSid] = Factory(set)
    seen: frozenset[Layer] | None = None
    rates: dict[Layer, int] = Factory(dict)
    asked: Layer | None = Layer.HIGH
    lower_at: float | None = None
    ask_at: float | None = None
    asked_again: int = 0
    pinned: bool = False
    tapped: frozenset[Layer] = frozenset()
    highest: Layer | None = None
    stale: bool = False

    @property
    def sid(self) -> TrackSid:
        """TR_…."""
        return self.track.sid


@define(kw_only=True, eq=False)
class Member:
    """One connection of a person. Times are seconds of `now`, unless they say "since 1970".

    Attributes:
        choices: tracks that the client asked for, or asked not to have.
        pending: tracks that the next negotiation will bring; `due` is when.
        allowed: who may receive this publisher's tracks; None: everyone.
        lost_at: the WebSocket is gone since then.
        missed: what a lost client was not told and must learn on its return.
        heard: the last reliable sequence number that arrived from here; `sent` the packets after which others may ask.
        replayed: they have asked since they came or came back: a second time nothing is sent again.
        shown: what clients were shown last, and all that it was made of (`Call.snapshot`).
    """

    sid: ParticipantSid
    identity: Identity
    person: Person = field(repr=False)
    grants: Grants
    joined_at: float  # since 1970
    name: str = field(default="", repr=False)
    metadata: str = field(default="", repr=False)
    attributes: dict[str, str] = field(factory=dict, repr=False)
    auto_subscribe: bool = True
    adaptive_stream: bool = False
    state: State = State.JOINED
    version: int = 1
    waiting: bool = False
    tracks: dict[TrackSid, Published] = Factory(dict)
    subscriptions: dict[TrackSid, Subscription] = Factory(dict)
    screens: dict[TrackSid, Screen] = Factory(dict)
    choices: dict[TrackSid, bool] = Factory(dict)
    pending: set[TrackSid] = Factory(set)
    due: float | None = None
    last_batch: float = float("-inf")
    allowed: Mapping[Identity, frozenset[TrackSid] | None] | None = None
    lost_at: float | None = None
    missed: list[Message] = Factory(list)
    heard: int = 0
    replayed: bool = False
    sent: deque[Sent] = Factory(deque)
    budget: Budget = Factory(Budget)
    line: Line = Factory(Line)
    shown: tuple[tuple[object, ...], Participant] | None = None

    @property
    def visible(self) -> bool:
        """Whether others know of them."""
        return not self.waiting and not self.grants.hidden
