"""Paper for many pupils at once: cards of R20, and sheets for their parents."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from wtforms import SelectField

from bridge.cards import Desk, SheetRefusal, make_slips
from bridge.class_roll import PupilRow
from bridge.invite import InviteKind, IssueRefusal
from bridge.roles import Account, PersonId
from bridge.sheets import SheetId
from bridge.web.access import class_lead
from bridge.web.classes import roll_of, rows_of
from bridge.web.forms import PageForm
from bridge.web.i18n import N_
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: Last part of the address → what is made.
KINDS = {"cards": InviteKind.CARD, "parents": InviteKind.CHILD_PARENT}
REFUSALS = {
    SheetRefusal.NOBODY: N_("Отметьте хотя бы одного ученика."),
    SheetRefusal.NOT_IN_CLASS: N_("Список класса изменился. Проверьте отметки и попробуйте ещё раз."),
    SheetRefusal.IN_ALREADY: N_("Ученик уже вошёл: личная ссылка ему не нужна."),
    SheetRefusal.NOT_ONLY_A_PUPIL: N_("Среди отмеченных есть родитель или сотрудник: его пароль меняет администратор."),
}  # fmt: skip


class Copies(PageForm):
    copies = SelectField(coerce=int, validate_choice=True)

    @classmethod
    def of(cls, visit: Visit, posted: Any | None = None, **kwargs: Any) -> Any:
        form = super().of(visit, posted, **kwargs)
        form.copies.label.text = visit.gettext("Сколько листков на ученика")
        form.copies.choices = [
            (1, visit.gettext("один")),
            (2, visit.gettext("два, для обоих родителей")),
        ]
        return form


@routes.get("/class/{class_id}/{kind:cards|parents}")
@class_lead
async def choose(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Whom to print for; those who need it are ticked."""
    kind = KINDS[request.match_info["kind"]]
    return await _page(request, visit, account, kind, Copies.of(visit), chosen=None)


@routes.post("/class/{class_id}/{kind:cards|parents}")
@class_lead
async def make(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Make the links; the next page has them for the printer."""
    kind, posted = KINDS[request.match_info["kind"]], form_of(request)
    roll = await roll_of(request, visit, account)
    if roll is None:
        return problem(request, 404)
    form = Copies.of(visit, posted if kind is InviteKind.CHILD_PARENT else None)
    chosen = {PersonId(str(one)) for one in posted.getall("pupil", [])}
    if kind is InviteKind.CHILD_PARENT and not form.validate():
        return await _page(request, visit, account, kind, form, chosen=chosen)
    copies = form.copies.data if kind is InviteKind.CHILD_PARENT else 1
    made = await make_slips(desk_of(visit, account), roll, kind, chosen, copies)
    if isinstance(made, SheetRefusal):
        return await _page(request, visit, account, kind, form, chosen=chosen, refusal=made)
    return made_or_404(request, made)


def desk_of(visit: Visit, account: Account) -> Desk:
    return Desk(by=account, session=visit.session, now=visit.now, services=visit.services)


def made_or_404(
    request: web.Request, made: SheetId | IssueRefusal, said: str = ""
) -> web.StreamResponse:
    """To the sheet. Whoever lost the class between two clicks is told what everybody else is told."""
    if isinstance(made, IssueRefusal):
        return problem(request, 404)
    return redirect(f"/class/{request.match_info['class_id']}/sheet/{made}", said=said)


def needs(kind: InviteKind, row: PupilRow) -> bool:
    """Whether the pupil is ticked at first. Pure."""
    return row.needs_card if kind is InviteKind.CARD else row.needs_parents


async def _page(
    request: web.Request,
    visit: Visit,
    account: Account,
    kind: InviteKind,
    form: Copies,
    *,
    chosen: set[PersonId] | None,
    refusal: SheetRefusal | None = None,
) -> web.StreamResponse:
    """`chosen` None: nothing has been chosen yet."""
    roll = await roll_of(request, visit, account)
    if roll is None:
        return problem(request, 404)
    rows = await rows_of(visit, account, roll)
    if chosen is None:
        chosen = {row.pupil.person.person_id for row in rows if needs(kind, row)}
    return page(
        request,
        "teacher/choose.html",
        roll=roll,
        rows=rows,
        kind=kind.value,
        form=form,
        chosen=chosen,
        wrong=[] if refusal is None else [visit.gettext(REFUSALS[refusal])],
        status=200 if refusal is None else 422,
        zone=account.timezone,
    )
