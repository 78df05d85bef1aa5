"""Accounts: made, signed in (passwords stay Synapse's, who may try is ours), and fields of their profiles (MSC4133)."""

from __future__ import annotations

from typing import Any

from synapse.api.errors import StoreError
from synapse.module_api import ModuleApi
from synapse.types import UserID, create_requester


async def register_account(api: ModuleApi, user_id: str, name: str) -> None:
    """A new account without a password.

    `ModuleApi.register_user` refuses the sender of an application service, which is what the bridge's account is.
    """
    await api._hs.get_registration_handler().register_with_store(
        user_id=user_id, create_profile_with_displayname=name
    )


async def lift_rate_limits(api: ModuleApi, user_id: str) -> None:
    """From now on none of Synapse's limits on events, invitations and joins holds this account back.

    As `POST /_synapse/admin/v1/users/{user_id}/override_ratelimit` does it; the module API's own callback reaches
    the limits of invitations only.
    """
    store = api._hs.get_datastores().main
    await store.set_ratelimit_for_user(user_id, messages_per_second=0, burst_count=0)


class Passwords:
    """Synapse's own password hashes, with its pepper and bcrypt."""

    def __init__(self, api: ModuleApi) -> None:
        self._handler = api._hs.get_auth_handler()

    async def find(self, user_id: str) -> tuple[str, str | None] | None:
        """(user id as it is written, hash or None when there is no password); None for no such user. Any case."""
        return await self._handler._find_user_id_and_pwd_hash(user_id)

    async def match(self, password: str, stored: str) -> bool:
        """Whether this password has this hash. Takes as long as `bcrypt_rounds` wants, in a thread."""
        return await self._handler.validate_hash(password, stored)

    async def hash(self, password: str) -> str:
        """The hash of a password; a new one each time."""
        return await self._handler.hash(password)

    def take_over(self) -> None:
        """Make Synapse's own check say no to everybody.

        After a module's no, `AuthHandler._validate_userid_login` asks the local database as well: the password would be
        looked at twice for those who exist and once for those who do not, and past every limit of the module.
        """

        async def nobody(user_id: str, password: str) -> None:
            del user_id, password

        self._handler._check_local_password = nobody  # type: ignore[method-assign]


async def profile_field(api: ModuleApi, user: UserID, name: str) -> object:
    """A custom field of one of our users, None when it is not set."""
    store = api._hs.get_datastores().main
    try:
        return (await store.get_profile_fields(user)).get(name)
    except StoreError as error:
        if error.code != 404:  # no profile at all, as after an erasure
            raise
        return None


async def set_profile_field(
    api: ModuleApi, user: UserID, name: str, value: dict[str, Any] | None
) -> None:
    """Write a custom field, or take it away with None; on whichever process writes profiles."""
    handler, requester = api._hs.get_profile_handler(), create_requester(user)
    if value is None:
        await handler.dispatch_delete_profile_field(
            target_user=user, requester=requester, field_name=name, by_admin=True
        )
    else:
        await handler.dispatch_set_profile_field(
            target_user=user, requester=requester, field_name=name, new_value=value, by_admin=True
        )
