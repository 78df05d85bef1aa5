"""Test accounts on a real Synapse, made with the shared secret that only test configurations have."""

from __future__ import annotations

import hmac
from hashlib import sha1

from attrs import field, frozen

from tests.support.http import Api

#: Any constant will do: the servers listen on loopback and live for minutes.
SHARED_SECRET = "registration-of-test-servers"
PASSWORD = "a-long-test-password"


@frozen
class Account:
    """Someone signed in on one device."""

    user_id: str
    access_token: str = field(repr=False)
    device_id: str
    password: str = field(repr=False)

    @property
    def localpart(self) -> str:
        return self.user_id[1:].partition(":")[0]


def register(api: Api, localpart: str, password: str = PASSWORD, *, admin: bool = False) -> Account:
    """Make an account through Synapse's shared-secret API and sign it in.

    Raises:
        HttpError: the localpart is taken or not allowed.
    """
    nonce = api.call("GET", "/_synapse/admin/v1/register")["nonce"]
    message = "\0".join((nonce, localpart, password, "admin" if admin else "notadmin"))
    mac = hmac.new(
        SHARED_SECRET.encode(), message.encode(), sha1
    ).hexdigest()  # sha1: Synapse's choice
    answer = api.call(
        "POST",
        "/_synapse/admin/v1/register",
        json={
            "nonce": nonce,
            "username": localpart,
            "password": password,
            "admin": admin,
            "mac": mac,
        },
    )
    return Account(answer["user_id"], answer["access_token"], answer["device_id"], password)


def login(
    api: Api, user: str, password: str = PASSWORD, *, device_id: str | None = None
) -> Account:
    """Sign in with a password; `user` is a localpart, a user id, or whatever the module understands.

    Raises:
        HttpError: refused.
    """
    answer = api.call(
        "POST",
        "/_matrix/client/v3/login",
        json={
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
            **({} if device_id is None else {"device_id": device_id}),
        },
    )
    return Account(answer["user_id"], answer["access_token"], answer["device_id"], password)


def login_as_service(
    api: Api, as_token: str, user_id: str, *, device_id: str | None = None
) -> Account:
    """Sign in an account of an application service's namespaces, without a password.

    Raises:
        HttpError: refused.
    """
    answer = api.call(
        "POST",
        "/_matrix/client/v3/login",
        as_token,
        {
            "type": "m.login.application_service",
            "identifier": {"type": "m.id.user", "user": user_id},
            **({} if device_id is None else {"device_id": device_id}),
        },
    )
    return Account(answer["user_id"], answer["access_token"], answer["device_id"], "")
