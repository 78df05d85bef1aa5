"""What `sferum doctor` finds: a level, a stable word, and figures. Pure; the sentences are in `doctor_texts`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

from attrs import Factory, frozen


class Level(IntEnum):
    """How bad it is. The worst one is the exit code."""

    OK = 0
    WARNING = 1
    ERROR = 2


@frozen
class Finding:
    """One line of the report.

    Attributes:
        code: stable word, a key of `doctor_texts.TEXTS`.
        subject: the setting, file or address it is about; never a secret.
        figures: what the sentence fills in.
    """

    level: Level
    code: str
    subject: str = ""
    figures: Mapping[str, object] = Factory(dict)


def worst(findings: Iterable[Finding]) -> Level:
    return max((finding.level for finding in findings), default=Level.OK)
