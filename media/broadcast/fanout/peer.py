"""Requests to another school's node: bounded in time and size, without redirects. Nothing of them is logged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import aiohttp
from attrs import define, field, frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yarl import URL

from media.broadcast.fanout.asking import Question
from media.broadcast.fanout.endpoints import PATH
from media.broadcast.fanout.schools import School
from media.broadcast.passes import MOST_CHARS
from serving.json_http import JsonHttp, NoAnswer
from serving.json_object import BadJson

#: Seconds for a pass; for a file beyond what a silent stage may take.
PASS_S, FILE_S = 10.0, 20.0
_CHUNK = 65_536
_CLOSED = frozenset({401, 403, 410})


class Away(Exception):
    """No answer that can be used: later, perhaps."""


class CutOff(Exception):
    """They say that this school is not shown this broadcast; or they are not in our list any more."""


class NotThere(Exception):
    """It does not run there now: not yet, or not any more."""


class BadDirective(Exception):
    """They know no such segment or part."""


@frozen
class Us:
    """Attributes:
    name: our homeserver's.
    """

    name: str
    key: Ed25519PrivateKey = field(repr=False)


@define(eq=False, kw_only=True)
class Peer:
    """Of one broadcast.

    Attributes:
        broadcast: its id there; `code`: what opens it.
        wall: seconds since 1970; `once`: by chance, never twice.
        listed: whether that school is in our own list now.
        octets: that came.
        longest_wait_s: that they hold a request, as their playlists say.
    """

    http: aiohttp.ClientSession
    us: Us
    school: School
    broadcast: str
    code: str = field(repr=False)
    wall: Callable[[], float]
    once: Callable[[], str]
    listed: Callable[[], bool] = field(default=lambda: True)
    longest_wait_s: float = 15.0
    octets: int = field(default=0, init=False)
    _pass: str = field(default="", init=False, repr=False)
    _renew_at: float = field(default=0.0, init=False)
    _asking: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def get(self, file: str, most: int, query: Mapping[str, str] | None = None) -> bytes:
        """One file of the broadcast.

        Raises:
            Away, NotThere, CutOff, BadDirective: or there is none.
        """
        if not self.listed():
            raise CutOff
        status, body = await self._get(await self._current(), file, most, query)
        if status in _CLOSED:  # it may have run out, or their keys are new ones
            status, body = await self._get(await self._current(), file, most, query)
            if status in _CLOSED:
                raise CutOff
        if status == 400:
            raise BadDirective
        if status != 200 or body is None:
            raise Away
        self.octets += len(body)
        return body

    async def _get(
        self, token: str, file: str, most: int, query: Mapping[str, str] | None
    ) -> tuple[int, bytes | None]:
        url = URL(f"{self.school.url}/live/{token}/{self.broadcast}/{file}", encoded=True)
        timeout = aiohttp.ClientTimeout(
            total=self.longest_wait_s + FILE_S, sock_connect=5, sock_read=self.longest_wait_s + 5
        )
        try:
            async with self.http.get(
                url.update_query(query) if query else url, allow_redirects=False, timeout=timeout
            ) as response:
                if response.status in _CLOSED and self._pass == token:
                    self._pass = ""
                if response.status != 200:
                    return response.status, None
                body = bytearray()
                async for chunk in response.content.iter_chunked(_CHUNK):
                    body += chunk
                    if len(body) > most:
                        raise Away
                return 200, bytes(body)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            raise Away from None

    async def _current(self) -> str:
        async with self._asking:
            if not self._pass or self.wall() >= self._renew_at:
                await self._ask()
            return self._pass

    async def _ask(self) -> None:
        us, now = self.us, self.wall()
        names = (us.name, self.school.name, self.broadcast, self.code)
        asked = Question(*names, int(now), self.once())
        api = JsonHttp(
            session=self.http, base_url=self.school.url, timeout_s=PASS_S, most_bytes=4_096
        )
        try:
            answer = await api.ask("POST", PATH, asked.signed(us.key).as_json())
            if answer.status == 404:
                raise NotThere
            if answer.status == 403:
                raise CutOff
            if not answer.ok:
                raise Away
            given, lives_s = answer.json.text("pass"), answer.json.number("lives_s")
        except (NoAnswer, BadJson):
            raise Away from None
        if not given.isascii() or not given.replace("-", "").replace("_", "").isalnum():
            raise Away
        if len(given) > MOST_CHARS or not 10 <= lives_s <= 86_400:
            raise Away
        self._pass, self._renew_at = given, now + lives_s / 2
