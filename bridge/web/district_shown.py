"""How the district's register stands, for the administration's first page: as `sferum doctor` says it. Pure (R4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from provisioning.doctor_district import check_district
from provisioning.doctor_finding import Level
from provisioning.doctor_texts_district import DISTRICT
from provisioning.language import say
from provisioning.problem_texts import Language


@frozen(kw_only=True)
class DistrictState:
    """Attributes:
    serial: of the register in force; 0 when none is.
    until: when it expires, None without one.
    agreed_at: when the district last answered with a register that we believe; None never.
    answers: whether its latest answer was one.
    findings: (sentence, whether somebody must act), the most important first.
    """

    district: str
    serial: int
    until: datetime | None
    agreed_at: datetime | None
    answers: bool
    findings: tuple[tuple[str, bool], ...]


def district_state(
    health: Mapping[str, Any], now: datetime, language: Language
) -> DistrictState | None:
    """None for a school of no district."""
    register = health.get("district")
    if not isinstance(register, Mapping):
        return None
    findings = check_district(health, int(now.timestamp()))
    return DistrictState(
        district=str(register.get("district", "")),
        serial=_number(register, "serial"),
        until=_moment(register, "expires_s"),
        agreed_at=_moment(register, "agreed_s"),
        answers=not register.get("refusal"),
        findings=tuple(
            (
                say(language, *DISTRICT[one.code][:2]).format(s=one.subject, **one.figures),
                one.level is not Level.OK,
            )
            for one in findings
        ),
    )


def _number(register: Mapping[str, Any], name: str) -> int:
    found = register.get(name)
    return found if isinstance(found, int) else 0


def _moment(register: Mapping[str, Any], name: str) -> datetime | None:
    found = _number(register, name)
    return datetime.fromtimestamp(found, UTC) if found else None
