"""Raised hands, first come first served (R45). Pure.

The queue is in everyone's attributes: `sferum.hand` is the moment, milliseconds since 1970. Clients raise a hand by
setting it (any value; "" lowers), or by a data packet of topic `sferum.hand` ("1", "0").
"""

from __future__ import annotations

from media.room.call import Call
from media.room.commands import Command
from media.room.members import Member
from media.room.model import Person

#: Of data packets, and the attribute's name.
NAME = "sferum.hand"


def hear(call: Call, member: Member, raised: bool, now: float) -> list[Command]:
    """A hand goes up, or down. A hand that is up keeps its place."""
    standing = call.standing(member)
    if member.waiting or raised == (standing.hand is not None):
        return []
    standing.hand = call.wall(now) if raised else None
    return _show(call, member.person)


def lower(call: Call, person: Person) -> list[Command]:
    """By a host."""
    standing = call.standings.get(person)
    if standing is None or standing.hand is None:
        return []
    standing.hand = None
    return _show(call, person)


def lower_all(call: Call) -> list[Command]:
    """By a host."""
    commands: list[Command] = []
    for person in queue(call):
        commands += lower(call, person)
    return commands


def queue(call: Call) -> list[Person]:
    """Who has raised a hand, the first one first; in one instant, by who came first."""
    raised = [(s.hand, person) for person, s in call.standings.items() if s.hand is not None]
    return [person for _, person in sorted(raised, key=lambda entry: entry[0])]


def _show(call: Call, person: Person) -> list[Command]:
    commands: list[Command] = []
    for member in call.connections(person):
        commands += call.changed(member)
    return commands
