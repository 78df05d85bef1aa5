"""Positions of staff → roles. Pure.

Rights follow from this table, so it grants only what a position says in so many words: a
«секретарь директора» is no director. Anything else is asked about, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from provisioning.names import fold
from provisioning.roster import Role

SCHOOL = r"(?: (?:школы|гимназии|лицея|оо|оу|организации|учреждения|центра образования))?"
ACTING = r"(?:и ?о |врио |исполняющ(?:ий|ая) обязанности )?"
RULES: tuple[tuple[re.Pattern[str], Role], ...] = (
    (re.compile(rf"{ACTING}директор(?:а)?{SCHOOL}"), Role.DIRECTOR),
    (re.compile(r"(?:principal|head ?teacher|director)"), Role.DIRECTOR),
    (re.compile(rf"{ACTING}зам(?:еститель|естителя)? директора\b.*"), Role.DEPUTY),
    (re.compile(r"завуч\b.*|deputy(?: head| principal| director)?\b.*"), Role.DEPUTY),
    (re.compile(r"администратор(?: (?:платформы|сферум|чатов))?"), Role.ADMINISTRATOR),
    (re.compile(r"ответственн(?:ый|ая) за сферум|administrator"), Role.ADMINISTRATOR),
    (
        re.compile(
            r"(?:старш(?:ий|ая) |социальный )?"
            r"(?:учитель|преподаватель|педагог|воспитатель|психолог|логопед|дефектолог|тьютор"
            r"|мастер производственного обучения|методист|вожат(?:ый|ая)|классный руководитель"
            r"|советник директора по воспитанию|teacher)\b.*"
        ),
        Role.TEACHER,
    ),
)
SEPARATORS = re.compile(r"[,;/+\n]| и (?=учитель|преподаватель|педагог)")


def roles_of(position: str, own: Mapping[str, frozenset[Role]]) -> frozenset[Role] | None:
    """Roles of a position, or None when it is unknown.

    Several positions in one cell («Заместитель директора, учитель физики») give all their roles;
    one unknown part makes the whole unknown only if no part is known: a part after a comma may be
    a subject («Учитель математики, физики»).

    Args:
        own: the school's mapping, folded position → roles; it wins. An empty set leaves the
            person out.
    """
    whole = fold(position)
    if whole in own:
        return own[whole]
    found: set[Role] = set()
    for part in SEPARATORS.split(whole):
        plain = " ".join(re.sub(r"[\W_]+", " ", part).split())
        if part.strip() in own:
            found |= own[part.strip()]
            continue
        found |= {role for pattern, role in RULES if pattern.fullmatch(plain)}
    return frozenset(found) or None
