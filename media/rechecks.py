"""Node and directory: whoever is no longer in a room is taken out of its call (media/access/rechecking.py)."""

from __future__ import annotations

from collections.abc import Iterator

from media.access.rechecking import Present, Rechecker, Rights
from media.room.operations import RemovePerson
from media.signal.node import Node


def rechecker(node: Node, rights: Rights) -> Rechecker:
    """`run` it in a TaskGroup of the process."""

    def remove(one: Present) -> None:
        hall = node.halls.get(one.room)
        client = hall.clients.get(one.sid) if hall else None
        if hall is not None and client is not None:
            hall.ask(RemovePerson(client.identity))

    return Rechecker(rights, lambda: _present(node), remove)


def _present(node: Node) -> Iterator[Present]:
    """Those whose token came from the school's directory; tokens of other services are theirs to take back."""
    for hall in list(node.halls.values()):
        for sid, client in list(hall.clients.items()):
            if client.claims.member is not None:
                yield Present(hall.name, sid, client.claims.member)
