"""`/clients`: which applications open the chats, with the school's server filled in (R18)."""

from __future__ import annotations

from aiohttp import web

from bridge.client_links import client_links
from bridge.own_contacts import own_contacts
from bridge.printing import qr_image
from bridge.web.call_links import host_page, led_broadcasts
from bridge.web.profile import login_of
from bridge.web.render import page
from bridge.web.visit import SERVICES, visit_of

routes = web.RouteTableDef()


@routes.get("/clients")
async def clients(request: web.Request) -> web.StreamResponse:
    """For everybody: nothing here is about a person but the login of whoever is signed in. Never a password."""
    visit, services = visit_of(request), request.app[SERVICES]
    links = client_links(services.config.clients)
    mine = visit.account
    return page(
        request,
        "self/clients.html",
        links=links,
        element_x_qr=qr_image(links.element_x),
        cinny_qr=qr_image(links.cinny),
        login=login_of(mine) if mine else "",
        call=host_page(visit, mine) if mine else "",
        broadcasts=led_broadcasts(visit, mine) if mine else "",
        contacts=await own_contacts(mine.user_id, store=services.store, vault=services.vault)
        if mine
        else (),
    )
