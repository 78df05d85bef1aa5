"""Names and links of rooms that have been."""

from __future__ import annotations

import pytest
from synapse.storage.database import LoggingTransaction

from synapse_sferum.desired import DesiredRoom as Room
from synapse_sferum.earlier_rooms import (
    LONGEST_TOPIC,
    EarlierRoom,
    archive_name,
    earlier_rooms_topic,
    reads_nothing,
)
from synapse_sferum.earlier_rows import earlier_topic_txn
from synapse_sferum.model import ClassId, OrgId, RoomKey, RoomKind, SchoolClass
from synapse_sferum.plan import creation, power_levels
from tests.support.directories import store
from tests.support.schools import ORG, cid, ordinary


def class_(*, open_: bool, session: str = "2026/2027") -> SchoolClass:
    """9А of a year."""
    return SchoolClass(
        class_id=ClassId("c9a"),
        source="csv",
        source_id="9А",
        session=session,
        name="9А",
        open=open_,
    )


def test_an_archive_says_of_which_year_it_is() -> None:
    """Only a closed class's does: a class that has lost its pupils for a while keeps its name."""
    assert archive_name("9А", class_(open_=False)) == "9А · 2026/2027"
    assert archive_name("9А · родители", class_(open_=False)) == "9А · родители · 2026/2027"
    assert archive_name("9А", class_(open_=True)) == archive_name("9А", None) == "9А"


@pytest.mark.parametrize(
    ("session", "year", "nobody"),
    [
        ("2027/2028", "2026/2027", True),
        ("2026/2027", "2026/2027", False),
        ("2025/2026", "2026/2027", False),
        ("2027/2028", "", False),
    ],
)
def test_rooms_of_a_year_that_was_taken_back(session: str, year: str, nobody: bool) -> None:
    """R37: only those of a year after the school's hold nobody."""
    assert reads_nothing(class_(open_=False, session=session), year) is nobody


def test_the_topic_links_to_each_earlier_room() -> None:
    """A link that every client knows, with the server to ask; nothing without earlier rooms; never too long."""
    rooms = [EarlierRoom("9А · 2026/2027", "!abc_-x"), EarlierRoom("9Б · 2026/2027", "!d/f")]
    topic = earlier_rooms_topic(rooms, "school.test")
    assert "9А · 2026/2027 https://matrix.to/#/!abc_-x?via=school.test" in topic
    assert "https://matrix.to/#/!d%2Ff?via=school.test" in topic
    assert earlier_rooms_topic([], "school.test") == ""
    assert len(earlier_rooms_topic(rooms * 500, "school.test")) == LONGEST_TOPIC


def test_a_room_is_made_with_its_topic() -> None:
    """In the request that creates it: a crash after it leaves a whole room."""
    key, room = RoomKey(RoomKind.CLASS, "c1"), Room(name="10А", members={})
    body = creation(OrgId("o"), key, room, None, "s.test", encrypted=False, topic="links")
    assert body["topic"] == "links"
    assert "topic" not in creation(OrgId("o"), key, room, None, "s.test", encrypted=False)
    assert power_levels(key, room)["events"]["m.room.topic"] == 50


def test_the_rooms_of_the_parts_are_found(txn: LoggingTransaction) -> None:
    """Of the same kind, by the classes it came from; a part that never had a room has no link."""
    school = ordinary()
    new = SchoolClass(
        class_id=ClassId("cnew"), source="csv", source_id="5Г", session="2026/2027", name="5Г",
        came_from=(cid("5А"), cid("5Б")),
    )  # fmt: skip
    school.classes[new.class_id] = new
    store(txn, school.directory())
    for kind, ref, room_id in (
        ("class", cid("5А"), "!a"),
        ("class_parents", cid("5А"), "!p"),
        ("class", cid("5Б"), None),
    ):
        txn.execute(
            "INSERT INTO sferum_rooms (org_id, kind, ref, name, room_id) VALUES (?, ?, ?, '5А', ?)",
            (ORG, kind, ref, room_id),
        )
    topic = earlier_topic_txn(txn, ORG, RoomKey(RoomKind.CLASS, "cnew"), "s.test")
    assert topic.count("https://") == 1
    assert "/#/!a?" in topic
    assert earlier_topic_txn(txn, ORG, RoomKey(RoomKind.STAFF), "s.test") == ""
