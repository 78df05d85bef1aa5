"""Files, disk and database of the machine → findings. Values in, findings out; pure."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from provisioning.doctor_finding import Finding, Level

SHORTEST_TOKEN = 32  # characters; the module refuses shorter ones
#: Free space where files of the school are kept.
SPACE_ERROR_B, SPACE_WARNING_B = 1_000_000_000, 10_000_000_000


@frozen(kw_only=True)
class FileFacts:
    """A file that holds secrets. `mode` is None when it does not exist.

    Attributes:
        setting: which setting names it.
        length: characters of its one line, for tokens; None: not asked.
    """

    path: str
    setting: str
    mode: int | None
    length: int | None = None


@frozen(kw_only=True)
class DiskFacts:
    path: str
    free_b: int
    total_b: int


@frozen(kw_only=True)
class DatabaseFacts:
    """`problem` is "" when it answered, None when we could not try."""

    kind: str
    problem: str | None


def check_files(files: Iterable[FileFacts]) -> list[Finding]:
    """Secrets exist and belong to the server only."""
    findings, count = [], 0
    for file in files:
        count += 1
        if file.mode is None:
            findings.append(Finding(Level.ERROR, "file_missing", file.path, {"by": file.setting}))
        elif file.mode & 0o007:
            findings.append(_readable(Level.ERROR, "file_readable", file))
        elif file.mode & 0o020:
            findings.append(_readable(Level.WARNING, "file_group_writable", file))
        if file.length is not None and file.length < SHORTEST_TOKEN:
            figures = {"length": file.length, "least": SHORTEST_TOKEN}
            findings.append(Finding(Level.ERROR, "token_short", file.path, figures))
    return findings or [Finding(Level.OK, "files_good", "", {"count": count})]


def _readable(level: Level, code: str, file: FileFacts) -> Finding:
    return Finding(level, code, file.path, {"mode": f"{(file.mode or 0) & 0o777:04o}"})


def check_disk(disk: DiskFacts) -> Finding:
    """Whether files of the school still fit."""
    figures = {"free_gb": round(disk.free_b / 1e9, 1), "total_gb": round(disk.total_b / 1e9, 1)}
    if disk.free_b < SPACE_ERROR_B:
        return Finding(Level.ERROR, "disk_full", disk.path, figures)
    if disk.free_b < SPACE_WARNING_B:
        return Finding(Level.WARNING, "disk_filling", disk.path, figures)
    return Finding(Level.OK, "disk_good", disk.path, figures)


def check_database(database: DatabaseFacts) -> Finding:
    """Whether the database answers. That SQLite is not for a school is said by `doctor_settings`."""
    if database.problem is None:
        return Finding(Level.WARNING, "database_not_tried", database.kind)
    if database.problem:
        return Finding(Level.ERROR, "database_silent", database.kind, {"why": database.problem})
    return Finding(Level.OK, "database_good", database.kind)
