"""The HTTP edge: finds the route, checks who asks, runs the handler, turns refusals into Matrix errors.

The resource answers on every listener of every process (isolation.md §3), so nothing about the listener is trusted:
each request is authenticated here, before its body is read.
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from attrs import frozen
from synapse.module_api import DirectServeJsonResource, ModuleApi, SynapseRequest
from synapse.module_api.errors import Codes, SynapseError

from synapse_sferum import events, schema
from synapse_sferum.account import Account
from synapse_sferum.api.call import BadField, Call, parse_body, unwritable
from synapse_sferum.api.routes import ROUTES
from synapse_sferum.api.services import Route, Services
from synapse_sferum.edits import EditRefused, not_found

logger = logging.getLogger(__name__)

#: Names the person on whose behalf the bridge writes (docs/contracts.md §2).
ACTOR_HEADER = "X-Sferum-Actor"
#: Localparts that Synapse gives out, and its limit for a whole user id.
_LOCALPART = re.compile(r"[a-z0-9._=/+-]+")
_LONGEST_USER_ID = 255
#: Longest part of a path, characters.
_LONGEST_PART = 300


@frozen
class _Found:
    route: Route
    params: Mapping[str, str]


def find_route(method: str, path: str) -> _Found | int:
    """The route for a path below the prefix, or the HTTP status that says there is none (404, 405)."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if any(len(part) > _LONGEST_PART or unwritable(part) for part in parts):
        return int(HTTPStatus.NOT_FOUND)
    other_method = False
    for route in ROUTES:
        params = _match(route.path.strip("/").split("/"), parts)
        if params is None:
            continue
        if route.method == method:
            return _Found(route, params)
        other_method = True
    return int(HTTPStatus.METHOD_NOT_ALLOWED if other_method else HTTPStatus.NOT_FOUND)


def _match(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    params: dict[str, str] = {}
    for wanted, found in zip(pattern, parts, strict=True):
        if wanted.startswith("{") and found:
            params[wanted[1:-1]] = found
        elif wanted != found:
            return None
    return params


def may_call(route: Route, account: Account | None, org_id: str | None) -> bool:
    """Whether this caller may use this route (None: the service). A director manages their own school only."""
    if account is None:
        return True
    if org_id is not None and org_id != account.org_id:
        return False
    match route.access:
        case "any" | "own_org":
            return True
        case "administrative":
            return account.is_administrative
        case "leader":
            return account.is_leader
        case _:
            return False


class SferumResource(DirectServeJsonResource):
    """Everything below the prefix."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, services: Services, service_token: str) -> None:
        super().__init__()
        self._services, self._service_token = services, service_token.encode()
        self._has_tables = False

    async def _async_render(self, request: SynapseRequest) -> tuple[int, Any] | None:
        method = request.method.decode("ascii", "replace")
        path = request.path.decode("ascii", "replace").removeprefix(events.API_PREFIX)
        await self._wait_for_tables()
        account = await self._authenticate(request)
        found = find_route(method, path)
        if isinstance(found, int):
            raise SynapseError(found, "no such call", Codes.UNRECOGNIZED)
        try:
            if not may_call(found.route, account, found.params.get("org_id")):
                raise not_found()
            if account is None and "org_id" in found.params:
                await self._services.directory.org(found.params["org_id"])  # or 404
            query = {k.decode(): v[0].decode() for k, v in (request.args or {}).items()}
            for name, value in query.items():
                if unwritable(value):
                    raise BadField(name[:60], "holds a character that cannot be stored")
            call = Call(
                account=account,
                on_behalf_of="" if method == "GET" else self._on_behalf_of(request, account),
                params=found.params,
                query=query,
                body=parse_body(_read(request, found.route.body), found.route.body),
            )
            return await found.route.handler(self._services, call)
        except EditRefused as refusal:
            raise SynapseError(refusal.status, str(refusal), refusal.errcode) from refusal
        except UnicodeDecodeError:
            raise SynapseError(
                HTTPStatus.BAD_REQUEST, "the query is not UTF-8", Codes.INVALID_PARAM
            ) from None

    async def _wait_for_tables(self) -> None:
        """In the first seconds of a new database another process is still making the tables.

        Raises:
            SynapseError: 503, try again.
        """
        if self._has_tables:
            return
        try:
            version = await self._services.directory.read(schema.found_txn)
        except Exception:
            logger.info("no directory tables yet")
            version = 0
        if version == 0:
            raise SynapseError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The directory is being prepared; try again in a few seconds",
                Codes.UNKNOWN,
            )
        self._has_tables = True

    def _on_behalf_of(self, request: SynapseRequest, account: Account | None) -> str:
        """The user id of `X-Sferum-Actor`, or "".

        Raises:
            BadField: not sent by the bridge, or not one user id of this server.
        """
        headers = request.requestHeaders.getRawHeaders(ACTOR_HEADER) or []
        if not headers:
            return ""
        if account is not None:
            raise BadField(ACTOR_HEADER, "only the onboarding service speaks for somebody")
        user_id = headers[0].strip()
        localpart = user_id[1:].partition(":")[0]
        if (
            len(headers) != 1
            or not _LOCALPART.fullmatch(localpart)
            or user_id != f"@{localpart}:{self._services.api.server_name}"
            or len(user_id) > _LONGEST_USER_ID
        ):
            raise BadField(ACTOR_HEADER, "must be a user id of this server")
        return user_id

    async def _authenticate(self, request: SynapseRequest) -> Account | None:
        """The active account behind the token; None for the service.

        Raises:
            SynapseError: no token, a wrong one, or an account without a school.
        """
        headers = request.requestHeaders.getRawHeaders(b"Authorization") or []
        scheme, _, token = headers[0].partition(b" ") if len(headers) == 1 else (b"", b"", b"")
        if scheme.lower() != b"bearer" or not token:
            raise SynapseError(HTTPStatus.UNAUTHORIZED, "Missing access token", Codes.MISSING_TOKEN)
        if hmac.compare_digest(token.strip(), self._service_token):
            return None
        # Our own facts say whether the account may act: one answer for "not yet" and "not any more".
        requester = await self._services.api.get_user_by_req(request, allow_expired=True)
        account = await self._services.facts.account(requester.user.to_string())
        if account is None:
            raise SynapseError(
                HTTPStatus.FORBIDDEN, "this account is of no school", Codes.FORBIDDEN
            )
        return account


def _read(request: SynapseRequest, limit: int) -> bytes:
    """The body, or one byte more than allowed of it."""
    return request.content.read(limit + 1) if request.content is not None else b""


def install_api(api: ModuleApi, services: Services, service_token: str) -> None:
    """Put the API on every listener of this process."""
    api.register_web_resource(events.API_PREFIX, SferumResource(services, service_token))
