"""What the operator's folder remembers of one look for the next: since when a school answers, is silent, is behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from provisioning.district.folder import Folder, pretty, replace
from provisioning.district.question import Asked

FORMAT = "sferum.district_looks.v1"
#: Bytes; a school takes some 200, and there are at most 2,000.
LARGEST = 2_000_000


@frozen(kw_only=True)
class Look:
    """One school, as the last look found it. Times in seconds since 1970; 0: never, or it is not so.

    Attributes:
        answers: whether it answered, and `since_s` since when that is so.
        heard_s: when it last answered.
        serial: the register it had then.
        behind_since_s: since when it has an older one than it should.
    """

    answers: bool
    since_s: int
    heard_s: int = 0
    serial: int = 0
    behind_since_s: int = 0


def next_look(before: Look | None, asked: Asked, *, behind: bool, now_s: int) -> Look:
    """What is remembered after asking. Pure.

    Args:
        behind: whether the register it answered with is an older one than it should be.
    """
    answers = asked.status is not None
    same = before is not None and before.answers == answers
    since_s = before.since_s if before is not None and same else now_s
    if asked.status is None:
        if before is None:
            return Look(answers=False, since_s=since_s)
        return Look(
            answers=False,
            since_s=since_s,
            heard_s=before.heard_s,
            serial=before.serial,
            behind_since_s=before.behind_since_s,
        )
    was_behind_s = 0 if before is None else before.behind_since_s
    return Look(
        answers=True,
        since_s=since_s,
        heard_s=now_s,
        serial=asked.status.serial,
        behind_since_s=(was_behind_s or now_s) if behind else 0,
    )


def read_looks(folder: Folder) -> dict[str, Look]:
    """Server name → the last look; nothing when the file is not there or is spoilt, for it is only a memory."""
    try:
        with _file(folder).open("rb") as file:
            found = json.loads(file.read(LARGEST + 1)[:LARGEST])
        if found["format"] != FORMAT:
            return {}
        return {str(name): _look(entry) for name, entry in found["schools"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def write_looks(folder: Folder, looks: Mapping[str, Look]) -> None:
    """Replace the file, for the folder's owner only."""
    schools = {name: asdict(look) for name, look in looks.items()}
    replace(_file(folder), pretty({"format": FORMAT, "schools": schools}), 0o600)


def _look(entry: Mapping[str, Any]) -> Look:
    numbers = {
        name: int(entry[name]) for name in ("since_s", "heard_s", "serial", "behind_since_s")
    }
    return Look(answers=bool(entry["answers"]), **numbers)


def _file(folder: Folder) -> Path:
    return folder.path / "looks.json"
