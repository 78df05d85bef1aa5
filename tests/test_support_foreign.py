"""Two stock Synapses federate over loopback, so that what our module closes was open before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.accounts import Account
from tests.support.client import Client
from tests.support.fleet import Fleet
from tests.support.foreign import ForeignServer
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def ours(homeserver: Fleet) -> Iterator[Homeserver]:
    """Our server without the module and open to everybody."""
    with homeserver(federation=True, overrides={"federation_domain_whitelist": None}) as server:
        yield server


@pytest.fixture(scope="module")
def theirs(homeserver: Fleet) -> ForeignServer:
    """Somebody else's server."""
    return homeserver.foreign()


async def test_a_stranger_joins_and_writes(
    ours: Homeserver, theirs: ForeignServer, client: Callable[[Homeserver | str, Account], Client]
) -> None:
    """Without our module an invited user of another server joins a room and is heard there."""
    anna = client(ours, ours.register("anna"))
    stranger = client(theirs.homeserver, theirs.homeserver.register("stranger"))
    room_id = await anna.create_room(invite=[stranger.account.user_id])
    await stranger.sync_until(
        lambda sync: room_id in sync.rooms.invite, what="invite", deadline_s=30
    )
    await stranger.join(room_id)
    await stranger.send(room_id, "Здравствуйте")
    message = await anna.until_message(room_id, "Здравствуйте", deadline_s=30)
    assert message.sender == stranger.account.user_id


def test_a_signed_request_is_believed(ours: Homeserver, theirs: ForeignServer) -> None:
    """A request signed with the foreign server's key passes our server's signature check."""
    user_id = ours.register("boris").user_id
    answer = theirs.signed_request(ours, "GET", f"/_matrix/federation/v1/user/devices/{user_id}")
    assert answer.status == 200
    assert answer.json["user_id"] == user_id


def test_a_transaction_can_carry_anything(ours: Homeserver, theirs: ForeignServer) -> None:
    """A body is signed too: an empty transaction is accepted."""
    body = {"origin": theirs.server_name, "origin_server_ts": 1, "pdus": [], "edus": []}
    answer = theirs.signed_request(ours, "PUT", "/_matrix/federation/v1/send/1", body)
    assert (answer.status, answer.json) == (200, {"pdus": {}})


def test_a_lie_about_the_sender_is_refused(ours: Homeserver, theirs: ForeignServer) -> None:
    """Claiming to be another server fails: the key is not that server's."""
    answer = theirs.signed_request(
        ours, "GET", "/_matrix/federation/v1/user/devices/@boris:x", origin=ours.server_name
    )
    assert answer.status == 401


def test_the_closed_configuration_refuses_every_server(
    homeserver: Fleet, theirs: ForeignServer
) -> None:
    """With the whitelist of homeserver.yaml.example even a correctly signed request gets 403."""
    with homeserver(federation=True) as closed:
        answer = theirs.signed_request(closed, "GET", "/_matrix/federation/v1/user/devices/@anna:x")
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
