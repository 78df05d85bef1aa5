"""Quiet hours: one's own, a class's, the school's and its roles'; and which rule wins for whom (R49)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Any

from aiohttp import web
from wtforms.fields import BooleanField, RadioField, TimeField
from wtforms.validators import InputRequired, Optional

from bridge.ports_directory import DirectoryRefused
from bridge.quiet import EVERY_DAY, WEEKEND, Level, Nights, Rule, Window, nights_of
from bridge.roles import Account, Role
from bridge.web.access import class_lead, heads, member
from bridge.web.forms import PageForm
from bridge.web.i18n import N_
from bridge.web.render import page, problem, redirect
from bridge.web.schedule import WEEKDAYS
from bridge.web.security import form_of
from bridge.web.visit import Visit
from bridge.web.words import ROLES

routes = web.RouteTableDef()

LEVELS = {
    Level.PERSON: N_("ваши собственные"),
    Level.GROUP: N_("класса"),
    Level.ROLE: N_("для роли"),
    Level.SCHOOL: N_("школы"),
}
OUTCOMES = {
    "won": N_("действует"),
    "same_level": N_("уступает: рядом есть более тихое"),
    "overruled": N_("не действует: есть более близкое правило"),
    "": "",
}
NIGHT = Nights(begins=time(21), ends=time(7))


class QuietForm(PageForm):
    what = RadioField(validators=[InputRequired()])
    begins = TimeField(validators=[Optional()])
    ends = TimeField(validators=[Optional()])
    weekends = BooleanField()

    @classmethod
    def of(cls, visit: Visit, posted: Any | None = None, **kwargs: Any) -> Any:
        form = super().of(visit, posted, **kwargs)
        form.what.label.text = visit.gettext("Когда телефон молчит")
        form.what.choices = [
            ("none", visit.gettext("как решили другие: не задавать своего")),
            ("nights", visit.gettext("по ночам, в эти часы")),
            ("never", visit.gettext("никогда: уведомления приходят всегда")),
        ]
        form.begins.label.text = visit.gettext("С")
        form.ends.label.text = visit.gettext("До")
        form.weekends.label.text = visit.gettext("И весь день в субботу и воскресенье")
        return form


@routes.get("/me/quiet")
@member
async def own(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Whether it is quiet now, until when, and which rule says so over which."""
    return await _page(request, visit, account, Level.PERSON, account.user_id, "/me")


@routes.post("/me/quiet")
@member
async def set_own(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    return await _set(request, visit, account, Level.PERSON, account.user_id, "/me")


@routes.get("/class/{class_id}/quiet")
@class_lead
async def of_class(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    ref = request.match_info["class_id"]
    if ref not in {one.class_id for one in await visit.services.directory.classes(account.org_id)}:
        return problem(request, 404)
    return await _page(request, visit, account, Level.GROUP, ref, f"/class/{ref}")


@routes.post("/class/{class_id}/quiet")
@class_lead
async def set_class(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    ref = request.match_info["class_id"]
    return await _set(request, visit, account, Level.GROUP, ref, f"/class/{ref}")


@routes.get("/school/quiet")
@heads
async def of_school(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The whole school's; with `?role=` a role's."""
    level, ref = _school_level(request.query.get("role", ""))
    return await _page(request, visit, account, level, ref, "/school")


@routes.post("/school/quiet")
@heads
async def set_school(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    level, ref = _school_level(str(form_of(request).get("role", "")))
    return await _set(request, visit, account, level, ref, "/school")


def windows_words(visit: Visit, windows: Sequence[Window]) -> str:
    """«каждый день с 21:00 до 07:00; суббота, воскресенье весь день»."""
    if not windows:
        return visit.gettext("никогда не тихо")
    return "; ".join(_window_words(visit, one) for one in windows)


def _window_words(visit: Visit, window: Window) -> str:
    if window.weekdays == EVERY_DAY:
        days = visit.gettext("каждый день")
    elif window.weekdays == WEEKEND:
        days = visit.gettext("в субботу и воскресенье")
    else:
        days = ", ".join(visit.gettext(WEEKDAYS[one]) for one in sorted(window.weekdays))
    if window.begins == window.ends:
        return visit.gettext("%(days)s весь день", days=days)
    return visit.gettext(
        "%(days)s с %(begins)s до %(ends)s",
        days=days,
        begins=window.begins.isoformat(timespec="minutes"),
        ends=window.ends.isoformat(timespec="minutes"),
    )


def _school_level(role: str) -> tuple[Level, str]:
    known = {one.value for one in Role}
    return (Level.ROLE, role) if role in known else (Level.SCHOOL, "")


async def _page(
    request: web.Request,
    visit: Visit,
    account: Account,
    level: Level,
    ref: str,
    back: str,
    form: QuietForm | None = None,
) -> web.StreamResponse:
    quiet = visit.services.quiet
    verdict = await quiet.now(account) if level is Level.PERSON else None
    rules = verdict.rules if verdict is not None else await quiet.rules(account)
    here = next((one for one in rules if (one.level, one.ref) == (level, ref)), None)
    classes = {
        one.class_id: one.name for one in await visit.services.directory.classes(account.org_id)
    }
    return page(
        request,
        "self/quiet.html",
        form=form or _form_of(visit, here),
        verdict=verdict,
        rules=[
            (
                _rule_name(visit, one, classes),
                windows_words(visit, one.windows),
                visit.gettext(OUTCOMES[one.outcome]) if one.outcome else "",
            )
            for one in rules
            if verdict is not None or one.level is not Level.PERSON
        ],
        level=level.value,
        ref=ref,
        name=_rule_name(visit, Rule(level=level, ref=ref, windows=()), classes),
        roles=[(one.value, visit.gettext(ROLES[one.value])) for one in Role],
        zone=account.timezone,
        back=back,
        status=422 if form is not None else 200,
    )


async def _set(
    request: web.Request, visit: Visit, account: Account, level: Level, ref: str, back: str
) -> web.StreamResponse:
    form = QuietForm.of(visit, form_of(request))
    windows = _windows_of(visit, form) if form.validate() else None
    if form.errors:
        return await _page(request, visit, account, level, ref, back, form)
    try:
        await visit.services.quiet.set(account, level, ref, windows)
    except DirectoryRefused:
        return problem(request, 404)
    query = f"?role={ref}" if level is Level.ROLE else ""
    return redirect(f"{request.path}{query}", said="quiet_kept")


def _windows_of(visit: Visit, form: QuietForm) -> tuple[Window, ...] | None:
    if form.what.data == "never":
        return ()
    if form.what.data != "nights":
        return None
    if form.begins.data is None or form.ends.data is None:
        form.fail("begins", visit.gettext("Укажите, с какого часа и до какого."))
        return None
    return Nights(
        begins=form.begins.data, ends=form.ends.data, weekends=form.weekends.data
    ).windows()


def _form_of(visit: Visit, here: Rule | None) -> QuietForm:
    nights = None if here is None else nights_of(here.windows)
    what = "none" if here is None else ("never" if not here.windows else "nights")
    shown = nights or NIGHT
    form: QuietForm = QuietForm.of(
        visit,
        data={
            "what": what,
            "begins": shown.begins,
            "ends": shown.ends,
            "weekends": shown.weekends,
        },
    )
    return form


def _rule_name(visit: Visit, rule: Rule, classes: dict[Any, str]) -> str:
    name = visit.gettext(LEVELS[rule.level])
    if rule.level is Level.GROUP:
        return f"{name} {classes.get(rule.ref, '')}".strip()
    if rule.level is Level.ROLE and rule.ref in ROLES:
        return f"{name} «{visit.gettext(ROLES[rule.ref])}»"
    return name
