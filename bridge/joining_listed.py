"""Whom the school's lists name with a newcomer's contact (R15, R19). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.people import PersonRecord, Status
from bridge.standing import Admit, Choose, Halt, Outcome, Standing, Why


def one_of(
    standing: Standing, people: Iterable[PersonRecord], child: PersonRecord | None = None
) -> Outcome | None:
    """The one record that is free; a question if there are several; None if there is none at all."""
    found = list(people)
    free = [one for one in found if standing.may_come(one)]
    if len(free) == 1:
        return Admit(person=free[0], account=standing.account_of(free[0]), child=child)
    if free:
        return Choose(people=_by_name(free), child=child)
    return Halt(Why.ALREADY_IN) if any(one.status is Status.ACTIVE for one in found) else None


def _by_name(people: Sequence[PersonRecord]) -> Sequence[PersonRecord]:
    return sorted(people, key=lambda one: (one.given_name, one.person_id))
