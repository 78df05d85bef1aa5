"""Planning something, changing it, one of its days, and calling it off (docs/flows/schedule.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from wtforms.fields import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from bridge.ports_directory import DirectoryRefused
from bridge.reason import kept_reason
from bridge.roles import Account
from bridge.schedule import Audience, Days, Kind, Weekly, Wish
from bridge.web.access import member, staff
from bridge.web.forms import PageForm, form_page, refusal_of, refusal_text
from bridge.web.i18n import N_
from bridge.web.render import page, problem, redirect
from bridge.web.schedule import KINDS, WEEKDAYS, day_of, gathering_of
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: As the directory has them (docs/contracts.md, schedule).
MOST_TITLE, MOST_PLACE, MOST_NOTE = 100, 60, 500
FEWEST_MINUTES, MOST_MINUTES = 5, 720
USUAL_MINUTES = 45
#: What a refusal of the directory means to who filled in the form.
REFUSED = {
    400: N_("Так нельзя. Проверьте даты: серия длится не дольше года, и в первый день она уже есть."),
    403: N_("Это могут классный руководитель, директор и заместители. Урок — ещё учитель этого класса."),
    409: N_("Это уже отменено, или в расписании школы слишком много всего."),
}  # fmt: skip


class PlanForm(PageForm):
    """`once` makes a form that is sent twice plan one thing."""

    audience = SelectField()
    title = StringField(validators=[InputRequired(), Length(max=MOST_TITLE)])
    day = DateField(validators=[InputRequired()])
    at = TimeField(validators=[InputRequired()])
    minutes = IntegerField(
        validators=[InputRequired(), NumberRange(min=FEWEST_MINUTES, max=MOST_MINUTES)]
    )
    place = StringField(validators=[Optional(), Length(max=MOST_PLACE)])
    note = TextAreaField(validators=[Optional(), Length(max=MOST_NOTE)])
    online = BooleanField()
    weekdays = SelectMultipleField(
        coerce=int, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    every_weeks = SelectField(coerce=int)
    until = DateField(validators=[Optional()])
    once = HiddenField(validators=[Length(max=64)])

    @classmethod
    def of(cls, visit: Visit, posted: Any | None = None, **kwargs: Any) -> Any:
        form = super().of(visit, posted, **kwargs)
        form.audience.label.text = visit.gettext("Что и для кого")
        form.title.label.text = visit.gettext("Название")
        form.title.description = visit.gettext("Его прочитают в чате и в календаре.")
        form.day.label.text = visit.gettext("День")
        form.at.label.text = visit.gettext("Начало")
        form.minutes.label.text = visit.gettext("Сколько минут")
        form.place.label.text = visit.gettext("Где (кабинет, не обязательно)")
        form.note.label.text = visit.gettext("Что ещё сказать (не обязательно)")
        form.online.label.text = visit.gettext("Можно войти по видеосвязи")
        form.weekdays.label.text = visit.gettext("Повторять каждую неделю по дням")
        form.weekdays.choices = [(at, visit.gettext(word)) for at, word in enumerate(WEEKDAYS)]
        form.every_weeks.label.text = visit.gettext("Как часто")
        form.every_weeks.choices = [
            (1, visit.gettext("каждую неделю")),
            (2, visit.gettext("через неделю")),
            (3, visit.gettext("раз в три недели")),
            (4, visit.gettext("раз в четыре недели")),
        ]
        form.until.label.text = visit.gettext("Повторять до (включительно)")
        return form


class DayForm(PageForm):
    day = DateField(validators=[InputRequired()])
    at = TimeField(validators=[InputRequired()])
    minutes = IntegerField(
        validators=[InputRequired(), NumberRange(min=FEWEST_MINUTES, max=MOST_MINUTES)]
    )

    @classmethod
    def of(cls, visit: Visit, posted: Any | None = None, **kwargs: Any) -> Any:
        form = super().of(visit, posted, **kwargs)
        form.day.label.text = visit.gettext("На какой день")
        form.at.label.text = visit.gettext("Начало")
        form.minutes.label.text = visit.gettext("Сколько минут")
        return form


@routes.get("/schedule/new")
@staff
async def ask(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    audiences = await visit.services.schedules.audiences(account)
    if not audiences:
        return problem(request, 404)
    now = visit.now.astimezone(ZoneInfo(account.timezone))
    form = PlanForm.of(
        visit,
        data={
            "day": day_of(request.query.get("day", ""), now.date()),
            "at": time(min(now.hour + 1, 23)),
            "minutes": USUAL_MINUTES,
            "online": True,
            "weekdays": [],
            "every_weeks": 1,
            "once": visit.services.chance.new_id(),
        },
    )
    return _form(request, visit, form, audiences)


@routes.post("/schedule/new")
@staff
async def plan(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    audiences = await visit.services.schedules.audiences(account)
    form = PlanForm.of(visit, form_of(request))
    form.audience.choices = choices(visit, audiences)
    wish = wish_of(visit, form)
    if wish is None or len(form.once.data or "") < 8:
        return _form(request, visit, form, audiences)
    kind, _, room_id = str(form.audience.data).partition(" ")
    refused = ""
    try:
        made = await visit.services.schedules.plan(
            account, room_id, Kind(kind), wish, str(form.once.data)
        )
    except DirectoryRefused as error:
        refused = refusal_text(visit, error, REFUSED, 400)
    else:
        return redirect(f"/schedule/{made}", said="planned")
    return _form(request, visit, form, audiences, refused)


@routes.get("/schedule/{gathering_id}/edit")
@member
async def ask_change(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    found = await _changeable(request, visit, account)
    if found is None:
        return problem(request, 404)
    one = found.planned
    form = PlanForm.of(
        visit,
        data={
            "title": one.title,
            "day": one.begins.date(),
            "at": one.begins.time(),
            "minutes": one.minutes,
            "place": one.place,
            "note": one.note,
            "online": one.online,
            "weekdays": [] if one.repeat is None else sorted(one.repeat.weekdays),
            "every_weeks": 1 if one.repeat is None else one.repeat.every_weeks,
            "until": None if one.repeat is None else one.repeat.until,
        },
    )
    return _form(request, visit, form, None, planned=found)


@routes.post("/schedule/{gathering_id}/edit")
@member
async def change(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    found = await _changeable(request, visit, account)
    if found is None:
        return problem(request, 404)
    posted = form_of(request)
    form = PlanForm.of(visit, posted)
    del form.audience
    wish = wish_of(visit, form)
    if wish is None:
        return _form(request, visit, form, None, planned=found)
    name, reason = found.planned.gathering_id, kept_reason(str(posted.get("reason", "")))
    writing = visit.services.schedules.change(account, name, wish, reason)
    refused = await refusal_of(visit, writing, REFUSED, 400)
    if refused:
        return _form(request, visit, form, None, refused, planned=found)
    return redirect(f"/schedule/{name}", said="replanned")


@routes.get("/schedule/{gathering_id}/day")
@member
async def ask_day(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """One day of it: another time, or not at all."""
    found = await _changeable(request, visit, account)
    day = day_of(request.query.get("day", ""), date.min)
    if found is None or day not in found.days:
        return problem(request, 404)
    held, zone = found.of(day), ZoneInfo(account.timezone)
    at = datetime.combine(day, found.planned.begins.time())
    minutes = found.planned.minutes
    if held is not None:
        at = held.begins.astimezone(zone)
        minutes = int((held.ends - held.begins).total_seconds() // 60)
    form = DayForm.of(visit, data={"day": at.date(), "at": at.time(), "minutes": minutes})
    return _day(request, found, day, form)


@routes.post("/schedule/{gathering_id}/day")
@member
async def change_day(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    found = await _changeable(request, visit, account)
    posted = form_of(request)
    day = day_of(str(posted.get("which", "")), date.min)
    if found is None or day not in found.days:
        return problem(request, 404)
    form, what = DayForm.of(visit, posted), str(posted.get("do", "move"))
    instead: tuple[datetime, int] | None = None
    if what == "move":
        if not form.validate():
            return _day(request, found, day, form)
        instead = datetime.combine(form.day.data, form.at.data), form.minutes.data
    writing = visit.services.schedules.change_day(
        account,
        found.planned.gathering_id,
        day,
        instead,
        held=what != "off",
        reason=kept_reason(str(posted.get("reason", ""))),
    )
    refused = await refusal_of(visit, writing, REFUSED, 400)
    if refused:
        return _day(request, found, day, form, refused)
    query = "" if found.planned.repeat is None else f"?day={day.isoformat()}"
    return redirect(f"/schedule/{found.planned.gathering_id}{query}", said="replanned")


@routes.get("/schedule/{gathering_id}/call_off")
@member
async def ask_call_off(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    found = await _changeable(request, visit, account)
    if found is None:
        return problem(request, 404)
    kind = visit.gettext(KINDS[found.planned.kind])
    return page(request, "schedule/call_off.html", planned=found.planned, kind=kind)


@routes.post("/schedule/{gathering_id}/call_off")
@member
async def call_off(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """All of it. Twice is once."""
    found = await _changeable(request, visit, account)
    if found is None:
        return problem(request, 404)
    name = found.planned.gathering_id
    reason = kept_reason(str(form_of(request).get("reason", "")))
    writing = visit.services.schedules.call_off(account, name, reason)
    await refusal_of(visit, writing, REFUSED, 400)
    return redirect(f"/schedule/{name}", said="called_off")


def wish_of(visit: Visit, form: PlanForm) -> Wish | None:
    """What the form asks for; None: it says what is wrong."""
    if not form.validate():
        return None
    day, at, minutes = form.day.data, form.at.data, form.minutes.data
    if day is None or at is None or minutes is None:  # InputRequired has said so
        return None
    begins = datetime.combine(day, at)
    repeat = None
    if form.weekdays.data:
        if form.until.data is None:
            form.fail("until", visit.gettext("Укажите последний день."))
            return None
        if begins.weekday() not in form.weekdays.data:
            form.fail(
                "weekdays", visit.gettext("Отметьте и тот день недели, с которого всё начинается.")
            )
            return None
        repeat = Weekly(
            weekdays=frozenset(form.weekdays.data),
            until=form.until.data,
            every_weeks=form.every_weeks.data,
        )
    return Wish(
        title=(form.title.data or "").strip(),
        begins=begins,
        minutes=minutes,
        place=(form.place.data or "").strip(),
        note=(form.note.data or "").strip(),
        repeat=repeat,
        online=form.online.data,
    )


def choices(visit: Visit, audiences: Sequence[Audience]) -> list[tuple[str, str]]:
    """What somebody may plan, as one list: kind and room together."""
    return [
        (f"{kind.value} {one.room_id}", f"{visit.gettext(KINDS[kind])} — {one.name}")
        for one in audiences
        for kind in one.kinds
    ]


async def _changeable(request: web.Request, visit: Visit, account: Account) -> Days | None:
    found = await gathering_of(request, visit, account)
    return found if found is not None and found.planned.may_change else None


def _form(
    request: web.Request,
    visit: Visit,
    form: PlanForm,
    audiences: Sequence[Audience] | None,
    refused: str = "",
    planned: Days | None = None,
) -> web.StreamResponse:
    if audiences is not None:
        form.audience.choices = choices(visit, audiences)
    known = None if planned is None else planned.planned
    return form_page(request, "schedule/plan.html", form, refused=refused, planned=known)


def _day(
    request: web.Request, found: Days, day: date, form: DayForm, refused: str = ""
) -> web.StreamResponse:
    held = found.of(day)
    return form_page(
        request,
        "schedule/day.html",
        form,
        refused=refused,
        planned=found.planned,
        which=day,
        held=held is not None,
        moved=held is not None and held.moved,
    )
