"""The web application: middlewares in their order, routes of every part, files that never change."""

from __future__ import annotations

import logging

from aiohttp import hdrs, web

from bridge.ports_directory import DirectoryDown, DirectoryRefused
from bridge.ports_homeserver import HomeserverDown, HomeserverRefused
from bridge.services import Services
from bridge.web import (
    again,
    applications,
    audit,
    broadcasts,
    calendar,
    class_cards,
    class_changes,
    class_invites,
    class_pupil,
    classes,
    clients,
    common_rooms,
    contacts,
    devices,
    disputes,
    exports,
    family,
    hello,
    help_pages,
    home,
    join,
    join_code,
    join_link,
    join_next,
    leaving,
    materials,
    materials_changes,
    paper,
    password,
    people,
    person,
    person_changes,
    person_family,
    profile,
    profiles,
    quiet,
    roster,
    roster_columns,
    schedule,
    schedule_changes,
    school,
    school_classes,
    school_invites,
    school_year,
    school_year_class,
    service_api,
    settings,
    signin,
    substitutes,
    welcome,
)
from bridge.web.render import STATIC, problem
from bridge.web.security import FORM_BYTES, PACE, Pace, headers, own_forms, paced
from bridge.web.visit import SERVICES, Handler, visit_of, visits

logger = logging.getLogger(__name__)

#: What everybody has: sign-in, one's own profile and family.
OWN = (
    signin, again, profile, profiles, contacts, password, devices, family, leaving, clients, help_pages,
)  # fmt: skip
#: From a link, a code or a card to an account.
JOIN = (join, join_link, join_code, join_next, welcome, disputes)
#: What the administration has.
SCHOOL = (
    school, people, person, person_changes, person_family, class_changes, substitutes, school_classes,
    school_invites, roster, roster_columns, school_year, school_year_class, common_rooms, audit, settings,
)  # fmt: skip
#: Every part of the pages: a module with `routes`.
PARTS = (
    *OWN,
    *JOIN,
    home,
    hello,
    broadcasts,
    schedule_changes,
    schedule,
    calendar,
    materials_changes,
    materials,
    quiet,
    exports,
    classes,
    class_cards,
    class_pupil,
    class_invites,
    paper,
    applications,
    *SCHOOL,
    service_api,
)
#: Paths whose forms carry files: path → bytes.
UPLOADS: dict[str, int] = {
    "/school/roster": roster.UPLOAD_BYTES,
    "/materials/new": materials_changes.UPLOAD_BYTES,
}


def build(services: Services) -> web.Application:
    """The application; run it with `web.AppRunner`."""
    app = web.Application(
        client_max_size=max([FORM_BYTES, *UPLOADS.values()]),
        # `failures` twice: who is signed in is asked of the directory, which may be away.
        middlewares=[headers, failures, visits, failures, paced, bounded, own_forms],
        handler_args={"max_line_size": 8190, "max_field_size": 8190},
    )
    app[SERVICES] = services
    app[PACE] = Pace()
    for part in PARTS:
        app.router.add_routes(part.routes)
    app.router.add_get("/static/{name}", static)
    return app


@web.middleware
async def failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong is a page that says what to do; the log gets a name and no contents."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return problem(request, 413)
    except web.HTTPException as error:
        return problem(request, error.status)
    except (DirectoryDown, HomeserverDown) as error:
        logger.warning("page failed path=%s kind=%s", _shape(request), type(error).__name__)
        return problem(request, 503)
    except (DirectoryRefused, HomeserverRefused) as error:
        logger.error("page failed path=%s status=%s", _shape(request), error.status)  # noqa: TRY400 (a trace could quote what was typed)
        return problem(request, 500)
    except Exception as error:
        # Without the message or a traceback's values: they may hold what was typed.
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
        logger.error(  # noqa: TRY400 (the same)
            "page failed path=%s kind=%s at=%s", _shape(request), type(error).__name__, where
        )
        return problem(request, 500)


@web.middleware
async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """413 before anything is read, when the form says it is too large; uploads have limits of their own."""
    limit = FORM_BYTES
    account = visit_of(request).account
    if account is not None and account.is_staff:  # strangers, pupils and parents send no files
        limit = UPLOADS.get(_shape(request), FORM_BYTES)
    length = request.headers.get(hdrs.CONTENT_LENGTH)
    if request.method == "POST" and (length is None or not length.isdigit() or int(length) > limit):
        return problem(request, 413)
    return await handler(request)


def _shape(request: web.Request) -> str:
    """The route's pattern, never the path: paths hold invites."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "?"


async def static(request: web.Request) -> web.StreamResponse:
    """A file of ours by its exact name; its address changes with its contents."""
    path = STATIC / request.match_info["name"]
    if path.name not in {file.name for file in STATIC.iterdir()}:
        return problem(request, 404)
    return web.FileResponse(path, headers={"Cache-Control": "public, max-age=31536000, immutable"})
