"""From user ids to the parties the policy judges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from synapse.module_api import EventBase, ModuleApi, StateMap

from synapse_sferum.account import Account
from synapse_sferum.config import Config
from synapse_sferum.facts import Facts
from synapse_sferum.own_accounts import own_accounts
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
        self._staff_bot = own_accounts(api, config).staff_bot
        self._operators = frozenset(config.operator_users)

    def _party(self, account: Account | None, joined: bool, days: dict[str, date]) -> Party:
        """An account with what today makes of it (R17); `days` remembers the date of each time zone."""
        if account is None:
            return Party(None, joined=joined)
        today = days.get(account.timezone)
        if today is None:
            today = days[account.timezone] = self._facts.today(account.timezone)
        return Party(account, account.unconfirmed(today), joined)

    async def one(self, user_id: str) -> Party:
        """One user."""
        return (await self.of([user_id]))[user_id]

    async def of(self, user_ids: Collection[str]) -> dict[str, Party]:
        """Several users. All are taken as not yet joined except the first, who acts."""
        asked = list(dict.fromkeys(user_ids))
        return await self._parties({user: number == 0 for number, user in enumerate(asked)})

    async def joined(self, user_ids: Collection[str]) -> dict[str, Party]:
        """Several who are in a room."""
        return await self._parties(dict.fromkeys(user_ids, True))

    async def _parties(self, joined: Mapping[str, bool]) -> dict[str, Party]:
        found = await self._facts.accounts(list(joined)) if joined else {}
        days: dict[str, date] = {}
        parties = {}
        for user_id, is_joined in joined.items():
            account = found[user_id]
            if user_id == self._staff_bot:
                parties[user_id] = Party(None, joined=is_joined, staff_bot=True)
            elif account is None and not self._api.is_mine(user_id):
                peer = await self._facts.peer_server(server_of(user_id))
                parties[user_id] = Party(
                    None, joined=is_joined, peer=None if peer is None else peer.role_pairs
                )
            else:
                parties[user_id] = self._party(account, is_joined, days)
        return parties

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
        parties = await self._parties(joined)
        return {
            user_id: party
            for user_id, party in parties.items()
            if party.account is not None
            or user_id in self._operators
            or not self._api.is_mine(user_id)
        }
