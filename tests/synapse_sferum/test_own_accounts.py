"""The accounts that are nobody's at school: made at start, without a password, through an application service only."""

from __future__ import annotations

import pytest

from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

ADMIN = "/_synapse/admin"


@pytest.fixture(scope="module")
def server(homeserver: Fleet) -> Homeserver:
    made = homeserver(appservice=True, module={"poll_interval_s": 0.05}, overrides=NO_RATE_LIMITS)
    made.wait_for_own_accounts()
    return made


def test_both_are_made(server: Homeserver) -> None:
    """The bridge's account is a server administrator, the bot is not; both have a name."""
    for user_id, admin in ((server.bridge_user, True), (server.staff_bot, False)):
        found = server.call("GET", f"{ADMIN}/v2/users/{user_id}", server.as_token)
        assert (found["admin"], found["deactivated"], bool(found["displayname"])) == (
            admin,
            False,
            True,
        )
