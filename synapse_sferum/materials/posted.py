"""What somebody has posted into the materials room with a chat client, as a material. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from synapse_sferum.materials.values import (
    MOST_OCTETS,
    MOST_TITLE,
    Material,
    MaterialId,
    mimetype_of,
    name_of,
)
from synapse_sferum.model import OrgId, RoomKey, RoomKind, UserId

_KINDS = frozenset({"m.file", "m.video", "m.audio", "m.image"})
_MXC = re.compile(r"mxc://([^/\s]{1,230})/([A-Za-z0-9_-]{1,128})")


def posted_material(
    org_id: OrgId, sender: str, event_id: str, at_ms: int, content: Mapping[str, Any], server: str
) -> Material | None:
    """A file, a video, a sound or a picture; None: words, an edit, an encrypted file, another server's.

    The caption is its title (MSC2530: `body` is one where `filename` is said beside it), else the file's name.
    """
    if _text(content.get("msgtype")) not in _KINDS or _replaces(content):
        return None
    url = content.get("url")
    found = _MXC.fullmatch(url) if isinstance(url, str) else None
    if found is None or found[1] != server:
        return None
    body, filename = _text(content.get("body")), _text(content.get("filename"))
    name = name_of(filename or body)
    caption = body if filename and body != filename else ""
    title = " ".join((caption or name).split())[:MOST_TITLE].strip() or name
    info = content.get("info")
    info = info if isinstance(info, Mapping) else {}
    size = info.get("size")
    known = isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= MOST_OCTETS
    return Material(
        material_id=MaterialId(event_id.lstrip("$")),
        org_id=org_id,
        key=RoomKey(RoomKind.MATERIALS),
        title=title,
        name=name,
        mimetype=mimetype_of(_text(info.get("mimetype"))),
        size=size if known and isinstance(size, int) else 0,
        author=UserId(sender),
        mxc=found[0],
        published_ms=at_ms,
    )


def _replaces(content: Mapping[str, Any]) -> bool:
    relation = content.get("m.relates_to")
    return isinstance(relation, Mapping) and relation.get("rel_type") == "m.replace"


def _text(value: object) -> str:
    """At most a thousand characters that can be stored."""
    if not isinstance(value, str):
        return ""
    return "".join(ch for ch in value[:1000] if ch != "\0" and not "\ud800" <= ch <= "\udfff")
