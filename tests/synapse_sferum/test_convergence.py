"""Any sequence of changes ends in the rooms that the rules give, on a real server; what people made is not touched."""

from __future__ import annotations

import random  # noqa: TID251 - seeded: every run makes the same changes
from urllib.parse import quote

import pytest

from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.oracle import actual_rooms, expected_rooms
from tests.support.rosters import everyone, small_school
from tests.support.school import School, newest_event, state_of
from tests.support.year import Year

CLIENT = "/_matrix/client/v3"
ROUNDS = 6
CHANGES = 4


@pytest.mark.integration
def test_any_sequence_of_changes_converges(homeserver: Fleet) -> None:
    """After each handful of random changes every room holds whom the rules name; a second look writes nothing."""
    server = homeserver(
        module={"apply_rate": 500.0, "poll_interval_s": 0.05}, overrides=NO_RATE_LIMITS
    )
    school = School(server, "chance")
    school.create()
    school.apply(small_school())
    teacher, pupil = school.sign_in("T1"), school.sign_in("P1")
    school.activate_all(one for one in everyone(small_school()) if one not in {"T1", "P1"})
    school.settle()
    own_room = server.call(
        "POST",
        f"{CLIENT}/createRoom",
        teacher.access_token,
        {"invite": [pupil.user_id], "name": "Кружок"},
    )["room_id"]
    server.call("POST", f"{CLIENT}/rooms/{quote(own_room)}/join", pupil.access_token, {})
    before = state_of(server, own_room, teacher.access_token)
    year = Year(school, random.Random(86))  # noqa: S311 - not a secret

    for _ in range(ROUNDS):
        story = [year.change() for _ in range(CHANGES)]
        school.settle()
        assert actual_rooms(school) == expected_rooms(school), story
        written = newest_event(server)
        school.call("POST", "/reconcile", {})
        assert school.settle()["jobs"]["dead"] == 0
        assert newest_event(server) == written, story

    school.call("POST", f"/people/{school.person_id('T1')}/activate", {})
    school.settle()
    after = state_of(server, own_room, teacher.access_token)
    assert after == before
