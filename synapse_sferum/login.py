"""One name and one password in every client, whatever the client makes of the name (R18).

Element Web, Element X, FluffyChat, Cinny and Nheko each send something else for the same phone; the table is
reference/onboarding.md §1 and §4. Synapse hands every password to the two callbacks here: of /login, and of calls that
ask for it again (user-interactive auth). Its own check is switched off, or it would be asked after every no of ours.

The answer never tells whether somebody exists: whoever is unknown, has left, is not let in yet (R16, R29) or has no
tries left gets the 403 of a wrong password, after the same work.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

from synapse.module_api import ModuleApi

from synapse_sferum.config import Config
from synapse_sferum.facts import Facts
from synapse_sferum.login_budget import Budgets
from synapse_sferum.login_log import hide_typed_names
from synapse_sferum.login_name import LoginName, Medium, read_name, read_threepid
from synapse_sferum.private.accounts import Passwords
from synapse_sferum.private.tables import owner_of_threepid_txn

logger = logging.getLogger(__name__)

#: A callback's yes: the user id, and no further callback. None is its no.
Answer = tuple[str, None] | None

#: People of a large server. About 200 bytes each; a key is forgotten when it was not asked about for longest.
_MOST_PEOPLE: Final = 50_000
#: Names that belong to nobody, kept apart: a flood of them must not push people out.
_MOST_STRANGERS: Final = 10_000


class Login:
    """The two callbacks, and what they share.

    Budgets are in the memory of each process: writing every stranger's attempt into the database would let strangers
    write as fast as they like. Several processes that answer /login multiply the tries; docs/flows/login.md says how
    the proxy sends /login to one.

    Args:
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(
        self,
        api: ModuleApi,
        config: Config,
        facts: Facts,
        service_user: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._api, self._config, self._facts = api, config, facts
        self._service_user, self._now_ms = service_user, now_ms
        self._passwords = Passwords(api)
        self._people, self._strangers = Budgets(_MOST_PEOPLE), Budgets(_MOST_STRANGERS)
        self._nobodys_hash: str | None = None

    def register(self) -> None:
        """Hand the callbacks to Synapse, switch its own check off and its log lines down.

        Call once, in the module's constructor, in every process.
        """
        hide_typed_names()
        self._passwords.take_over()
        self._api.register_password_auth_provider_callbacks(
            check_3pid_auth=self.check_threepid,
            auth_checkers={("m.login.password", ("password",)): self.check_user},
        )

    async def check_user(self, username: str, login_type: str, given: dict[str, Any]) -> Answer:
        """An `m.id.user`, raw as typed; also what Synapse has made of a threepid that it knows."""
        del login_type  # only this one is registered
        name = read_name(username, self._api.server_name, self._config.phone_region)
        return await self._closed(name, given.get("password"))

    async def check_threepid(self, medium: str, address: str, password: str) -> Answer:
        """An `m.id.thirdparty`, or an `m.id.phone` that Synapse has turned into one.

        When the address is one that Synapse finds by itself, it goes on to `check_user` with the owner after our no:
        then the password is looked at there, once.
        """
        if await self._is_found_by_synapse(medium, address):
            return None
        return await self._closed(
            read_threepid(medium, address, self._config.phone_region), password
        )

    async def _is_found_by_synapse(self, medium: object, address: object) -> bool:
        if not isinstance(medium, str) or not isinstance(address, str):
            return False
        owner = await self._api.run_db_interaction(
            "sferum_login_found", owner_of_threepid_txn, medium, address
        )
        return owner is not None

    async def _closed(self, name: LoginName | None, password: object) -> Answer:
        """Refuse when anything breaks. Synapse would log the error with what was typed, and go on."""
        try:
            return await self._check(name, password)
        except Exception as failure:
            logger.warning("password refused reason=broken kind=%s", type(failure).__name__)
            return None

    async def _check(self, name: LoginName | None, password: object) -> Answer:
        if not isinstance(password, str):
            return None
        nobodys = await self._hash_of_nobody()
        user_id, stored = await self._find(name)
        refused = await self._refusal(user_id, stored)
        budgets = self._strangers if user_id is None else self._people
        key = user_id or (f"{name.medium.value} {name.address}" if name else "")
        if not budgets.spend(key, self._now_ms() / 1000):
            refused = "budget"
        # Always one bcrypt: the time tells nothing about who exists.
        matches = await self._passwords.match(password, nobodys if refused else stored or nobodys)
        if refused is None and not matches:
            refused = "password"
        if refused is not None or user_id is None:
            logger.info("password refused user=%s reason=%s", user_id, refused)
            return None
        budgets.give_back(key, self._now_ms() / 1000)
        return user_id, None

    async def _find(self, name: LoginName | None) -> tuple[str | None, str | None]:
        """User id and password hash; (None, None) for nobody."""
        if name is None:
            return None, None
        user_id: str | None = name.address
        if name.medium is not Medium.USER:
            user_id = await self._api.run_db_interaction(
                "sferum_login", owner_of_threepid_txn, name.medium.value, name.address
            )
        found = None if user_id is None else await self._passwords.find(user_id)
        return found or (None, None)

    async def _refusal(self, user_id: str | None, stored: str | None) -> str | None:
        if user_id is None:
            return "unknown"
        if not stored:
            return "no_password"
        if user_id == self._service_user or user_id in self._config.operator_users:
            return None
        return None if await self._facts.account(user_id) is not None else "no_active_person"

    async def _hash_of_nobody(self) -> str:
        """A password nobody has, hashed as dear as a real one; made at the first attempt, whoever makes it."""
        if self._nobodys_hash is None:
            self._nobodys_hash = await self._passwords.hash(secrets.token_urlsafe())
        return self._nobodys_hash
