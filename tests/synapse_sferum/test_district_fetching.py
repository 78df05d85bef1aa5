"""One question to the district over HTTP: bounded, in time, and every failure is a named one."""

from __future__ import annotations

from typing import Any, cast

import pytest
from attrs import define, field
from synapse.module_api import ModuleApi
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionLost, DNSLookupError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

from synapse_sferum.district import fetching
from synapse_sferum.district.canonical import LARGEST
from synapse_sferum.district.fetching import BODY_S, Answer, HttpFetch
from synapse_sferum.district.refusals import BadRegister, RegisterRefusal

URL = "https://district-56.example/register.json"


@define
class Wire:
    """The connection under an answer."""

    aborted: bool = False

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's name
        self.aborted = True


@define(eq=False)
class Response:
    """An answer that sends `pieces` and ends with `end`; None: it never ends."""

    code: int = 200
    pieces: tuple[bytes, ...] = (b"{}",)
    end: Exception | None = field(factory=ResponseDone)
    etag: str | None = '"7"'
    wire: Wire = field(factory=Wire)

    @property
    def headers(self) -> Headers:
        return Headers({} if self.etag is None else {"ETag": [self.etag]})

    def deliverBody(self, protocol: Any) -> None:  # noqa: N802 - Twisted's name
        protocol.transport = self.wire
        for piece in self.pieces:
            protocol.dataReceived(piece)
        if self.end is not None:
            protocol.connectionLost(Failure(self.end))  # type: ignore[no-untyped-call] # Twisted has no types


@define(eq=False)
class Client:
    """Synapse's client; remembers what was asked."""

    response: Response | Exception
    asked: list[tuple[str, str, dict[bytes, Any]]] = field(factory=list)

    async def request(self, method: str, uri: str, headers: Headers) -> Response:
        self.asked.append((method, uri, dict(headers.getAllRawHeaders())))
        if isinstance(self.response, Exception):
            raise self.response
        return self.response


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that stands still."""
    made = Clock()
    monkeypatch.setattr(fetching, "reactor", made)
    return made


def ask(response: Response | Exception, etag: str = "") -> tuple[Client, Deferred[Answer]]:
    """Ask once."""
    client = Client(response)
    api = type("Api", (), {"http_client": client})()
    fetch = HttpFetch(cast("ModuleApi", api), URL)
    return client, ensureDeferred(fetch(etag))


def outcome(deferred: Deferred[Answer]) -> Answer | tuple[RegisterRefusal, str]:
    """What came of it."""
    found: list[Any] = []
    deferred.addBoth(found.append)
    assert found, "not answered yet"
    if isinstance(found[0], Failure):
        bad = found[0].value
        assert isinstance(bad, BadRegister), bad
        return bad.reason, bad.where
    answer: Answer = found[0]
    return answer


UNREACHABLE = RegisterRefusal.UNREACHABLE


def test_an_answer_and_its_etag(clock: Clock) -> None:
    """The body comes whole, with the server's ETag; the first question has none and says nothing of the school."""
    client, deferred = ask(Response(pieces=(b'{"a":', b"1}")))
    assert outcome(deferred) == Answer(b'{"a":1}', '"7"')
    assert client.asked == [("GET", URL, {b"Accept": [b"application/json"]})]
    assert not clock.getDelayedCalls()


def test_not_changed(clock: Clock) -> None:
    """304 to a question with an ETag is "the one you have"; to one without it is no answer."""
    client, deferred = ask(Response(code=304, pieces=()), '"7"')
    assert outcome(deferred) == Answer(None, '"7"')
    assert client.asked[0][2][b"If-None-Match"] == [b'"7"']
    assert outcome(ask(Response(code=304, pieces=()))[1]) == (UNREACHABLE, "status 304")


@pytest.mark.parametrize(
    ("response", "where"),
    [
        (Response(code=404), "status 404"),
        (Response(code=500), "status 500"),
        (Response(code=500, pieces=(b" " * (LARGEST + 1),)), "status 500"),
        (DNSLookupError(), "DNSLookupError"),
        (ValueError("x"), "ValueError"),
        (Response(pieces=(b"{",), end=ConnectionLost()), "ConnectionLost"),
    ],
)
def test_no_answer(clock: Clock, response: Response | Exception, where: str) -> None:
    """Whatever goes wrong on the way is "unreachable", with a word that names no address."""
    assert outcome(ask(response)[1]) == (UNREACHABLE, where)


def test_an_end_that_the_server_does_not_announce(clock: Clock) -> None:
    """A body without a length ends with the connection; whether it is whole the signature says."""
    assert outcome(ask(Response(end=PotentialDataLoss()))[1]) == Answer(b"{}", '"7"')


def test_a_huge_answer_is_cut(clock: Clock) -> None:
    """One byte over the bound ends the connection, and what still comes is not kept."""
    piece = b" " * (LARGEST // 2)
    for pieces in ((piece, piece, b" "), (piece, piece, b" ", piece)):
        response = Response(pieces=pieces, end=ConnectionLost())
        assert outcome(ask(response)[1]) == (RegisterRefusal.TOO_LARGE, "")
        assert response.wire.aborted
    assert isinstance(outcome(ask(Response(pieces=(piece, piece)))[1]), Answer)


def test_a_slow_answer_is_given_up(clock: Clock) -> None:
    """A body that drips is given up after a minute, and its connection is ended."""
    response = Response(end=None)
    _, deferred = ask(response)
    clock.advance(BODY_S - 1)
    before = response.wire.aborted
    clock.advance(2)
    assert (before, response.wire.aborted) == (False, True)
    assert outcome(deferred) == (UNREACHABLE, "TimeoutError")


@pytest.mark.parametrize("etag", [None, "x" * 201, "\x7f", "ы"])
def test_an_etag_that_is_not_sent_back(clock: Clock, etag: str | None) -> None:
    """A long or strange ETag is not kept: it would go into a header of ours."""
    assert outcome(ask(Response(etag=etag))[1]) == Answer(b"{}", "")
