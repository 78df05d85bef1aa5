"""A material: what it is, where it lies, for whom, until when; folders and search. Pure."""

from __future__ import annotations

import enum
import re
import unicodedata
from typing import NewType

from attrs import field, frozen

from synapse_sferum.model import OrgId, RoomKey, UserId

MaterialId = NewType(
    "MaterialId", str
)  # ours, "m" + 16 of base32, or an event's id without its sigil

#: Characters of a title, of a file's name, of a folder's.
MOST_TITLE, MOST_NAME, MOST_FOLDER = 120, 160, 40
#: Folders in folders: a subject, a quarter, a topic.
MOST_DEPTH = 3
#: Octets of a file: a lesson of an hour in a small picture.
MOST_OCTETS = 2_000_000_000
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")
#: What a file is when nobody says it, or says it wrongly.
UNKNOWN_TYPE = "application/octet-stream"


@frozen(kw_only=True)
class Material:
    """Attributes:
    key: whose it is: the materials room stands for the whole school, a class's for its pupils and their parents.
    folder: "" or `Алгебра/Контрольные`, as `folder_of` writes it.
    file_id: of the onboarding pages, which keep the file; "" for one in Synapse.
    mxc: address of one that somebody has posted into the materials room with a chat client; "" for the others.
    expires_ms: from then on it is nobody's; None: it stays.
    """

    material_id: MaterialId
    org_id: OrgId
    key: RoomKey
    title: str = field(repr=False)
    name: str = field(repr=False)
    mimetype: str
    size: int
    author: UserId
    folder: str = field(default="", repr=False)
    file_id: str = ""
    mxc: str = ""
    published_ms: int = 0
    expires_ms: int | None = None


class Wrong(enum.Enum):
    """Why a material cannot be so. The values are stable: the field, then what is wrong with it."""

    TITLE = "title_length"
    NAME = "name_length"
    FOLDER = "folder_form"
    SIZE = "size_range"
    MIMETYPE = "mimetype_form"
    EXPIRES = "expires_past"

    @property
    def field(self) -> str:
        """The field of the API that is meant."""
        return self.value.partition("_")[0]


def wrong(material: Material, now_ms: int) -> Wrong | None:
    """The first thing that cannot be, or None."""
    one = material
    if not 1 <= len(one.title) <= MOST_TITLE:
        return Wrong.TITLE
    if not 1 <= len(one.name) <= MOST_NAME or name_of(one.name) != one.name:
        return Wrong.NAME
    if folder_of(one.folder) != one.folder:
        return Wrong.FOLDER
    if not 0 <= one.size <= MOST_OCTETS:
        return Wrong.SIZE
    if not _TYPE.fullmatch(one.mimetype):
        return Wrong.MIMETYPE
    if one.expires_ms is not None and one.expires_ms <= now_ms:
        return Wrong.EXPIRES
    return None


def is_live(material: Material, now_ms: int) -> bool:
    """Whether it has not expired."""
    return material.expires_ms is None or now_ms < material.expires_ms


def folder_of(text: str) -> str | None:
    """A folder as it is written: `  Алгебра // контрольные ` → `Алгебра/контрольные`; None: it cannot be one."""
    parts = [" ".join(_printable(part).split()) for part in text.split("/")]
    kept = [part for part in parts if part]
    if len(kept) > MOST_DEPTH or any(len(p) > MOST_FOLDER or not p.strip(".") for p in kept):
        return None
    return "/".join(kept)


def name_of(text: str) -> str:
    """A file's name without a way to it: the last part, one line, nothing that a disk or a header takes amiss."""
    last = re.split(r"[/\\]", text)[-1]
    kept = "".join(ch for ch in _printable(last) if ch not in '<>:"|?*')
    found = " ".join(kept.split()).strip(". ")
    if len(found) > MOST_NAME:
        stem, dot, ending = found.rpartition(".")
        ending = f"{dot}{ending}" if dot and len(ending) <= 10 else ""
        found = (stem if ending else found)[: MOST_NAME - len(ending)].rstrip(". ") + ending
    return found or "file"


def mimetype_of(text: str) -> str:
    """What a client says that a file is, without parameters; `application/octet-stream` when it says nothing of use."""
    found = text.partition(";")[0].strip().lower()
    return found if _TYPE.fullmatch(found) else UNKNOWN_TYPE


def search_text(material: Material) -> str:
    """What a search looks into."""
    return fold(f"{material.title} {material.name} {material.folder.replace('/', ' ')}")


def search_words(text: str) -> tuple[str, ...]:
    """Words of a search, at most eight; a material is found when each begins a word of its own."""
    return tuple(dict.fromkeys(fold(text).split()))[:8]


def found_by(material: Material, words: tuple[str, ...]) -> bool:
    """Whether every word begins one of the material's."""
    have = re.split(r"[^\w]+", search_text(material))
    return all(any(one.startswith(word) for one in have) for word in words)


def fold(text: str) -> str:
    """Lower case, ё as е, punctuation as spaces: as people type what they look for."""
    lowered = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return " ".join(re.sub(r"[^\w]+", " ", lowered).split())


def _printable(text: str) -> str:
    normal = unicodedata.normalize("NFC", text)
    return "".join(ch if ch.isprintable() else " " for ch in normal)
