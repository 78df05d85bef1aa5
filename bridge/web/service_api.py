"""What other programs of this machine tell the bridge: the contacts of a school's lists (docs/contracts.md §5).

For programs on the same machine with the service token, not for browsers: no session, no form, no proxy in between.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from ipaddress import ip_address
from pathlib import Path

from aiohttp import hdrs, web

from bridge.listed import BadListing, list_contacts, parse_listing
from bridge.roles import OrgId
from bridge.web.visit import SERVICES

logger = logging.getLogger(__name__)

routes = web.RouteTableDef()

MOST_BYTES = 12_000_000
#: A proxy says with these that somebody else stands behind it.
FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")
#: The actor of the log.
ACTOR = "command line"


@routes.put("/service/orgs/{org_id}/listed-contacts")
async def listed_contacts(request: web.Request) -> web.StreamResponse:
    """Keep the phones and e-mails of one source's lists, as keyed hashes, instead of the earlier ones."""
    if not _is_local(request):
        return _refused(404, "M_NOT_FOUND", "no such page")
    services = request.app[SERVICES]
    if not await _is_ours(request, services.config.service_token_file):
        logger.warning("service call refused why=token")
        return _refused(401, "M_UNKNOWN_TOKEN", "want the service token")
    length = request.headers.get(hdrs.CONTENT_LENGTH, "")
    if not length.isdigit() or int(length) > MOST_BYTES:
        return _refused(413, "M_TOO_LARGE", f"the body is over the limit of {MOST_BYTES} bytes")
    org_id = OrgId(request.match_info["org_id"])
    if await services.directory.org(org_id) is None:
        return _refused(404, "M_NOT_FOUND", "no such school")
    try:
        raw = json.loads(await request.read())
    except (ValueError, RecursionError):
        return _refused(400, "M_NOT_JSON", "the body is not JSON")
    try:
        listing = parse_listing(raw)
    except BadListing as bad:
        return _refused(400, "M_INVALID_PARAM", str(bad))
    count = await list_contacts(
        org_id, listing, ACTOR, services.clock(), store=services.store, vault=services.vault
    )
    return web.json_response({"listed": count})


def _is_local(request: web.Request) -> bool:
    """From this machine, and not through a proxy on it."""
    try:
        loopback = ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
    return loopback and not any(name in request.headers for name in FORWARDED)


async def _is_ours(request: web.Request, token_file: Path) -> bool:
    """Read each time: the token may be changed without stopping the bridge."""
    kind, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    try:
        token = (await asyncio.to_thread(token_file.read_text, "utf-8")).strip()
    except (OSError, UnicodeDecodeError):
        logger.error("the service token cannot be read")  # noqa: TRY400 (the path says nothing)
        return False
    return bool(token) and kind == "Bearer" and hmac.compare_digest(given.encode(), token.encode())


def _refused(status: int, errcode: str, error: str) -> web.Response:
    return web.json_response({"errcode": errcode, "error": error}, status=status)
