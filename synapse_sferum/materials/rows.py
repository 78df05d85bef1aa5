"""Rows of materials."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen
from synapse.module_api import LoggingTransaction

from synapse_sferum.materials.values import Material, MaterialId
from synapse_sferum.model import OrgId, RoomKey, RoomKind, UserId
from synapse_sferum.private.tables import uploader_txn
from synapse_sferum.rows import chunks, marks

_COLUMNS = (
    "material_id, org_id, room_kind, room_ref, folder, title, name, mimetype, size, author, file_id, mxc,"
    " published_ms, expires_ms"
)
_LIVE = "removed_ms IS NULL AND (expires_ms IS NULL OR expires_ms > ?)"


@frozen
class Untold:
    """One whose room has not been told, or of which that is not known. `claimed_ms`: somebody was about to."""

    material: Material
    claimed_ms: int | None


@frozen
class Gone:
    """One that is no more, whose message is still there."""

    material_id: MaterialId
    room_id: str
    event_id: str


def _from(row: tuple[object, ...]) -> Material:
    (found, org_id, kind, ref, folder, title, name, mimetype, size, author, file_id, mxc) = row[:12]
    published, expires = row[12:]
    return Material(
        material_id=MaterialId(str(found)),
        org_id=OrgId(str(org_id)),
        key=RoomKey(RoomKind(str(kind)), str(ref)),
        folder=str(folder),
        title=str(title),
        name=str(name),
        mimetype=str(mimetype),
        size=int(str(size)),
        author=UserId(str(author)),
        file_id=str(file_id),
        mxc=str(mxc),
        published_ms=int(str(published)),
        expires_ms=None if expires is None else int(str(expires)),
    )


def material_txn(
    txn: LoggingTransaction, org_id: str, material_id: str, now_ms: int
) -> Material | None:
    """One of a school that is live."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM sferum_materials WHERE org_id = ? AND material_id = ? AND {_LIVE}",
        (org_id, material_id, now_ms),
    )
    row = txn.fetchone()
    return None if row is None else _from(tuple(row))


def materials_txn(txn: LoggingTransaction, org_id: str, now_ms: int, most: int) -> list[Material]:
    """The live ones of a school, the newest first."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM sferum_materials WHERE org_id = ? AND {_LIVE}"
        " ORDER BY published_ms DESC, material_id LIMIT ?",
        (org_id, now_ms, most),
    )
    return [_from(tuple(row)) for row in txn]


def live_count_txn(txn: LoggingTransaction, org_id: str, now_ms: int) -> int:
    """How many of a school are live."""
    txn.execute(
        f"SELECT COUNT(*) FROM sferum_materials WHERE org_id = ? AND {_LIVE}", (org_id, now_ms)
    )
    row = txn.fetchone()
    return int(row[0]) if row else 0


def live_files_txn(txn: LoggingTransaction, file_ids: Collection[str], now_ms: int) -> list[str]:
    """Which of these files are some live material's: the others may be deleted."""
    found: list[str] = []
    for some in chunks(file_ids):
        txn.execute(
            f"SELECT DISTINCT file_id FROM sferum_materials WHERE file_id IN ({marks(some)}) AND {_LIVE}",
            (*some, now_ms),
        )
        found += [str(row[0]) for row in txn]
    return sorted(found)


def is_posted_txn(txn: LoggingTransaction, mxc: str, now_ms: int) -> bool:
    """Whether a file in Synapse is some school's live material."""
    txn.execute(
        f"SELECT 1 FROM sferum_materials WHERE mxc = ? AND mxc <> '' AND {_LIVE} LIMIT 1",
        (mxc, now_ms),
    )
    return txn.fetchone() is not None


def is_the_schools_txn(txn: LoggingTransaction, one: Material) -> bool:
    """Whether a posted file was uploaded by whoever posted it, or by somebody of the school, today or once.

    What is posted is an address: whoever knows that of another school's file must not open it by posting it (R2, R27).
    """
    uploader = uploader_txn(txn, one.mxc.rpartition("/")[2])
    if uploader is None or uploader == one.author:
        return uploader is not None
    txn.execute(
        "SELECT 1 FROM sferum_people WHERE org_id = ? AND user_id = ? LIMIT 1",
        (one.org_id, uploader),
    )
    return txn.fetchone() is not None


def put_material_txn(
    txn: LoggingTransaction, one: Material, room_id: str = "", event_id: str = ""
) -> bool:
    """Write one down; False: it is there already, or was. With an event of its own its room need not be told."""
    txn.execute("SELECT 1 FROM sferum_materials WHERE material_id = ?", (one.material_id,))
    if txn.fetchone() is not None:
        return False
    txn.execute(
        f"INSERT INTO sferum_materials ({_COLUMNS}, room_id, event_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            one.material_id,
            one.org_id,
            one.key.kind.value,
            one.key.ref,
            one.folder,
            one.title,
            one.name,
            one.mimetype,
            one.size,
            one.author,
            one.file_id,
            one.mxc,
            one.published_ms,
            one.expires_ms,
            room_id,
            event_id,
        ),
    )
    return True


def change_material_txn(txn: LoggingTransaction, one: Material) -> None:
    """Another title, folder or end."""
    txn.execute(
        "UPDATE sferum_materials SET title = ?, folder = ?, expires_ms = ? WHERE material_id = ?",
        (one.title, one.folder, one.expires_ms, one.material_id),
    )


def remove_material_txn(txn: LoggingTransaction, material_id: str, now_ms: int) -> bool:
    """It is gone from now on; False: it was already."""
    txn.execute(
        "UPDATE sferum_materials SET removed_ms = ? WHERE material_id = ? AND removed_ms IS NULL",
        (now_ms, material_id),
    )
    return bool(txn.rowcount)


def remove_redacted_txn(txn: LoggingTransaction, event_id: str, now_ms: int) -> bool:
    """The same of one whose message somebody has deleted; its message need not be taken back."""
    txn.execute(
        "UPDATE sferum_materials SET removed_ms = ?, room_id = '' WHERE event_id = ?"
        " AND removed_ms IS NULL",
        (now_ms, event_id),
    )
    return bool(txn.rowcount)


def untold_txn(txn: LoggingTransaction, now_ms: int, most: int) -> list[Untold]:
    """Live ones whose rooms are still to be told."""
    txn.execute(
        f"SELECT {_COLUMNS}, claimed_ms FROM sferum_materials WHERE event_id = '' AND {_LIVE}"
        " ORDER BY published_ms LIMIT ?",
        (now_ms, most),
    )
    return [
        Untold(_from(tuple(row[:-1])), None if row[-1] is None else int(row[-1])) for row in txn
    ]


def claim_txn(txn: LoggingTransaction, material_id: str, now_ms: int) -> None:
    """Somebody is about to tell its room."""
    txn.execute(
        "UPDATE sferum_materials SET claimed_ms = ? WHERE material_id = ?", (now_ms, material_id)
    )


def told_txn(txn: LoggingTransaction, material_id: str, room_id: str, event_id: str) -> None:
    """Its room has been told."""
    txn.execute(
        "UPDATE sferum_materials SET room_id = ?, event_id = ? WHERE material_id = ?",
        (room_id, event_id, material_id),
    )


def gone_txn(txn: LoggingTransaction, now_ms: int, most: int) -> list[Gone]:
    """Removed and expired ones whose messages are still there."""
    txn.execute(
        "SELECT material_id, room_id, event_id FROM sferum_materials WHERE room_id <> ''"
        " AND (removed_ms IS NOT NULL OR expires_ms <= ?) LIMIT ?",
        (now_ms, most),
    )
    return [Gone(MaterialId(str(a)), str(b), str(c)) for a, b, c in txn]


def end_room_txn(txn: LoggingTransaction, org_id: str, key: RoomKey, now_ms: int) -> None:
    """The room is removed (R36), and with it what was for its people; their messages went with the room."""
    txn.execute(
        "UPDATE sferum_materials SET room_id = '', removed_ms = COALESCE(removed_ms, ?)"
        " WHERE org_id = ? AND room_kind = ? AND room_ref = ?",
        (now_ms, org_id, key.kind.value, key.ref),
    )


def taken_back_txn(txn: LoggingTransaction, material_id: str, now_ms: int) -> None:
    """Its message is gone too."""
    txn.execute(
        "UPDATE sferum_materials SET room_id = '', removed_ms = COALESCE(removed_ms, ?)"
        " WHERE material_id = ?",
        (now_ms, material_id),
    )


def forget_gone_txn(txn: LoggingTransaction, before_ms: int) -> int:
    """Forget what was removed before a time; returns how many."""
    txn.execute("DELETE FROM sferum_materials WHERE removed_ms < ? AND room_id = ''", (before_ms,))
    return int(txn.rowcount)


def material_rooms_txn(txn: LoggingTransaction) -> list[tuple[OrgId, str, int]]:
    """(school, its materials room, how far it has been read)."""
    txn.execute(
        "SELECT r.org_id, r.room_id, COALESCE(m.seen, 0) FROM sferum_rooms AS r"
        " LEFT JOIN sferum_material_rooms AS m ON m.room_id = r.room_id"
        " WHERE r.kind = 'materials' AND r.room_id IS NOT NULL"
    )
    return [(OrgId(str(a)), str(b), int(c)) for a, b, c in txn]


def read_until_txn(txn: LoggingTransaction, room_id: str, seen: int) -> None:
    """How far a room has been read."""
    txn.execute("DELETE FROM sferum_material_rooms WHERE room_id = ?", (room_id,))
    txn.execute("INSERT INTO sferum_material_rooms (room_id, seen) VALUES (?, ?)", (room_id, seen))
