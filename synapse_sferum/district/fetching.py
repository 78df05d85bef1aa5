"""One question to the district for its register, over HTTP: bounded in size and time; nothing is sent of a school."""

from __future__ import annotations

from typing import Any, Protocol

from attrs import frozen
from synapse.module_api import ModuleApi, make_deferred_yieldable
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

from synapse_sferum.district.canonical import LARGEST
from synapse_sferum.district.refusals import BadRegister, RegisterRefusal

#: Seconds for the whole body. The headers have Synapse's own limit of 60.
BODY_S = 60.0
_LONGEST_ETAG = 200


@frozen
class Answer:
    """What came. `data` is None when nothing has changed since `etag`."""

    data: bytes | None
    etag: str


class Fetch(Protocol):
    """Asks the district once."""

    async def __call__(self, etag: str) -> Answer:
        """The register, or word that it is the one of `etag` ("" for none).

        Raises:
            BadRegister: UNREACHABLE or TOO_LARGE.
        """


class HttpFetch:
    """Over Synapse's own client: its proxy, its certificates."""

    def __init__(self, api: ModuleApi, url: str) -> None:
        self._client, self._url = api.http_client, url

    async def __call__(self, etag: str) -> Answer:
        headers = Headers({"Accept": ["application/json"]})
        if etag:
            headers.addRawHeader("If-None-Match", etag)
        try:
            response = await self._client.request("GET", self._url, headers=headers)
            data = await make_deferred_yieldable(_body(response))
        except Exception as failure:
            # Names, certificates, refused connections, time: all of them are "it cannot be had now".
            raise BadRegister(RegisterRefusal.UNREACHABLE, type(failure).__name__) from failure
        if response.code == 304 and etag:
            return Answer(None, etag)
        if response.code != 200:
            raise BadRegister(RegisterRefusal.UNREACHABLE, f"status {response.code}")
        if data is None:
            raise BadRegister(RegisterRefusal.TOO_LARGE)
        return Answer(data, _etag_of(response))


def _etag_of(response: Any) -> str:
    found = (response.headers.getRawHeaders("ETag") or [""])[0]
    fits = len(found) <= _LONGEST_ETAG and found.isascii() and found.isprintable()
    return found if fits else ""


def _body(response: Any) -> Deferred[bytes | None]:
    """The whole body; None when it is over `LARGEST`."""
    reading = _Reading()
    response.deliverBody(reading)
    return reading.done.addTimeout(BODY_S, reactor)


class _Reading(TwistedProtocol):
    """Collects at most `LARGEST` bytes; giving up closes the connection."""

    transport: Any = None  # Twisted's interfaces are not typed

    def __init__(self) -> None:
        self.done: Deferred[bytes | None] = Deferred(lambda _: self._abort())
        self._read = bytearray()

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Twisted hands over a piece."""
        if self.done.called:
            return
        self._read += data
        if len(self._read) > LARGEST:
            self.done.callback(None)
            self._abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - the same
        """The end, good or bad."""
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):  # type: ignore[no-untyped-call] # Twisted has no types
            self.done.callback(bytes(self._read))
        else:
            self.done.errback(reason)
