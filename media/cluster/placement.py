"""On which node a call is, or should be. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256

from attrs import frozen

from media.ids import RoomName

#: Seconds between two signs of life of a node, and until it counts as gone. Three may get lost.
BEAT_S, GONE_S = 2.0, 8.0
#: Seconds that a call stays placed without a sign of life of its node: as long as a client tries to come back.
PLACED_S = 30.0


@frozen(kw_only=True)
class NodeSign:
    """What a node says of itself every BEAT_S seconds.

    Attributes:
        url: under which the other nodes reach it.
        load: connections of people.
        full: takes no more calls (`max_rooms`).
        broadcasts: where viewers and hosts of its broadcasts are sent; "": it has none.
    """

    name: str
    url: str
    load: int
    rooms: int
    draining: bool = False
    full: bool = False
    broadcasts: str = ""

    @property
    def takes_calls(self) -> bool:
        return not self.draining and not self.full

    def to_json(self) -> str:
        return json.dumps(
            {
                "name": self.name,
                "url": self.url,
                "load": self.load,
                "rooms": self.rooms,
                "draining": self.draining,
                "full": self.full,
                "broadcasts": self.broadcasts,
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> NodeSign | None:
        """None: not written by a node of ours."""
        try:
            raw = json.loads(text)
            return cls(
                name=str(raw["name"]),
                url=str(raw["url"]),
                load=int(raw["load"]),
                rooms=int(raw["rooms"]),
                draining=bool(raw["draining"]),
                full=bool(raw.get("full", False)),
                broadcasts=str(raw.get("broadcasts", "")),
            )
        except (
            ValueError,
            ArithmeticError,
            LookupError,
            TypeError,
            AttributeError,
            RecursionError,
        ):
            return None


def choose(nodes: Iterable[NodeSign]) -> NodeSign | None:
    """Where a new call begins: the node with the fewest people, then the fewest calls, then by name.

    None: all of them go down, or are full.
    """
    able = (node for node in nodes if node.takes_calls)
    return min(able, key=lambda node: (node.load, node.rooms, node.name), default=None)


def agree(room: RoomName, nodes: Iterable[NodeSign]) -> NodeSign | None:
    """Where a new call begins while the nodes have no common memory: whoever sees the same nodes says the same.

    Rendezvous hashing: a node that goes takes its own calls along and moves nobody else's.
    """
    able = (node for node in nodes if node.takes_calls)
    return max(
        able, key=lambda node: sha256(f"{node.name}\0{room}".encode()).digest(), default=None
    )
