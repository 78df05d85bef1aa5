"""A person's data as a file (152-FZ, article 14), and a room's messages for the director: both in the log (R51)."""

from __future__ import annotations

import json
from typing import Any, Final

from synapse.module_api import LoggingTransaction

from synapse_sferum.account import Account, rooms_of
from synapse_sferum.api.call import Call
from synapse_sferum.api.services import Services
from synapse_sferum.api.viewer import viewer
from synapse_sferum.api.views import person_json
from synapse_sferum.audit import AuditEntry
from synapse_sferum.broadcast_rows import named_rooms_txn
from synapse_sferum.directory_rows import append_audit_txn
from synapse_sferum.edits import not_found
from synapse_sferum.family_rows import Classes, Family, family_txn
from synapse_sferum.materials.rows import materials_txn
from synapse_sferum.model import GuardianshipStatus, Org, Role, UserId
from synapse_sferum.private.tables import messages_txn
from synapse_sferum.quiet.values import Level, windows_json
from synapse_sferum.schedule.details import details_json
from synapse_sferum.schedule.rows import gatherings_txn
from synapse_sferum.subject_rows import listed_txn

#: Lines of the log, materials, gatherings of one export.
MOST_LINES: Final = 5000
#: Milliseconds in which the pieces of one export are asked for; a piece after that is another export's first.
ONE_EXPORT_MS: Final = 3_600_000
#: Messages of one piece of a room, and octets of it.
MOST_MESSAGES, MOST_OCTETS = 500, 2_000_000


def may_export_person(account: Account, person_id: str) -> bool:
    """One's own, one's children's (a confirmed link, R34), and for heads everybody's."""
    return account.is_leader or person_id in account.persons | account.children


async def export_person(services: Services, call: Call) -> tuple[int, Any]:
    """Everything that the directory knows of one person. Messages are in their chats: any client saves them (R28)."""
    call.only("reason")
    org, who = await viewer(services, call)
    account, person_id = who.account, call.params["person_id"]
    assert account is not None  # viewer said so
    if not may_export_person(account, person_id):
        raise not_found()
    reason, now = call.text("reason", default="", longest=300), services.now_ms()

    def export_txn(txn: LoggingTransaction) -> dict[str, Any] | None:
        found = family_txn(txn, org.org_id, person_id)
        if found is None:
            return None
        family, classes = found
        user_id = family.person.user_id
        data = {
            "person": person_json(family.person, classes.get(family.person.person_id, [])),
            "subjects": listed_txn(txn, person_id)[0],
            **_links(family, classes, heads=account.is_leader),
            "log": _log_txn(txn, org, person_id, user_id, heads=account.is_leader),
            "planned": [
                details_json(one)
                for one in gatherings_txn(txn, org.org_id, 0, 2**53)
                if user_id and one.author == user_id
            ][:MOST_LINES],
            "published": [
                {"title": one.title, "name": one.name, "published_ms": one.published_ms}
                for one in materials_txn(txn, org.org_id, now, MOST_LINES)
                if user_id and one.author == user_id
            ],
        }
        entry = AuditEntry(call.actor.name, "export_person", person_id, "", "", reason)
        append_audit_txn(txn, org.org_id, [entry], now)
        return data

    data = await services.directory.read(export_txn)
    if data is None:
        raise not_found()
    user_id = data["person"]["user_id"]
    return 200, {
        "format": "sferum.person.v1",
        "exported_ms": now,
        "school": {"org_id": org.org_id, "name": org.name},
        **data,
        "rooms": await _rooms(services, org, user_id),
        "quiet_hours": await _hours(services, org, user_id),
    }


def _links(family: Family, classes: Classes, *, heads: bool) -> dict[str, Any]:
    """Names of the family; what a court has restricted is for heads alone (R34)."""
    del classes

    def shown(status: GuardianshipStatus) -> bool:
        return heads or status is not GuardianshipStatus.RESTRICTED

    return {
        name: [
            {
                "person_id": person.person_id,
                "name": person.display_name,
                "relation": link.relation,
                "status": link.status.value,
            }
            for person, link in links
            if shown(link.status)
        ]
        for name, links in (("guardians", family.guardians), ("children", family.children))
    }


def _log_txn(
    txn: LoggingTransaction, org: Org, person_id: str, user_id: str | None, *, heads: bool
) -> list[dict[str, Any]]:
    """What was done to them; why is for heads, as the log itself is."""
    columns = ("at_ms", "actor", "action", "before", "after", "reason")
    txn.execute(
        f"SELECT {', '.join(columns)} FROM sferum_audit WHERE org_id = ? AND target IN (?, ?)"
        " ORDER BY number DESC LIMIT ?",
        (org.org_id, person_id, user_id or person_id, MOST_LINES),
    )
    found = [dict(zip(columns, row, strict=True)) for row in txn]
    return found if heads else [{k: v for k, v in one.items() if k != "reason"} for one in found]


async def _rooms(services: Services, org: Org, user_id: str | None) -> list[dict[str, str]]:
    account = None if user_id is None else await services.facts.account(user_id)
    if account is None:
        return []
    names = await services.directory.read(named_rooms_txn, org.org_id)
    return [
        {"kind": key.kind.value, "name": names[key][1] if key in names else "", "reason": reason}
        for key, reason in sorted(rooms_of(account).items())
    ]


async def _hours(services: Services, org: Org, user_id: str | None) -> list[dict[str, Any]] | None:
    rules = await services.facts.quiet_rules(org.org_id)
    rule = None if user_id is None else rules.get((Level.PERSON, user_id))
    return None if rule is None else windows_json(rule.windows)


async def export_room(services: Services, call: Call) -> tuple[int, Any]:
    """Messages of a managed room, piece by piece: for the director, and each export is in the log with its reason.

    Wherever it begins: a piece without a line of the last hour, by the same person about the same room, makes one.
    """
    call.only("room_id", "from", "reason")
    org, who = await viewer(services, call)
    assert who.account is not None  # viewer said so
    room = await services.facts.managed_room(call.text("room_id", longest=255))
    if Role.DIRECTOR not in who.account.roles or room is None or room.org_id != org.org_id:
        raise not_found()
    after = call.whole("from", default=0, most=2**62)
    reason = call.text("reason", default="", longest=300)

    target = f"{room.key.kind.value} {room.key.ref}".strip()

    def export_room_txn(txn: LoggingTransaction) -> dict[str, Any]:
        now = services.now_ms()
        if after == 0 or not _is_logged_txn(txn, org, call.actor.name, target, now):
            entry = AuditEntry(call.actor.name, "export_room", target, "", "", reason)
            append_audit_txn(txn, org.org_id, [entry], now)
        return _piece(messages_txn(txn, room.room_id, after, MOST_MESSAGES))

    piece = await services.directory.read(export_room_txn)
    return 200, {"room_id": room.room_id, "kind": room.key.kind.value, **piece}


def _is_logged_txn(txn: LoggingTransaction, org: Org, actor: str, target: str, now_ms: int) -> bool:
    txn.execute(
        "SELECT 1 FROM sferum_audit WHERE org_id = ? AND action = 'export_room' AND actor = ?"
        " AND target = ? AND at_ms > ? LIMIT 1",
        (org.org_id, actor, target, now_ms - ONE_EXPORT_MS),
    )
    return txn.fetchone() is not None


def _piece(found: list[tuple[int, str, dict[str, Any], bool]]) -> dict[str, Any]:
    """As many as fit, at least one; what was deleted is said to have been, without what it said."""
    messages: list[dict[str, Any]] = []
    octets, last = 0, 0
    for place, event_id, event, deleted in found:
        content = {} if deleted else event.get("content", {})
        octets += len(json.dumps(content))
        if messages and octets > MOST_OCTETS:
            break
        last = place
        messages.append(
            {
                "event_id": event_id,
                "at_ms": int(event.get("origin_server_ts", 0)),
                "sender": UserId(str(event.get("sender", ""))),
                "type": str(event.get("type", "")),
                "deleted": deleted,
                "content": content,
            }
        )
    more = len(messages) < len(found) or len(found) == MOST_MESSAGES
    return {"messages": messages, "next": last if more and messages else None}
