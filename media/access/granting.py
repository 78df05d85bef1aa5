"""From a request to a token: who is it, are they in the room, what may they do there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from attrs import define, evolve, field, frozen

from media.access.claims import Claims
from media.access.leave_keeper import LeaveKeeper
from media.access.limits import Buckets
from media.access.openid import OpenId
from media.access.refusals import Refused, Why
from media.access.requests import Asked, Home
from media.access.rights import CallRights, ModuleRights
from media.access.tokens import Key, mint
from serving.json_http import NoAnswer

#: Requests of one address. A school of 1,000 sits behind one, and Element Call asks twice for each that enters a call.
ADDRESS_PER_SECOND, ADDRESS_BURST = 20.0, 3_000.0
#: Of one person: entering a call, leaving and entering again, on several devices.
USER_PER_SECOND, USER_BURST = 0.5, 30.0


@frozen
class Granted:
    """What the client is given."""

    url: str
    jwt: str = field(repr=False)


@define(eq=False)
class Access:
    """Answers the questions of MSC4195.

    Attributes:
        home: our own homeserver, as clients know it.
        sfu_url: where clients go with the token: `wss://…`; they append `/rtc` (calls.md §2.1).
        now: seconds since 1970.
        seconds: of a clock that never goes back.
        counted: answers by `granted`, `delegated` or a word of `Why`.
    """

    home: Home
    sfu_url: str
    openid: OpenId
    rights: ModuleRights
    leaves: LeaveKeeper
    keys: Callable[[], Sequence[Key]]
    now: Callable[[], float]
    seconds: Callable[[], float]
    addresses: Buckets = field(factory=lambda: Buckets(ADDRESS_PER_SECOND, ADDRESS_BURST))
    users: Buckets = field(factory=lambda: Buckets(USER_PER_SECOND, USER_BURST))
    counted: Counter[str] = field(factory=Counter, init=False)

    def greet(self, address: str) -> Refused | None:
        """First of all: is this address asking too often?"""
        return self._limited(self.addresses, address)

    async def grant(self, asked: Asked) -> Granted | Refused:
        """A token for the call of this room."""
        user_id = await self._prove(asked)
        if isinstance(user_id, Refused):
            return user_id
        try:
            rights = await self.rights.of(user_id, asked.room_id)
        except NoAnswer:
            return Refused(Why.DOWN)
        if rights is None:
            return Refused(Why.FORBIDDEN)
        identity = asked.identity(user_id)
        rights = as_of(rights, user_id, self.home.server_name)
        member = rights.member
        if asked.leave is not None:
            if not self.leaves.hand_over(asked.room, identity, asked.leave):
                return Refused(Why.BAD_FIELD, "delay_id")  # they ask again without it
            member = evolve(member, leave=asked.leave)
        claims = Claims(
            identity=identity,
            room=asked.room,
            join=True,
            sources=rights.sources,
            can_update_own_metadata=True,
            hidden=rights.hidden,
            member=member,
        )
        return Granted(self.sfu_url, mint(claims, self.keys(), self.now()))

    async def delegate(self, asked: Asked) -> Refused | None:
        """Take over a delayed leave of somebody who is connected, or will be in a moment."""
        user_id = await self._prove(asked)
        if isinstance(user_id, Refused):
            return user_id
        assert asked.leave is not None  # requests.parse_delegation
        if not self.leaves.hand_over(asked.room, asked.identity(user_id), asked.leave):
            return Refused(Why.LIMITED, retry_after_s=60.0)
        return None

    async def _prove(self, asked: Asked) -> str | Refused:
        """The user id that the OpenID token proves; a claimed one has to be the same."""
        try:
            user_id = await self.openid.user_id(asked.openid)
        except NoAnswer:
            return Refused(Why.DOWN)
        if user_id is None or asked.user_id not in {"", user_id}:
            return Refused(Why.UNAUTHORIZED)
        return self._limited(self.users, user_id) or user_id

    def _limited(self, buckets: Buckets, key: str) -> Refused | None:
        wait_s = buckets.wait_s(key, self.seconds())
        return Refused(Why.LIMITED, retry_after_s=wait_s) if wait_s else None


def as_of(rights: CallRights, user_id: str, server_name: str) -> CallRights:
    """Whoever is of another school's server starts no call of ours, and is no host of one (MSC4195)."""
    if user_id.partition(":")[2] == server_name:
        return rights
    return evolve(rights, member=evolve(rights.member, may_start=False, host=False))
