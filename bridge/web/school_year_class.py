"""One class of the plan: who does not do what the class does, and who leads it next year (R35, R38)."""

from __future__ import annotations

from aiohttp import web

from bridge.roles import Account
from bridge.school_year import YearRefusal, change_draft, drafted
from bridge.web import year_shown as shown
from bridge.web.access import administration
from bridge.web.render import page, problem, redirect
from bridge.web.school_year import staff_of
from bridge.web.security import form_of
from bridge.web.visit import Visit
from bridge.web.year_forms import LONGEST, NOBODY, read_choices, read_teachers
from bridge.year_draft import Plan, targets_for, with_pupils

routes = web.RouteTableDef()


@routes.get("/school/year/plan/{class_id}")
@administration
async def one_class(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Each pupil, and the class teacher."""
    class_id = request.match_info["class_id"]
    found = await drafted(account, services=visit.services)
    if isinstance(found, YearRefusal):
        return problem(request, 404)
    line = found.plan.line(class_id)
    row = next((one for one in found.answer["classes"] if one["class_id"] == class_id), None)
    if line is None or row is None:
        return problem(request, 404)
    roll = next(
        (one for one in await visit.services.directory.classes(account.org_id)
         if one.class_id == class_id),
        None,
    )  # fmt: skip
    targets = targets_for(found.plan, None if roll is None else roll.grade)
    pupils = shown.pupils_of(found.answer, str(row["name"]))
    chosen = {found.plan.pupils.get(str(one["person_id"])) for one in pupils}
    return page(
        request,
        "head/year_class.html",
        line=line,
        name=str(row["name"]),
        plan=found.plan,
        pupils=pupils,
        targets=[*targets, *sorted({one for one in chosen if one} - {*targets})],
        staff=await staff_of(visit, account),
        nobody=NOBODY,
        teachers=", ".join(str(one["person"]) for one in row["teachers"]),
        lost=sorted({one for one in chosen if one} - {*found.plan.names}),
    )


@routes.post("/school/year/plan/{class_id}")
@administration
async def keep_class(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Keep it; pupils of other classes are none of this form's business."""
    class_id = request.match_info["class_id"]
    form = form_of(request)
    found = await drafted(account, services=visit.services)
    if isinstance(found, YearRefusal):
        return problem(request, 404)
    row = next((one for one in found.answer["classes"] if one["class_id"] == class_id), None)
    if row is None or found.plan.line(class_id) is None:
        return problem(request, 404)
    here = {str(one["person_id"]) for one in shown.pupils_of(found.answer, str(row["name"]))}
    staff = {str(one.person_id) for one in await staff_of(visit, account)}

    def edit(plan: Plan) -> Plan:
        line = plan.line(class_id)
        kept = None if line is None else line.teachers
        said = form.get("teacher")
        teachers = kept if said is None else read_teachers(str(said)[:LONGEST], kept, staff)
        return with_pupils(plan, class_id, here, read_choices(form, {*plan.names}), teachers)

    refused = await change_draft(account, edit, services=visit.services)
    if refused is not None:
        return problem(request, 404)
    return redirect("/school/year/plan", said="year_kept")
