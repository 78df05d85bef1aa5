"""Where a call begins, and what nodes say of themselves."""

from __future__ import annotations

import pytest
from attrs import evolve

from media.cluster.placement import NodeSign, agree, choose
from media.ids import RoomName


def sign(
    name: str, load: int = 0, rooms: int = 0, *, draining: bool = False, full: bool = False
) -> NodeSign:
    url = f"http://{name}.test"
    return NodeSign(name=name, url=url, load=load, rooms=rooms, draining=draining, full=full)


@pytest.mark.parametrize(
    ("nodes", "chosen"),
    [
        ([sign("a", 10), sign("b", 3)], "b"),
        ([sign("a", 3, rooms=2), sign("b", 3, rooms=1)], "b"),
        ([sign("b"), sign("a")], "a"),
        ([sign("a", draining=True), sign("b", 99)], "b"),
        ([sign("a", full=True), sign("b", 99)], "b"),
        ([sign("a", draining=True)], None),
        ([], None),
    ],
)
def test_a_call_begins_where_the_fewest_people_are(
    nodes: list[NodeSign], chosen: str | None
) -> None:
    """By people, then by calls, then by name; never on a node that goes down."""
    found = choose(nodes)
    assert (found.name if found else None) == chosen


def test_a_sign_survives_the_way() -> None:
    """What a node writes is what the others read."""
    said = evolve(sign("a", 5, 2, draining=True, full=True), broadcasts="https://rtc1.test")
    assert NodeSign.from_json(said.to_json()) == said


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"name": "a"}', b"\xff", b"null"])
def test_what_no_node_of_ours_wrote_is_no_sign(text: bytes) -> None:
    """Somebody else's key in the same Redis is passed over."""
    assert NodeSign.from_json(text) is None


@pytest.mark.parametrize("gone", range(3))
def test_without_a_common_memory_all_say_the_same(gone: int) -> None:
    """Whatever the order; calls of the nodes that stay do not move when one goes."""
    nodes = [sign("a", 5), sign("b"), sign("c", 1)]
    rooms = [RoomName(f"room-{number}") for number in range(60)]
    before = {room: agree(room, nodes) for room in rooms}
    assert before == {room: agree(room, reversed(nodes)) for room in rooms}
    assert {one.name for one in before.values() if one is not None} == {"a", "b", "c"}
    rest = [node for node in nodes if node is not nodes[gone]]
    for room, chosen in before.items():
        assert agree(room, rest) == chosen or chosen == nodes[gone]
    assert agree(rooms[0], [sign("a", draining=True), sign("b", full=True)]) is None
