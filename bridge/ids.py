"""Names of accounts: opaque, for ever (docs/contracts.md §4). Pure."""

from __future__ import annotations

import base64
from collections.abc import Callable

from bridge.roles import UserId


def new_localpart(random_bytes: Callable[[int], bytes]) -> str:
    """`u` + 8 characters of base32, 40 bits: two of 100,000 accounts meet by chance on one server of 200.

    So whoever picks one asks first whether it is free: the writer cannot tell it from an account it has made itself.
    """
    return "u" + base64.b32encode(random_bytes(5)).decode("ascii").lower()


def user_id_of(localpart: str, server_name: str) -> UserId:
    return UserId(f"@{localpart}:{server_name}")
