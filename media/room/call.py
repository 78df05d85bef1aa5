"""What is true in a call right now: the state that `Room` and its parts read and change. No decisions here. Pure."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator

from attrs import Factory, define

from media.forwarder.api import Layer
from media.ids import Identity, ParticipantSid, RoomName, RoomSid, TrackSid
from media.room.attendance import Attendance
from media.room.commands import Command, Tell
from media.room.members import Member, Published, Standing
from media.room.messages import Message, ParticipantsChanged, RoomChanged
from media.room.model import (
    LeaveReason,
    Participant,
    Permission,
    Person,
    RoomInfo,
    Settings,
    Source,
    State,
    Track,
)
from media.room.speakers import Speakers

#: Attributes of this prefix are the server's: clients may read them, not write them.
OURS = "sferum."
#: What a host can hold, as clients are told of it.
HOLDABLE = tuple(sorted(set(Source) - {Source.UNKNOWN}, key=lambda source: source.value))


@define(kw_only=True, eq=False)
class Call:
    """A call. `offset` + `now` is seconds since 1970."""

    name: RoomName
    sid: RoomSid
    settings: Settings
    opened_at: float  # of `now`
    offset: float
    metadata: str = ""
    members: dict[ParticipantSid, Member] = Factory(dict)
    identities: dict[Identity, ParticipantSid] = Factory(dict)
    tracks: dict[TrackSid, Published] = Factory(dict)
    standings: dict[Person, Standing] = Factory(dict)
    away: set[ParticipantSid] = Factory(set)  # whose `lost_at` is set
    waits: set[ParticipantSid] = Factory(set)  # who is in the waiting room
    attendance: Attendance = Factory(Attendance)
    speakers: Speakers = Factory(Speakers)
    dynacast: set[TrackSid] = Factory(set)  # to be looked at, at the end of this event
    taps: dict[TrackSid, frozenset[Layer]] = Factory(dict)  # what a broadcast wants
    unheard: set[TrackSid] = Factory(set)  # muted by us; their clients have not said that they did
    queue_told: tuple[ParticipantSid, ...] = ()  # who waits, as hosts were told
    starter: Person | None = None  # who came first
    led: bool = False  # a host has been in it
    empty_since: float | None = None
    anybody_came: bool = False
    ended: bool = False
    links_at: float | None = None  # when link qualities are told next
    ready_times: deque[float] = Factory(deque)  # when tracks became ready lately: join storms
    counted: tuple[int, int] = (0, 0)  # participants and publishers, as last told
    counted_at: float | None = None  # when a change of them is told

    def wall(self, now: float) -> float:
        """Seconds since 1970."""
        return self.offset + now

    def standing(self, member: Member) -> Standing:
        """What hosts decided about the person of this connection."""
        known = self.standings.get(member.person)
        if known is None:
            known = self.standings[member.person] = Standing()
        return known

    def member_of(self, identity: Identity) -> Member | None:
        """By identity, or by sid: hosts' pages and old clients use either."""
        sid = self.identities.get(identity, ParticipantSid(identity))
        return self.members.get(sid)

    def connections(self, person: Person) -> list[Member]:
        """All of a person, the oldest first."""
        return [member for member in self.members.values() if member.person == person]

    def others(self, member: Member) -> Iterator[Member]:
        """Whom this member sees."""
        if not member.waiting:
            for other in self.members.values():
                if other is not member and other.visible:
                    yield other

    def audience(self, member: Member) -> tuple[ParticipantSid, ...]:
        """Who is told of a change of this member: themselves, and whoever sees them."""
        if not member.visible:
            return (member.sid,)
        return tuple([sid for sid, other in self.members.items() if not other.waiting])

    def watchers(self, member: Member) -> tuple[ParticipantSid, ...]:
        """The audience without themselves, as if the member were visible."""
        return tuple(
            [
                sid
                for sid, other in self.members.items()
                if other is not member and not other.waiting
            ]
        )

    def inside(self) -> tuple[ParticipantSid, ...]:
        """Everyone who is not waiting."""
        return tuple([sid for sid, member in self.members.items() if not member.waiting])

    def hosts(self) -> tuple[ParticipantSid, ...]:
        """Of those who are inside."""
        return tuple(
            sid for sid, member in self.members.items() if member.grants.host and not member.waiting
        )

    def publisher(self, published: Published) -> Member:
        """Tracks go before their publishers do, so there always is one."""
        return self.members[published.track.publisher]

    def snapshot(self, member: Member) -> Participant:
        """A member as clients see them now: made anew only when something about them, or for all, is different."""
        standing = self.standing(member)
        # most have none of these, and a newcomer is shown a hundred
        tracks: tuple[Track, ...] = ()
        if member.tracks:
            tracks = tuple([p.track for p in member.tracks.values() if p.track.ready])
        attributes = tuple(member.attributes.items()) if member.attributes else ()
        held = tuple(standing.held) if standing.held else ()
        released = tuple(standing.released) if standing.released else ()
        made_of = (
            *(member.version, member.state, member.waiting, member.grants, tracks),
            *(member.name, member.metadata, attributes, standing.hand, held, released),
            *(self.settings, self.led),
        )
        if member.shown is None or member.shown[0] != made_of:
            member.shown = made_of, self._snapshot(member, tracks, member.state)
        return member.shown[1]

    def _snapshot(
        self,
        member: Member,
        tracks: tuple[Track, ...],
        state: State,
        left: LeaveReason | None = None,
    ) -> Participant:
        return Participant(
            sid=member.sid,
            identity=member.identity,
            state=state,
            permission=self.permission(member),
            joined_at=member.joined_at,
            version=member.version,
            name=member.name,
            metadata=member.metadata,
            attributes={**member.attributes, **self.our_attributes(member)},
            tracks=tracks,
            left=left,
        )

    def gone(self, member: Member, reason: LeaveReason) -> Participant:
        """A member as clients see them for the last time."""
        member.version += 1
        return self._snapshot(member, (), State.DISCONNECTED, reason)

    @staticmethod
    def permission(member: Member) -> Permission:
        """Who waits is told that they may publish: clients that are told otherwise never try again (calls.md §2.2)."""
        grants = member.grants
        return Permission(
            can_subscribe=grants.may_subscribe and not member.waiting,
            can_publish=bool(grants.may_publish),
            sources=grants.may_publish,
            can_publish_data=grants.may_send_data and not member.waiting,
            can_update_metadata=grants.may_update_metadata and not member.waiting,
            hidden=grants.hidden,
        )

    def our_attributes(self, member: Member) -> dict[str, str]:
        """`sferum.…`: host, waiting, what a host holds, the raised hand (milliseconds since 1970)."""
        standing = self.standing(member)
        ours = {}
        if member.grants.host:
            ours[f"{OURS}host"] = "1"
        if member.waiting:
            ours[f"{OURS}waiting"] = "1"
        held = [source.value for source in HOLDABLE if self.held(member, source)]
        if held:
            ours[f"{OURS}held"] = ",".join(held)
        if standing.hand is not None:
            ours[f"{OURS}hand"] = str(int(standing.hand * 1000))
        return ours

    def held(self, member: Member, source: Source) -> bool:
        """R43: whether a host's word, or the mute on entry, keeps this source of the member silent. Hosts are free."""
        if member.grants.host:
            return False
        standing = self.standing(member)
        if standing.held and source in standing.held:
            return True
        if source is Source.CAMERA and not self.settings.cameras:
            return source not in standing.released
        return self.led and self.comes_in_muted(member, source)

    def comes_in_muted(self, member: Member, source: Source) -> bool:
        """R43: pupils come in muted. Before a host has come they may unmute: a lesson has not begun."""
        return (
            source is Source.MICROPHONE
            and member.grants.muted_on_entry
            and not member.grants.host
            and not self.settings.self_unmute
            and source not in self.standing(member).released
        )

    def info(self) -> RoomInfo:
        """The room as clients are told."""
        participants, publishers = self.count()
        return RoomInfo(
            sid=self.sid,
            name=self.name,
            created_at=self.wall(self.opened_at),
            participants=participants,
            publishers=publishers,
            limit=self.settings.limit,
            empty_timeout_s=self.settings.empty_timeout_s,
            departure_timeout_s=self.settings.departure_timeout_s,
            metadata=self._metadata(),
        )

    def count(self) -> tuple[int, int]:
        """Visible people, and how many of them publish: a phone and a computer, or Element Call's two, are one."""
        seen = [member for member in self.members.values() if member.visible]
        publishers = {m.person for m in seen if any(p.track.ready for p in m.tracks.values())}
        return len({member.person for member in seen}), len(publishers)

    def _metadata(self) -> str:
        usual, settings = Settings(), self.settings
        names = ("locked", "waiting_room", "one_share", "self_unmute", "cameras", "spotlight")
        ours = {
            name: getattr(settings, name)
            for name in names
            if getattr(settings, name) != getattr(usual, name)
        }
        if not ours:
            return self.metadata
        try:
            theirs = json.loads(self.metadata or "{}")
        except (ValueError, RecursionError):
            theirs = {"text": self.metadata}
        if not isinstance(theirs, dict):
            theirs = {"text": self.metadata}
        return json.dumps({**theirs, "sferum": ours}, ensure_ascii=False, sort_keys=True)

    def changed(self, member: Member) -> list[Command]:
        """Something about a member is different: everyone who sees them is told."""
        member.version += 1
        return [Tell(self.audience(member), ParticipantsChanged((self.snapshot(member),)))]

    def all_changed(self, members: list[Member]) -> list[Command]:
        """The same for many, in one message to those who see them all."""
        shown = [member for member in members if member.visible]
        for member in shown:
            member.version += 1
        news = ParticipantsChanged(tuple(map(self.snapshot, shown)))
        commands = tell(self.inside(), news) if shown else []
        for member in members:
            if not member.visible:
                commands += self.changed(member)
        return commands

    def room_changed(self) -> list[Command]:
        """A setting is different."""
        return tell(self.inside(), RoomChanged(self.info()))


def tell(to: tuple[ParticipantSid, ...], message: Message) -> list[Command]:
    """Nothing when there is nobody to tell."""
    return [Tell(to, message)] if to else []
