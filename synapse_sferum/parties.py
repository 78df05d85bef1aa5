"""From user ids to the parties the policy judges."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from synapse.module_api import EventBase, ModuleApi, StateMap

from synapse_sferum.account import Account
from synapse_sferum.config import Config
from synapse_sferum.facts import Facts
from synapse_sferum.policy import Party


def server_of(user_id: str) -> str:
    """`@u:example.org:8448` → `example.org:8448`; "" when there is none."""
    return user_id.partition(":")[2]


class Parties:
    """Looks people up as of today."""

    def __init__(self, api: ModuleApi, config: Config, facts: Facts, service_user: str) -> None:
        self._api = api
        self._facts = facts
        self.service_user = service_user
        self._operators = frozenset(config.operator_users)

    def party(self, account: Account | None, *, joined: bool = True) -> Party:
        """An account with what today makes of it (R17)."""
        if account is None:
            return Party(None, joined=joined)
        today = self._facts.today(account.timezone)
        return Party(account, account.unconfirmed(today), joined)

    async def one(self, user_id: str) -> Party:
        """One user."""
        return self.party(await self._facts.account(user_id))

    async def of(self, user_ids: Collection[str]) -> dict[str, Party]:
        """Several users. All are taken as not yet joined except the first, who acts."""
        found = await self._facts.accounts(list(dict.fromkeys(user_ids)))
        return {
            user_id: self.party(account, joined=number == 0)
            for number, (user_id, account) in enumerate(
                (user_id, found[user_id]) for user_id in dict.fromkeys(user_ids)
            )
        }

    async def members(
        self, state: StateMap[EventBase], without: Iterable[str] = (), *, invited: bool
    ) -> dict[str, Party]:
        """The people of a room, `without` some, and the invited ones too if asked.

        Left out are the service user and local accounts that are not active: they are locked out
        and read nothing. Users of other servers and operators stay, as parties without an
        account: nobody may be in a room with them.
        """
        wanted = {"join", "invite"} if invited else {"join"}
        skipped = {self.service_user, *without}
        joined: dict[str, bool] = {}
        for (type_, user_id), event in state.items():
            if type_ == "m.room.member" and user_id not in skipped and event.membership in wanted:
                joined[user_id] = event.membership == "join"
        accounts = await self._facts.accounts(list(joined)) if joined else {}
        return {
            user_id: self.party(accounts[user_id], joined=is_joined)
            for user_id, is_joined in joined.items()
            if accounts[user_id] is not None
            or user_id in self._operators
            or not self._api.is_mine(user_id)
        }
