"""How a service begins and ends: its port, its figures, its exit code."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Iterator

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge

from serving.listening import LOOPBACK, listening, metrics_app
from serving.process import exit_code_of, until_asked
from serving.settings import BadConfig
from tests.support.process import free_port

ENDS = [signal.SIGTERM, signal.SIGINT]


class Expected(Exception):
    """Written for people."""


def raising(error: Exception) -> Callable[[], object]:
    def run() -> object:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BadConfig("listen_port: want int"), 2, "sferum: listen_port: want int\n"),
        (Expected("no school"), 1, "sferum: no school\n"),
    ],
)
def test_what_people_can_mend_is_one_line(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int, said: str
) -> None:
    """On stderr, with the service's name; nothing of a trace."""
    assert exit_code_of("sferum", raising(error), Expected) == code
    assert capsys.readouterr() == ("", said)


def test_an_error_of_ours_goes_through_the_log(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Python's own last words would quote it."""
    with caplog.at_level(logging.CRITICAL):
        assert exit_code_of("sferum", raising(ValueError("Иванова"))) == 1
    assert [(one.name, one.message) for one in caplog.records] == [("sferum", "ended by an error")]
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def handlers() -> Iterator[None]:
    """pytest's own are there again afterwards."""
    kept = {number: signal.getsignal(number) for number in ENDS}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("how", ENDS)
def test_ended_as_asked(how: signal.Signals) -> None:
    """By systemd, or by Ctrl-C, also when asked again in the last moment: exit code 0."""

    async def serve(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), how)
        await stop.wait()

    def run() -> None:
        asyncio.run(until_asked(serve))
        os.kill(os.getpid(), how)

    assert exit_code_of("sferum", run) == 0


async def test_a_port_answers_until_the_end_of_the_block() -> None:
    """Figures that everybody counts into, and others beside them."""
    registry = CollectorRegistry()
    Gauge("calls_of_this_test", "x", registry=registry).set(3)
    port = free_port()
    url = f"http://{LOOPBACK}:{port}/metrics"
    async with aiohttp.ClientSession() as session:
        async with listening(web.AppRunner(metrics_app(registry)), LOOPBACK, port, "metrics_port"):
            text = await (await session.get(url)).text()
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)
    assert "calls_of_this_test 3.0" in text
    assert "python_info" in text


async def test_a_port_that_is_taken_is_named() -> None:
    """With its setting, as whoever starts the service must change it."""
    port = free_port()
    async with listening(web.AppRunner(web.Application()), LOOPBACK, port, "listen_port"):
        with pytest.raises(BadConfig, match=rf"^listen_port: {LOOPBACK}:{port}: Address already"):
            async with listening(web.AppRunner(web.Application()), LOOPBACK, port, "listen_port"):
                pass
