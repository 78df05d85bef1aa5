"""What becomes of a parent (R13, R14, R15, R32, R34). Pure.

Restricted links (court orders) give nothing and are not spoken of: whoever has one sees an ordinary application.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.applicant import Applicant
from bridge.approving import gives
from bridge.invite import InviteKind
from bridge.joining_listed import one_of
from bridge.matching import same_name
from bridge.people import LinkStatus, PersonRecord, Relative, Status
from bridge.roles import STAFF, PersonId, Role
from bridge.standing import Admit, AskNames, Halt, NewParent, Outcome, SignedIn, Standing, Why


def parent_outcome(standing: Standing) -> Outcome:
    """Of somebody who wants to be a parent here, and whose contact nobody else has."""
    if Role.STUDENT in standing.roles:
        return Halt(Why.CHILDS_BROWSER if standing.by_session else Why.CHILDS_PHONE)
    if standing.kind is InviteKind.CHILD_PARENT:
        return _by_child(standing)
    own = _own(standing)
    if own is not None:
        children = standing.children.get(own.person_id, ())
        return SignedIn() if any(_is_here(standing, one) for one in children) else AskNames()
    # Only those whom the list gives a child count.
    mine = [
        one
        for one in _listed_parents(standing)
        if any(map(gives, standing.children.get(one.person_id, ())))
    ]
    return one_of(standing, mine) or AskNames()


def parent_with_names(standing: Standing, child: PersonRecord, applicant: Applicant) -> Outcome:
    """Of a parent whom the child's link vouches for and whose name is known now.

    The name may be one of the list's, with another phone or none; or one that a court order stands against. Rights of
    a colleague are the listed phone's (R19): a name alone does not give them, staff decide.
    """
    same = [one for one in standing.guardians if same_name(applicant, one.person)]
    if any(one.status is LinkStatus.RESTRICTED for one in same):
        return AskNames()
    known = [one.person for one in same if one.person.status is not Status.LEFT]
    if any(one.roles & STAFF and not one.active for one in known):
        return AskNames()
    return one_of(standing, known, child) or NewParent(
        names=applicant, account=standing.owner, child=child
    )


def _by_child(standing: Standing) -> Outcome:
    child = standing.named
    if child is None or child.status is Status.LEFT:
        return Halt(Why.GONE)
    if not child.active:
        return Halt(Why.CHILD_FIRST)
    links = {one.person.person_id: one for one in standing.guardians}
    own, listed = _own(standing), _listed_parents(standing)
    if any(_is_restricted(links, one) for one in ([own] if own is not None else listed)):
        return AskNames()
    if own is not None:
        link = links.get(own.person_id)
        if link is not None and link.status is LinkStatus.CONFIRMED:
            return SignedIn()
        return Admit(person=own, account=standing.owner, child=child)
    linked = [one for one in listed if one.person_id in links]
    found = one_of(standing, linked or listed, child)
    if found is not None:
        return found
    if standing.persons:
        return parent_with_names(standing, child, _names_of(standing.persons[0]))
    return AskNames(child=child)


def _names_of(own: PersonRecord) -> Applicant:
    return Applicant(
        family_name=own.family_name, given_name=own.given_name, middle_name=own.middle_name
    )


def _own(standing: Standing) -> PersonRecord | None:
    return next((one for one in standing.persons if Role.GUARDIAN in one.roles), None)


def _listed_parents(standing: Standing) -> Sequence[PersonRecord]:
    return [one for one in standing.listed if Role.GUARDIAN in one.roles]


def _is_restricted(links: Mapping[PersonId, Relative], one: PersonRecord) -> bool:
    link = links.get(one.person_id)
    return link is not None and link.status is LinkStatus.RESTRICTED


def _is_here(standing: Standing, link: Relative) -> bool:
    """Whether the link is to a child of the wanted class."""
    classes = {seat.class_id for seat in link.person.seats if seat.role == "student"}
    return gives(link) and (standing.class_id is None or standing.class_id in classes)
