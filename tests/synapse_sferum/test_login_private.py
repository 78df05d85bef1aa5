"""The contract of `private` for sign-in and the badge: Synapse's private names are what we take them for."""

from __future__ import annotations

import inspect
import sqlite3

import pytest
from synapse.handlers.auth import AuthHandler, PasswordAuthProvider, login_id_phone_to_thirdparty
from synapse.handlers.profile import ProfileHandler
from synapse.module_api import ModuleApi
from synapse.storage.databases.main.profile import ProfileWorkerStore

from tests.support.template import sqlite_template


def source(thing: object) -> str:
    return inspect.getsource(thing)  # type: ignore[arg-type] # classes and functions


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type] # callables


def test_synapse_looks_at_passwords_in_one_place() -> None:
    """Only `_validate_userid_login` calls `_check_local_password`, after the callbacks, and through the instance."""
    assert parameters(AuthHandler._check_local_password) == ["self", "user_id", "password"]
    assert source(AuthHandler).count("_check_local_password(") == 2  # the definition and this call
    validate = source(AuthHandler._validate_userid_login)
    assert "await self._check_local_password(" in validate
    assert validate.index("password_auth_provider.check_auth(") < validate.index("_check_local_pas")


def test_every_way_to_give_a_password_passes_the_callbacks() -> None:
    """/login and user-interactive auth both end in `validate_login`, which asks for threepids and for names."""
    assert "self.validate_login(authdict, is_reauth=True)" in source(AuthHandler._check_auth_dict)
    login = source(AuthHandler.validate_login)
    assert "self.check_password_provider_3pid(" in login
    assert "self._validate_userid_login(username, login_submission)" in login
    assert "get_user_id_by_threepid(" in login  # what `check_threepid` leaves to `check_user`


def test_a_threepid_that_synapse_knows_is_looked_up_as_it_came() -> None:
    """After our no for a threepid Synapse looks for exactly (medium, address), as `_is_found_by_synapse` does."""
    login = source(AuthHandler.validate_login)
    ours = login.index("self.check_password_provider_3pid(medium, address, password)")
    theirs = login.index("get_user_id_by_threepid(\n                medium, address\n")
    assert ours < theirs
    assert "address =" not in login[ours:theirs]
    assert "phone_number_to_msisdn" in source(login_id_phone_to_thirdparty)


def test_a_callback_that_raises_is_logged_and_passed_over() -> None:
    """An error of ours would be written to the log with its text, so `Login._closed` lets none out."""
    for function in (PasswordAuthProvider.check_auth, PasswordAuthProvider.check_3pid_auth):
        assert '"Failed to run module API callback %s: %s", callback, e' in source(function)


def test_password_hashes() -> None:
    """Finding, checking and making hashes take what we give them; a missing hash is no, at once."""
    assert parameters(AuthHandler._find_user_id_and_pwd_hash) == ["self", "user_id"]
    assert "get_users_by_id_case_insensitive" in source(AuthHandler._find_user_id_and_pwd_hash)
    assert parameters(AuthHandler.validate_hash) == ["self", "password", "stored_hash"]
    assert parameters(AuthHandler.hash) == ["self", "password"]
    assert "defer_to_thread" in source(AuthHandler.validate_hash)


def test_profile_fields() -> None:
    """Custom fields are read and written where we do it; `ModuleApi.set_displayname` shows the same call."""
    wanted = ["self", "target_user", "requester", "field_name", "new_value", "by_admin"]
    assert parameters(ProfileHandler.dispatch_set_profile_field)[:6] == wanted
    wanted.remove("new_value")
    assert parameters(ProfileHandler.dispatch_delete_profile_field) == wanted
    assert "dispatch_set_profile_field(" in source(ModuleApi.set_displayname)
    assert parameters(ProfileWorkerStore.get_profile_fields) == ["self", "user_id"]


@pytest.mark.integration
def test_the_table_of_contacts() -> None:
    """`user_threepids` has the columns we read, and one owner per contact."""
    connection = sqlite3.connect(f"file:{sqlite_template()}?mode=ro", uri=True)
    try:
        rows = connection.execute("PRAGMA table_info(user_threepids)").fetchall()
        indices = connection.execute("PRAGMA index_list(user_threepids)").fetchall()
        unique = [
            {column[2] for column in connection.execute(f"PRAGMA index_info({index[1]})")}
            for index in indices
            if index[2]
        ]
    finally:
        connection.close()
    assert {"user_id", "medium", "address"} <= {row[1] for row in rows}
    assert {"medium", "address"} in unique
