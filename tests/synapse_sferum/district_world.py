"""A district on loopback: a web server with its register, and schools whose servers follow it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import define, field
from signedjson.key import get_verify_key, read_signing_keys

from provisioning.district.draft import Draft, OperatorKey
from provisioning.district.draft import School as RegisterSchool
from provisioning.district.folder import Folder
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.http import Response
from tests.support.polling import until
from tests.support.rosters import small_school
from tests.support.school import API, School
from tests.support.synapse import Homeserver
from tests.synapse_sferum.district_values import (
    DISTRICT,
    anchor,
    b64,
    chain,
    data,
    document,
    key,
    signed,
)

CLIENT = "/_matrix/client/v3"


@define(eq=False)
class Web:
    """Serves `body` with an ETag, or the status `status` when that is not 200."""

    body: bytes = b""
    status: int = 404
    port: int = 0
    asked: int = 0
    unchanged: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/register.json"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked += 1
        etag = f'"{hash(self.body)}"'
        same = self.status == 200 and handler.headers.get("If-None-Match") == etag
        self.unchanged += same
        handler.send_response(304 if same else self.status)
        handler.send_header("ETag", etag)
        handler.send_header("Content-Length", "0" if same else str(len(self.body)))
        handler.end_headers()
        if not same:
            handler.wfile.write(self.body)


@contextmanager
def serving() -> Iterator[Web]:
    """A web server while the block runs."""
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.answer(self)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@define(eq=False)
class District:
    """The operator and the schools."""

    web: Web
    folder: Path
    schools: list[School] = field(factory=list)

    def join(self, fleet: Fleet, org_id: str) -> School:
        """A school with its server, prepared and not started: its name must be in the register first."""
        module = {
            "poll_interval_s": 0.05,
            "district": DISTRICT,
            "district_url": self.web.url,
            "district_key": f"ed25519:{b64(anchor())}",
            "district_cache_path": str(self.folder / f"{org_id}.json"),
            "district_interval_s": 5.0,
        }
        overrides = {"allow_profile_lookup_over_federation": True, **NO_RATE_LIMITS}
        server = fleet(federation=True, module=module, overrides=overrides, start=False)
        school = School(server, org_id)
        self.schools.append(school)
        return school

    def stop(self) -> None:
        """Every server: idle ones cost whoever comes after."""
        for school in self.schools:
            school.server.stop()

    def publish(
        self,
        serial: int,
        keys: Sequence[int] = (1,),
        *,
        entries: Sequence[dict[str, Any]] | None = None,
        name: str = "Округ",
        rooms: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Sign a register of all schools, or of `entries`, that is in time now, and serve it."""
        now_s = int(time.time())
        unsigned = document(
            serial=serial,
            name=name,
            rooms=list(rooms),
            schools=[entry(school.server) for school in self.schools]
            if entries is None
            else entries,
            issued=now_s - 60,
            expires=now_s + 86_400,
        )
        self.web.body, self.web.status = data(signed(unsigned, keys)), 200


def entry(server: Homeserver) -> dict[str, Any]:
    """A server as the register names it, with the key it really has."""
    with (server.directory / "signing.key").open() as file:
        (own,) = read_signing_keys(file)
    found = get_verify_key(own)
    return {
        "server_name": server.server_name,
        "name": "Школа",
        "contact": "канцелярия",
        "keys": {f"ed25519:{own.version}": b64(bytes(found))},
    }


def begin_folder(district: District, path: Path, keys: Sequence[int], *, serial: int) -> Folder:
    """The operator's folder of this district: the schools with their addresses, the keys, the last serial used."""
    folder = Folder(path)
    folder.begin()
    for number, seed in enumerate(keys, start=1):
        folder.make_key(number, key(seed))
    schools = {
        school.server.server_name: RegisterSchool(**entry(school.server), address=school.server.url)
        for school in district.schools
    }
    links = tuple(OperatorKey(link["key"], link.get("signature", "")) for link in chain(keys))
    folder.write(
        Draft(district=DISTRICT, name="Округ", serial=serial, schools=schools, operator_keys=links)
    )
    return folder


def open_school(school: School) -> None:
    """Import the list and sign in a teacher, the director, a pupil and a parent, who are in their rooms already.

    Whoever is on the way into a room is invited to it for a moment.
    """
    school.create()
    school.apply(small_school())
    school.sign_in_all(["D1", "T1", "P1", "G1"])
    school.settle()


def standing(school: School) -> dict[str, Any]:
    """How the register stands there."""
    found: dict[str, Any] = school.server.call("GET", f"{API}/health", school.server.service_token)[
        "district"
    ]
    return found


def until_standing(school: School, **wanted: Any) -> None:
    """Wait until the school's /health says all of this of the register."""

    def is_so() -> bool:
        found = standing(school)
        return all(found[name] == value for name, value in wanted.items())

    until(is_so, what=f"{school.org_id} to have {wanted}", deadline_s=40)


def ask(school: School, who: str, method: str, path: str, json: Any = None) -> Response:
    """A request of one of the school's people."""
    return school.server.request(method, CLIENT + path, school.token(who), json)


def invites(school: School, who: str) -> set[str]:
    """Rooms somebody is invited to."""
    found = ask(school, who, "GET", "/sync?timeout=0").json
    return set(found.get("rooms", {}).get("invite", {}))


def make_room(school: School, who: str, *invited: str) -> Response:
    """A room of somebody with others."""
    return ask(school, who, "POST", "/createRoom", {"invite": list(invited)})


def join_room(school: School, who: str, room_id: str) -> Response:
    return ask(school, who, "POST", f"/join/{quote(room_id)}", {})


def write(school: School, who: str, room_id: str, text: str) -> Response:
    body = {"msgtype": "m.text", "body": text}
    return ask(
        school, who, "PUT", f"/rooms/{quote(room_id)}/send/m.room.message/{quote(text)}", body
    )


def texts(school: School, who: str, room_id: str) -> list[str]:
    """Messages somebody reads in a room, newest first."""
    found = ask(school, who, "GET", f"/rooms/{quote(room_id)}/messages?dir=b&limit=20")
    if found.status != 200:
        return []
    return [event["content"].get("body", "") for event in found.json["chunk"]]
