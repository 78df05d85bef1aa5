"""Split a class, make one of several, in the middle of the year (R36, R40). Asked, shown with numbers, then done."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from attrs import frozen

from bridge.changing_classes import class_of_name, merge_classes, split_before, split_class
from bridge.class_change import (
    ClassRefusal,
    Merge,
    Split,
    classes_refusal,
    name_refusal,
    plan_merge,
    plan_split,
    read_name,
)
from bridge.people import Roll, SchoolClass
from bridge.roles import Account, ClassId, PersonId
from bridge.web.access import administration
from bridge.web.class_words import errors_of
from bridge.web.render import page, problem, redirect
from bridge.web.security import Posted, form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: Longest text of a field that is looked at; most boxes of a form.
LONGEST, MOST_BOXES = 60, 500


@routes.get("/school/classes/merge")
@administration
async def ask_merge(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Which classes, and what the new one is called."""
    return await _merge_form(request, visit, account, request.query.getall("class", []), "")


@frozen
class _Asked:
    """Classes that may become one, and the name that is free for it."""

    chosen: tuple[SchoolClass, ...]
    name: str
    plan: Merge


@routes.post("/school/classes/merge")
@administration
async def merge(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """First what would happen; what was shown is done when it comes back with `do=apply`."""
    form = form_of(request)
    boxes, typed, do = _boxes(form, "class"), str(form.get("name", ""))[:LONGEST], form.get("do")
    if do == "edit":
        return await _merge_form(request, visit, account, boxes, typed)
    asked = await _asked(visit, account, boxes, typed)
    if do == "apply" and asked is ClassRefusal.CHANGED:  # some have ended: this form came before?
        made = await _made_of(visit, account, boxes, typed)
        if made is not None:
            return redirect(f"/school/classes/{made}", said="classes_merged")
    if isinstance(asked, ClassRefusal):
        return await _merge_form(request, visit, account, boxes, typed, asked)
    if do != "apply":
        return _merge_check(request, visit, asked)
    if form.get("seen") != asked.plan.mark:
        return _merge_check(request, visit, asked, ClassRefusal.CHANGED)
    ids = [one.class_id for one in asked.chosen]
    refused = await merge_classes(account, ids, asked.name, services=visit.services)
    if refused is not None:
        return await _merge_form(request, visit, account, boxes, typed, refused)
    found = await class_of_name(account, asked.name, services=visit.services)
    return redirect(f"/school/classes/{found or ''}".rstrip("/"), said="classes_merged")


async def _asked(
    visit: Visit, account: Account, boxes: Sequence[str], typed: str
) -> _Asked | ClassRefusal:
    """What the form means for the school as it is now."""
    classes = await visit.services.directory.classes(account.org_id)
    chosen = tuple(one for one in classes if one.class_id in boxes)
    if len(chosen) != len(boxes):
        return ClassRefusal.CHANGED
    refused = classes_refusal(chosen)
    if refused is not None:
        return refused
    name = read_name(typed, chosen[0].grade)
    if isinstance(name, ClassRefusal):
        return name
    refused = name_refusal(name, classes, boxes)
    if refused is not None:
        return refused
    found = [await visit.services.directory.roll(account.org_id, one.class_id) for one in chosen]
    rolls = [roll for roll in found if roll is not None]
    return (
        _Asked(chosen, name, plan_merge(rolls))
        if len(rolls) == len(chosen)
        else ClassRefusal.CHANGED
    )


async def _made_of(
    visit: Visit, account: Account, boxes: Sequence[str], name: str
) -> ClassId | None:
    """The class that this very form has made already: of this name, and none of its parts is left."""
    left = {one.class_id for one in await visit.services.directory.classes(account.org_id)}
    if left & set(boxes):
        return None
    return await class_of_name(account, name, services=visit.services)


async def _merge_form(
    request: web.Request,
    visit: Visit,
    account: Account,
    boxes: Sequence[str],
    typed: str,
    refused: ClassRefusal | None = None,
) -> web.StreamResponse:
    return page(
        request,
        "head/class_merge.html",
        status=422 if refused else 200,
        classes=await visit.services.directory.classes(account.org_id),
        chosen=set(boxes),
        name=typed,
        **errors_of(visit, refused),
    )


def _merge_check(
    request: web.Request, visit: Visit, asked: _Asked, refused: ClassRefusal | None = None
) -> web.StreamResponse:
    return page(
        request,
        "head/class_merge_check.html",
        status=409 if refused else 200,
        chosen=asked.chosen,
        name=asked.name,
        plan=asked.plan,
        **errors_of(visit, refused),
    )


@routes.get("/school/classes/{class_id}/split")
@administration
async def ask_split(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Who goes, and what the new class is called."""
    roll = await _roll(request, visit, account)
    return problem(request, 404) if roll is None else _split_form(request, visit, roll, [], "")


@routes.post("/school/classes/{class_id}/split")
@administration
async def split(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """First what would happen; what was shown is done when it comes back with `do=apply`."""
    form = form_of(request)
    going = [PersonId(one) for one in _boxes(form, "pupil")]
    typed, do = str(form.get("name", ""))[:LONGEST], form.get("do")
    roll = await _roll(request, visit, account)
    if roll is None:
        return problem(request, 404)
    if do == "edit":
        return _split_form(request, visit, roll, going, typed)
    plan, name = plan_split(roll, going), read_name(typed, roll.grade)
    if do == "apply" and isinstance(name, str) and plan is ClassRefusal.NOT_IN_CLASS:
        made = await split_before(account, name, going, services=visit.services)
        if made is not None:  # this form came before
            return redirect(f"/school/classes/{made}", said="class_split")
    if isinstance(name, str):
        taken = name_refusal(name, await visit.services.directory.classes(account.org_id))
        name = name if taken is None else taken
    for refused in (plan, name):
        if isinstance(refused, ClassRefusal):
            return _split_form(request, visit, roll, going, typed, refused)
    assert isinstance(plan, Split)
    assert isinstance(name, str)
    if do != "apply":
        return _split_check(request, visit, roll, name, plan)
    if form.get("seen") != plan.mark:
        return _split_check(request, visit, roll, name, plan, ClassRefusal.CHANGED)
    no = await split_class(account, roll.class_id, name, going, services=visit.services)
    if no is not None:
        return _split_form(request, visit, roll, going, typed, no)
    found = await class_of_name(account, name, services=visit.services)
    return redirect(f"/school/classes/{found or ''}".rstrip("/"), said="class_split")


def _split_form(
    request: web.Request,
    visit: Visit,
    roll: Roll,
    going: Sequence[PersonId],
    typed: str,
    refused: ClassRefusal | None = None,
) -> web.StreamResponse:
    return page(
        request,
        "head/class_split.html",
        status=422 if refused else 200,
        roll=roll,
        chosen=set(going),
        name=typed,
        **errors_of(visit, refused),
    )


def _split_check(
    request: web.Request,
    visit: Visit,
    roll: Roll,
    name: str,
    plan: Split,
    refused: ClassRefusal | None = None,
) -> web.StreamResponse:
    return page(
        request,
        "head/class_split_check.html",
        status=409 if refused else 200,
        roll=roll,
        name=name,
        plan=plan,
        **errors_of(visit, refused),
    )


async def _roll(request: web.Request, visit: Visit, account: Account) -> Roll | None:
    class_id = ClassId(request.match_info["class_id"])
    return await visit.services.directory.roll(account.org_id, class_id)


def _boxes(form: Posted, name: str) -> list[str]:
    """Ids of ticked boxes, each once, in the order of the form."""
    return list(dict.fromkeys(str(one)[:20] for one in form.getall(name, [])))[:MOST_BOXES]
