"""A bucket of S3-compatible storage: objects are put and deleted, with signed requests, in bounded time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote, urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout
from attrs import define, field

from media.broadcast.origin.signing import Credentials, signed

#: Seconds of one request: a segment of 4 s has to be there before the next two are.
REQUEST_S = 10.0


@define(eq=False, kw_only=True)
class Bucket:
    """Attributes:
    url: of the storage, without a slash at the end; buckets are folders of it ("path style").
    wall: the time, in UTC.
    """

    session: ClientSession
    url: str
    name: str
    credentials: Credentials = field(repr=False)
    wall: Callable[[], datetime]

    async def put(self, path: str, data: bytes, content_type: str, cache_control: str) -> bool:
        """Whether it is there now."""
        headers = {"content-type": content_type, "cache-control": cache_control}
        return await self._ask("PUT", path, headers, data)

    async def delete(self, path: str) -> bool:
        """Whether it is gone now; also where it never was."""
        return await self._ask("DELETE", path, {}, b"")

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bool:
        whole = f"/{self.name}/{path}"
        moment = self.wall().strftime("%Y%m%dT%H%M%SZ")
        host = urlsplit(self.url).netloc
        all_headers = signed(self.credentials, method, host, whole, headers, body, moment)
        try:
            async with self.session.request(
                method,
                self.url + quote(whole),
                headers=all_headers,
                data=body,
                timeout=ClientTimeout(total=REQUEST_S),
                allow_redirects=False,
            ) as response:
                return response.status in {200, 204} or (
                    method == "DELETE" and response.status == 404
                )
        except (ClientError, TimeoutError, OSError):
            return False
