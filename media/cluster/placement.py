"""On which node a call is, or should be. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from attrs import frozen

#: Seconds between two signs of life of a node, and until it counts as gone. Three may get lost.
BEAT_S, GONE_S = 2.0, 8.0
#: Seconds that a call stays placed without a sign of life of its node: as long as a client tries to come back.
PLACED_S = 30.0


@frozen(kw_only=True)
class NodeSign:
    """What a node says of itself every BEAT_S seconds.

    Attributes:
        url: under which the other nodes reach it.
        load: connections of people; a full one is not chosen.
    """

    name: str
    url: str
    load: int
    rooms: int
    draining: bool = False

    def to_json(self) -> str:
        return json.dumps(
            {
                "name": self.name,
                "url": self.url,
                "load": self.load,
                "rooms": self.rooms,
                "draining": self.draining,
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
            )
        except (ValueError, KeyError, TypeError):
            return None


def choose(nodes: Iterable[NodeSign]) -> NodeSign | None:
    """Where a new call begins: the node with the fewest people, then the fewest calls, then by name.

    None: all of them go down.
    """
    able = (node for node in nodes if not node.draining)
    return min(able, key=lambda node: (node.load, node.rooms, node.name), default=None)
