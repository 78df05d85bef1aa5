"""Materials: listed, found, published, changed, taken away, each as the person may (R27, docs/flows/materials.md)."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from attrs import evolve
from synapse.module_api import LoggingTransaction

from synapse_sferum.api.call import MOST_ROWS, PAGE, BadField, Call
from synapse_sferum.api.services import Services
from synapse_sferum.api.viewer import viewer
from synapse_sferum.audit import AuditEntry
from synapse_sferum.broadcast_rows import named_rooms_txn
from synapse_sferum.directory_rows import append_audit_txn
from synapse_sferum.edits import EditRefused, archived, not_found
from synapse_sferum.materials.rights import FOR_WHOM, Refusal, may_change, may_publish, may_read
from synapse_sferum.materials.rows import (
    change_material_txn,
    live_count_txn,
    live_files_txn,
    material_txn,
    materials_txn,
    put_material_txn,
    remove_material_txn,
)
from synapse_sferum.materials.values import (
    Material,
    MaterialId,
    folder_of,
    found_by,
    mimetype_of,
    name_of,
    search_words,
    wrong,
)
from synapse_sferum.model import Org, RoomId, RoomKey, RoomKind, UserId
from synapse_sferum.policy import Party

#: Live materials of one school.
MOST_LIVE = 5000
#: No material is kept until then (2200-01-01): every reader can write every end as a date.
LAST_MS = 7_258_118_400_000
#: Files of one question whether they are still somebody's.
MOST_FILES = 1000
_FILE_ID = re.compile(r"[a-z0-9]{16,64}")

Rooms = dict[RoomKey, tuple[RoomId, str]]


async def list_materials(services: Services, call: Call) -> tuple[int, Any]:
    """What somebody may read, the newest first; `q` words, one folder, one room."""
    org, who = await viewer(services, call)
    words, folder = search_words(call.query.get("q", "")[:200]), call.query.get("folder")
    limit = call.number("limit", default=PAGE, most=MOST_ROWS)
    start = call.number("from", default=0, most=MOST_LIVE)
    room_id = call.query.get("room_id", "")

    def list_txn(txn: LoggingTransaction) -> tuple[list[Material], Rooms]:
        found = materials_txn(txn, org.org_id, services.now_ms(), MOST_LIVE)
        return found, named_rooms_txn(txn, org.org_id)

    found, rooms = await services.directory.read(list_txn)
    read = [
        one
        for one in found
        if _reads(who, one, rooms)
        and (not room_id or rooms.get(one.key, ("", ""))[0] == room_id)
        and found_by(one, words)
    ]
    hits = [one for one in read if folder is None or one.folder == folder]
    page = hits[start : start + limit]
    return 200, {
        "materials": [_json(one, rooms, who, org) for one in page],
        "folders": [
            {"folder": name, "count": count}
            for name, count in sorted(Counter(one.folder for one in read).items())
        ],
        "total": len(hits),
        "next": start + limit if limit and start + limit < len(hits) else None,
    }


async def get_material(services: Services, call: Call) -> tuple[int, Any]:
    """One. Asked before every piece of a file: whoever has left is told that there is nothing (R27)."""
    org, who = await viewer(services, call)
    one, rooms = await _one(services, org, call.params["material_id"])
    if one is None or not _reads(who, one, rooms):
        raise not_found()
    return 200, _json(one, rooms, who, org)


async def list_publishable(services: Services, call: Call) -> tuple[int, Any]:
    """For whom somebody may publish, the whole school first."""
    org, who = await viewer(services, call)
    rooms = await services.directory.read(named_rooms_txn, org.org_id)
    found = [
        (key, room_id, name)
        for key, (room_id, name) in rooms.items()
        if may_publish(who, org.org_id, key) is None
    ]
    order = {kind: at for at, kind in enumerate(FOR_WHOM)}
    return 200, {
        "rooms": [
            {
                "room_id": room_id,
                "kind": key.kind.value,
                "name": org.name if key.kind is RoomKind.MATERIALS else name,
            }
            for key, room_id, name in sorted(found, key=lambda one: (order[one[0].kind], one[2]))
        ]
    }


async def publish_material(services: Services, call: Call) -> tuple[int, Any]:
    """A file that the onboarding pages keep becomes a material; its room is told. Once for each file."""
    call.only("room_id", "file_id", "title", "name", "mimetype", "size", "folder", "expires_ms")
    org, who = await viewer(services, call)
    assert who.account is not None  # viewer said so
    room = await services.facts.managed_room(call.text("room_id", longest=255))
    if room is None or room.org_id != org.org_id:
        raise not_found()
    file_id = call.text("file_id", longest=64)
    if not _FILE_ID.fullmatch(file_id):
        raise BadField("file_id", "must be 16 to 64 of a-z and 0-9")
    now = services.now_ms()
    one = Material(
        material_id=MaterialId(f"m{file_id}"),
        org_id=org.org_id,
        key=room.key,
        title=" ".join(call.text("title").split()),
        name=name_of(call.text("name", longest=1000)),
        mimetype=mimetype_of(call.text("mimetype", default="")),
        size=call.whole("size"),
        author=UserId(who.account.user_id),
        folder=_folder(call),
        file_id=file_id,
        published_ms=now,
        expires_ms=_expires(call),
    )
    _check(one, now)

    def publish_txn(txn: LoggingTransaction) -> tuple[Material, Rooms]:
        rooms = named_rooms_txn(txn, org.org_id)
        _refuse(may_publish(who, org.org_id, one.key, archived=one.key not in rooms))
        if live_count_txn(txn, org.org_id, now) >= MOST_LIVE:
            raise EditRefused(409, "SFERUM_TOO_MANY", f"a school has at most {MOST_LIVE} materials")
        if put_material_txn(txn, one):
            entry = AuditEntry(call.actor.name, "material", one.material_id, "", _said(one))
            append_audit_txn(txn, org.org_id, [entry], now)
        known = material_txn(txn, org.org_id, one.material_id, now)
        if known is None or known.author != one.author:
            raise not_found()
        return known, rooms

    known, rooms = await services.directory.read(publish_txn)
    return 200, _json(known, rooms, who, org)


async def change_material(services: Services, call: Call) -> tuple[int, Any]:
    """Another title, folder or last day."""
    call.only("title", "folder", "expires_ms")
    org, who = await viewer(services, call)
    now = services.now_ms()

    def change_txn(txn: LoggingTransaction) -> tuple[Material, Rooms]:
        before, rooms = _changeable_txn(txn, org, who, call, now)
        after = evolve(
            before,
            title=" ".join(call.text("title", default=before.title).split()),
            folder=_folder(call) if "folder" in call.body else before.folder,
            expires_ms=_expires(call) if "expires_ms" in call.body else before.expires_ms,
        )
        _check(after, now)
        if after != before:
            change_material_txn(txn, after)
            entry = AuditEntry(
                call.actor.name, "material", after.material_id, _said(before), _said(after)
            )
            append_audit_txn(txn, org.org_id, [entry], now)
        return after, rooms

    after, rooms = await services.directory.read(change_txn)
    return 200, _json(after, rooms, who, org)


async def remove_material(services: Services, call: Call) -> tuple[int, Any]:
    """Gone at once; its message is taken back, its file deleted by whoever keeps it."""
    call.only("reason")
    org, who = await viewer(services, call)
    now, reason = services.now_ms(), call.text("reason", default="", longest=300)

    def remove_txn(txn: LoggingTransaction) -> None:
        before, _ = _changeable_txn(txn, org, who, call, now)
        if remove_material_txn(txn, before.material_id, now):
            entry = AuditEntry(
                call.actor.name, "material", before.material_id, _said(before), "removed", reason
            )
            append_audit_txn(txn, org.org_id, [entry], now)

    await services.directory.read(remove_txn)
    return 200, {}


async def live_files(services: Services, call: Call) -> tuple[int, Any]:
    """Which files of the onboarding pages are still some school's material."""
    call.only("file_ids")
    found = call.texts("file_ids", most=MOST_FILES)
    return 200, {
        "file_ids": await services.directory.read(live_files_txn, found, services.now_ms())
    }


async def _one(services: Services, org: Org, material_id: str) -> tuple[Material | None, Rooms]:
    def one_txn(txn: LoggingTransaction) -> tuple[Material | None, Rooms]:
        found = material_txn(txn, org.org_id, material_id, services.now_ms())
        return found, named_rooms_txn(txn, org.org_id)

    return await services.directory.read(one_txn)


def _changeable_txn(
    txn: LoggingTransaction, org: Org, who: Party, call: Call, now_ms: int
) -> tuple[Material, Rooms]:
    found = material_txn(txn, org.org_id, call.params["material_id"], now_ms)
    if found is None:
        raise not_found()
    rooms = named_rooms_txn(txn, org.org_id)
    _refuse(may_change(who, found, archived=found.key not in rooms))
    return found, rooms


def _refuse(refusal: Refusal | None) -> None:
    match refusal:
        case None:
            return
        case Refusal.NOT_FOUND:
            raise not_found()
        case Refusal.ARCHIVED:
            raise archived()
        case Refusal.NOT_THEIRS:
            raise EditRefused(403, "M_FORBIDDEN", "this is for who published it and who leads")


def _reads(who: Party, one: Material, rooms: Rooms) -> bool:
    return may_read(who, one.org_id, one.key, archived=one.key not in rooms)


def _check(one: Material, now_ms: int) -> None:
    found = wrong(one, now_ms)
    if found is not None:
        raise BadField(found.field, f"cannot be so: {found.value}")


def _folder(call: Call) -> str:
    found = folder_of(call.text("folder", default=""))
    if found is None:
        raise BadField(
            "folder", "at most three names of at most 40 characters, with / between them"
        )
    return found


def _expires(call: Call) -> int | None:
    if call.body.get("expires_ms") is None:
        return None
    found = call.whole("expires_ms")
    if found >= LAST_MS:
        raise BadField("expires_ms", "must be a time before 2200, or null")
    return found


def _said(one: Material) -> str:
    """For the log: no titles and no names."""
    return f"{one.key.kind.value} {one.key.ref} expires {one.expires_ms or 'never'}".replace(
        "  ", " "
    )


def _json(one: Material, rooms: Rooms, who: Party, org: Org) -> dict[str, Any]:
    room_id, name = rooms.get(one.key, ("", ""))
    return {
        "material_id": one.material_id,
        "room_id": room_id,
        "room_kind": one.key.kind.value,
        "room_name": org.name if one.key.kind is RoomKind.MATERIALS else name,
        "folder": one.folder,
        "title": one.title,
        "name": one.name,
        "mimetype": one.mimetype,
        "size": one.size,
        "author": one.author,
        "file_id": one.file_id,
        "mxc": one.mxc,
        "published_ms": one.published_ms,
        "expires_ms": one.expires_ms,
        "may_change": may_change(who, one, archived=one.key not in rooms) is None,
    }
