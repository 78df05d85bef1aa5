"""What the bridge asks of Synapse: accounts, sign-in, devices. One application service token does all of it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from bridge.contact import Medium
from bridge.roles import UserId


class HomeserverDown(Exception):
    """Synapse cannot be reached or is busy: try again later."""


class HomeserverRefused(Exception):
    """Synapse said no to something that should work.

    Attributes:
        status: HTTP status.
        errcode: such as M_FORBIDDEN.
    """

    def __init__(self, status: int, errcode: str) -> None:
        super().__init__(f"{status} {errcode}")
        self.status, self.errcode = status, errcode


@frozen(order=True)
class Threepid:
    """A contact as Synapse keeps it: `msisdn` digits without plus, `email` case-folded."""

    medium: Medium = field(order=lambda medium: medium.value)
    address: str = field(repr=False)


@frozen(kw_only=True)
class HomeserverAccount:
    user_id: UserId
    threepids: frozenset[Threepid] = frozenset()
    deactivated: bool = False
    locked: bool = False


@frozen(kw_only=True)
class Device:
    """A signed-in client."""

    device_id: str
    name: str  # what the client calls itself
    last_seen_at: datetime | None = None


class SignIn(enum.Enum):
    """Why a sign-in with a password opens nothing."""

    WRONG = "wrong"  # also: no such account, not let in yet, out of tries (docs/flows/login.md)
    TOO_MANY = "too_many"  # this address asks too often


class Homeserver(Protocol):
    """Every call may raise HomeserverDown or HomeserverRefused."""

    async def account(self, user_id: UserId) -> HomeserverAccount | None: ...
    async def owner(self, threepid: Threepid) -> UserId | None: ...
    async def put_account(
        self,
        user_id: UserId,
        *,
        threepids: frozenset[Threepid] | None = None,
        password: str | None = None,
        sign_out: bool = False,
    ) -> None:
        """Make or change it. `threepids` replaces the whole list and takes them from whoever has them: look first."""

    async def sign_in(self, login: str, password: str, address: str) -> UserId | SignIn:
        """Check what a person typed, the way a client would; leaves no device behind."""

    async def say(
        self, user_id: UserId, room_id: str, text: str, message_id: str, until: datetime
    ) -> None:
        """A text message in a room, in somebody's name, with a token that ends at `until` or before.

        The same `message_id` twice is one message.
        """

    async def devices(self, user_id: UserId) -> Sequence[Device]: ...
    async def delete_devices(self, user_id: UserId, device_ids: Sequence[str]) -> None: ...
    async def deactivate(self, user_id: UserId, *, erase: bool) -> None: ...
