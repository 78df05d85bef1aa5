"""A sheet that was made just now: shown, as PDF, for the browser's own printing. Half an hour, in this browser only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from aiohttp import web
from attrs import field, frozen

from bridge.invite import InviteKind, shown_code
from bridge.printing import NoPrinter, pdf_of, qr_images
from bridge.roles import Account, ClassId
from bridge.sheets import Sheet, Slip, kept_sheet
from bridge.web.access import class_lead
from bridge.web.csv_file import attachment
from bridge.web.i18n import N_
from bridge.web.render import STATIC, day, html_of, page, problem
from bridge.web.visit import Visit

routes = web.RouteTableDef()

#: Kind → heading of the page, and name of the file (Russian, ASCII).
HEADINGS = {
    InviteKind.CARD: (N_("Карточки для входа"), "cards"),
    InviteKind.PERSONAL: (N_("Личная ссылка ученика"), "link"),
    InviteKind.CHILD_PARENT: (N_("Листки для родителей"), "parents"),
    InviteKind.CLASS_PUPIL: (N_("Ссылка для учеников"), "poster"),
    InviteKind.CLASS_PARENT: (N_("Ссылка для родителей"), "poster"),
}
FOR_THE_WALL = frozenset({InviteKind.CLASS_PUPIL, InviteKind.CLASS_PARENT})


@frozen(kw_only=True)
class Printed:
    """One link as it is printed. `address`: without https://, to be typed where there is no camera."""

    name: str = field(repr=False)
    url: str = field(repr=False)
    address: str = field(repr=False)
    code: str = field(repr=False)
    qr: str = field(repr=False)


@routes.get("/class/{class_id}/sheet/{sheet_id}")
@class_lead
async def shown(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What has been made: link, code and QR of one; names of many; both ways to print."""
    sheet = await _sheet(request, visit)
    if sheet is None:
        return problem(request, 410, "sheet_gone")
    slips = await _printed(visit, sheet.slips) if len(sheet.slips) == 1 else []
    return page(
        request,
        "teacher/sheet.html",
        sheet=sheet,
        heading=visit.gettext(HEADINGS[sheet.kind][0]),
        one=slips[0] if slips else None,
        no_pdf="no_pdf" in request.query,
        zone=account.timezone,
        here=request.path,
    )


@routes.get("/class/{class_id}/sheet/{sheet_id}/pdf")
@class_lead
async def pdf(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """A4. Without pango on the server: the page again, which then offers the other way."""
    sheet = await _sheet(request, visit)
    if sheet is None:
        return problem(request, 410, "sheet_gone")
    heading, fallback = HEADINGS[sheet.kind]
    try:
        body = await pdf_of(await _html(request, visit, account, sheet, screen=False), _css())
    except NoPrinter:
        return web.Response(
            status=303, headers={"Location": f"{request.path.removesuffix('/pdf')}?no_pdf="}
        )
    name = f"{visit.gettext(heading)} {sheet.class_name}.pdf"
    return attachment(body, "application/pdf", name, f"{fallback}.pdf")


@routes.get("/class/{class_id}/sheet/{sheet_id}/print")
@class_lead
async def for_browser(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The same sheet as a page, for the browser's own printing."""
    sheet = await _sheet(request, visit)
    if sheet is None:
        return problem(request, 410, "sheet_gone")
    html = await _html(request, visit, account, sheet, screen=True)
    return web.Response(text=html, content_type="text/html", charset="utf-8")


async def _sheet(request: web.Request, visit: Visit) -> Sheet | None:
    return await kept_sheet(
        request.match_info["sheet_id"],
        ClassId(request.match_info["class_id"]),
        visit.session,
        visit.now,
        store=visit.services.store,
        vault=visit.services.vault,
    )


async def _html(
    request: web.Request, visit: Visit, account: Account, sheet: Sheet, *, screen: bool
) -> str:
    until = sheet.expires_at.astimezone(ZoneInfo(account.timezone)).date()
    template = "print/poster.html" if sheet.kind in FOR_THE_WALL else "print/slips.html"
    values = {
        "title": f"{visit.gettext(HEADINGS[sheet.kind][0])} {sheet.class_name}",
        "sheet": sheet,
        "slips": await _printed(visit, sheet.slips),
        "school": account.org_name,
        "until": day(until, visit.language),
        "join": f"{_bare(visit.services.config.public_url)}/join",
        "screen": screen,
        "back": request.path.rpartition("/")[0],
    }
    return html_of(request, template, values)


async def _printed(visit: Visit, slips: Sequence[Slip]) -> list[Printed]:
    urls = [f"{visit.services.config.public_url}/i/{one.token}" for one in slips]
    return [
        Printed(name=one.name, url=url, address=_bare(url), code=shown_code(one.code), qr=qr)
        for one, url, qr in zip(slips, urls, await qr_images(urls), strict=True)
    ]


def _bare(url: str) -> str:
    return url.partition("://")[2]


@cache
def _css() -> str:
    return Path(STATIC / "print.css").read_text("utf-8")
