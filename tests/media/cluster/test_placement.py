"""Where a call begins, and what nodes say of themselves."""

from __future__ import annotations

import pytest

from media.cluster.placement import NodeSign, choose


def sign(name: str, load: int = 0, rooms: int = 0, *, draining: bool = False) -> NodeSign:
    url = f"http://{name}.test"
    return NodeSign(name=name, url=url, load=load, rooms=rooms, draining=draining)


@pytest.mark.parametrize(
    ("nodes", "chosen"),
    [
        ([sign("a", 10), sign("b", 3)], "b"),
        ([sign("a", 3, rooms=2), sign("b", 3, rooms=1)], "b"),
        ([sign("b"), sign("a")], "a"),
        ([sign("a", draining=True), sign("b", 99)], "b"),
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
    said = sign("a", 5, 2, draining=True)
    assert NodeSign.from_json(said.to_json()) == said


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"name": "a"}', b"\xff", b"null"])
def test_what_no_node_of_ours_wrote_is_no_sign(text: bytes) -> None:
    """Somebody else's key in the same Redis is passed over."""
    assert NodeSign.from_json(text) is None
