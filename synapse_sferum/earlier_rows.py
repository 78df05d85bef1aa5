"""The classes behind rooms that have been, from the tables."""

from __future__ import annotations

from synapse.module_api import LoggingTransaction

from synapse_sferum.earlier_rooms import (
    EarlierRoom,
    archive_name,
    earlier_of,
    earlier_rooms_topic,
)
from synapse_sferum.model import RoomKey, SchoolClass
from synapse_sferum.rows import CLASS_COLUMNS, class_from


def class_txn(txn: LoggingTransaction, class_id: str) -> SchoolClass | None:
    """One class, open or not; None for the "" of a room that is no class's."""
    txn.execute(f"SELECT {CLASS_COLUMNS} FROM sferum_classes WHERE class_id = ?", (class_id,))
    row = txn.fetchone()
    return class_from(tuple(row)) if row else None


def earlier_topic_txn(txn: LoggingTransaction, org_id: str, key: RoomKey, server_name: str) -> str:
    """The topic of a class's new room: links to the rooms of the same kind that its people come from."""
    rooms = []
    for class_id in earlier_of(class_txn(txn, key.ref) if key.ref else None):
        class_ = class_txn(txn, class_id)
        txn.execute(
            "SELECT name, room_id FROM sferum_rooms WHERE org_id = ? AND kind = ? AND ref = ?"
            " AND room_id IS NOT NULL",
            (org_id, key.kind.value, class_id),
        )
        row = txn.fetchone()
        if row is not None and class_ is not None:
            rooms.append(EarlierRoom(archive_name(str(row[0]), class_), str(row[1])))
    return earlier_rooms_topic(sorted(rooms, key=lambda room: room.name), server_name)
