"""What a school decides for itself, with what it means; limits of codes to read (R17, R33, §2.6)."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from aiohttp import web
from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from bridge.people import Org
from bridge.ports_directory import DirectoryRefused
from bridge.roles import Account
from bridge.web.access import administration, heads
from bridge.web.forms import PageForm, form_page
from bridge.web.i18n import N_
from bridge.web.render import problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: Russia's time zones, west to east; a school elsewhere keeps what it has.
ZONES = (
    "Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk",
    "Asia/Krasnoyarsk", "Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok", "Asia/Magadan",
    "Asia/Kamchatka",
)  # fmt: skip
#: Settings of the module that this page shows (synapse_sferum/model.py, OrgSettings): name → (label, what it means).
SWITCHES = {
    "confirmation_required": (
        N_("Ученика до 14 лет подтверждает родитель"),
        N_("До подтверждения ребёнок читает чат класса и объявления, пишет только классному руководителю и родителям."),
    ),
    "classmates_may_write": (
        N_("Одноклассники могут писать друг другу лично"),
        N_("Иначе — только в чатах, где есть взрослый, который не может выйти."),
    ),
    "staff_across_schools": (
        N_("Сотрудники могут переписываться с сотрудниками других школ этого сервера"),
        N_("На учеников и родителей это не действует: с другими школами они не связаны никогда."),
    ),
    "pupils_muted_on_entry": (
        N_("На уроке ученики входят в звонок с выключенным микрофоном"),
        N_("Включить его ученик сможет, когда учитель разрешит."),
    ),
    "pupils_may_share": (
        N_("Ученики могут показывать свой экран"),
        N_("Иначе экран показывают только взрослые."),
    ),
    "pupils_may_start": (
        N_("Ученики могут начинать звонки"),
        N_("Иначе они входят только в звонок, который уже идёт."),
    ),
    "calls_waiting_room": (
        N_("Ученики и родители ждут, пока их впустят в звонок"),
        N_("Впускает классный руководитель, директор или заместитель, либо сотрудник, который начал звонок."),
    ),
    "one_share": (
        N_("Экран в звонке показывает только один человек"),
        N_("Учитель может начать показ вместо ученика."),
    ),
}  # fmt: skip


class SchoolForm(PageForm):
    name = StringField(validators=[InputRequired(), Length(max=120)])
    timezone = SelectField()
    confirmation_required = BooleanField()
    classmates_may_write = BooleanField()
    staff_across_schools = BooleanField()
    pupils_muted_on_entry = BooleanField()
    pupils_may_share = BooleanField()
    pupils_may_start = BooleanField()
    calls_waiting_room = BooleanField()
    one_share = BooleanField()
    removal_limit = IntegerField(validators=[InputRequired(), NumberRange(min=0, max=100)])

    @classmethod
    def of(cls, visit: Visit, posted: Any | None = None, **kwargs: Any) -> Any:
        zones = [*ZONES]
        current = kwargs.pop("zone")
        if current not in zones:
            zones.insert(0, current)
        form = super().of(visit, posted, **kwargs)
        form.name.label.text = visit.gettext("Название школы")
        form.timezone.label.text = visit.gettext("Часовой пояс")
        form.timezone.description = visit.gettext(
            "По нему считаются дни рождения и сроки приглашений."
        )
        form.timezone.choices = [(zone, zone) for zone in zones]
        form.removal_limit.label.text = visit.gettext(
            "Какую долю участий в чатах одна загрузка может убрать без вопроса, в процентах"
        )
        form.removal_limit.description = visit.gettext(
            "Если список убирает больше, он, скорее всего, неполный: "
            "чаты не изменятся, пока директор или заместитель не согласится."
        )
        for name, (label, means) in SWITCHES.items():
            form[name].label.text = visit.gettext(label)
            form[name].description = visit.gettext(means)
        return form


@routes.get("/school/settings")
@administration
async def settings(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Administrators read, director and deputies change."""
    org = await visit.services.directory.org(account.org_id)
    if org is None:
        return problem(request, 404)
    form = SchoolForm.of(visit, zone=org.timezone, data=_data(org))
    return _page(request, visit, org, form)


@routes.post("/school/settings")
@heads
async def change(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """All of the form at once; other settings of the school stay as they are."""
    org = await visit.services.directory.org(account.org_id)
    if org is None:
        return problem(request, 404)
    form = SchoolForm.of(visit, form_of(request), zone=org.timezone)
    if not form.validate() or form.timezone.data not in available_timezones():
        return _page(request, visit, org, form)
    changes = {
        "name": form.name.data.replace("\0", "").strip(),
        "timezone": form.timezone.data,
        "settings": {
            **{name: bool(form[name].data) for name in SWITCHES},
            "removal_limit": form.removal_limit.data / 100,
        },
    }
    try:
        await visit.services.directory.change_org(account.org_id, changes, account.user_id)
    except DirectoryRefused:
        form.fail(
            "name", visit.gettext("Сервер школы не принял эти настройки. Проверьте название.")
        )
        return _page(request, visit, org, form)
    return redirect("/school/settings", said="settings_kept")


def _data(org: Org) -> dict[str, Any]:
    limit = org.settings.get("removal_limit")
    return {
        "name": org.name,
        "timezone": org.timezone,
        **{name: bool(org.settings.get(name)) for name in SWITCHES},
        "removal_limit": round(float(limit) * 100) if isinstance(limit, int | float) else 20,
    }


def _page(request: web.Request, visit: Visit, org: Org, form: SchoolForm) -> web.StreamResponse:
    return form_page(
        request,
        "head/settings.html",
        form,
        org=org,
        switches=SWITCHES,
        limits=visit.services.config.limits,
        phones=", ".join(sorted(visit.services.config.phones.regions)),
    )
