"""Which record of the school's list an applicant may be: a suggestion for people to judge, never a decision. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from attrs import frozen

from bridge.applicant import Applicant
from bridge.people import PersonRecord, Status

#: At most so many are shown: with more the list of the class is the better place to look.
MOST = 5


@frozen
class Suggestion:
    """Attributes:
    sure: the birth date is the same too, or the list has nobody else of this name.
    """

    person: PersonRecord
    sure: bool


def folded(name: str) -> str:
    """A name for comparing: Ё is Е, case, accents, hyphens and blanks do not count."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("ё", "е"))
    return "".join(char for char in plain if char.isalpha())


def same_name(applicant: Applicant, person: PersonRecord) -> bool:
    """Family and given name are the same; the patronymic too, where both have one."""
    if folded(applicant.family_name) != folded(person.family_name):
        return False
    if folded(applicant.given_name) != folded(person.given_name):
        return False
    middle, listed = folded(applicant.middle_name), folded(person.middle_name)
    return not middle or not listed or middle == listed


def suggest(applicant: Applicant, people: Iterable[PersonRecord]) -> tuple[Suggestion, ...]:
    """Listed people who may be the applicant, the likelier first. A birth date that differs rules one out."""
    found = {
        one.person_id: one
        for one in people
        if one.status is Status.LISTED
        and same_name(applicant, one)
        and not _other_birthday(applicant, one)
    }
    alone = len(found) == 1
    suggestions = [
        Suggestion(one, sure=alone or _same_birthday(applicant, one)) for one in found.values()
    ]
    return tuple(sorted(suggestions, key=lambda one: (not one.sure, one.person.person_id))[:MOST])


def children_named(name: str, pupils: Iterable[PersonRecord]) -> tuple[PersonRecord, ...]:
    """Pupils whom a parent may have meant: both names are in what was typed, in any order and with anything else."""
    typed = {folded(word) for word in name.split()}
    found = [
        one
        for one in pupils
        if folded(one.family_name) in typed and folded(one.given_name) in typed
    ]
    return tuple(found[:MOST])


def _same_birthday(applicant: Applicant, person: PersonRecord) -> bool:
    return applicant.birth_date is not None and applicant.birth_date == person.birth_date


def _other_birthday(applicant: Applicant, person: PersonRecord) -> bool:
    dates = {applicant.birth_date, person.birth_date} - {None}
    return len(dates) == 2
