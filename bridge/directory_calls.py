"""One call to the module: what comes back, what is refused, what is no answer at all."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import aiohttp
from attrs import frozen

from bridge.json_http import server_at
from bridge.ports_directory import DirectoryDown, DirectoryRefused
from bridge.roles import OrgId, UserId
from serving.json_http import Answer, JsonHttp, Lost, NoAnswer, path_of
from serving.json_object import BadJson, JsonObject

T = TypeVar("T")

logger = logging.getLogger(__name__)

PREFIX = "/_synapse/client/sferum/v1"
#: Seconds for a roster: planning 50,000 people takes a minute on one core.
ROSTER_TIMEOUT_S = 300.0
#: Bytes of a roster (docs/contracts.md §1), and of the plan that comes back.
MOST_ROSTER_BYTES = 12 * 1024 * 1024


@frozen
class DirectoryCalls:
    _http: JsonHttp

    @classmethod
    def connect(
        cls, session: aiohttp.ClientSession, base_url: str, service_token: str
    ) -> DirectoryCalls:
        return cls(server_at(session, base_url.rstrip("/") + PREFIX, "directory", service_token))

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """A question that has an answer."""
        return self._accepted(await self._ask("GET", path, params=params))

    async def find(
        self,
        path: str,
        read: Callable[[JsonObject], T],
        params: Mapping[str, str] | None = None,
    ) -> T | None:
        """A question about something that may not exist."""
        answer = await self._ask("GET", path, params=params)
        return None if answer.is_missing else self.read(self._accepted(answer), read)

    async def change(self, method: str, path: str, body: Mapping[str, Any], by: UserId) -> Answer:
        return self._accepted(await self._ask(method, path, body, headers=_actor(by)))

    async def ask(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        """A question with a body, on behalf of nobody."""
        return self._accepted(await self._ask(method, path, body))

    async def large(
        self, method: str, path: str, body: Mapping[str, Any], by: UserId, most_bytes: int
    ) -> Answer:
        """A question on behalf of somebody, whose answer may be large."""
        headers = _actor(by)
        return self._accepted(
            await self._ask(method, path, body, headers=headers, most_bytes=most_bytes)
        )

    async def roster(self, path: str, body: Mapping[str, Any], by: UserId | None) -> Answer:
        raw = json.dumps(body, ensure_ascii=False).encode()
        if len(raw) > MOST_ROSTER_BYTES:
            raise DirectoryRefused(413, "M_TOO_LARGE")
        return self._accepted(
            await self._ask(
                "POST",
                path,
                raw,
                headers={} if by is None else _actor(by),
                timeout_s=ROSTER_TIMEOUT_S,
                most_bytes=MOST_ROSTER_BYTES,
            )
        )

    def read(self, answer: Answer, read: Callable[[JsonObject], T]) -> T:
        """A value made of an answer.

        Raises:
            DirectoryDown: it has not the agreed shape; the module is of another version.
        """
        try:
            return read(answer.json)
        except BadJson as bad:
            logger.warning("the directory's answer has not the agreed shape field=%s", bad)
            raise DirectoryDown(str(self._http.lost(Lost.BAD_ANSWER))) from None

    async def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None, **more: Any
    ) -> Answer:
        try:
            return await self._http.ask(method, path, body, **more)
        except NoAnswer as lost:
            raise DirectoryDown(str(lost)) from None

    def _accepted(self, answer: Answer) -> Answer:
        """Any success.

        Raises:
            DirectoryRefused: the module said no.
            DirectoryDown: something else answered, or our token is not known there: nothing about the question.
        """
        if answer.ok:
            return answer
        if answer.status == 401:
            logger.error("the directory does not know the service token")
            raise DirectoryDown(str(self._http.lost(Lost.DENIED)))
        if answer.status == 429:
            raise DirectoryDown(str(self._http.lost(Lost.BUSY)))
        if not answer.errcode or answer.errcode == "M_UNRECOGNIZED":
            raise DirectoryDown(str(self._http.lost(Lost.BAD_ANSWER)))
        raise DirectoryRefused(answer.status, answer.errcode)


def org_path(org_id: OrgId, *parts: str) -> str:
    """Below one school."""
    return path_of("orgs", org_id, *parts)


def _actor(by: UserId) -> dict[str, str]:
    return {"X-Sferum-Actor": by}
