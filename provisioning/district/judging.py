"""What the answers of the schools mean for the operator: findings, the most serious first. Pure.

The sentences are in `judging_texts.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from provisioning.district.draft import DAY_S, Draft, School
from provisioning.district.looks import Look, next_look
from provisioning.district.question import Asked, Fault, Status
from provisioning.doctor_finding import Finding, Level, worst

#: Seconds a school may take to have a new register (R4).
TAKES_S = 600
#: Days before the register's end when the operator is told.
SOON_DAYS = 7
#: Seconds: a school that has not heard from the district for so long; waiting work; clocks that differ.
SILENT_S, LATE_S, AWAY_S = 3_600, 600, 60

#: Answers that no module of ours gives: somebody else answers, or changed it on the way.
STRANGE = frozenset(
    {
        Fault.TOO_LARGE,
        Fault.MALFORMED,
        Fault.OTHER_SCHOOL,
        Fault.REPLAYED,
        Fault.SIGNATURE,
    }
)


@frozen(kw_only=True)
class Issued:
    """The last register signed. Times in seconds since 1970.

    Attributes:
        changed: whether the operator has changed something since.
    """

    serial: int
    issued_s: int
    expires_s: int
    changed: bool


@frozen(kw_only=True)
class Row:
    """One school of the district.

    Attributes:
        behind: registers it is behind; 0: it has the last one, or only just not.
        findings: the most serious first; never empty.
    """

    school: School
    asked: Asked
    look: Look
    behind: int
    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level:
        """The most serious of its findings."""
        return worst(self.findings)


@frozen(kw_only=True)
class Report:
    """One look at the district.

    Attributes:
        made_s: when, seconds since 1970.
        findings: about the register itself.
        rows: schools: what needs somebody first, of that what is furthest behind.
    """

    made_s: int
    draft: Draft
    issued: Issued
    findings: tuple[Finding, ...]
    rows: tuple[Row, ...]

    @property
    def level(self) -> Level:
        """The most serious of everything."""
        return max([worst(self.findings), *(row.level for row in self.rows)])

    @property
    def silent(self) -> int:
        """Schools of which nothing is known."""
        return sum(row.asked.status is None for row in self.rows)

    @property
    def behind(self) -> int:
        """Schools with an older register than they should have."""
        return sum(row.behind > 0 for row in self.rows)

    @property
    def in_need(self) -> int:
        """Schools where somebody should look."""
        return sum(row.level is not Level.OK for row in self.rows)


def judged(
    draft: Draft,
    issued: Issued,
    asked: Mapping[str, Asked],
    before: Mapping[str, Look],
    now_s: int,
    own_version: str,
) -> Report:
    """The report of one look.

    Args:
        asked: server name → what came of asking it, for every school of the draft.
        before: what the last look remembered.
        own_version: of the operator's own program.
    """
    newest = _newest([one.status for one in asked.values() if one.status], own_version)
    rows = [
        _row(school, asked[name], before.get(name), issued, newest, now_s)
        for name, school in draft.schools.items()
    ]
    rows.sort(key=lambda row: (-row.level, -row.behind, row.school.name, row.school.server_name))
    return Report(
        made_s=now_s,
        draft=draft,
        issued=issued,
        findings=tuple(_of_register(issued, rows, now_s)),
        rows=tuple(rows),
    )


def parts(version: str) -> tuple[int, ...]:
    """The numbers a version begins with, for comparing; of `0.2.0rc1` they are 0 and 2."""
    found = []
    for part in version.split("."):
        if not part.isascii() or not part.isdigit():
            break
        found.append(int(part))
    return tuple(found)


def _newest(statuses: Sequence[Status], own_version: str) -> tuple[int, ...]:
    """The newest version there is. What one school alone says of itself makes nobody else old."""
    counted = Counter(parts(status.sferum) for status in statuses)
    return max([parts(own_version), *(version for version, count in counted.items() if count > 1)])


def _row(
    school: School,
    asked: Asked,
    before: Look | None,
    issued: Issued,
    newest: tuple[int, ...],
    now_s: int,
) -> Row:
    status = asked.status
    in_time = now_s - issued.issued_s <= TAKES_S
    behind = 0 if status is None or in_time else max(0, issued.serial - status.serial)
    look = next_look(before, asked, behind=behind > 0, now_s=now_s)
    if status is None:
        findings = [_silence(asked, look)]
    else:
        findings = [
            *_register(school, status, issued, look, behind),
            *_health(status),
            *_machine(status, newest, now_s),
        ]
    if school.isolated:
        findings.append(Finding(Level.WARNING, "cut_off"))
    if not findings:
        findings.append(Finding(Level.OK, "well"))
    findings.sort(key=lambda finding: -finding.level)
    return Row(school=school, asked=asked, look=look, behind=behind, findings=tuple(findings))


def _silence(asked: Asked, look: Look) -> Finding:
    assert asked.fault is not None
    figures = {"why": asked.detail or asked.fault.value, "since_s": look.since_s}
    if asked.fault is Fault.OTHER_KEY:
        return Finding(Level.ERROR, "other_key", figures={**figures, "keys": asked.detail})
    if asked.fault in STRANGE:
        why = f"{asked.fault.value} {asked.detail}".strip()
        return Finding(Level.ERROR, "strange", figures={**figures, "why": why})
    return Finding(Level.ERROR, asked.fault.value, figures=figures)


def _register(
    school: School, status: Status, issued: Issued, look: Look, behind: int
) -> Iterator[Finding]:
    serial = {"serial": status.serial}
    if behind and status.standing != "none":
        figures = {**serial, "behind": behind, "since_s": look.behind_since_s}
        yield Finding(Level.ERROR, "behind", figures=figures)
    elif status.serial < issued.serial and status.standing != "none":
        yield Finding(Level.OK, "on_its_way", figures=serial)
    elif status.serial > issued.serial:
        yield Finding(Level.ERROR, "ahead", figures=serial)
    match status.standing:
        case "none":
            yield Finding(Level.ERROR, "has_none")
        case "expired":
            yield Finding(Level.ERROR, "has_expired", figures=serial)
        case "not_listed":
            yield Finding(Level.ERROR, "not_listed", figures=serial)
        case "isolated" if not school.isolated:
            yield Finding(Level.WARNING, "still_cut_off", figures=serial)
        case _:
            pass
    if status.refusal and status.refusal != "unreachable":
        yield Finding(Level.ERROR, "refuses", figures={"why": status.refusal})
    elif status.time_s - status.agreed_s > SILENT_S:
        figures = {"agreed_s": status.agreed_s}
        yield Finding(Level.WARNING, "hears_nothing", figures=figures)


def _health(status: Status) -> Iterator[Finding]:
    if status.schema_found != status.schema_wanted:
        figures = {"found": status.schema_found, "wanted": status.schema_wanted}
        yield Finding(Level.ERROR, "schema", figures=figures)
    if status.dead:
        yield Finding(Level.ERROR, "dead", figures={"count": status.dead})
    if status.held:
        yield Finding(Level.WARNING, "held")
    elif max(status.oldest_s, status.lag_s) > LATE_S:
        minutes = max(status.oldest_s, status.lag_s) // 60
        yield Finding(Level.WARNING, "late", figures={"minutes": minutes, "count": status.waiting})
    if status.common_waiting:
        yield Finding(Level.WARNING, "rooms_wait", figures={"count": status.common_waiting})


def _machine(status: Status, newest: tuple[int, ...], now_s: int) -> Iterator[Finding]:
    if parts(status.sferum) < newest:
        figures = {"version": status.sferum, "newest": ".".join(map(str, newest))}
        yield Finding(Level.WARNING, "older", figures=figures)
    if abs(away_s := status.time_s - now_s) > AWAY_S:
        yield Finding(Level.WARNING, "clock_differs", figures={"seconds": abs(away_s)})


def _of_register(issued: Issued, rows: list[Row], now_s: int) -> Iterator[Finding]:
    days = (issued.expires_s - now_s) // DAY_S
    if issued.expires_s <= now_s:
        yield Finding(Level.ERROR, "register_over")
    elif days < SOON_DAYS:
        yield Finding(Level.WARNING, "register_soon", figures={"days": days})
    if issued.changed:
        yield Finding(Level.WARNING, "register_changed")
    held = Counter(row.asked.status.serial for row in rows if row.asked.status is not None)
    if held and max(held) < issued.serial and now_s - issued.issued_s > TAKES_S:
        yield Finding(Level.ERROR, "register_not_published", figures={"serial": max(held)})
