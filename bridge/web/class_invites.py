"""Links and codes of a class: made, listed, revoked (R8, R9, R10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiohttp import web
from wtforms import BooleanField, IntegerField, SelectField
from wtforms.validators import InputRequired, NumberRange

from bridge.cards import Poster, make_poster
from bridge.invite import MOST_USES, Invite, InviteId, InviteKind, IssueRefusal, email_allowed
from bridge.inviting import revoke_invite
from bridge.people import Roll
from bridge.roles import Account, ClassId, Role
from bridge.web.access import class_lead
from bridge.web.class_cards import desk_of, made_or_404
from bridge.web.classes import roll_of
from bridge.web.forms import PageForm, form_page
from bridge.web.i18n import N_
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

ROLES = {"pupils": Role.STUDENT, "parents": Role.GUARDIAN}
KINDS = {
    InviteKind.CLASS_PUPIL: N_("Для учеников: ссылка и код класса"),
    InviteKind.CLASS_PARENT: N_("Для родителей: ссылка и код класса"),
    InviteKind.CHILD_PARENT: N_("Листок для родителя"),
    InviteKind.PERSONAL: N_("Личная ссылка ученика"),
    InviteKind.CARD: N_("Карточка ученика"),
}
#: Days → words. A poster hangs for a while; a month covers the first of September.
LIFETIMES = ((7, N_("неделю")), (30, N_("месяц")), (90, N_("три месяца")))
DEFAULT_DAYS = 30


class NewLink(PageForm):
    max_uses = IntegerField(validators=[InputRequired(), NumberRange(min=1, max=MOST_USES)])
    days = SelectField(coerce=int)
    allow_email = BooleanField()

    @classmethod
    def of(cls, visit: Visit, posted: Any | None = None, **kwargs: Any) -> Any:
        form = super().of(visit, posted, **kwargs)
        form.max_uses.label.text = visit.gettext("Сколько человек могут войти по этой ссылке")
        form.days.label.text = visit.gettext("Сколько она действует")
        form.days.choices = [(number, visit.gettext(word)) for number, word in LIFETIMES]
        form.allow_email.label.text = visit.gettext(
            "Можно войти по электронной почте вместо телефона"
        )
        return form


@routes.get("/class/{class_id}/invites")
@class_lead
async def listed(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What still opens something."""
    roll = await roll_of(request, visit, account)
    if roll is None:
        return problem(request, 404)
    async with visit.services.store.begin() as work:
        live = await work.invites.live(account.org_id, visit.now, class_id=roll.class_id)
    names = {
        one.person.person_id: f"{one.person.family_name} {one.person.given_name}"
        for one in roll.students
    }
    return page(
        request,
        "teacher/invites.html",
        roll=roll,
        invites=[(one, visit.gettext(KINDS[one.kind])) for one in live if one.kind in KINDS],
        names=names,
        zone=account.timezone,
    )


@routes.get("/class/{class_id}/invites/{role:pupils|parents}")
@class_lead
async def ask(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """How many, how long, and for the first grades whether mail will do."""
    roll = await roll_of(request, visit, account)
    if roll is None:
        return problem(request, 404)
    role = ROLES[request.match_info["role"]]
    form = NewLink.of(
        visit, data={"max_uses": _likely(roll, role), "days": DEFAULT_DAYS, "allow_email": False}
    )
    return _ask(request, visit, roll, form)


@routes.post("/class/{class_id}/invites/{role:pupils|parents}")
@class_lead
async def make(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """A link with a code; the next page shows both, this once."""
    roll = await roll_of(request, visit, account)
    if roll is None:
        return problem(request, 404)
    form = NewLink.of(visit, form_of(request))
    if not form.validate():
        return _ask(request, visit, roll, form)
    poster = Poster(
        role=ROLES[request.match_info["role"]],
        allow_email=form.allow_email.data,
        max_uses=form.max_uses.data,
        lifetime=timedelta(days=form.days.data),
    )
    made = await make_poster(desk_of(visit, account), roll, poster)
    if made is IssueRefusal.EMAIL_GRADE:
        form.fail(
            "allow_email", visit.gettext("Почта вместо телефона — только для младших классов.")
        )
        return _ask(request, visit, roll, form)
    return made_or_404(request, made)


@routes.get("/class/{class_id}/invites/{invite_id}/revoke")
@class_lead
async def ask_revoke(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What will happen."""
    roll, invite = await roll_of(request, visit, account), await _invite(request, visit, account)
    if roll is None or invite is None:
        return problem(request, 404)
    word = visit.gettext(KINDS[invite.kind])
    return page(
        request, "teacher/revoke.html", roll=roll, invite=invite, word=word, zone=account.timezone
    )


@routes.post("/class/{class_id}/invites/{invite_id}/revoke")
@class_lead
async def revoke(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Dead at once, on every piece of paper (R10). Twice is once."""
    invite = await _invite(request, visit, account)
    if invite is None:
        return problem(request, 404)
    await revoke_invite(account, invite.id, visit.now, store=visit.services.store)
    return redirect(f"/class/{request.match_info['class_id']}/invites", said="link_revoked")


async def _invite(request: web.Request, visit: Visit, account: Account) -> Invite | None:
    """The one of the address, if it is of this class."""
    async with visit.services.store.begin() as work:
        found = await work.invites.get(InviteId(request.match_info["invite_id"]))
    if found is None or found.org_id != account.org_id or found.kind not in KINDS:
        return None
    return found if found.class_id == ClassId(request.match_info["class_id"]) else None


def _ask(request: web.Request, visit: Visit, roll: Roll, form: NewLink) -> web.StreamResponse:
    role = ROLES[request.match_info["role"]]
    grade = visit.services.config.email_signup_max_grade
    return form_page(
        request,
        "teacher/invite_new.html",
        form,
        roll=roll,
        parents=role is Role.GUARDIAN,
        mail_possible=email_allowed(role, roll.grade, grade),
        grade=grade,
    )


def _likely(roll: Roll, role: Role) -> int:
    """Everybody of the class once, both parents of each; a list that is still empty gets thirty."""
    pupils = len(roll.students) or 30
    return min(MOST_USES, pupils * 2 if role is Role.GUARDIAN else pupils)
