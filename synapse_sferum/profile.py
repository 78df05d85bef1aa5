"""What the school writes into a profile: the name of the list and the role badge (docs/contracts.md §3, §4).

Members cannot write either: the guard's rule `own_profile` refuses, and `enable_set_displayname` is off.
"""

from __future__ import annotations

from attrs import frozen
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.types import UserID

from synapse_sferum.badge import FIELD, badge
from synapse_sferum.model import Role, UserId
from synapse_sferum.private.accounts import profile_field, set_profile_field
from synapse_sferum.rows import accounts_txn


@frozen
class Wanted:
    """What an account's profile should say. No name: the account is of no active person, the old name stays."""

    display_name: str | None
    roles: frozenset[Role]


def wanted_txn(txn: LoggingTransaction, user_id: UserId) -> Wanted:
    """The name of the account's first active person, and the roles of all of them."""
    txn.execute(
        "SELECT family_name, given_name FROM sferum_people WHERE user_id = ?"
        " AND status = 'active' ORDER BY person_id LIMIT 1",
        (user_id,),
    )
    row = txn.fetchone()
    account = accounts_txn(txn, [user_id]).get(user_id)
    return Wanted(
        f"{row[0]} {row[1]}".strip() if row else None,
        frozenset() if account is None else account.roles,
    )


async def write_profile(api: ModuleApi, user_id: UserId) -> None:
    """Make a profile say what is wanted; what it says already is not written again (R21)."""
    if not api.is_mine(user_id):
        return
    wanted = await api.run_db_interaction("sferum_profile", wanted_txn, user_id)
    user = UserID.from_string(user_id)
    if wanted.display_name is not None:
        profile = await api.get_profile_for_user(user.localpart)
        if profile.display_name != wanted.display_name:
            await api.set_displayname(user, wanted.display_name)
    content = badge(wanted.roles)
    if await profile_field(api, user, FIELD) != content:
        await set_profile_field(api, user, FIELD, content)
