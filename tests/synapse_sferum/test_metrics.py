"""What Prometheus reads of a school: figures by stable words, and nothing of anybody."""

from __future__ import annotations

import re

import pytest

from tests.support.configuration import NO_RATE_LIMITS, listener
from tests.support.fleet import Fleet
from tests.support.http import Api
from tests.support.polling import until
from tests.support.process import free_port
from tests.support.rosters import everyone, small_school
from tests.support.school import School


@pytest.mark.integration
def test_figures_without_people(homeserver: Fleet) -> None:
    """Jobs, lag, rooms, people by status, decisions and actions are there; no id, name or address of a person is."""
    metrics, port = free_port(), free_port()
    listeners = [listener(port, "client", "openid"), listener(metrics, "metrics")]
    server = homeserver(
        module={},
        overrides={**NO_RATE_LIMITS, "enable_metrics": True, "listeners": listeners},
        start=False,
    )
    server.main.port, server.main.api = port, Api(f"http://127.0.0.1:{port}")
    server.start()
    school = School(server, "figures")
    school.create()
    school.apply(small_school())
    pupil = school.sign_in("P1")
    school.activate_all(one for one in everyone(small_school()) if one != "P1")
    school.settle()
    refused = server.request(
        "POST",
        "/_matrix/client/v3/createRoom",
        pupil.access_token,
        {"invite": [school.accounts["P2"]]},
    )
    assert refused.status == 403
    read = Api(f"http://127.0.0.1:{metrics}")

    def figures() -> dict[str, float]:
        text = read.request("GET", "/_synapse/metrics").body.decode()
        lines = [line for line in text.splitlines() if line.startswith("sferum_")]
        found = {name: float(value) for name, _, value in (x.rpartition(" ") for x in lines)}
        return found if found.get('sferum_people{status="active"}') == 17 else {}

    found = until(figures, what="the gauges' next reading", deadline_s=40)

    assert found['sferum_managed_rooms{state="ready"}'] == 9
    assert found['sferum_jobs{state="dead"}'] == 0
    assert found["sferum_reconcile_lag_seconds"] == 0
    assert found['sferum_room_actions_total{action="CreateRoom"}'] == 9
    assert any(n.startswith("sferum_decisions_total{") and v for n, v in found.items())
    people = [user_id[1:].partition(":")[0] for user_id in school.accounts.values()]
    anybody = re.compile("|".join([*people, "Фамилия", "@", "!", r"\d{10}"]))
    assert not [name for name in found if anybody.search(name)]
    read.close()
