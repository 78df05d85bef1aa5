"""What a page shows of an invite: school, class, whom it names; who may go on with the account they have (R10, R11)."""

from __future__ import annotations

from aiohttp import web
from attrs import frozen

from bridge.invite import Invite, InviteKind, email_opens
from bridge.names import short_name
from bridge.people import Org, PersonRecord, SchoolClass
from bridge.roles import Role
from bridge.web.join_words import masked_person
from bridge.web.visit import SERVICES, Visit, visit_of


@frozen(kw_only=True)
class Shown:
    """What the page says of an invite.

    Attributes:
        action: where its form goes: the link's own address, or `/join/start`.
        named: whom it names, masked.
        by_mail: R8.
        classes: for the newcomer to choose from, of a school's code.
    """

    invite: Invite
    action: str
    org: Org
    class_name: str
    person: PersonRecord | None
    named: str
    by_mail: bool
    classes: tuple[SchoolClass, ...]

    @property
    def chooses(self) -> bool:
        return self.invite.role is None


async def shown_of(request: web.Request, invite: Invite, action: str) -> Shown | None:
    """None: the school or the person is not there any more."""
    visit, services = visit_of(request), request.app[SERVICES]
    directory = services.directory
    org = await directory.org(invite.org_id)
    if org is None or not org.open:
        return None
    person = None
    if invite.person_id is not None:
        person = await directory.person(invite.org_id, invite.person_id)
        if person is None:
            return None
    classes = tuple(await directory.classes(invite.org_id))
    of_class = next((one for one in classes if one.class_id == invite.class_id), None)
    by_mail = email_opens(
        invite,
        None if of_class is None else of_class.grade,
        visit.now,
        services.config.email_signup_max_grade,
    )
    return Shown(
        invite=invite,
        action=action,
        org=org,
        class_name="" if of_class is None else of_class.name,
        person=person,
        named="" if person is None else masked_person(visit, person),
        by_mail=by_mail,
        classes=classes if invite.role is None else (),
    )


def may_continue(visit: Visit, shown: Shown) -> bool:
    """Adults may add a role to the account they have (R32); a pupil has nothing to add, and a card is for one only."""
    if shown.invite.kind is InviteKind.CARD:
        return False
    if visit.account is None:  # an applicant: with a second child, or a better link
        return True
    if visit.account.org_id != shown.invite.org_id:
        return False  # a profile is of one school (ADR 32)
    return shown.invite.role is not Role.STUDENT and Role.STUDENT not in visit.account.roles


def short(display_name: str) -> str:
    """«Иванов Александр» → «Иванов А.»."""
    family, _, given = display_name.partition(" ")
    return short_name(family, given)
