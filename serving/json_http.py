"""JSON over HTTP to a server of ours: bounded in time and size, without redirects. Nothing of it is logged."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
from attrs import field, frozen
from yarl import URL

from serving.json_object import BadJson, JsonObject, parse_object
from serving.settings import LOCAL

#: Seconds that a server can make us wait when it is busy, at most.
MOST_RETRY_S = 60.0
CHUNK_BYTES = 64 * 1024


class InsecureUrl(Exception):
    """Plain http to another machine: tokens would be readable on the way."""


class Lost(enum.Enum):
    """Why there is no answer to trust. The values are stable: counted, logged, tested."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    BAD_ANSWER = "bad_answer"  # not JSON, or not of the agreed shape
    FAILED = "failed"  # 5xx
    BUSY = "busy"  # 429
    DENIED = "denied"  # our token is not known there, or gives too few rights: a person must look


class NoAnswer(Exception):
    """Nothing that could be trusted came back: try again later."""

    def __init__(self, lost: Lost) -> None:
        super().__init__(lost.value)
        self.lost = lost


@frozen
class Answer:
    """An object with a status under 500."""

    status: int
    json: JsonObject = field(repr=False)

    @property
    def errcode(self) -> str:
        """Matrix' code of an error, "" without one."""
        code = self.json.raw.get("errcode")
        return code if isinstance(code, str) else ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_missing(self) -> bool:
        """The thing does not exist. A path that does not exist is M_UNRECOGNIZED: another server, no answer."""
        return self.status == 404 and self.errcode == "M_NOT_FOUND"

    @property
    def retry_after_s(self) -> float:
        """What a 429 asks for, at most a minute."""
        wait = self.json.raw.get("retry_after_ms")
        return min(MOST_RETRY_S, max(0.0, wait / 1000)) if isinstance(wait, int | float) else 0.0


def _uncounted(outcome: str) -> None:
    del outcome


@frozen(kw_only=True)
class JsonHttp:
    """One server, under an address from the configuration.

    Attributes:
        timeout_s: seconds for a whole request that names no time of its own.
        most_bytes: of an answer, likewise.
        token: sent with every request that has none of its own; "": none.
        count: told what came of each request: "answered", or a word of `Lost`.
    """

    session: aiohttp.ClientSession
    base_url: str
    timeout_s: float
    most_bytes: int
    token: str = field(default="", repr=False)
    count: Callable[[str], object] = field(default=_uncounted, repr=False)

    def __attrs_post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InsecureUrl("not an http address")
        if parts.scheme == "http" and parts.hostname not in LOCAL:
            raise InsecureUrl("plain http to another machine")

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        timeout_s: float | None = None,
        most_bytes: int | None = None,
    ) -> Answer:
        """One request; `path` is already quoted (`path_of`), `token` "" sends none.

        Raises:
            NoAnswer: no object came back in time, or a 5xx.
        """
        url = URL(self.base_url.rstrip("/") + path, encoded=True)
        bearer = self.token if token is None else token
        most = self.most_bytes if most_bytes is None else most_bytes
        seconds = self.timeout_s if timeout_s is None else timeout_s
        try:
            async with self.session.request(
                method,
                url.update_query(params) if params else url,
                data=body if isinstance(body, bytes) else _bytes(body),
                headers={
                    "Content-Type": "application/json",
                    **({"Authorization": f"Bearer {bearer}"} if bearer else {}),
                    **(headers or {}),
                },
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                status = response.status
                raw = await _read(response, most)
        except TimeoutError:  # before ClientError: aiohttp's are both
            raise self.lost(Lost.TIMEOUT) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise self.lost(Lost.UNREACHABLE) from None
        if status >= 500:
            raise self.lost(Lost.FAILED)
        if raw is None:
            raise self.lost(Lost.TOO_LARGE)
        try:
            answer = Answer(status, parse_object(raw))
        except BadJson:
            raise self.lost(Lost.BAD_ANSWER) from None
        self.count("answered")
        return answer

    def lost(self, lost: Lost) -> NoAnswer:
        """The exception for an answer that cannot be used, counted."""
        self.count(lost.value)
        return NoAnswer(lost)


def path_of(*parts: str) -> str:
    """`/a/b`, each part quoted whole: an id cannot become two parts, nor `..` a way up."""
    return "".join("/" + _quoted(part) for part in parts)


def _quoted(part: str) -> str:
    if part in {".", ".."}:  # proxies take it for a folder; Synapse takes paths as they are written
        return part.replace(".", "%2E")
    return quote(part, safe="")


def _bytes(body: Mapping[str, Any] | None) -> bytes | None:
    return None if body is None else json.dumps(body, ensure_ascii=False).encode()


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> bytes | None:
    """The body; None: it is longer than that."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > most_bytes:
            return None
    return bytes(body)
