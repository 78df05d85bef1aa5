"""Three processes are one homeserver."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.accounts import Account
from tests.support.client import Client
from tests.support.fleet import Fleet
from tests.support.polling import until
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def deployment(homeserver: Fleet) -> Iterator[Homeserver]:
    """A main process and two workers; the second worker runs the background tasks."""
    with homeserver(workers=2, run_background_tasks_on="worker2") as server:
        yield server


def test_every_process_answers_on_its_own_address(deployment: Homeserver) -> None:
    """Main process and both workers are up and know each other's accounts."""
    account = deployment.register("anna")
    addresses = {process.url for process in deployment.processes}
    assert len(addresses) == 3
    for process in deployment.processes:
        whoami = process.api.call("GET", "/_matrix/client/v3/account/whoami", account.access_token)
        assert whoami["user_id"] == account.user_id


async def test_a_message_sent_on_one_worker_arrives_on_the_other(
    deployment: Homeserver, client: Callable[[Homeserver | str, Account], Client]
) -> None:
    """Boris sends on worker 1 while Vera waits in a sync on worker 2."""
    first, second = deployment.workers
    boris = client(first.url, deployment.register("boris"))
    vera = client(second.url, deployment.register("vera"))
    room_id = await boris.create_room(invite=[vera.account.user_id])
    await vera.join(room_id)
    await vera.sync()
    await boris.send(room_id, "Собрание в пять")
    message = await vera.until_message(room_id, "Собрание в пять")
    assert message.sender == boris.account.user_id


def test_one_worker_can_fall_and_come_back(deployment: Homeserver) -> None:
    """A killed worker leaves the others working, and answers again after its restart."""
    account = deployment.register("galina")
    first, second = deployment.workers
    first.server.kill()
    second.api.call("GET", "/_matrix/client/v3/account/whoami", account.access_token)
    first.server.start()
    first.wait_until_ready()
    until(
        lambda: (
            first.api.request("GET", "/_matrix/client/v3/sync", account.access_token).status == 200
        ),
        what="sync on the restarted worker",
    )
