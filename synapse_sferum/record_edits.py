"""A record made by an approved application, and a record erased: pure, as the other edits."""

from __future__ import annotations

from attrs import evolve

from synapse_sferum.audit import AuditEntry
from synapse_sferum.edits import (
    Edit,
    Edited,
    EditRefused,
    current_class,
    known_person,
    with_people,
)
from synapse_sferum.ids import person_id_of
from synapse_sferum.model import Directory, Enrolment, EnrolmentRole, Person, PersonStatus, Role
from synapse_sferum.roster import RosterPerson


def add_person(source: str, listed: RosterPerson, class_id: str | None, actor: str) -> Edit:
    """A record with the identity (source, source id); the one that is there stays as it is.

    Args:
        class_id: the class of a pupil; enrolled by hand, so imports leave it.
    """

    def edit(directory: Directory) -> Edited:
        person_id = person_id_of(directory.org.org_id, source, listed.source_id)
        roles = ",".join(sorted(role.value for role in listed.roles))
        entry = AuditEntry(actor, "add", person_id, "", roles)
        if person_id in directory.people:
            return directory, [entry]
        person = Person(
            person_id=person_id,
            source=source,
            source_id=listed.source_id,
            family_name=listed.family_name,
            given_name=listed.given_name,
            middle_name=listed.middle_name,
            birth_date=listed.birth_date,
            listed_roles=listed.roles,
        )
        enrolments = directory.enrolments
        if class_id is not None:
            if Role.STUDENT not in listed.roles:
                raise EditRefused(400, "M_INVALID_PARAM", "class_id: only a pupil has a class")
            class_ = current_class(directory, class_id)
            enrolments |= {
                Enrolment(class_.class_id, person_id, EnrolmentRole.STUDENT, by_hand=True)
            }
        return evolve(with_people(directory, person), enrolments=enrolments), [entry]

    return edit


def erase(person_id: str, actor: str) -> Edit:
    """R14, 152-FZ: the person leaves; names, birth date, classes and family links are gone, the ids stay.

    The identity in the source stays too, so that a list which still names the person does not write them again.
    """

    def edit(directory: Directory) -> Edited:
        person = known_person(directory, person_id)
        entry = AuditEntry(actor, "erase", person_id, person.status.value, "left")
        after = evolve(
            person,
            family_name="",
            given_name="",
            middle_name="",
            birth_date=None,
            confirmed=False,
            status=PersonStatus.LEFT,
            left_by_hand=True,
        )
        directory = with_people(directory, after)
        mine = person.person_id
        return evolve(
            directory,
            enrolments=frozenset(e for e in directory.enrolments if e.person_id != mine),
            guardianships={
                pair: link for pair, link in directory.guardianships.items() if mine not in pair
            },
        ), [entry]

    return edit
