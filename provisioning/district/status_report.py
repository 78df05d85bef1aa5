"""How the district stands, as lines on a screen and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from attrs import asdict

from provisioning.district.judging import Report, Row
from provisioning.district.judging_texts import remedy, sentence
from provisioning.doctor_finding import Finding, Level
from provisioning.language import say
from provisioning.problem_texts import Language

MARKS = {Level.OK: "✔", Level.WARNING: "!", Level.ERROR: "✘"}


def moment(seconds: int, language: Language) -> str:
    """Date and time on this machine's clock; seconds since 1970."""
    form = say(language, "%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M")
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime(form)


def lines(report: Report, language: Language) -> Iterator[str]:
    """The whole district; what needs somebody first, with what to do."""
    issued = report.issued
    until = moment(issued.expires_s, language)
    yield say(
        language,
        f"Реестр № {issued.serial}, действует до {until}. Школ {len(report.rows)}: требуют внимания {report.in_need}, "
        f"не отвечают {report.silent}, отстают {report.behind}.",
        f"Register {issued.serial}, good until {until}. {len(report.rows)} schools: {report.in_need} need attention, "
        f"{report.silent} do not answer, {report.behind} are behind.",
    )
    yield from _told(report.findings, language)
    for row in report.rows:
        name = row.school.name if len(row.school.name) <= 40 else f"{row.school.name[:39]}…"
        yield f"{MARKS[row.level]} {name}  {row.school.server_name}  {_figures(row)}".rstrip()
        yield from _told(row.findings, language)


def _told(findings: Iterable[Finding], language: Language) -> Iterator[str]:
    for finding in findings:
        if finding.level is Level.OK:
            continue
        yield f"    {sentence(finding, language, lambda found: moment(found, language))}"
        if todo := remedy(finding, language):
            yield f"      → {todo}"


def _figures(row: Row) -> str:
    status = row.asked.status
    return "" if status is None else f"№ {status.serial}  {status.sferum}/{status.synapse}"


def to_json(report: Report, language: Language) -> dict[str, Any]:
    """For machines: words and numbers are stable, sentences are not. Times in seconds since 1970."""
    draft, issued = report.draft, report.issued
    return {
        "made_s": report.made_s,
        "level": report.level.name.lower(),
        "in_need": report.in_need,
        "silent": report.silent,
        "behind": report.behind,
        "register": {
            "district": draft.district,
            "serial": issued.serial,
            "issued_s": issued.issued_s,
            "expires_s": issued.expires_s,
            "changed": issued.changed,
            "operator_keys": [f"ed25519:{link.key}" for link in draft.operator_keys],
            "pairs": [list(pair) for pair in draft.pairs],
            "rooms": [room["ref"] for room in draft.rooms],
            "findings": _findings(report.findings, language),
        },
        "schools": [
            {
                "server_name": row.school.server_name,
                "name": row.school.name,
                "level": row.level.name.lower(),
                "isolated": row.school.isolated,
                "behind": row.behind,
                "keys": sorted(row.school.keys),
                "fault": None if row.asked.fault is None else row.asked.fault.value,
                "detail": row.asked.detail,
                "look": asdict(row.look),
                "status": None if row.asked.status is None else asdict(row.asked.status),
                "findings": _findings(row.findings, language),
            }
            for row in report.rows
        ],
    }


def _findings(findings: Iterable[Finding], language: Language) -> list[dict[str, Any]]:
    return [
        {
            "level": finding.level.name.lower(),
            "code": finding.code,
            "figures": dict(finding.figures),
            "text": sentence(finding, language, lambda found: moment(found, language)),
            "todo": remedy(finding, language),
        }
        for finding in findings
    ]
