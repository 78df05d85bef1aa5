"""Who must be in which room, told from the rules anew: a second opinion, written from R21–R26 and not from our code."""

from __future__ import annotations

from typing import Any

from tests.support.school import School

ADMINISTRATIVE = {"director", "deputy", "administrator"}
STAFF = ADMINISTRATIVE | {"teacher"}

#: (room kind, class id or "") → user ids.
Rooms = dict[tuple[str, str], set[str]]


def expected_rooms(school: School) -> Rooms:
    """The members of every room, from what the API says of people, classes and links."""
    people: list[dict[str, Any]] = []
    start: int | None = 0
    while start is not None:
        page = school.call("GET", f"/people?limit=1000&from={start}")
        people += page["people"]
        start = page["next"]
    links = school.call("GET", "/guardianships")["guardianships"]
    here = {row["person_id"]: row for row in people if row["status"] != "left"}
    active = {i: row for i, row in here.items() if row["status"] == "active"}
    rooms: Rooms = {(kind, ""): set() for kind in ("school", "announcements", "materials")}
    rooms |= {("staff", ""): set(), ("administration", ""): set()}
    for person_id, row in here.items():
        for class_ in row["classes"]:
            if class_["role"] == "student":
                rooms.setdefault(("class", class_["class_id"]), set())
                rooms.setdefault(("class_parents", class_["class_id"]), set())
        if person_id in active:
            _school_wide(rooms, row)
    for row in active.values():
        for class_ in row["classes"]:
            _in_class(rooms, row["user_id"], class_)
    for link in links:
        guardian, student = active.get(link["guardian_id"]), here.get(link["student_id"])
        if link["status"] != "confirmed" or guardian is None or student is None:
            continue
        for class_ in student["classes"]:
            if class_["role"] == "student":
                rooms["class_parents", class_["class_id"]].add(guardian["user_id"])
    return rooms


def _school_wide(rooms: Rooms, row: dict[str, Any]) -> None:
    for kind in ("school", "announcements", "materials"):
        rooms[kind, ""].add(row["user_id"])
    if STAFF & set(row["roles"]):
        rooms["staff", ""].add(row["user_id"])
    if ADMINISTRATIVE & set(row["roles"]):
        rooms["administration", ""].add(row["user_id"])


def _in_class(rooms: Rooms, user_id: str, class_: dict[str, str]) -> None:
    key = class_["class_id"]
    if class_["role"] == "student":
        rooms["class", key].add(user_id)
    if class_["role"] == "homeroom_teacher" and ("class", key) in rooms:
        rooms["class", key].add(user_id)
        rooms["class_parents", key].add(user_id)


def actual_rooms(school: School) -> Rooms:
    """The members of every managed room that is in use."""
    found: Rooms = {}
    for room in school.call("GET", "/rooms")["rooms"]:
        if room["state"] in {"archived", "archiving"}:
            continue
        members = school.call("GET", f"/members?room_id={room['room_id']}")["members"]
        found[room["kind"], room["ref"]] = {row["user_id"] for row in members}
    return found
