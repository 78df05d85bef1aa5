"""Steps on an account in Synapse. Each looks first: after a crash it is done again.

Synapse takes a contact away from whoever has it when it is written to somebody else, without a word
(`reference/onboarding.md` §2). So before every writing the owner is looked up, and between look and writing nobody
else of ours touches the accounts and contacts concerned (`hold.py`; one process writes, `store/writer_turn.py`).

In Synapse a contact is of one account. Where profiles of several schools have it, that is whoever proved it first
(ADR 32); when they release it the next one gets it.
"""

from __future__ import annotations

import enum
import logging

from attrs import field, frozen

from bridge.contact import subject
from bridge.hold import Hold
from bridge.outbox import contact_of
from bridge.ports import Store, Vault
from bridge.ports_homeserver import (
    Homeserver,
    HomeserverAccount,
    HomeserverRefused,
    Threepid,
)
from bridge.records import BoundContact, Lookup
from bridge.roles import UserId

logger = logging.getLogger(__name__)


class Failure(enum.Enum):
    """Why a list was given up. The values are stable: kept, logged, counted, tested."""

    THREEPID_TAKEN = "threepid_taken"  # an account that the bridge has never had it of
    NO_ACCOUNT = "no_account"
    ACCOUNT_CLOSED = "account_closed"
    NO_PERSON = "no_person"
    TOO_LONG = "too_long"  # tried for a week


class GaveUp(Exception):
    """Trying again will not help."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


@frozen(kw_only=True)
class AccountSteps:
    store: Store
    vault: Vault
    homeserver: Homeserver
    _hold: Hold = field(factory=Hold, init=False)

    async def ensure(self, user_id: UserId, password: str | None) -> None:
        """The account is there with exactly its contacts; `password` is for one that has to be made."""
        await self._write(user_id, password, make=True)

    async def write_contacts(self, user_id: UserId) -> None:
        await self._write(user_id, None, make=False)

    async def set_password(self, user_id: UserId, password: str, sign_out: bool) -> None:
        account = await self.homeserver.account(user_id)
        if account is None:
            raise GaveUp(Failure.NO_ACCOUNT)
        if account.deactivated:
            raise GaveUp(Failure.ACCOUNT_CLOSED)
        await self.homeserver.put_account(user_id, password=password, sign_out=sign_out)

    async def sign_out(self, user_id: UserId) -> None:
        devices = await self.homeserver.devices(user_id)
        if devices:
            await self.homeserver.delete_devices(user_id, [one.device_id for one in devices])

    async def deactivate(self, user_id: UserId) -> None:
        async with self._hold.on({user_id}):
            account = await self.homeserver.account(user_id)
            if account is not None and not account.deactivated:
                await self.homeserver.deactivate(user_id, erase=True)
        await self._hand_on(user_id)

    async def _hand_on(self, user_id: UserId) -> None:
        """Whoever is first in line now for what the account has released has it in Synapse too.

        Looked for in our own table: after a crash between two writings it is found again. An account that is not made
        yet gets it from its own list.
        """
        async with self.store.begin() as work:
            heirs = await work.contacts.heirs(user_id)
        for heir in heirs:
            account = await self.homeserver.account(heir)
            if account is None or account.deactivated:
                continue
            try:
                await self._write_whole(heir, None, make=False)
            except (GaveUp, HomeserverRefused) as refused:  # nobody else's list is given up for it
                logger.warning(
                    "contact not handed on account=%s kind=%s", heir, type(refused).__name__
                )

    async def _write(self, user_id: UserId, password: str | None, *, make: bool) -> None:
        await self._write_whole(user_id, password, make=make)
        await self._hand_on(user_id)

    async def _write_whole(self, user_id: UserId, password: str | None, *, make: bool) -> None:
        involved = {user_id, *map(_name, await self._wanted(user_id))}
        while True:
            async with self._hold.on(involved):
                more = await self._write_alone(user_id, password, involved, make=make)
            if not more:
                return
            involved |= more

    async def _write_alone(
        self, user_id: UserId, password: str | None, held: set[str], *, make: bool
    ) -> set[str]:
        """Write, or say what else must be held first."""
        wanted = await self._wanted(user_id)  # again: it may have changed while we waited
        if unheld := set(map(_name, wanted)) - held:
            return unheld
        account = await self.homeserver.account(user_id)
        if account is not None and account.threepids == frozenset(wanted):
            return set()
        if account is None and not make:
            if wanted:
                raise GaveUp(Failure.NO_ACCOUNT)
            return set()
        if account is not None and account.deactivated:
            raise GaveUp(Failure.ACCOUNT_CLOSED)
        for threepid in sorted(wanted.keys() - (account.threepids if account else frozenset())):
            if unheld := await self._free(threepid, wanted[threepid], user_id, held):
                return unheld
        await self.homeserver.put_account(
            user_id,
            threepids=frozenset(wanted),
            password=password if account is None else None,
        )
        return set()

    async def _free(
        self, threepid: Threepid, lookup: Lookup, user_id: UserId, held: set[str]
    ) -> set[str]:
        """Nobody else has the contact in Synapse: whoever has released it here loses it there as well.

        Raises:
            GaveUp: somebody has it of whom the bridge knows nothing.
        """
        owner = await self.homeserver.owner(threepid)
        if owner is None or owner == user_id:
            return set()
        async with self.store.begin() as work:
            released = await work.contacts.was_of(threepid.medium, lookup, owner)
            holders = await work.contacts.holders(threepid.medium, lookup)
        later = owner in {one.user_id for one in holders}  # and was written before us
        if not released and not later:
            logger.error("contact is another account's account=%s owner=%s", user_id, owner)
            raise GaveUp(Failure.THREEPID_TAKEN)
        theirs = await self._wanted(owner)
        if unheld := {owner, *map(_name, theirs)} - held:
            return unheld
        account = await self.homeserver.account(owner)
        if account is not None:
            await self._take_away(account, frozenset(theirs))
        return set()

    async def _take_away(self, account: HomeserverAccount, theirs: frozenset[Threepid]) -> None:
        """Only less than before: what is new to that account its own list will write, after its own look."""
        left = account.threepids & theirs
        if left != account.threepids:
            logger.info("released contacts taken away account=%s", account.user_id)
            await self.homeserver.put_account(account.user_id, threepids=left)

    async def _wanted(self, user_id: UserId) -> dict[Threepid, Lookup]:
        """The account's active contacts that Synapse keeps with it: those which no other profile proved before.

        Raises:
            CannotUnseal: the key file is another one.
        """
        async with self.store.begin() as work:
            contacts = [
                one
                for one in await work.contacts.of_account(user_id)
                if (await work.contacts.holders(one.medium, one.lookup))[0].id == one.id
            ]
        return {self._threepid(one): one.lookup for one in contacts}

    def _threepid(self, contact: BoundContact) -> Threepid:
        assert contact.sealed is not None  # only released ones have none
        plain = self.vault.unseal(contact.sealed, f"contact:{contact.user_id}")
        _, _, address = subject(contact_of(plain.decode())).partition(":")
        return Threepid(contact.medium, address)


def _name(threepid: Threepid) -> str:
    return f"{threepid.medium.value}:{threepid.address}"
