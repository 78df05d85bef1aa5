"""One person's or one class's change, as a pure function: directory in, directory and log entries out.

A refusal is an `EditRefused` with a Matrix error code and a sentence for a person; nothing is half done, because the
result is only written whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from attrs import evolve

from synapse_sferum.audit import AuditEntry
from synapse_sferum.model import (
    ADMINISTRATIVE,
    STAFF,
    ClassId,
    Directory,
    Enrolment,
    EnrolmentRole,
    Guardianship,
    GuardianshipStatus,
    Org,
    Person,
    PersonId,
    PersonStatus,
    Role,
    SchoolClass,
    UserId,
)
from synapse_sferum.roster_plan import loses_administrators

#: What an edit gives back.
Edited = tuple[Directory, list[AuditEntry]]
#: An edit, ready to be run on whatever the directory is by then.
Edit = Callable[[Directory], Edited]


class EditRefused(Exception):
    """The change may not be made. Nothing was written.

    Attributes:
        status: HTTP status.
        errcode: Matrix error code.
    """

    def __init__(self, status: int, errcode: str, message: str) -> None:
        super().__init__(message)
        self.status, self.errcode = status, errcode


def not_found() -> EditRefused:
    """One answer for "does not exist" and "not yours"."""
    return EditRefused(404, "M_NOT_FOUND", "there is no such record in this school")


def archived() -> EditRefused:
    """Nothing is written there any more (R36)."""
    return EditRefused(409, "SFERUM_ARCHIVED", "this room is an archive")


def known_person(directory: Directory, person_id: str) -> Person:
    """A record, erased or not.

    Raises:
        EditRefused: 404.
    """
    person = directory.people.get(PersonId(person_id))
    if person is None:
        raise not_found()
    return person


def _person(directory: Directory, person_id: str) -> Person:
    person = known_person(directory, person_id)
    if person.erased:
        raise EditRefused(
            409, "SFERUM_ERASED", "this record was erased; nothing can be added to it"
        )
    return person


def current_class(directory: Directory, class_id: str) -> SchoolClass:
    """An open class of this school year.

    Raises:
        EditRefused: 404.
    """
    class_ = directory.classes.get(ClassId(class_id))
    if class_ is None or not class_.open or class_.session != directory.org.school_year:
        raise not_found()
    return class_


def with_people(directory: Directory, *people: Person) -> Directory:
    """The directory with these people changed; refuses to lose the last administrator (R33)."""
    after = evolve(directory, people={**directory.people, **{p.person_id: p for p in people}})
    if loses_administrators(directory, after):
        raise EditRefused(
            409,
            "SFERUM_LAST_ADMINISTRATOR",
            "this is the school's last administrator; give the role to somebody else first",
        )
    return after


#: Which administrative roles each may give and take: only a director makes a director or a deputy.
MAY_GRANT: Mapping[Role, frozenset[Role]] = {
    Role.DIRECTOR: ADMINISTRATIVE,
    Role.DEPUTY: frozenset({Role.ADMINISTRATOR}),
}


def check_grants(before: Directory, after: Directory, actor_roles: frozenset[Role] | None) -> None:
    """Whoever changes the directory gives and takes only the administrative roles they may (None: the service, all).

    Raises:
        EditRefused: 403.
    """
    if actor_roles is None:
        return
    allowed = frozenset().union(*(MAY_GRANT.get(role, frozenset()) for role in actor_roles))
    for person_id, person in after.people.items():
        known = before.people.get(person_id)
        if known is person:
            continue
        changed = _rights(known) ^ _rights(person)
        if changed - allowed:
            word = ", ".join(sorted(role.value for role in changed - allowed))
            raise EditRefused(403, "M_FORBIDDEN", f"your role may not give or take: {word}")


def _rights(person: Person | None) -> frozenset[Role]:
    if person is None or person.status is PersonStatus.LEFT:
        return frozenset()
    return person.roles & ADMINISTRATIVE


def _roles_word(roles: Collection[Role] | None) -> str:
    return "" if roles is None else ",".join(sorted(role.value for role in roles))


def set_roles(person_id: str, roles: frozenset[Role] | None, actor: str, reason: str) -> Edit:
    """R31: change a role in place; None goes back to what the list says."""

    def edit(directory: Directory) -> Edited:
        person = _person(directory, person_id)
        if roles is not None and not roles:
            raise EditRefused(400, "M_INVALID_PARAM", "a person has at least one role")
        after = evolve(person, roles_by_hand=roles)
        entry = AuditEntry(
            actor, "roles", person_id, _roles_word(person.roles), _roles_word(after.roles), reason
        )
        return with_people(directory, after), [entry]

    return edit


def activate(person_id: str, user_id: UserId, actor: str) -> Edit:
    """The person has this account and is of the school from now on; a leaver comes back (R29).

    Somebody who has left may come back with another account: a parent who had registered as the child leaves, and
    the child must not get the parent's account with what was written there (R14).
    """

    def edit(directory: Directory) -> Edited:
        person = _person(directory, person_id)
        other = person.user_id is not None and person.user_id != user_id
        if other and person.status is not PersonStatus.LEFT:
            raise EditRefused(409, "SFERUM_HAS_ACCOUNT", "this person has another account already")
        after = evolve(person, user_id=user_id, status=PersonStatus.ACTIVE, left_by_hand=False)
        entry = AuditEntry(actor, "activate", person_id, person.status.value, after.status.value)
        return with_people(directory, after), [entry]

    return edit


def leave(person_id: str, actor: str, reason: str) -> Edit:
    """R14, R29: every right ends, the record and the account stay."""

    def edit(directory: Directory) -> Edited:
        person = _person(directory, person_id)
        after = evolve(person, status=PersonStatus.LEFT, left_by_hand=True)
        entry = AuditEntry(actor, "leave", person_id, person.status.value, "left", reason)
        return with_people(directory, after), [entry]

    return edit


def confirm(person_id: str, confirmed: bool, actor: str) -> Edit:
    """R17: a parent's yes, or its withdrawal."""

    def edit(directory: Directory) -> Edited:
        person = _person(directory, person_id)
        if Role.STUDENT not in person.roles:
            raise EditRefused(400, "M_INVALID_PARAM", "only a pupil's profile is confirmed")
        after = evolve(person, confirmed=confirmed)
        words = ("confirmed" if p.confirmed else "unconfirmed" for p in (person, after))
        return with_people(directory, after), [AuditEntry(actor, "confirm", person_id, *words)]

    return edit


def move(person_id: str, from_class_id: str, to_class_id: str, actor: str, reason: str) -> Edit:
    """R40: a pupil changes class; the parents' rooms follow by themselves."""

    def edit(directory: Directory) -> Edited:
        person = _person(directory, person_id)
        old, new = current_class(directory, from_class_id), current_class(directory, to_class_id)
        here = [
            e
            for e in directory.enrolments
            if (e.class_id, e.person_id, e.role)
            == (old.class_id, person.person_id, EnrolmentRole.STUDENT)
        ]
        if not here:
            raise EditRefused(409, "SFERUM_NOT_IN_CLASS", f"this pupil is not in {old.name}")
        enrolments = (directory.enrolments - set(here)) | {
            Enrolment(new.class_id, person.person_id, EnrolmentRole.STUDENT)
        }
        entry = AuditEntry(actor, "move", person_id, old.class_id, new.class_id, reason)
        return evolve(directory, enrolments=enrolments), [entry]

    return edit


def set_homeroom_teachers(class_id: str, person_ids: Collection[str], actor: str) -> Edit:
    """The class's teachers, by hand; they survive imports. Substitutes are not of them and stay until their day."""

    def edit(directory: Directory) -> Edited:
        class_ = current_class(directory, class_id)
        role = EnrolmentRole.HOMEROOM_TEACHER
        for person_id in person_ids:
            person = _person(directory, person_id)
            if not person.roles & STAFF or person.status is PersonStatus.LEFT:
                raise EditRefused(400, "M_INVALID_PARAM", "a class teacher must be of the staff")
        here = {e for e in directory.enrolments if (e.class_id, e.role) == (class_.class_id, role)}
        substitutes = {e.person_id for e in here if e.until}
        mine = {e for e in here if not e.until}
        wanted = {
            Enrolment(class_.class_id, PersonId(i), role, by_hand=True)
            for i in person_ids
            if i not in substitutes
        }
        before, after = (",".join(sorted(e.person_id for e in found)) for found in (mine, wanted))
        entry = AuditEntry(actor, "homeroom_teachers", class_.class_id, before, after)
        return evolve(directory, enrolments=(directory.enrolments - mine) | wanted), [entry]

    return edit


def set_guardianship(
    guardian_id: str,
    student_id: str,
    relation: str | None,
    status: GuardianshipStatus | None,
    actor: str,
    *,
    leader: bool,
) -> Edit:
    """Make, change or (status None) take away a link. A restricted one gives nothing from now on (R34).

    Args:
        leader: whether restricted links may be seen and changed; to others they do not exist.
    """

    def edit(directory: Directory) -> Edited:
        guardian, student = _person(directory, guardian_id), _person(directory, student_id)
        if Role.GUARDIAN not in guardian.roles or Role.STUDENT not in student.roles:
            raise EditRefused(400, "M_INVALID_PARAM", "a link goes from a guardian to a pupil")
        pair = (guardian.person_id, student.person_id)
        links = dict(directory.guardianships)
        known = links.pop(pair, None)
        restricted = GuardianshipStatus.RESTRICTED
        hidden = known is not None and known.status is restricted
        if (status is None and known is None) or (not leader and (hidden or status is restricted)):
            raise not_found()
        if status is not None:
            word = relation if relation is not None else known.relation if known else ""
            links[pair] = Guardianship(*pair, relation=word, status=status)
        entry = AuditEntry(
            actor,
            "guardianship",
            f"{guardian_id}>{student_id}",
            known.status.value if known else "",
            status.value if status else "",
        )
        return evolve(directory, guardianships=links), [entry]

    return edit


def change_org(change: Callable[[Org], Org], actor: str) -> Edit:
    """Name, time zone, settings, status of the school."""

    def edit(directory: Directory) -> Edited:
        org = change(directory.org)
        entry = AuditEntry(actor, "org", org.org_id, directory.org.status, org.status)
        return evolve(directory, org=org), [entry]

    return edit
