"""A real Synapse holds pushes in quiet hours, lets urgent ones pass, and rings once when they are over (R49)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.polling import until
from tests.support.push_gateway import Gateway, push_gateway
from tests.synapse_sferum.api_world import ApiSchool, World

pytestmark = pytest.mark.integration

ALWAYS = [{"weekdays": list(range(7)), "begins": "00:00", "ends": "00:00"}]
#: More than Synapse's pusher asks for at once.
A_NIGHT = 23


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with push_gateway() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def school(homeserver: Fleet, gateway: Gateway) -> Iterator[ApiSchool]:
    """P1 has a phone."""
    server = homeserver(
        module={"poll_interval_s": 0.05, "push_gateways": [gateway.url]},
        overrides={**NO_RATE_LIMITS, "ip_range_whitelist": ["127.0.0.1"]},
    )
    school = World(server).school("pushes", "D1", "T1", "P1")
    school.settle()
    answer = server.request(
        "POST", "/_matrix/client/v3/pushers/set", school.token("P1"), gateway.pusher()
    )
    assert answer.status == 200, answer.json
    yield school
    server.stop()


def say(school: ApiSchool, who: str, text: str, room: str, number: list[int]) -> str:
    number.append(len(number))
    path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/t{len(number)}"
    content = {"msgtype": "m.text", "body": text}
    answer = school.server.request("PUT", path, school.token(who), content)
    assert answer.status == 200, answer.json
    return str(answer.json["event_id"])


def test_a_night(school: ApiSchool, gateway: Gateway) -> None:
    """Rings before, not in the night but for «Срочно» after however many, and once afterwards, for the newest."""
    room, number = school.room_id("materials"), [0]
    first = say(school, "T1", "Добрый день", room, number)
    until(lambda: first in gateway.rang, what="a push by day")
    before = len(gateway.rang)
    school.do("PUT", "/quiet_hours", {"level": "school", "windows": ALWAYS}, "D1")
    for text in [str(one) for one in range(A_NIGHT)] + ["Срочно: это учитель"]:
        say(school, "T1", text, room, number)
    urgent = say(school, "D1", "Срочно! Завтра школа закрыта", room, number)
    until(lambda: urgent in gateway.rang, what="the director's push")
    assert gateway.rang[before:] == [urgent]
    school.do("PUT", "/quiet_hours", {"level": "school", "windows": None}, "D1")
    last = say(school, "T1", "Доброе утро", room, number)
    until(lambda: last in gateway.rang, what="a push by day again")
    assert gateway.rang[before:] == [urgent, last]


def test_a_gateway_that_is_away(school: ApiSchool, gateway: Gateway) -> None:
    """What is urgent and could not be sent goes with the next try, still in the quiet."""
    room, number = school.room_id("materials"), [0] * 100
    school.do("PUT", "/quiet_hours", {"level": "school", "windows": ALWAYS}, "D1")
    before, gateway.away = len(gateway.rang), True
    refused = gateway.refused
    urgent = say(school, "D1", "Срочно! Занятия отменены", room, number)
    until(lambda: gateway.refused > refused, what="a push refused")
    gateway.away = False
    say(school, "T1", "ещё", room, number)  # each message is a try, and without one a minute
    until(lambda: urgent in gateway.rang, what="the push after all")
    assert gateway.rang[before:] == [urgent]
