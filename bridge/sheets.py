"""Sheets for the printer: links that were made just now. Their tokens are known at this moment only.

So that the page may be loaded again and printed twice, a sheet is kept, sealed, for the browser that ordered it and
for half an hour. It lies among the journeys, in a place of its own: a browser may have several.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import Any, NewType

from attrs import field, frozen

from bridge.invite import InviteId, InviteKind
from bridge.ports import Repositories, Store, Vault
from bridge.records import SessionHash
from bridge.roles import ClassId

SheetId = NewType("SheetId", str)

KEPT = timedelta(minutes=30)
SHEET_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@frozen(kw_only=True)
class Slip:
    """One link of a sheet. `name`: «Фамилия Имя» of the pupil it is for, "" on a wall."""

    invite_id: InviteId
    token: str = field(repr=False)
    code: str = field(repr=False, default="")
    name: str = field(repr=False, default="")


@frozen(kw_only=True)
class Sheet:
    """Slips of one kind for one class."""

    kind: InviteKind
    class_id: ClassId
    class_name: str
    expires_at: datetime  # of the links
    slips: tuple[Slip, ...]


async def keep_in(
    work: Repositories,
    sheet_id: SheetId,
    sheet: Sheet,
    session: SessionHash,
    now: datetime,
    *,
    vault: Vault,
) -> None:
    """Keep the sheet in the transaction that makes its links: there is never the one without the other."""
    place = _place(session, sheet_id)
    await work.journeys.put(place, vault.seal(_pack(sheet), _purpose(place)), now + KEPT)


async def kept_sheet(
    sheet_id: str,
    class_id: ClassId,
    session: SessionHash,
    now: datetime,
    *,
    store: Store,
    vault: Vault,
) -> Sheet | None:
    """The sheet, if this browser ordered it for this class less than KEPT ago.

    Raises:
        CannotUnseal: the key file is another one.
    """
    if not SHEET_ID.fullmatch(sheet_id):
        return None
    place = _place(session, SheetId(sheet_id))
    async with store.begin() as work:
        sealed = await work.journeys.get(place, now)
    if sealed is None:
        return None
    sheet = _unpack(vault.unseal(sealed, _purpose(place)))
    return sheet if sheet.class_id == class_id else None


def _place(session: SessionHash, sheet_id: SheetId) -> SessionHash:
    return SessionHash(hashlib.sha256(b"sheet:" + session + sheet_id.encode()).digest())


def _purpose(place: SessionHash) -> str:
    return f"sheet:{place.hex()}"


def _pack(sheet: Sheet) -> bytes:
    words = {
        "kind": sheet.kind.value,
        "class_id": sheet.class_id,
        "class_name": sheet.class_name,
        "expires_at": sheet.expires_at.isoformat(),
        "slips": [[one.invite_id, one.token, one.code, one.name] for one in sheet.slips],
    }
    return json.dumps(words, ensure_ascii=False).encode()


def _unpack(plain: bytes) -> Sheet:
    words: Any = json.loads(plain)
    return Sheet(
        kind=InviteKind(words["kind"]),
        class_id=ClassId(words["class_id"]),
        class_name=words["class_name"],
        expires_at=datetime.fromisoformat(words["expires_at"]),
        slips=tuple(
            Slip(invite_id=InviteId(invite_id), token=token, code=code, name=name)
            for invite_id, token, code, name in words["slips"]
        ),
    )
