"""The allow-list of routes: every route that Synapse registers must have a rule in `routes.txt`. Pure.

A sub-path cannot be overridden in Synapse (its resources are leaves, isolation.md §0), so the guard registers all
routes itself and decides per route, once, at the start; nothing is matched twice at run time.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from importlib.resources import files

from attrs import frozen


class Surface(enum.Enum):
    """Which of Synapse's two APIs."""

    CLIENT = "client"
    FEDERATION = "federation"


#: Passed on as it is: bound to the requester's own account or rooms by Synapse itself.
OPEN = "open"
#: Refused for everyone.
CLOSED = "closed"
#: Registered by Synapse under a prefix the guard never serves.
UNREACHABLE = "unreachable"


@frozen
class Route:
    """One line of `routes.txt`."""

    surface: Surface
    method: str
    pattern: str


class UnknownRoute(Exception):
    """This Synapse has routes that nobody has judged yet."""

    def __init__(self, unknown: Iterable[Route]) -> None:
        lines = [f"{r.surface.value} {r.method} {r.pattern}" for r in unknown]
        super().__init__(
            f"this Synapse registers {len(lines)} route(s) that the guard does not know: "
            f"{'; '.join(lines)}. It could let one school see another, so the server does not start. "
            "Install the Synapse version this module was made for (1.163.x), switch off the "
            "experimental feature that adds the route, or add a rule to synapse_sferum/guard/routes.txt"
        )


def parse(text: str) -> dict[Route, str]:
    """Rules by route.

    Raises:
        ValueError: a line is not `surface method rule pattern`, or a route is there twice.
    """
    rules: dict[Route, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        parts = line.split(" ", 3)
        if len(parts) != 4:
            raise ValueError(f"routes.txt line {number}: want `surface method rule pattern`")
        surface, method, rule, pattern = parts
        route = Route(Surface(surface), method, pattern)
        if route in rules:
            raise ValueError(f"routes.txt line {number}: {method} {pattern} is there twice")
        rules[route] = rule
    return rules


def pinned() -> Mapping[Route, str]:
    """The rules that ship with the module."""
    text = files("synapse_sferum.guard").joinpath("routes.txt").read_text(encoding="ascii")
    return parse(text)
