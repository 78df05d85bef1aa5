"""A real Synapse holds pushes in quiet hours, lets urgent ones pass, and rings once when they are over (R49)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from attrs import define, field

from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.polling import until
from tests.synapse_sferum.api_world import ApiSchool, World

pytestmark = pytest.mark.integration

PATH = "/_matrix/push/v1/notify"
ALWAYS = [{"weekdays": list(range(7)), "begins": "00:00", "ends": "00:00"}]


@define(eq=False)
class Gateway:
    """A push gateway that keeps which events rang; silent changes of the number on the icon are left out."""

    rang: list[str] = field(factory=list)
    url: str = ""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    kept = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            notification = json.loads(self.rfile.read(length))["notification"]
            if notification.get("event_id"):
                kept.rang.append(notification["event_id"])
            body = b'{"rejected": []}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}{PATH}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def school(homeserver: Fleet, gateway: Gateway) -> ApiSchool:
    """P1 has a phone."""
    server = homeserver(
        module={"poll_interval_s": 0.05, "push_gateways": [gateway.url]},
        overrides={**NO_RATE_LIMITS, "ip_range_whitelist": ["127.0.0.1"]},
    )
    school = World(server).school("pushes", "D1", "T1", "P1")
    school.settle()
    pusher = {
        "kind": "http",
        "app_id": "app",
        "app_display_name": "app",
        "device_display_name": "phone",
        "pushkey": "key",
        "lang": "ru",
        "data": {"url": gateway.url, "format": "event_id_only"},
    }
    answer = server.request("POST", "/_matrix/client/v3/pushers/set", school.token("P1"), pusher)
    assert answer.status == 200, answer.json
    return school


def say(school: ApiSchool, who: str, text: str, room: str, number: list[int]) -> str:
    number.append(len(number))
    path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/t{len(number)}"
    content = {"msgtype": "m.text", "body": text}
    answer = school.server.request("PUT", path, school.token(who), content)
    assert answer.status == 200, answer.json
    return str(answer.json["event_id"])


def test_a_night(school: ApiSchool, gateway: Gateway) -> None:
    """Rings before, not in the night but for «Срочно», and once afterwards, for the newest."""
    room, number = school.room_id("materials"), [0]
    first = say(school, "T1", "Добрый день", room, number)
    until(lambda: first in gateway.rang, what="a push by day")
    before = len(gateway.rang)
    school.do("PUT", "/quiet_hours", {"level": "school", "windows": ALWAYS}, "D1")
    for text in ("раз", "два", "Срочно: это учитель"):
        say(school, "T1", text, room, number)
    urgent = say(school, "D1", "Срочно! Завтра школа закрыта", room, number)
    until(lambda: urgent in gateway.rang, what="the director's push")
    assert gateway.rang[before:] == [urgent]
    school.do("PUT", "/quiet_hours", {"level": "school", "windows": None}, "D1")
    last = say(school, "T1", "Доброе утро", room, number)
    until(lambda: last in gateway.rang, what="a push by day again")
    assert gateway.rang[before:] == [urgent, last]
