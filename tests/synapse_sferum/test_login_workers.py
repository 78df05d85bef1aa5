"""Sign-in on a worker, and a badge that a worker writes: PostgreSQL, Redis, a main process and a worker."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from synapse_sferum.badge import FIELD, badge
from synapse_sferum.login_budget import BURST
from synapse_sferum.model import Role
from tests.support.accounts import PASSWORD
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.http import Api
from tests.support.polling import until
from tests.support.rosters import small_school
from tests.support.school import School
from tests.synapse_sferum.test_login import CLIENT, Logins, user

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def logins(homeserver: Fleet) -> Iterator[Logins]:
    server = homeserver(
        module={"operator_users": ["@operator:school.test"], "poll_interval_s": 0.05},
        overrides=NO_RATE_LIMITS,
        workers=1,
        run_background_tasks_on="worker1",
    )
    until(lambda: "sferum is ready" in server.log_text(), what="the tables", deadline_s=30)
    school = School(server, "workers")
    found = Logins(server, school)
    school.create()
    school.apply(small_school())
    found.contacts(school.sign_in("P1").user_id, "75001000001", "anna@example.org")
    school.settle()
    yield found
    server.stop()


def login(api: Api, name: str, password: str = PASSWORD) -> int:
    """The status of one try on one process."""
    body = {"type": "m.login.password", "password": password, "identifier": user(name)}
    return api.request("POST", f"{CLIENT}/login", json=body).status


def test_a_worker_writes_badges(logins: Logins) -> None:
    """Profiles are written by the main process, for the worker that fills the rooms; PostgreSQL keeps the field."""
    user_id, token = logins.school.accounts["P1"], logins.school.token("P1")
    for process in logins.server.processes:
        found = process.api.call("GET", f"{CLIENT}/profile/{quote(user_id)}", token)
        assert found[FIELD] == badge({Role.STUDENT})


def test_names_are_read_on_every_process(logins: Logins) -> None:
    """A phone and an e-mail sign in on the main process and on the worker."""
    for process in logins.server.processes:
        for name in ("8 500 100-00-01", "ANNA@example.org", logins.school.accounts["P1"]):
            assert login(process.api, name) == 200, process.name


def test_each_process_counts_for_itself(logins: Logins) -> None:
    """Tries used up on the worker are still there on the main process: the proxy sends /login to one (login.md)."""
    main, worker = (process.api for process in logins.server.processes)
    for _ in range(BURST):
        assert login(worker, "85001000001", "a-wrong-password") == 403
    assert login(worker, "anna@example.org") == 403
    assert login(main, "anna@example.org") == 200
