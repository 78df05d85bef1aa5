"""Synapse's own tables, read and never written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen
from synapse.module_api import JsonDict, LoggingTransaction


def members_txn(txn: LoggingTransaction, room_id: str) -> dict[str, str]:
    """user_id → membership of everybody ever in a room, from Synapse's table of current state.

    `ModuleApi.get_room_state` would load every member event: 2,300 of them for the announcements of a large school.
    """
    txn.execute(
        "SELECT state_key, membership FROM current_state_events"
        " WHERE room_id = ? AND type = 'm.room.member'",
        (room_id,),
    )
    return {str(user_id): str(membership) for user_id, membership in txn}


def membership_txn(txn: LoggingTransaction, user_id: str, room_id: str) -> str | None:
    """Membership of anybody in a room that this server is in; None: never there."""
    txn.execute(
        "SELECT membership FROM current_state_events"
        " WHERE room_id = ? AND type = 'm.room.member' AND state_key = ?",
        (room_id, user_id),
    )
    row = txn.fetchone()
    return None if row is None or row[0] is None else str(row[0])


def rooms_created_by_txn(txn: LoggingTransaction, user_id: str) -> list[str]:
    """Rooms a user created, newest first; how a room is found again after a crash in the middle of its creation."""
    txn.execute("SELECT room_id FROM rooms WHERE creator = ?", (user_id,))
    return [str(row[0]) for row in txn]


def inviter_txn(txn: LoggingTransaction, user_id: str, room_id: str) -> str | None:
    """Who invited one of our users to a room, also to one of another server; None: there is no invitation."""
    txn.execute(
        "SELECT m.sender FROM local_current_membership AS c"
        " JOIN room_memberships AS m ON m.event_id = c.event_id"
        " WHERE c.room_id = ? AND c.user_id = ? AND c.membership = 'invite'",
        (room_id, user_id),
    )
    row = txn.fetchone()
    return None if row is None else str(row[0])


@frozen
class Invitation:
    """One of ours is invited to a room; `content` is the invitation's."""

    room_id: str
    sender: str
    content: Mapping[str, Any] = field(hash=False)


def invitations_txn(txn: LoggingTransaction, user_id: str) -> list[Invitation]:
    """Rooms that one of our users is invited to today, also those of other servers; the newest invitation first."""
    txn.execute(
        "SELECT c.room_id, j.json FROM local_current_membership AS c"
        " JOIN event_json AS j ON j.event_id = c.event_id"
        " JOIN events AS e ON e.event_id = c.event_id"
        " WHERE c.user_id = ? AND c.membership = 'invite'"
        " ORDER BY e.stream_ordering DESC, c.room_id",
        (user_id,),
    )
    found = [(str(room_id), json.loads(text)) for room_id, text in txn]
    return [Invitation(room, str(event["sender"]), event["content"]) for room, event in found]


def room_of_event_txn(txn: LoggingTransaction, event_id: str) -> str | None:
    """The room of an event of this database; None: there is none."""
    txn.execute("SELECT room_id FROM events WHERE event_id = ?", (event_id,))
    row = txn.fetchone()
    return None if row is None else str(row[0])


def own_messages_txn(
    txn: LoggingTransaction, room_id: str, sender: str, since_ms: int, most: int
) -> list[tuple[str, JsonDict]]:
    """(event id, content) of one sender's messages in a room since a time, the oldest first: what came of a crash.

    Without those that were taken back. By Synapse's index on times: a room's whole history is never read.
    """
    txn.execute(
        "SELECT e.event_id, j.json FROM events AS e JOIN event_json AS j ON j.event_id = e.event_id"
        " WHERE e.origin_server_ts >= ? AND e.room_id = ? AND e.sender = ? AND e.type = 'm.room.message'"
        " AND NOT EXISTS (SELECT 1 FROM redactions AS r WHERE r.redacts = e.event_id)"
        " ORDER BY e.origin_server_ts, e.stream_ordering LIMIT ?",
        (since_ms, room_id, sender, most),
    )
    found = []
    for event_id, text in list(txn):
        content = json.loads(text).get("content")
        if isinstance(content, dict):
            found.append((str(event_id), content))
    return found


def events_since_txn(
    txn: LoggingTransaction, room_id: str, seen: int, before_ms: int, most: int
) -> list[tuple[int, str, JsonDict]]:
    """(place in the stream, event id, event) of messages and redactions of a room after a place, in order.

    Only what came before a time: events of several writers are not always there in the order of their places.
    """
    txn.execute(
        "SELECT e.stream_ordering, e.event_id, j.json FROM events AS e"
        " JOIN event_json AS j ON j.event_id = e.event_id"
        " WHERE e.room_id = ? AND e.stream_ordering > ? AND e.received_ts < ?"
        " AND e.type IN ('m.room.message', 'm.room.redaction') AND NOT e.outlier"
        " AND NOT EXISTS (SELECT 1 FROM rejections AS r WHERE r.event_id = e.event_id)"
        " ORDER BY e.stream_ordering LIMIT ?",
        (room_id, seen, before_ms, most),
    )
    return [(int(place), str(event_id), json.loads(text)) for place, event_id, text in txn]


def messages_txn(
    txn: LoggingTransaction, room_id: str, after: int, most: int
) -> list[tuple[int, str, JsonDict, bool]]:
    """(place in the stream, event id, event, whether it was deleted) of what was said after a place, in order.

    Clients delete the message that was edited and not its edits: those say the same, and are deleted with it.
    """
    txn.execute(
        "SELECT e.stream_ordering, e.event_id, j.json,"
        " EXISTS (SELECT 1 FROM redactions AS r WHERE r.redacts = e.event_id)"
        " OR EXISTS (SELECT 1 FROM event_relations AS a JOIN redactions AS r ON r.redacts = a.relates_to_id"
        " WHERE a.event_id = e.event_id AND a.relation_type = 'm.replace') FROM events AS e"
        " JOIN event_json AS j ON j.event_id = e.event_id"
        " WHERE e.room_id = ? AND e.stream_ordering > ? AND e.type IN"
        " ('m.room.message', 'm.room.encrypted', 'm.sticker', 'm.reaction', 'm.poll.start',"
        " 'org.matrix.msc3381.poll.start') AND NOT e.outlier"
        " AND NOT EXISTS (SELECT 1 FROM rejections AS x WHERE x.event_id = e.event_id)"
        " ORDER BY e.stream_ordering LIMIT ?",
        (room_id, after, most),
    )
    return [
        (int(place), str(event_id), json.loads(text), bool(gone))
        for place, event_id, text, gone in txn
    ]


def joined_of_txn(txn: LoggingTransaction, room_id: str, user_ids: Sequence[str]) -> frozenset[str]:
    """Which of these, whatever servers they are of, are joined to a room that this server is in."""
    found: set[str] = set()
    for start in range(0, len(user_ids), 500):  # SQLite's limit of parameters is above it
        some = user_ids[start : start + 500]
        marks = ", ".join("?" * len(some))
        txn.execute(
            "SELECT state_key FROM current_state_events WHERE room_id = ?"
            f" AND type = 'm.room.member' AND membership = 'join' AND state_key IN ({marks})",
            [room_id, *some],
        )
        found.update(str(row[0]) for row in txn)
    return frozenset(found)


def joined_here_txn(txn: LoggingTransaction, room_id: str) -> frozenset[str]:
    """This server's users who are joined to a room."""
    txn.execute(
        "SELECT user_id FROM local_current_membership WHERE room_id = ? AND membership = 'join'",
        (room_id,),
    )
    return frozenset(str(row[0]) for row in txn)


def profiles_txn(
    txn: LoggingTransaction, user_ids: Sequence[str]
) -> dict[str, tuple[str | None, str | None]]:
    """user_id → (display name, picture) of local accounts, many in one query; at most some hundreds."""
    marks = ", ".join("?" * len(user_ids))
    txn.execute(
        f"SELECT full_user_id, displayname, avatar_url FROM profiles WHERE full_user_id IN ({marks})",
        list(user_ids),
    )
    return {str(user_id): (name, picture) for user_id, name, picture in txn}


def uploader_txn(txn: LoggingTransaction, media_id: str) -> str | None:
    """Who uploaded a local file, or None when there is no such file."""
    txn.execute("SELECT user_id FROM local_media_repository WHERE media_id = ?", (media_id,))
    row = txn.fetchone()
    return None if row is None or row[0] is None else str(row[0])


def owner_of_threepid_txn(txn: LoggingTransaction, medium: str, address: str) -> str | None:
    """Whose phone or e-mail this is, in the form in which Synapse keeps it."""
    txn.execute(
        "SELECT user_id FROM user_threepids WHERE medium = ? AND address = ?", (medium, address)
    )
    row = txn.fetchone()
    return None if row is None else str(row[0])
