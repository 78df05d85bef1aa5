"""Names of rooms and participants that clients work out for themselves too (MSC4195). Pure.

Clients show a participant only under the identity that they expect; under another it stays "waiting for media".
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256

from media.ids import Identity, RoomName

#: The call of a Matrix room; its only slot here: in another one no host would see the call.
CALL_SLOT = "m.call#ROOM"

#: Go's encoding/json writes these as \uXXXX, even inside strings; clients that were written against it do too.
_GO_ESCAPES = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})


def room_name(room_id: str, slot_id: str = CALL_SLOT) -> RoomName:
    """The name of a Matrix room's call at the calls server."""
    return RoomName(_hash(room_id, slot_id))


def member_identity(user_id: str, device_id: str, member_id: str) -> Identity:
    """Of `/get_token`: tells nothing about the person."""
    return Identity(_hash(user_id, device_id, member_id))


def device_identity(user_id: str, device_id: str) -> Identity:
    """Of `/sfu/get`, for clients that are older than the hash."""
    return Identity(f"{user_id}:{device_id}")


def _hash(*parts: str) -> str:
    """Unpadded base64 of SHA-256 over a JSON array without spaces."""
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).translate(_GO_ESCAPES)
    return b64encode(sha256(text.encode()).digest()).decode().rstrip("=")
