"""The test servers themselves: they start, survive a power cut, and say why when they cannot start."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.fleet import Fleet
from tests.support.process import StartError
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stock(homeserver: Fleet) -> Iterator[Homeserver]:
    """One closed Synapse without our module."""
    with homeserver() as server:
        yield server


def test_a_server_starts_fast_from_the_template(stock: Homeserver) -> None:
    """A start takes seconds, not the minute that Synapse's background updates need on an empty database."""
    assert stock.start_seconds < 30
    with closing(sqlite3.connect(stock.directory / "homeserver.db")) as database:
        assert database.execute("SELECT count(*) FROM background_updates").fetchone() == (0,)


def test_an_account_can_be_made_and_signs_in_again(stock: Homeserver) -> None:
    """Registration gives a working token, and the password gives a second device."""
    account = stock.register("anna")
    again = stock.login("anna")
    assert account.user_id == "@anna:school.test"
    assert account.device_id != again.device_id
    whoami = stock.call("GET", "/_matrix/client/v3/account/whoami", again.access_token)
    assert whoami["user_id"] == account.user_id


def test_an_administrator_of_the_server_may_use_the_admin_api(stock: Homeserver) -> None:
    """`admin=True` opens Synapse's admin API, an ordinary account gets M_FORBIDDEN."""
    admin = stock.register("operator", admin=True)
    other = stock.register("boris")
    path = f"/_synapse/admin/v2/users/{other.user_id}"
    assert stock.request("GET", path, admin.access_token).status == 200
    refusal = stock.request("GET", path, other.access_token)
    assert (refusal.status, refusal.errcode) == (403, "M_FORBIDDEN")


def test_data_survives_a_power_cut(homeserver: Fleet) -> None:
    """An account made just before SIGKILL is there after the restart, on the same address."""
    with homeserver() as server:
        url, account = server.url, server.register("vera")
        server.kill()
        assert not server.main.server.running
        server.restart()
        assert server.url == url
        assert server.login("vera").user_id == account.user_id


def test_two_servers_do_not_share_anything(homeserver: Fleet, stock: Homeserver) -> None:
    """Each server has its own database, key and ports."""
    with homeserver(server_name="other.test") as other:
        stock.register("galina")
        assert other.register("galina").user_id == "@galina:other.test"
        assert other.url != stock.url


def test_a_server_that_cannot_start_says_why(homeserver: Fleet) -> None:
    """The error of a bad setting ends with Synapse's own message, not with a time-out."""
    server = homeserver(overrides={"default_room_version": "no-such-version"}, start=False)
    with pytest.raises(StartError, match="no-such-version"):
        server.start()


def test_postgres_can_stand_in_for_sqlite(homeserver: Fleet) -> None:
    """The same server runs on PostgreSQL, in a database of its own."""
    with homeserver(postgres=True) as server:
        server.register("dina")
        database = server.config["database"]["args"]["dbname"]
        assert homeserver.cluster.execute("SELECT name FROM users", database) == [
            ("@dina:school.test",)
        ]


_from_the_test_before: list[Homeserver] = []


@pytest.mark.parametrize("turn", ["first", "second"])
def test_servers_of_a_test_end_with_it(homeserver: Fleet, stock: Homeserver, turn: str) -> None:
    """The second turn finds the first one's server stopped, and the module's own still running."""
    if turn == "first":
        _from_the_test_before.append(homeserver())
        assert _from_the_test_before[0].main.server.running
    else:
        assert not _from_the_test_before[0].main.server.running
    assert stock.main.server.running
