"""JSON over HTTP to homeservers: bounded in time and size, without redirects. Nothing of it is logged."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
from attrs import field, frozen
from yarl import URL

#: Seconds for a whole request. Clients wait for us meanwhile: Element Call gives up after 10.
TIMEOUT_S = 8.0
#: Bytes of an answer; real ones have a few hundred.
MOST_BYTES = 65_536
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class InsecureUrl(Exception):
    """Plain http to another machine: tokens would be readable on the way."""


class Lost(enum.Enum):
    """Why there is no answer to trust. The values are stable: counted, tested."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    BAD_ANSWER = "bad_answer"
    FAILED = "failed"  # 5xx


class NoAnswer(Exception):
    """Nothing that could be trusted came back."""

    def __init__(self, lost: Lost) -> None:
        super().__init__(lost.value)
        self.lost = lost


@frozen
class Answer:
    """A JSON object with a status under 500."""

    status: int
    json: Mapping[str, Any] = field(repr=False)

    @property
    def errcode(self) -> str:
        code = self.json.get("errcode")
        return code if isinstance(code, str) else ""

    @property
    def retry_after_s(self) -> float:
        """What a 429 asks for, at most a minute."""
        wait = self.json.get("retry_after_ms")
        return min(60.0, max(0.0, wait / 1000)) if isinstance(wait, int | float) else 0.0


@frozen
class JsonHttp:
    """One server, under an address from our configuration."""

    session: aiohttp.ClientSession
    base_url: str

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
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        token: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """One request; `path` is already quoted (`path_of`).

        Raises:
            NoAnswer: no object came back in time, or a 5xx.
        """
        url = URL(self.base_url.rstrip("/") + path, encoded=True)
        try:
            async with self.session.request(
                method,
                url.update_query(params) if params else url,
                json=body,
                headers={"Authorization": f"Bearer {token}"} if token else {},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
            ) as response:
                status = response.status
                raw = bytearray()
                async for chunk in response.content.iter_chunked(MOST_BYTES):
                    raw += chunk
                    if len(raw) > MOST_BYTES:
                        raise NoAnswer(Lost.TOO_LARGE)
        except TimeoutError:  # before ClientError: aiohttp's are both
            raise NoAnswer(Lost.TIMEOUT) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise NoAnswer(Lost.UNREACHABLE) from None
        if status >= 500:
            raise NoAnswer(Lost.FAILED)
        return Answer(status, _object(bytes(raw)))


def path_of(*parts: str) -> str:
    """`/a/b`, each part quoted whole: an id cannot become two parts, nor `..` a way up."""
    return "".join("/" + _quoted(part) for part in parts)


def _quoted(part: str) -> str:
    if part in {
        ".",
        "..",
    }:  # proxies would take it for a folder; Synapse looks at paths as they are written
        return part.replace(".", "%2E")
    return quote(part, safe="")


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise NoAnswer(Lost.BAD_ANSWER) from None
    if not isinstance(found, dict):
        raise NoAnswer(Lost.BAD_ANSWER)
    return found
