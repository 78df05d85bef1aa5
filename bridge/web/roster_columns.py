"""What a school's headings and positions mean: said once, remembered, never guessed."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from attrs import evolve

from bridge.people import Org
from bridge.roles import Account
from bridge.roster_upload import Opened, choose_school, keep_mapping
from bridge.school_rights import may_grant
from bridge.web.i18n import N_
from bridge.web.render import page, problem, redirect
from bridge.web.roster import of_upload
from bridge.web.security import form_of
from bridge.web.visit import Visit
from bridge.web.words import ROLES
from provisioning.names import fold
from provisioning.readers.headings import FIELDS
from provisioning.readers.mapping import SECTION_OF, SECTIONS
from provisioning.readers.outline import Outline, needed
from provisioning.roster import Group, Role

routes = web.RouteTableDef()

LISTS = {
    Group.STUDENT: N_("Список учеников"),
    Group.STAFF: N_("Список сотрудников"),
    Group.GUARDIAN: N_("Список родителей"),
}
#: Fields of lists → (what the column holds, whether the list is of no use without it).
COLUMNS = {
    "id": (N_("Постоянный номер человека (ИД)"), True),
    "full_name": (N_("ФИО одной ячейкой"), False),
    "family_name": (N_("Фамилия"), False),
    "given_name": (N_("Имя"), False),
    "middle_name": (N_("Отчество"), False),
    "class": (N_("Класс"), False),
    "grade": (N_("Параллель (цифра класса)"), False),
    "letter": (N_("Литера (буква класса)"), False),
    "birth_date": (N_("Дата рождения"), False),
    "phone": (N_("Телефон"), False),
    "email": (N_("Электронная почта"), False),
    "position": (N_("Должность"), True),
    "homeroom": (N_("Классное руководство"), False),
    "subject": (N_("Предмет"), False),
    "children": (N_("Номера детей (ИД)"), True),
    "relation": (N_("Степень родства"), False),
}
#: What a position may be, of these whatever the person may give themselves; "" leaves it as it is.
POSITIONS = (Role.TEACHER, Role.DEPUTY, Role.ADMINISTRATOR, Role.DIRECTOR)
LEFT_OUT = "-"


@routes.get("/school/roster/upload/{upload_id}/columns/{number}")
@of_upload
async def ask_columns(
    request: web.Request, visit: Visit, account: Account, org: Org, opened: Opened
) -> web.StreamResponse:
    """Whose list it is, then which heading is which field."""
    del account, org
    found = _outline(request, opened)
    if found is None:
        return problem(request, 404)
    group = SECTIONS.get(request.query.get("list", ""), found.group)
    return _columns(request, visit, opened, found, group)


@routes.post("/school/roster/upload/{upload_id}/columns/{number}")
@of_upload
async def set_columns(
    request: web.Request, visit: Visit, account: Account, org: Org, opened: Opened
) -> web.StreamResponse:
    """Remembered for the school: next month's file needs no questions."""
    del org
    found = _outline(request, opened)
    form = form_of(request)
    group = SECTIONS.get(str(form.get("list", "")))
    if found is None or group is None:
        return problem(request, 404)
    chosen: dict[str, str] = {}
    for name in FIELDS[group]:
        number = str(form.get(f"column_{name}", ""))
        if number.isascii() and number.isdigit() and int(number[:4]) < len(found.headings):
            chosen[name] = found.headings[int(number[:4])]
    if len(set(chosen.values())) < len(chosen):
        text = visit.gettext(N_("Один столбец выбран дважды."))
        return _columns(request, visit, opened, found, group, text, chosen)
    columns = {**opened.mapping.columns, group: needed(group, found.headings, chosen)}
    await keep_mapping(
        account.org_id,
        evolve(opened.mapping, columns={key: one for key, one in columns.items() if one}),
        services=visit.services,
    )
    return redirect(f"/school/roster/upload/{opened.upload.id}", said="columns_kept")


def _columns(
    request: web.Request,
    visit: Visit,
    opened: Opened,
    found: Outline,
    group: Group | None,
    error: str = "",
    chosen: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    understood = chosen if chosen is not None else found.chosen(group) if group else {}
    fields = [] if group is None else [(name, *COLUMNS[name]) for name in FIELDS[group]]
    del visit
    return page(
        request,
        "head/roster_columns.html",
        status=422 if error else 200,
        upload=opened.upload,
        outline=found,
        number=request.match_info["number"],
        group=group,
        section=SECTION_OF[group] if group else "",
        lists=[(SECTION_OF[one], word) for one, word in LISTS.items()],
        fields=fields,
        chosen=understood,
        errors=[error] if error else [],
    )


def _outline(request: web.Request, opened: Opened) -> Outline | None:
    number = request.match_info["number"]
    if not number.isascii() or not number.isdigit() or len(number) > 3:
        return None
    return opened.outlines[int(number)] if int(number) < len(opened.outlines) else None


@routes.get("/school/roster/upload/{upload_id}/positions")
@of_upload
async def ask_positions(
    request: web.Request, visit: Visit, account: Account, org: Org, opened: Opened
) -> web.StreamResponse:
    """Positions that tell no rights: each gets a role, or its people stay out."""
    del visit, org
    positions = _positions(opened)
    if not positions:
        return redirect(f"/school/roster/upload/{opened.upload.id}")
    return page(
        request,
        "head/roster_positions.html",
        upload=opened.upload,
        positions=list(enumerate(positions)),
        roles=[(role.value, ROLES[role.value]) for role in _offered(account)],
        left_out=LEFT_OUT,
    )


@routes.post("/school/roster/upload/{upload_id}/positions")
@of_upload
async def set_positions(
    request: web.Request, visit: Visit, account: Account, org: Org, opened: Opened
) -> web.StreamResponse:
    """Remembered for the school. Rights still come with the yes to the difference, from whoever may give them."""
    del org
    form = form_of(request)
    roles = {role.value: frozenset({role}) for role in _offered(account)}
    own = dict(opened.mapping.positions)
    for number, position in enumerate(_positions(opened)):
        word = str(form.get(f"position_{number}", ""))
        if str(form.get(f"name_{number}", "")) != position:
            continue  # the list of unknown positions has changed since the page was shown
        if word == LEFT_OUT:
            own[fold(position)] = frozenset()
        elif word in roles:
            own[fold(position)] = roles[word]
    await keep_mapping(
        account.org_id, evolve(opened.mapping, positions=own), services=visit.services
    )
    return redirect(f"/school/roster/upload/{opened.upload.id}", said="columns_kept")


def _offered(account: Account) -> list[Role]:
    grants = {role.value for role in may_grant(account)}
    return [role for role in POSITIONS if role is Role.TEACHER or role.value in grants]


def _positions(opened: Opened) -> list[str]:
    return list(dict.fromkeys(one for found in opened.outlines for one in found.positions))


@routes.post("/school/roster/upload/{upload_id}/school")
@of_upload
async def set_school(
    request: web.Request, visit: Visit, account: Account, org: Org, opened: Opened
) -> web.StreamResponse:
    """Which school of an archive of several."""
    del org
    school = str(form_of(request).get("school", "")).strip()[:128]
    await choose_school(account, opened, school, services=visit.services)
    return redirect(f"/school/roster/upload/{opened.upload.id}")
