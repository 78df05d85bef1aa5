"""What the tables say of rooms of several schools, for people who look: who is in, and who is of the school."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from attrs import frozen
from synapse.module_api import LoggingTransaction

from synapse_sferum.account import Account
from synapse_sferum.district.room_plan import CommonRoom, server_of, service_user_of
from synapse_sferum.district.room_rows import rooms_txn, staff_txn
from synapse_sferum.district.room_standing import Occupants
from synapse_sferum.private.tables import joined_here_txn, joined_of_txn


@frozen(kw_only=True)
class RoomFigures:
    """Rooms of the register, and who is in them.

    Attributes:
        district: its name in homeserver.yaml, "" for a school of none.
        peers: server name → name of the school, of those that are let in today.
        occupants: room id → who is in.
    """

    district: str
    rooms: tuple[CommonRoom, ...]
    peers: Mapping[str, str]
    occupants: Mapping[str, Occupants]


def figures_txn(txn: LoggingTransaction, now_ms: int) -> RoomFigures:
    """Two short queries, and two for each room."""
    txn.execute("SELECT district FROM sferum_register")
    row = txn.fetchone()
    txn.execute("SELECT server_name, name FROM sferum_peer_servers WHERE until_ms > ?", (now_ms,))
    peers = {str(server): str(name) for server, name in txn}
    rooms = tuple(rooms_txn(txn))
    asked = [service_user_of(server) for server in sorted(peers)]
    return RoomFigures(
        district=str(row[0]) if row else "",
        rooms=rooms,
        peers=peers,
        occupants={
            room.room_id: Occupants(
                here=joined_here_txn(txn, room.room_id),
                servers=frozenset(map(server_of, joined_of_txn(txn, room.room_id, asked))),
            )
            for room in rooms
            if room.room_id
        },
    )


def people_txn(
    txn: LoggingTransaction, org_id: str
) -> tuple[list[Account], frozenset[str], Mapping[str, Collection[str]]]:
    """Staff of one school, all users it has ever had, and what its teachers teach."""
    txn.execute(
        "SELECT user_id FROM sferum_people WHERE org_id = ? AND user_id IS NOT NULL", (org_id,)
    )
    people = frozenset(str(row[0]) for row in txn)
    staff, subjects = staff_txn(txn)
    return [account for account in staff if account.org_id == org_id], people, subjects
