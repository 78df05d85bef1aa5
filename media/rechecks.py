"""Node and directory: who is no longer in a room leaves its call, and changed rights are given and taken there.

Compared is what the module said before with what it says now: rights that a service has changed by Twirp stay as they
are until the module's own answer is another one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from attrs import evolve

from media.access.granting import as_of
from media.access.rechecking import Present, Rechecker, Rights
from media.access.rights import CallRights
from media.room import events
from media.room.operations import RemovePerson
from media.signal import requests
from media.signal.client import Client
from media.signal.hall import Hall
from media.signal.node import Node

logger = logging.getLogger(__name__)


def rechecker(node: Node, rights: Rights, server_name: str) -> Rechecker:
    """`run` it in a TaskGroup of the process. `server_name`: of our own homeserver."""

    def remove(one: Present) -> None:
        if (found := _find(node, one)) is not None:
            hall, client = found
            hall.ask(RemovePerson(client.identity))

    def apply(one: Present, now: CallRights) -> bool:
        found = _find(node, one)
        return found is not None and _regrant(*found, as_of(now, one.member.user_id, server_name))

    return Rechecker(rights, _present(node), remove, apply)


def _regrant(hall: Hall, client: Client, now: CallRights) -> bool:
    """What the room does with it: media/room/rights.py. Fresh tokens of this connection say the same."""
    before = client.given
    if before.member is None:
        return False
    member = evolve(now.member, leave=before.member.leave)
    given = evolve(before, member=member, sources=now.sources, hidden=now.hidden)
    if given == before:
        return False
    client.given = client.claims = given
    logger.info(
        "rights changed participant=%s host=%s publishes=%s",
        client.sid,
        member.host,
        ",".join(sorted(source.value for source in now.sources)) or "nothing",
    )
    hall.handle(events.GrantsChanged(client.identity, requests.grants(given)))
    return True


def _find(node: Node, one: Present) -> tuple[Hall, Client] | None:
    hall = node.halls.get(one.room)
    client = hall.clients.get(one.sid) if hall is not None else None
    return None if hall is None or client is None else (hall, client)


def _present(node: Node) -> Callable[[], Iterator[Present]]:
    """Those whose token came from the school's directory; tokens of other services are theirs to take back."""

    def present() -> Iterator[Present]:
        for hall in list(node.halls.values()):
            for sid, client in list(hall.clients.items()):
                if client.claims.member is not None:
                    yield Present(hall.name, sid, client.claims.member)

    return present
