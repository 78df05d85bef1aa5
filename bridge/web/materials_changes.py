"""Publishing a material, changing it, taking it away (R26, R27)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from wtforms.fields import DateField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from bridge.material_files import DiskFull
from bridge.materials import Material, Publication, Room, milliseconds
from bridge.ports_directory import DirectoryRefused
from bridge.reason import kept_reason
from bridge.roles import Account
from bridge.web.access import member, staff
from bridge.web.forms import PageForm, form_page, refusal_of, refusal_text
from bridge.web.i18n import N_
from bridge.web.render import page, problem, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit

logger = logging.getLogger(__name__)

routes = web.RouteTableDef()

MOST_TITLE, MOST_FOLDER = 120, 122
#: Octets of a file, and of the form around it: four times what Matrix takes here, and a lesson of half an hour.
MOST_BYTES = 200_000_000
UPLOAD_BYTES = MOST_BYTES + 64 * 1024
FOR_WHOM = {
    "materials": N_("вся школа"),
    "class": N_("ученики и родители класса"),
    "class_parents": N_("родители класса"),
    "staff": N_("учителя"),
}
REFUSED = {
    400: N_("Так нельзя. Проверьте название, папку (не больше трёх, через «/») и последний день."),
    403: N_("Публиковать здесь могут учителя этого класса, директор и заместители."),
    409: N_("В школе слишком много материалов, или этот чат уже в архиве."),
}
FULL = N_("На сервере школы не хватает места. Скажите администратору.")
NO_FILE = N_("Выберите файл.")


class DetailsForm(PageForm):
    title = StringField(validators=[InputRequired(), Length(max=MOST_TITLE)])
    folder = StringField(validators=[Optional(), Length(max=MOST_FOLDER)])
    last_day = DateField(validators=[Optional()])

    @classmethod
    def of(cls, visit: Visit, posted: Any | None = None, **kwargs: Any) -> Any:
        form = super().of(visit, posted, **kwargs)
        form.title.label.text = visit.gettext("Название")
        form.folder.label.text = visit.gettext("Папка (не обязательно)")
        form.folder.description = visit.gettext("Например: Алгебра/Контрольные")
        form.last_day.label.text = visit.gettext("Хранить до (не обязательно)")
        form.last_day.description = visit.gettext("После этого дня материал удалится сам.")
        return form


class PublishForm(DetailsForm):
    room_id = SelectField()

    @classmethod
    def of(cls, visit: Visit, posted: Any | None = None, **kwargs: Any) -> Any:
        form = super().of(visit, posted, **kwargs)
        form.room_id.label.text = visit.gettext("Для кого")
        return form


@routes.get("/materials/new")
@staff
async def ask(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    rooms = await visit.services.materials.rooms(account)
    if not rooms:
        return problem(request, 404)
    form = PublishForm.of(visit, data={"folder": request.query.get("folder", "")[:MOST_FOLDER]})
    return _form(request, visit, form, rooms)


@routes.post("/materials/new")
@staff
async def publish(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The file is kept first, then published; what was not published is deleted again."""
    rooms, posted = await visit.services.materials.rooms(account), form_of(request)
    form = PublishForm.of(visit, posted)
    form.room_id.choices = _choices(visit, rooms)
    file = posted.get("file")
    if not isinstance(file, web.FileField) or not file.filename:
        form.validate()
        return _form(request, visit, form, rooms, visit.gettext(NO_FILE))
    if not form.title.data:
        form.title.data = (
            file.filename.rpartition(".")[0][:MOST_TITLE] or file.filename[:MOST_TITLE]
        )
        form.title.raw_data = [form.title.data]
    if not form.validate():
        return _form(request, visit, form, rooms)
    file_id, files = visit.services.random_bytes(16).hex(), visit.services.config.material_files
    try:
        size = await asyncio.to_thread(files.keep, file_id, file.file)
    except (DiskFull, OSError) as error:
        logger.error("a material was not kept why=%s", type(error).__name__)  # noqa: TRY400 (a trace could quote the file's name)
        return _form(request, visit, form, rooms, visit.gettext(FULL))
    try:
        made = await visit.services.materials.publish(
            account,
            Publication(
                room_id=form.room_id.data,
                file_id=file_id,
                title=form.title.data.strip(),
                name=file.filename[:1000],
                mimetype=file.content_type or "",
                size=size,
                folder=form.folder.data or "",
                expires_at=_expires(form, account),
            ),
        )
    except DirectoryRefused as error:
        await asyncio.to_thread(files.drop, file_id)
        text = refusal_text(visit, error, REFUSED, 403)
        return _form(request, visit, form, rooms, text)
    return redirect(f"/materials/{made}", said="published")


@routes.get("/materials/{material_id}/edit")
@member
async def ask_change(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    found = await _changeable(request, visit, account)
    if found is None:
        return problem(request, 404)
    zone = ZoneInfo(account.timezone)
    last = None
    if found.expires_at is not None:
        last = (found.expires_at - timedelta(seconds=1)).astimezone(zone).date()
    form = DetailsForm.of(
        visit, data={"title": found.title, "folder": found.folder, "last_day": last}
    )
    return _details(request, found, form)


@routes.post("/materials/{material_id}/edit")
@member
async def change(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    found = await _changeable(request, visit, account)
    if found is None:
        return problem(request, 404)
    form = DetailsForm.of(visit, form_of(request))
    if not form.validate():
        return _details(request, found, form)
    changes = {
        "title": form.title.data.strip(),
        "folder": form.folder.data or "",
        "expires_ms": milliseconds(_expires(form, account)),
    }
    writing = visit.services.materials.change(account, found.material_id, changes)
    refused = await refusal_of(visit, writing, REFUSED, 403)
    if refused:
        return _details(request, found, form, refused)
    return redirect(found.address, said="settings_kept")


@routes.get("/materials/{material_id}/remove")
@member
async def ask_remove(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    found = await _changeable(request, visit, account)
    if found is None:
        return problem(request, 404)
    return page(request, "materials/remove.html", material=found)


@routes.post("/materials/{material_id}/remove")
@member
async def remove(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Gone at once, its file too. Twice is once."""
    found = await _changeable(request, visit, account)
    if found is None:
        return problem(request, 404)
    reason = kept_reason(str(form_of(request).get("reason", "")))
    try:
        await visit.services.materials.remove(account, found.material_id, reason)
    except DirectoryRefused as error:
        if error.status != 404:
            raise
    if found.file_id:
        await asyncio.to_thread(visit.services.config.material_files.drop, found.file_id)
    if found.mxc:
        await visit.services.posted.drop(found.mxc)
    return redirect("/materials", said="material_removed")


async def _changeable(request: web.Request, visit: Visit, account: Account) -> Material | None:
    found = await visit.services.materials.one(account, request.match_info["material_id"])
    return found if found is not None and found.may_change else None


def _expires(form: DetailsForm, account: Account) -> datetime | None:
    """The end of the last day, on the school's clock."""
    if form.last_day.data is None:
        return None
    after = min(form.last_day.data, date.max - timedelta(days=1)) + timedelta(days=1)
    return datetime.combine(after, time(), tzinfo=ZoneInfo(account.timezone))


def _choices(visit: Visit, rooms: Sequence[Room]) -> list[tuple[str, str]]:
    found = []
    for one in rooms:
        whom = visit.gettext(FOR_WHOM.get(one.kind, FOR_WHOM["materials"]))
        named = one.kind in {"class", "class_parents"}
        found.append((one.room_id, f"{one.name}: {whom}" if named else whom))
    return found


def _form(
    request: web.Request, visit: Visit, form: PublishForm, rooms: Sequence[Room], refused: str = ""
) -> web.StreamResponse:
    form.room_id.choices = _choices(visit, rooms)
    most = MOST_BYTES // 1_000_000
    return form_page(request, "materials/publish.html", form, refused=refused, most=most)


def _details(
    request: web.Request, found: Material, form: DetailsForm, refused: str = ""
) -> web.StreamResponse:
    return form_page(request, "materials/edit.html", form, refused=refused, material=found)
