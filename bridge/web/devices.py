"""Where somebody is signed in, and how they end it."""

from __future__ import annotations

from aiohttp import web

from bridge.devices import devices_of, sign_out_device, sign_out_everywhere
from bridge.roles import Account
from bridge.web.access import member
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit

routes = web.RouteTableDef()


@routes.get("/me/devices")
@member
async def devices(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    found = await devices_of(account.user_id, homeserver=request.app[SERVICES].homeserver)
    return page(request, "self/devices.html", devices=found, zone=account.timezone)


@routes.post("/me/devices")
@member
async def one_out(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    device_id = str(form_of(request).get("device", ""))
    homeserver = request.app[SERVICES].homeserver
    done = await sign_out_device(account.user_id, device_id, homeserver=homeserver)
    return redirect("/me/devices", said="device_out" if done else "")


@routes.get("/me/devices/all")
@member
async def ask_all(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    return page(request, "self/devices_all.html")


@routes.post("/me/devices/all")
@member
async def all_out(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Every client and every browser but this one."""
    services = request.app[SERVICES]
    await sign_out_everywhere(account.user_id, store=services.store, homeserver=services.homeserver)
    await visit.sign_in(account.user_id)
    return redirect("/me/devices", said="all_out")
