"""The accounts that are nobody's at school: the service user, the bridge's administrator, the bot of the staff.

None of them has a password, so nobody signs in as one with a password; the bridge uses the last two through its
application service (docs/contracts.md §2).
"""

from __future__ import annotations

import logging

from attrs import frozen
from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_sferum.config import Config
from synapse_sferum.events import SERVICE_LOCALPART
from synapse_sferum.model import UserId
from synapse_sferum.private.accounts import lift_rate_limits, register_account

logger = logging.getLogger(__name__)

#: Display names: what people see in a room. The bridge's administrator is in none.
SERVICE_NAME, BRIDGE_NAME, BOT_NAME = "Школа", "Страницы регистрации", "Помощник школы"


@frozen(kw_only=True)
class OwnAccounts:
    """User ids; None for those that homeserver.yaml does not name."""

    service_user: UserId
    bridge_user: UserId | None
    staff_bot: UserId | None

    @property
    def everyone(self) -> frozenset[str]:
        """All of them: no person may have one of these accounts."""
        found = (self.service_user, self.bridge_user, self.staff_bot)
        return frozenset(user_id for user_id in found if user_id is not None)


def own_accounts(api: ModuleApi, config: Config) -> OwnAccounts:
    """The accounts of this server."""

    def qualified(localpart: str) -> UserId | None:
        return UserId(api.get_qualified_user_id(localpart)) if localpart else None

    return OwnAccounts(
        service_user=UserId(api.get_qualified_user_id(SERVICE_LOCALPART)),
        bridge_user=qualified(config.bridge_user),
        staff_bot=qualified(config.staff_bot),
    )


async def make_own_accounts(api: ModuleApi, accounts: OwnAccounts) -> None:
    """Make those that are missing; the bridge's is a server administrator and stays one."""
    await _make(api, accounts.service_user, SERVICE_NAME)
    # It invites as fast as people come in: on 1 September that is more than any person may write.
    await lift_rate_limits(api, accounts.service_user)
    await _make(api, accounts.staff_bot, BOT_NAME)
    await _make(api, accounts.bridge_user, BRIDGE_NAME, admin=True)


async def _make(api: ModuleApi, user_id: UserId | None, name: str, *, admin: bool = False) -> None:
    if user_id is None:
        return
    if await api.check_user_exists(user_id) is None:
        await register_account(api, user_id, name)
        if admin:
            # Not with the registration: who asked too early is remembered as no administrator, until this call.
            await api.set_user_admin(user_id, True)
        logger.info("account of our own made user=%s admin=%s", user_id, admin)
        return
    if await api.run_db_interaction("sferum_own_account", _is_a_persons_txn, user_id):
        # A typing error in homeserver.yaml must not make a pupil a server administrator.
        logger.error("account of our own is a person's, nothing is given to it user=%s", user_id)
    elif admin and not await api.is_user_admin(user_id):
        await api.set_user_admin(user_id, True)
        logger.warning("account of our own is a server administrator again user=%s", user_id)


def _is_a_persons_txn(txn: LoggingTransaction, user_id: str) -> bool:
    txn.execute("SELECT 1 FROM sferum_people WHERE user_id = ? LIMIT 1", (user_id,))
    return txn.fetchone() is not None
