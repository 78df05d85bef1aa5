"""Invites of the whole school: its code, and links for colleagues (R10, R16)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiohttp import web
from wtforms import IntegerField, SelectField
from wtforms.validators import InputRequired, NumberRange

from bridge.invite import MOST_USES, Invite, InviteId, InviteKind, IssueRefusal, Order, shown_code
from bridge.inviting import issue_in, revoke_invite
from bridge.printing import qr_image
from bridge.roles import STAFF, Account, ClassId, Role
from bridge.sheets import Sheet, SheetId, Slip, keep_in, kept_sheet
from bridge.web.access import administration
from bridge.web.forms import PageForm, form_page
from bridge.web.head_words import INVITES, ISSUES
from bridge.web.i18n import N_
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit
from bridge.web.words import ROLES

routes = web.RouteTableDef()

#: Where a sheet of no class lies.
WHOLE_SCHOOL = ClassId("")
KINDS = {"code": InviteKind.SCHOOL, "staff": InviteKind.STAFF}
LIFETIMES = ((7, N_("неделю")), (30, N_("месяц")), (90, N_("три месяца")), (365, N_("год")))
DEFAULT_DAYS = {InviteKind.SCHOOL: 90, InviteKind.STAFF: 7}
DEFAULT_USES = {InviteKind.SCHOOL: MOST_USES, InviteKind.STAFF: 1}


class NewInvite(PageForm):
    role = SelectField()
    max_uses = IntegerField(validators=[InputRequired(), NumberRange(min=1, max=MOST_USES)])
    days = SelectField(coerce=int)

    @classmethod
    def of(cls, visit: Visit, posted: Any | None = None, **kwargs: Any) -> Any:
        form = super().of(visit, posted, **kwargs)
        form.role.label.text = visit.gettext("Роль")
        form.role.choices = [
            (role.value, visit.gettext(ROLES[role.value])) for role in sorted(STAFF, key=_order)
        ]
        form.max_uses.label.text = visit.gettext("Сколько человек могут войти по приглашению")
        form.days.label.text = visit.gettext("Сколько оно действует")
        form.days.choices = [(number, visit.gettext(word)) for number, word in LIFETIMES]
        return form


@routes.get("/school/invites")
@administration
async def listed(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What opens something now, the whole school's first."""
    async with visit.services.store.begin() as work:
        live = await work.invites.live(account.org_id, visit.now)
    classes = await visit.services.directory.classes(account.org_id)
    own = [one for one in live if one.kind in KINDS.values()]
    return page(
        request,
        "head/invites.html",
        own=own,
        of_classes=[one for one in live if one not in own],
        names={one.class_id: one.name for one in classes},
        kinds=INVITES,
    )


@routes.get("/school/invites/{kind:code|staff}")
@administration
async def ask(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """How many and how long; for colleagues also as what."""
    kind = KINDS[request.match_info["kind"]]
    if kind is InviteKind.STAFF and not account.heads:
        return problem(request, 404)
    form = NewInvite.of(
        visit,
        data={
            "role": Role.TEACHER.value,
            "max_uses": DEFAULT_USES[kind],
            "days": DEFAULT_DAYS[kind],
        },
    )
    return _ask(request, kind, form)


@routes.post("/school/invites/{kind:code|staff}")
@administration
async def make(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Made and shown at once: afterwards nobody can see the link again."""
    kind = KINDS[request.match_info["kind"]]
    if kind is InviteKind.STAFF and not account.heads:
        return problem(request, 404)
    posted = form_of(request)
    form = NewInvite.of(visit, posted)
    if kind is InviteKind.SCHOOL:
        form.role.process_data(Role.TEACHER.value)
    if not form.validate():
        return _ask(request, kind, form)
    services = visit.services
    order = Order(
        org_id=account.org_id,
        kind=kind,
        role=Role(form.role.data) if kind is InviteKind.STAFF else None,
        max_uses=form.max_uses.data,
        lifetime=timedelta(days=form.days.data),
    )
    sheet_id = SheetId(services.chance.new_id())
    async with services.store.begin() as work:
        made = await issue_in(
            work,
            account,
            order,
            visit.now,
            new_id=services.chance.new_id,
            random_bytes=services.random_bytes,
            below=services.chance.below,
            email_signup_max_grade=services.config.email_signup_max_grade,
        )
        if not isinstance(made, IssueRefusal):
            sheet = Sheet(
                kind=kind,
                class_id=WHOLE_SCHOOL,
                class_name="",
                expires_at=made.invite.expires_at,
                slips=(Slip(invite_id=made.invite.id, token=made.token, code=made.code),),
            )
            await keep_in(work, sheet_id, sheet, visit.session, visit.now, vault=services.vault)
    if isinstance(made, IssueRefusal):
        form.fail("max_uses", visit.gettext(ISSUES[made]))
        return _ask(request, kind, form)
    return redirect(f"/school/invites/made/{sheet_id}")


@routes.get("/school/invites/made/{sheet_id}")
@administration
async def shown(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Link, code and QR, for half an hour and in this browser only: the token is kept nowhere else."""
    services = visit.services
    sheet = await kept_sheet(
        request.match_info["sheet_id"],
        WHOLE_SCHOOL,
        visit.session,
        visit.now,
        store=services.store,
        vault=services.vault,
    )
    if sheet is None:
        return problem(request, 410, "sheet_gone")
    (slip,) = sheet.slips
    async with services.store.begin() as work:
        invite = await work.invites.get(slip.invite_id)
    if invite is None or invite.org_id != account.org_id:
        return problem(request, 404)
    base = services.config.public_url
    url = f"{base}/i/{slip.token}"
    return page(
        request,
        "head/invite_made.html",
        invite=invite,
        url=url,
        code=shown_code(slip.code),
        join=f"{base}/join".partition("://")[2],
        qr=qr_image(url),
    )


@routes.get("/school/invites/{invite_id}/revoke")
@administration
async def ask_revoke(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Who is shut out by it, before it is done."""
    invite = await _invite(request, visit, account)
    if invite is None:
        return problem(request, 404)
    return page(request, "head/invite_revoke.html", invite=invite, kinds=INVITES)


@routes.post("/school/invites/{invite_id}/revoke")
@administration
async def revoke(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    refusal = await revoke_invite(
        account,
        InviteId(request.match_info["invite_id"]),
        visit.now,
        store=visit.services.store,
    )
    return problem(request, 404) if refusal else redirect("/school/invites", said="invite_revoked")


async def _invite(request: web.Request, visit: Visit, account: Account) -> Invite | None:
    async with visit.services.store.begin() as work:
        found = await work.invites.get(InviteId(request.match_info["invite_id"]))
    if found is None or found.org_id != account.org_id or found.refusal(visit.now) is not None:
        return None
    return found if account.heads or found.kind is not InviteKind.STAFF else None


def _ask(request: web.Request, kind: InviteKind, form: NewInvite) -> web.StreamResponse:
    return form_page(request, "head/invite.html", form, is_staff=kind is InviteKind.STAFF)


def _order(role: Role) -> int:
    """Teachers first: that is what is wanted every day, and a slip must not make a director."""
    return [Role.TEACHER, Role.ADMINISTRATOR, Role.DEPUTY, Role.DIRECTOR].index(role)
