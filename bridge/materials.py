"""Files and videos of a school, as the directory tells one person of them (docs/contracts.md, materials). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

#: What a browser may show by itself. Everything else is saved: a page of somebody's must not run on ours. Documents
#: (PDF) are among it: Chromium shows none under a policy with `sandbox`, and every device has a program for them.
SHOWN = frozenset(
    {
        *("video/mp4", "video/webm", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/webm"),
        *("image/png", "image/jpeg", "image/webp", "image/gif"),
    }
)


@frozen(kw_only=True)
class Material:
    """Attributes:
    file_id: of a file that is here; "" for one in a chat.
    mxc: of a file that somebody has posted in the chat; "" for the others.
    may_change: whether whoever asked may change it or take it away.
    """

    material_id: str
    room_id: str
    room_kind: str
    room_name: str
    folder: str = field(repr=False)
    title: str = field(repr=False)
    name: str = field(repr=False)
    mimetype: str
    size: int
    file_id: str
    mxc: str = ""
    published_at: datetime
    expires_at: datetime | None
    may_change: bool

    @property
    def address(self) -> str:
        """Of its page."""
        return f"/materials/{quote(self.material_id, safe='')}"

    @property
    def shows(self) -> str:
        """`video`, `audio`, `image`, or "" for what is saved."""
        if not (self.file_id or self.mxc) or self.mimetype not in SHOWN:
            return ""
        return self.mimetype.partition("/")[0]

    @property
    def disposition(self) -> str:
        """Content-Disposition (RFC 6266), the name as RFC 8187 writes it."""
        kind = "inline" if self.shows else "attachment"
        return f"{kind}; filename*=UTF-8''{quote(self.name, safe='')}"

    @property
    def type_sent(self) -> str:
        """Content-Type: what a browser may show as it is, the rest as octets."""
        return self.mimetype if self.shows else "application/octet-stream"


@frozen(kw_only=True)
class Shelf:
    """A page of what somebody may read. `folders`: name and how many, of everything found."""

    materials: tuple[Material, ...]
    folders: tuple[tuple[str, int], ...]
    total: int
    next: int | None


@frozen(kw_only=True)
class Room:
    """For whom somebody may publish."""

    room_id: str
    kind: str
    name: str


@frozen(kw_only=True)
class Publication:
    """What a form publishes."""

    room_id: str
    file_id: str
    title: str = field(repr=False)
    name: str = field(repr=False)
    mimetype: str
    size: int
    folder: str = field(repr=False)
    expires_at: datetime | None

    def to_json(self) -> Mapping[str, Any]:
        """As the directory takes it."""
        return {
            "room_id": self.room_id,
            "file_id": self.file_id,
            "title": self.title,
            "name": self.name,
            "mimetype": self.mimetype,
            "size": self.size,
            "folder": self.folder,
            "expires_ms": milliseconds(self.expires_at),
        }


def milliseconds(at: datetime | None) -> int | None:
    """Since 1970."""
    return None if at is None else int(at.timestamp() * 1000)


def shown_size(octets: int) -> tuple[str, str]:
    """Number and unit, decimal: `("12", "МБ")`; the unit is translated where it is shown."""
    for unit, size in (("ГБ", 10**9), ("МБ", 10**6), ("КБ", 10**3)):
        if octets >= size:
            found = octets / size
            text = f"{found:.1f}" if found < 10 else f"{found:.0f}"
            return text.removesuffix(".0"), unit
    return str(octets), "Б"
