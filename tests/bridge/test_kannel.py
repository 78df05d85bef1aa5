"""SMS through a real Kannel to its fake SMS centre, and the delivery report back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import evolve

from bridge.contact import Email
from bridge.ports_sending import Message, SendFailure, Sent
from bridge.sms_http import HttpSms
from bridge.sms_presets import preset
from bridge.texts import sms_text
from bridge.verification import Code
from tests.bridge.kannel import Kannel
from tests.bridge.values import PHONE
from tests.support.polling import until
from tests.support.process import free_port

pytestmark = pytest.mark.integration

ACCEPTED, DELIVERED = "8", "1"  # Kannel user guide, "Delivery reports"; 8: by the centre


@pytest.fixture(scope="module")
def kannel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    """One gateway for the tests of this file."""
    started = Kannel.start(tmp_path_factory.mktemp("kannel"))
    yield started
    started.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """The session that the bridge would have."""
    async with aiohttp.ClientSession() as session:
        yield session


def sender(kannel: Kannel, http: aiohttp.ClientSession, **settings: str) -> HttpSms:
    given = {
        "host": kannel.url,
        "username": "bridge",
        "password": kannel.password,
        "sender": "SCHOOL",
    }
    return HttpSms(preset("kannel", **{**given, **settings}), http)


def message(code: str, language: str = "ru") -> Message:
    return Message(id=f"m{code}", to=PHONE, text=sms_text(Code(code), "school.ru", language))


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_the_code_arrives_letter_by_letter(
    kannel: Kannel, http: aiohttp.ClientSession, language: str
) -> None:
    """Cyrillic, line break, @ and # survive the way; the number has its plus."""
    sent = message("100200", language)

    assert await sender(kannel, http).send(sent) == Sent()
    until(lambda: (PHONE.e164, sent.text) in kannel.received, what="the SMS at the centre")


async def test_the_delivery_report_names_our_message(
    kannel: Kannel, http: aiohttp.ClientSession
) -> None:
    """Kannel calls back when the centre has delivered."""
    reports: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def report(request: web.Request) -> web.Response:
        reports.put_nowait(dict(request.query))
        return web.Response()

    application = web.Application()
    application.router.add_get("/report", report)
    async with TestServer(application, host="127.0.0.1") as server:
        url = str(server.make_url("/report"))
        assert await sender(kannel, http, report_url=url).send(message("300400")) == Sent()
        got = [await asyncio.wait_for(reports.get(), timeout=20) for _ in (ACCEPTED, DELIVERED)]

    assert {report["id"] for report in got} == {"m300400"}
    assert {report["status"] for report in got} == {ACCEPTED, DELIVERED}


async def test_a_wrong_password_is_named(kannel: Kannel, http: aiohttp.ClientSession) -> None:
    """And the log of the bridge has our id, no number and no code."""
    outcome = await sender(kannel, http, password="wrong").send(message("500600"))

    assert outcome is SendFailure.CREDENTIALS


async def test_a_stopped_gateway_is_tried_again_later(http: aiohttp.ClientSession) -> None:
    """Nobody listens: a failure that another attempt may overcome."""
    nobody = preset(
        "kannel", host=f"http://127.0.0.1:{free_port()}", username="u", password="p", sender="S"
    )

    assert await HttpSms(nobody, http).send(message("700800")) is SendFailure.UNREACHABLE


async def test_mail_does_not_go_by_sms(kannel: Kannel, http: aiohttp.ClientSession) -> None:
    """A mistake of ours is named, not sent."""
    wrong = evolve(message("900900"), to=Email("anna@example.org"))

    assert await sender(kannel, http).send(wrong) is SendFailure.MISCONFIGURED
