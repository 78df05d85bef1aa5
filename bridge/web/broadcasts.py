"""To broadcasts from here: whoever is signed in at these pages goes on with a ticket, and signs in nowhere else.

Parents without e-mail (phone) and pupils with a QR card have no other session in their browser.
"""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from bridge.handing_over import CHANCE_BYTES, DESK, ticket
from bridge.roles import Account
from bridge.web.access import member
from bridge.web.render import page, problem
from bridge.web.visit import Visit

logger = logging.getLogger(__name__)

routes = web.RouteTableDef()


@routes.get("/broadcasts/{broadcast_id:[A-Za-z0-9_-]{1,64}}")
@member
async def watch(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The link on the calls server's «sign in» page: a stranger signs in first and is led back here."""
    name = request.match_info["broadcast_id"]
    return await _handed_over(request, visit, account, f"/watch/{name}", name)


@routes.get("/broadcasts")
@member
async def desk(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What there is to watch, and to lead: the calls server knows who may what."""
    return await _handed_over(request, visit, account, "/broadcasts", DESK)


async def _handed_over(
    request: web.Request, visit: Visit, account: Account, path: str, to: str
) -> web.StreamResponse:
    config = visit.services.config
    if not config.clients.calls:
        return problem(request, 404)
    try:
        # Read each time: the token may be changed without stopping the bridge.
        token = (await asyncio.to_thread(config.service_token_file.read_text, "ascii")).strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if not token:
        logger.error("the service token cannot be read")
        return problem(request, 503)
    chance = visit.services.random_bytes(CHANCE_BYTES)
    given = ticket(account.user_id, to, int(visit.now.timestamp()), chance, token)
    there = f"{config.clients.calls}{path}?ticket={given}"
    answer = page(request, "self/onward.html", there=there)
    # Not a redirect: what follows the form of the sign-in must stay here (CSP form-action).
    answer.headers["Refresh"] = f"0; url={there}"
    return answer
