"""Two schools on one server that federates with anybody, and a stranger: the world of the isolation tests.

School «А» has a director, two teachers, three pupils of 8Б (one unconfirmed), two of 9В and two parents; school
«Б» a director, a teacher and two pupils. Federation is open in the configuration on purpose: what is closed, the
module closes.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any
from urllib.parse import quote

from attrs import define, field

from tests.support.accounts import Account
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.foreign import ForeignServer
from tests.support.http import Response
from tests.support.polling import until
from tests.support.synapse import Homeserver

API = "/_synapse/client/sferum/v1"
CLIENT = "/_matrix/client/v3"

#: name in tests: (school, source id, family name, given name, birth date, roles)
PEOPLE: dict[str, tuple[str, str, str, str, str, list[str]]] = {
    "a_director": ("a", "A01", "Орлова", "Анна", "1970-01-01", ["director"]),
    "a_teacher": ("a", "A02", "Белова", "Вера", "1980-01-01", ["teacher"]),
    "a_other_teacher": ("a", "A03", "Громов", "Егор", "1980-01-01", ["teacher"]),
    "a1": ("a", "A10", "Иванов", "Пётр", "2008-01-01", ["student"]),
    "a2": ("a", "A11", "Соколова", "Мария", "2008-01-01", ["student"]),
    "a3": ("a", "A12", "Лебедев", "Олег", "2008-01-01", ["student"]),
    "a4": ("a", "A14", "Орехов", "Тимур", "2008-01-01", ["student"]),
    "a_child": ("a", "A13", "Зайцев", "Никита", "2019-01-01", ["student"]),
    "a_parent": ("a", "A20", "Иванова", "Ольга", "1980-01-01", ["guardian"]),
    "a_other_parent": ("a", "A21", "Соколов", "Иван", "1980-01-01", ["guardian"]),
    "b_director": ("b", "B01", "Котова", "Нина", "1970-01-01", ["director"]),
    "b_teacher": ("b", "B02", "Рыбин", "Павел", "1980-01-01", ["teacher"]),
    "b1": ("b", "B10", "Иванов", "Сергей", "2008-01-01", ["student"]),
    "b2": ("b", "B11", "Птицына", "Дарья", "2008-01-01", ["student"]),
}
CLASSES = {"a": ["8Б", "9В"], "b": ["8А"]}
ENROLMENTS = {
    "a": [
        ("8Б", "A02", "homeroom_teacher"),
        ("8Б", "A10", "student"),
        ("8Б", "A11", "student"),
        ("8Б", "A13", "student"),
        ("9В", "A12", "student"),
        ("9В", "A14", "student"),
        ("9В", "A03", "homeroom_teacher"),
    ],
    "b": [("8А", "B02", "homeroom_teacher"), ("8А", "B10", "student"), ("8А", "B11", "student")],
}
GUARDIANS = {"a": [("A20", "A10"), ("A21", "A11")], "b": []}


def roster(school: str, extra: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The list of one school, in the form of docs/contracts.md §1."""
    people = [
        {
            "source_id": source_id,
            "family_name": family,
            "given_name": given,
            "middle_name": "",
            "birth_date": born,
            "roles": roles,
        }
        for org, source_id, family, given, born, roles in PEOPLE.values()
        if org == school
    ]
    return {
        "format": "sferum.roster.v1",
        "source": "csv",
        "school_year": "2026/2027",
        "covers": ["student", "staff", "guardian"],
        "people": people + (extra or []),
        "classes": [
            {"source_id": name, "name": name, "grade": int(name[0])} for name in CLASSES[school]
        ],
        "enrolments": [
            {"class": class_, "person": person, "role": role}
            for class_, person, role in ENROLMENTS[school]
        ],
        "guardianships": [
            {"guardian": guardian, "student": student, "relation": ""}
            for guardian, student in GUARDIANS[school]
        ],
    }


@define(eq=False)
class World:
    """The two schools, signed in."""

    homeserver: Homeserver
    org_ids: dict[str, str] = field(factory=dict)
    persons: dict[str, str] = field(factory=dict)  # name in tests → person id
    accounts: dict[str, Account] = field(factory=dict)
    rooms: dict[tuple[str, str, str], str] = field(factory=dict)  # school, kind, class → room id

    def __getitem__(self, name: str) -> Account:
        return self.accounts[name]

    def user(self, name: str) -> str:
        """User id of somebody of `PEOPLE`, or of a user who does not exist."""
        if name == "nobody":
            return f"@unobody2:{self.homeserver.server_name}"
        return self.accounts[name].user_id

    def ask(self, name: str, method: str, path: str, json: Any = None, **rest: Any) -> Response:
        """A request of one of our people; `path` from /_matrix on, or from the version's end on."""
        full = path if path.startswith("/_") else CLIENT + path
        return self.homeserver.request(method, full, self[name].access_token, json, **rest)

    def school(self, method: str, path: str, json: Any = None) -> Any:
        """A call of the module's own API with the service token; must succeed."""
        return self.homeserver.call(method, API + path, self.homeserver.service_token, json)

    def invites(self, name: str) -> set[str]:
        """Rooms somebody is invited to."""
        return set(self.sync(name)["rooms"].get("invite", {}))

    def sync(self, name: str, since: str | None = None) -> Any:
        """One short sync."""
        params: dict[str, Any] = {"timeout": 0, **({"since": since} if since else {})}
        answer = self.ask(name, "GET", "/sync", params=params)
        assert answer.status == 200, answer
        answer.json.setdefault("rooms", {})
        return answer.json

    def room(self, creator: str, *invited: str, join: bool = True, **body: Any) -> str:
        """A room that people make; everybody invited joins."""
        users = [self.user(name) for name in invited]
        made = self.ask(creator, "POST", "/createRoom", {"invite": users, **body})
        assert made.status == 200, made
        room_id: str = made.json["room_id"]
        for name in invited if join else ():
            joined = self.ask(name, "POST", f"/rooms/{quote(room_id)}/join", {})
            assert joined.status == 200, joined
        return room_id

    def send(self, name: str, room_id: str, text: str = "Здравствуйте") -> Response:
        """One text message."""
        body = {"msgtype": "m.text", "body": text}
        return self.ask(name, "POST", f"/rooms/{quote(room_id)}/send/m.room.message", body)

    def upload(self, name: str, content: bytes = b"classified", kind: str = "text/plain") -> str:
        """A file; returns its media id."""
        answer = self.homeserver.request(
            "POST",
            "/_matrix/media/v3/upload",
            self[name].access_token,
            headers={"Content-Type": kind},
            body=content,
        )
        assert answer.status == 200, answer
        uri: str = answer.json["content_uri"]
        return uri.rpartition("/")[2]

    def settle(self) -> None:
        """Wait until the rooms are as the lists want them."""
        until(self._is_settled, what="the rooms of both schools", deadline_s=90)

    def _is_settled(self) -> bool:
        return all(
            self.school("GET", f"/orgs/{org_id}/progress")["settled"]
            for org_id in self.org_ids.values()
        )


def open_server(fleet: Fleet, **options: Any) -> Homeserver:
    """A server with the module whose configuration lets every other server in."""
    overrides = {
        "federation_domain_whitelist": None,
        "allow_profile_lookup_over_federation": True,
        "allow_device_name_lookup_over_federation": True,
        "dynamic_thumbnails": True,
        "caches": {"sync_response_cache_duration": "0s"},
        **NO_RATE_LIMITS,
        **options.pop("overrides", {}),
    }
    module = {"poll_interval_s": 0.05, "apply_rate": 1000.0, **options.pop("module", {})}
    return fleet(federation=True, module=module, overrides=overrides, **options)


def populate(homeserver: Homeserver) -> World:
    """Import both lists and sign everybody in."""
    world = World(homeserver)
    until(
        lambda: homeserver.request("GET", f"{API}/health", homeserver.service_token).status == 200,
        what="the module's start",
        deadline_s=60,
    )
    for school, name in (("a", "Школа А"), ("b", "Школа Б")):
        world.org_ids[school] = f"school-{school}"
        world.school("POST", "/orgs", {"org_id": f"school-{school}", "name": name})
        apply_roster(world, school)
    for name, (_, source_id, *_) in PEOPLE.items():
        enter(world, name, source_id)
    world.settle()
    names = {}
    for school, org_id in world.org_ids.items():
        for class_ in world.school("GET", f"/orgs/{org_id}/classes")["classes"]:
            names[class_["class_id"]] = class_["name"]
        for room in world.school("GET", f"/orgs/{org_id}/rooms")["rooms"]:
            world.rooms[school, room["kind"], names.get(room["ref"], "")] = room["room_id"]
    return world


def apply_roster(world: World, school: str, extra: list[dict[str, Any]] | None = None) -> None:
    """Import a list, and remember who is who."""
    org = f"/orgs/{world.org_ids[school]}"
    document = roster(school, extra)
    plan = world.school("POST", f"{org}/roster/plan", {"roster": document})
    body = {"roster": document, "plan_hash": plan["plan_hash"], "force": True}
    world.school("POST", f"{org}/roster/apply", body)
    found: dict[str, str] = {}
    start: str | None = None
    while True:
        page = world.school("GET", f"{org}/people?limit=200" + (f"&from={start}" if start else ""))
        found.update({person["source_id"]: person["person_id"] for person in page["people"]})
        start = page.get("next")
        if not start:
            break
    for name, (_, source_id, *_) in PEOPLE.items():
        if source_id in found:
            world.persons[name] = found[source_id]
    world.persons.update({f"{school}:{source_id}": found[source_id] for source_id in found})


def enter(world: World, name: str, localpart: str) -> None:
    """Make an account for somebody on a list and sign it in."""
    school = PEOPLE[name][0] if name in PEOPLE else name.partition(":")[0]
    account = world.homeserver.register("u" + localpart.lower())
    world.school(
        "POST",
        f"/orgs/{world.org_ids[school]}/people/{world.persons[name]}/activate",
        {"user_id": account.user_id},
    )
    world.accounts[name] = account


def stranger_and_user(fleet: Fleet, localpart: str = "stranger") -> tuple[ForeignServer, Account]:
    """A foreign server with every door open, and somebody on it."""
    doors: dict[str, Any] = {
        "alias_creation_rules": None,
        "allow_profile_lookup_over_federation": True,
        "limit_remote_rooms": None,
        "room_list_publication_rules": [{"action": "allow"}],
    }
    foreign = fleet.foreign(overrides={**doors, **NO_RATE_LIMITS})
    return foreign, foreign.homeserver.register(localpart)


_worlds: dict[int, World] = {}
_peers: dict[int, tuple[ForeignServer, Account]] = {}
_strangers: dict[int, tuple[ForeignServer, Account]] = {}


def shared_world(fleet: Fleet) -> World:
    """The world that all isolation tests of one run share: no test changes who is who."""
    if id(fleet) not in _worlds:
        _worlds[id(fleet)] = populate(open_server(fleet))
    return _worlds[id(fleet)]


def shared_stranger(fleet: Fleet) -> tuple[ForeignServer, Account]:
    """The foreign server that they share."""
    if id(fleet) not in _strangers:
        _strangers[id(fleet)] = stranger_and_user(fleet)
    return _strangers[id(fleet)]


def shared_peer(fleet: Fleet) -> tuple[ForeignServer, Account]:
    """A server of the district register, and a teacher on it.

    The register's row is written before that server is first heard of: what is not there is remembered, too.
    """
    if id(fleet) not in _peers:
        foreign, account = stranger_and_user(fleet, "colleague")
        list_peer(shared_world(fleet).homeserver, foreign.server_name)
        _peers[id(fleet)] = foreign, account
    return _peers[id(fleet)]


def list_peer(homeserver: Homeserver, server_name: str) -> None:
    """Put a server into the register; teachers may meet teachers, and somebody wrote pupils in by mistake."""
    pairs = json.dumps([["teacher", "teacher"], ["director", "director"], ["student", "student"]])
    connection = sqlite3.connect(homeserver.directory / "homeserver.db", timeout=30)
    with connection:
        connection.execute(
            "INSERT INTO sferum_peer_servers (server_name, role_pairs, until_ms) VALUES (?, ?, ?)",
            (server_name, pairs, 2**52),
        )
    connection.close()


def alike(hidden: Response, unknown: Response, *, asked: tuple[str, str] = ("", "")) -> bool:
    """Whether two answers are the same to the byte, apart from the ids that were `asked` for."""
    bodies = [
        answer.body.replace(name.encode(), b"*") if name else answer.body
        for answer, name in zip((hidden, unknown), asked, strict=True)
    ]
    return hidden.status == unknown.status and bodies[0] == bodies[1]
