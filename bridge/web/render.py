"""A page from a template, in the visitor's language; an error as a page; another page's address."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web
from babel.dates import format_date, format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bridge.web.i18n import catalogue
from bridge.web.visit import visit_of
from bridge.web.words import ERRORS, ROLES, SAID

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"


@cache
def environment(language: str) -> Environment:
    """Jinja for one language; everything is escaped, an unknown name is an error."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.policies["ext.i18n.trimmed"] = True
    found = catalogue(language)
    env.install_gettext_translations(found, newstyle=True)  # type: ignore[attr-defined] # the extension adds it
    env.globals["language"] = language
    env.globals["asset"] = asset
    env.globals["role_word"] = lambda role: found.ugettext(ROLES[str(getattr(role, "value", role))])
    env.filters["day"] = lambda value: day(value, language)
    env.filters["moment"] = lambda value, zone="Europe/Moscow": moment(value, language, zone)
    return env


@cache
def asset(name: str) -> str:
    """The address of a file in static/, with its digest: it may be kept for a year."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def day(value: date, language: str) -> str:
    return format_date(value, "d MMMM y" if language == "ru" else "MMMM d, y", locale=language)


def moment(value: datetime, language: str, zone: str) -> str:
    """Date and time on the school's clock."""
    return format_datetime(value, "d MMM, HH:mm", tzinfo=ZoneInfo(zone), locale=language)


def html_of(request: web.Request, template: str, values: Mapping[str, Any]) -> str:
    visit = visit_of(request)
    return (
        environment(visit.language)
        .get_template(template)
        .render(
            visit=visit,
            account=visit.account,
            config=visit.services.config,
            said=visit.gettext(SAID[visit.said]) if visit.said in SAID else "",
            **values,
        )
    )


def page(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """`template` as an answer. Values are what it names, besides `visit`, `account`, `config`, `said`."""
    return web.Response(
        text=html_of(request, template, values),
        status=status,
        content_type="text/html",
        charset="utf-8",
    )


def problem(request: web.Request, status: int, kind: str = "") -> web.Response:
    """An error as a page that says what to do. `kind` picks another text than the status has."""
    title, text = ERRORS.get(kind) or ERRORS.get(str(status)) or ERRORS["500"]
    visit = visit_of(request)
    return page(
        request,
        "problem.html",
        status=status,
        title=visit.gettext(title),
        text=visit.gettext(text),
    )


def redirect(path: str, *, said: str = "", **query: str) -> web.Response:
    """303 to one of our own pages. An answer, not an exception: middlewares must see it."""
    words = {**query, **({"said": said} if said else {})}
    joiner = "&" if "?" in path else "?"
    location = path + (joiner + urlencode(words) if words else "")
    return web.Response(status=303, headers={"Location": location})
