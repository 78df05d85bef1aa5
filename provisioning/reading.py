"""The outcome of reading a school's files. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from provisioning.problem import Problem, Severity
from provisioning.roster import Group, Roster


@frozen
class Reading:
    """A Roster, or None when any problem is an error: half a school is never imported.

    Attributes:
        problems: all of them, errors first.
        columns: per list, field → heading as recognised: what `--save-mapping` writes.
    """

    roster: Roster | None
    problems: tuple[Problem, ...]
    columns: Mapping[Group, Mapping[str, str]] = field(factory=dict)

    def of(self, severity: Severity) -> tuple[Problem, ...]:
        return tuple(p for p in self.problems if p.severity is severity)
