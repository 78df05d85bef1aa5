"""What one row says about one person, before the lists are put together. Pure.

Every reader (tables, OneRoster) gives these; `assemble` turns them into a Roster.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from attrs import field, frozen

from provisioning.contact import Email, Phone
from provisioning.problem import Place
from provisioning.roster import Group, Role


@frozen
class ClassRef:
    """A class named by a row.

    Attributes:
        source_id: its identity: OneRoster's sourcedId, or the canonical name in tables.
        name, grade: canonical (R39).
    """

    source_id: str
    name: str
    grade: int | None


@frozen(kw_only=True)
class Record:
    """One row's person.

    Attributes:
        place: file and row.
        headings: field name → heading in the file, so that later problems can name the column.
        roles: of this row; several rows may speak of one adult.
        classes: a pupil's one class, or the classes a teacher is homeroom teacher of.
        children: ids as listed; `child_places` beside them when they come from other rows.
        subjects: what a teacher teaches, each in its one spelling.
        relation: the school's word for the tie to every child of this row.
    """

    place: Place
    group: Group
    source_id: str = field(repr=False)
    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    middle_name: str = field(default="", repr=False)
    birth_date: date | None = field(default=None, repr=False)
    roles: frozenset[Role]
    classes: tuple[ClassRef, ...] = ()
    children: tuple[str, ...] = field(default=(), repr=False)
    relation: str = ""
    subjects: tuple[str, ...] = ()
    phone: Phone | None = None
    email: Email | None = None
    headings: Mapping[str, str] = field(factory=dict, repr=False)

    def at(self, field_name: str) -> Place:
        """The place of one of this row's cells."""
        return self.place.at(self.headings.get(field_name, ""))
