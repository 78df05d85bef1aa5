"""What a token of the calls server says: LiveKit's grants, and what the module said of the person. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from attrs import Factory, field

from media.frozen import frozen
from media.ids import Identity, RoomName

#: Of a service; no room.
NOBODY = Identity("")
NOWHERE = RoomName("")


class Source(enum.Enum):
    """What may be published, as LiveKit's `canPublishSources` spells it."""

    CAMERA = "camera"
    MICROPHONE = "microphone"
    SCREEN_SHARE = "screen_share"
    SCREEN_SHARE_AUDIO = "screen_share_audio"


EVERYTHING = frozenset(Source)
#: Roles of docs/contracts.md whose bearer becomes a host by beginning a call (R43).
STAFF = frozenset({"director", "deputy", "administrator", "teacher"})


@frozen
class Leave:
    """A delayed event (MSC4140) that takes its owner out of the call. Whoever knows its id may restart or send it."""

    delay_id: str = field(repr=False)
    timeout_ms: int


@frozen(kw_only=True)
class Member:
    """Somebody in a Matrix room, as the module saw them when the token was made.

    Attributes:
        roles: of the school, in words of docs/contracts.md.
        host: class teacher, director, deputy, or the starter if staff (R43).
        muted_on_entry: the microphone is muted at the server until a host allows it.
        limit: participants of this call (R41).
        may_start: False: may only join a call that is under way.
        waits: enters the waiting room first (R44).
        one_share: one screen at a time (R45).
        leave: what to send when they are gone.
    """

    room_id: str
    user_id: str = field(repr=False)
    org_id: str = ""
    roles: frozenset[str] = frozenset()
    host: bool = False
    muted_on_entry: bool = False
    limit: int = 100
    may_start: bool = True
    waits: bool = False
    one_share: bool = True
    leave: Leave | None = None

    @property
    def staff(self) -> bool:
        """Works at the school."""
        return not self.roles.isdisjoint(STAFF)


@frozen(kw_only=True)
class Claims:
    """A valid token. LiveKit's defaults: a participant may do everything, a service nothing.

    Attributes:
        identity: "" for a service.
        room: of `join` and `admin`.
        join, create, list_rooms, admin: roomJoin, roomCreate, roomList, roomAdmin; the last three are Twirp's.
        sources: empty: publishes nothing.
        member: None for tokens that somebody made with the key itself: other services, tests.
        sha256: base64 of the body that a webhook's token signs.
        expires_at: seconds since 1970.
    """

    identity: Identity = field(default=NOBODY, repr=False)  # may be a user id
    name: str = field(default="", repr=False)
    metadata: str = field(default="", repr=False)
    attributes: Mapping[str, str] = field(default=Factory(dict), repr=False)
    room: RoomName = NOWHERE
    join: bool = False
    create: bool = False
    list_rooms: bool = False
    admin: bool = False
    sources: frozenset[Source] = EVERYTHING
    can_subscribe: bool = True
    can_publish_data: bool = True
    can_update_own_metadata: bool = False
    hidden: bool = False
    member: Member | None = None
    sha256: str = ""
    expires_at: float = 0.0

    @property
    def may_join(self) -> bool:
        """Is a participant of `room`."""
        return self.join and bool(self.identity) and bool(self.room)

    def may_administer(self, room: RoomName) -> bool:
        """Twirp's calls about one room."""
        return self.admin and bool(room) and self.room == room
