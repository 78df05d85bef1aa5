"""One request of one browser: its session, who is signed in, language, address, time.

The cookie is a random token; what is kept is its SHA-256. A browser that has not signed in has no row in the
database, only its cookie: codes and what was typed are bound to the cookie's hash.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from aiohttp import web
from attrs import define, field, frozen
from babel.support import Translations

from bridge.config import Config
from bridge.records import Session, SessionHash
from bridge.roles import Account, UserId
from bridge.services import Services
from bridge.web.i18n import catalogue, language_of
from serving.addresses import address_of

SERVICES = web.AppKey("services", Services)
TOKEN_BYTES = 32
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
#: How long a browser stays signed in. Staff sit at shared computers (chosen by us).
LIFETIME = timedelta(days=30)
STAFF_LIFETIME = timedelta(hours=12)
#: A browser that never signed in keeps its cookie as long as a code and a form may take.
COOKIE_S = int(LIFETIME.total_seconds())

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@define
class Visit:
    """Attributes:
    account: what the directory says of whoever is signed in; None for strangers and for applicants who wait.
    new_token: set to give the browser another cookie with the answer (sign-in, sign-out, «Это не я»).
    """

    token: str = field(repr=False)
    services: Services = field(repr=False)
    language: str
    address: str = field(repr=False)
    now: datetime
    path: str
    signed_in: Session | None = None
    account: Account | None = None
    new_token: str | None = field(default=None, repr=False)
    said: str = ""  # stable word of what has just been done, shown once

    @property
    def session(self) -> SessionHash:
        return hash_of(self.token)

    @property
    def user_id(self) -> UserId | None:
        return None if self.signed_in is None else self.signed_in.user_id

    @property
    def csrf(self) -> str:
        """Proof that a form came from our page in this browser: a keyed hash of the session."""
        return self.services.vault.lookup(f"csrf:{self.session.hex()}").hex()

    @property
    def translations(self) -> Translations:
        return catalogue(self.language)

    def gettext(self, text: str, **values: object) -> str:
        """`text` in the visitor's language, `%(name)s` filled in."""
        found: str = self.translations.ugettext(text)
        return found % values if values else found

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        found: str = self.translations.ungettext(one, many, number)
        return found % {"num": number, **values}

    def csrf_ok(self, given: object) -> bool:
        return isinstance(given, str) and hmac.compare_digest(given.encode(), self.csrf.encode())

    async def sign_in(self, user_id: UserId, lifetime: timedelta | None = None) -> None:
        """From now on this browser is `user_id`'s, under a new cookie: an old one planted by others is useless.

        `lifetime` None: by role.
        """
        if lifetime is None:
            account = await self.services.directory.account(user_id)
            lifetime = STAFF_LIFETIME if account is not None and account.is_staff else LIFETIME
        old = self.session
        self.token = self.new_token = new_token(self.services)
        async with self.services.store.begin() as work:
            await work.sessions.end(old)
            await work.sessions.add(
                Session(
                    hash=self.session,
                    created_at=self.now,
                    expires_at=self.now + lifetime,
                    user_id=user_id,
                )
            )
        self.signed_in = Session(
            hash=self.session,
            created_at=self.now,
            expires_at=self.now + lifetime,
            user_id=user_id,
        )
        self.account = await self.services.directory.account(user_id)

    async def sign_out(self) -> None:
        """This browser is nobody's."""
        async with self.services.store.begin() as work:
            await work.sessions.end(self.session)
            await work.journeys.end(self.session)
        self.start_anew()

    def start_anew(self) -> None:
        """«Это не я» (R11): a fresh session here; the old one stays signed in wherever else it is."""
        self.token = self.new_token = new_token(self.services)
        self.signed_in = self.account = None


VISIT = web.RequestKey("visit", Visit)


@frozen
class Cookie:
    """`__Host-` binds the cookie to this host and to TLS (RFC 6265bis); without TLS, on one machine, a plain name."""

    config: Config

    @property
    def name(self) -> str:
        return "__Host-sid" if self.config.secure else "sid"

    def set(self, response: web.StreamResponse, token: str) -> None:
        response.set_cookie(
            self.name,
            token,
            max_age=COOKIE_S,
            path="/",
            secure=self.config.secure,
            httponly=True,
            samesite="Lax",  # not Strict: a link in a messenger must find the session (R11, R13)
        )


def new_token(services: Services) -> str:
    return base64.urlsafe_b64encode(services.random_bytes(TOKEN_BYTES)).rstrip(b"=").decode()


def hash_of(token: str) -> SessionHash:
    return SessionHash(hashlib.sha256(token.encode()).digest())


def visit_of(request: web.Request) -> Visit:
    return request[VISIT]


@web.middleware
async def visits(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives every request its visit, and the answer its cookie."""
    services = request.app[SERVICES]
    cookie = Cookie(services.config)
    given = request.cookies.get(cookie.name, "")
    known = bool(TOKEN.fullmatch(given))
    visit = Visit(
        token=given if known else new_token(services),
        services=services,
        language=language_of(request.cookies, request.headers.get("Accept-Language", "")),
        address=address_of(
            request.remote or "127.0.0.1",
            ",".join(request.headers.getall("X-Forwarded-For", [])),
            services.config.trusted_proxies,
        ),
        now=services.clock(),
        path=request.path,
        said=request.query.get("said", "")[:40],
    )
    request[VISIT] = visit
    if request.path.startswith("/static/"):
        return await handler(request)
    if known:
        async with services.store.begin() as work:
            visit.signed_in = await work.sessions.get(visit.session, visit.now)
        if visit.user_id is not None:
            visit.account = await services.directory.account(visit.user_id)
    response = await handler(request)
    if visit.new_token is not None or not known:
        cookie.set(response, visit.token)
    return response
