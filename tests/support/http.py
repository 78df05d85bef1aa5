"""A thin HTTP client: one call, one Response, no surprises. Synchronous; use asyncio.to_thread from async tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from attrs import define, field, frozen


class HttpError(Exception):
    """A call that had to succeed did not."""

    def __init__(self, method: str, path: str, response: Response) -> None:
        super().__init__(
            f"{method} {path}: {response.status} {response.json or response.body[:200]!r}"
        )
        self.response = response


@frozen
class Response:
    """What came back. `json` is None when the body is not JSON; header names are in lower case."""

    status: int
    json: Any
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def errcode(self) -> str | None:
        """The Matrix error code, such as M_FORBIDDEN."""
        return self.json.get("errcode") if isinstance(self.json, dict) else None


@define(eq=False)
class Api:
    """Calls one base URL. Safe to use from several threads; certificates are not checked."""

    base_url: str
    _client: httpx.Client = field(init=False)

    def __attrs_post_init__(self) -> None:
        # trust_env=False: a proxy of the machine must not see calls to loopback.
        self._client = httpx.Client(base_url=self.base_url, verify=False, trust_env=False)  # noqa: S501 (self-signed)

    def request(
        self,
        method: str,
        path: str,
        token: str | None = None,
        json: Any = None,
        *,
        params: Mapping[str, str | int | list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = 30.0,
    ) -> Response:
        """Send one request; any status is an answer.

        Args:
            token: sent as `Authorization: Bearer`.
            json: body as JSON; `body` sends raw bytes instead.

        Raises:
            httpx.TransportError: no answer within `timeout_s` seconds, or nobody listens.
        """
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = self._client.request(
            method,
            path,
            params=params,
            json=json,
            content=body,
            headers={**bearer, **(headers or {})},
            timeout=timeout_s,
        )
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return Response(
            status=answer.status_code,
            json=answer.json() if is_json and answer.content else None,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=answer.content,
        )

    def call(
        self, method: str, path: str, token: str | None = None, json: Any = None, **rest: Any
    ) -> Any:
        """`request` that must succeed; returns the JSON.

        Raises:
            HttpError: the status is not 2xx.
        """
        response = self.request(method, path, token, json, **rest)
        if not 200 <= response.status < 300:
            raise HttpError(method, path, response)
        return response.json

    def close(self) -> None:
        self._client.close()
