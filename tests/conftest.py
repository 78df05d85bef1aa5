"""Servers for every test, and three rules: tests have a story, CI skips nothing, logs hold no personal data."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator

import pytest
from hypothesis import settings

from tests.support import personal
from tests.support.accounts import Account
from tests.support.client import Client
from tests.support.fleet import Fleet
from tests.support.synapse import Homeserver

#: `make fuzz` sets HYPOTHESIS_PROFILE=fuzz. No deadline: the machine's two cores may be busy with servers.
settings.register_profile("default", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

logging.getLogger("httpcore").setLevel("INFO")  # else twelve debug lines for each request
# Else six for each statement, and they were most of what a test logged. What is in a database is looked for there.
logging.getLogger("aiosqlite").setLevel("INFO")

#: How many warnings of a failed test are told again at the end, and how they begin.
LAST_WARNINGS = 8
LOUD = ("WARNING", "ERROR", "CRITICAL")

IN_CI = os.environ.get("CI") == "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test tells in one sentence which fact it proves."""
    silent = [
        item.nodeid
        for item in items
        if isinstance(item, pytest.Function) and not item.function.__doc__
    ]
    if silent:
        raise pytest.UsageError("tests without a docstring: " + ", ".join(silent))


def pytest_sessionfinish() -> None:
    """The Python SDK's own threads of calls fall silent before Python goes down.

    A line of their log that meets an interpreter which is ending ends the thread, and Rust answers with an abort: all
    tests have passed, and the exit code is 134. The SDK disposes of them at the last moment, which is too late on a
    busy machine; a second time does nothing.
    """
    client = sys.modules.get("livekit.rtc._ffi_client")
    if client is not None and client.FfiClient._instance is not None:
        client.FfiClient._instance._dispose()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one: what is missing there must be installed."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last warnings of each failed test once more, under everything: of a long run people see the end."""
    for report in terminalreporter.getreports("failed"):
        warnings = [one for one in report.caplog.splitlines() if one.startswith(LOUD)]
        for line in warnings[-LAST_WARNINGS:]:
            terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {line[:300]}")


@pytest.fixture(scope="session")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Call it to start a homeserver; see `Fleet.__call__`. At the end of the run every server's log is inspected."""
    fleet = Fleet(tmp_path_factory.mktemp("servers"))
    yield fleet
    fleet.stop()
    leaks = fleet.leaks()
    assert not leaks, "personal data in the logs of test servers:\n" + "\n".join(leaks)


@pytest.fixture(autouse=True)
def stop_own_servers(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test (or its function-scoped fixtures) started ends with it; an idle Synapse still costs CPU and memory.

    Servers of wider fixtures were started before this one, and stay.
    """
    if "homeserver" not in request.fixturenames:
        yield
        return
    fleet: Fleet = request.getfixturevalue("homeserver")
    before = fleet.started
    yield
    fleet.stop_since(before)


@pytest.fixture
async def client() -> AsyncIterator[Callable[[Homeserver | str, Account], Client]]:
    """Call it with a homeserver (or a base URL) and an account; the clients are closed after the test."""
    clients: list[Client] = []

    def connect(homeserver: Homeserver | str, account: Account) -> Client:
        url = homeserver if isinstance(homeserver, str) else homeserver.url
        clients.append(Client(account, url))
        return clients[-1]

    yield connect
    for one in clients:
        await one.close()


@pytest.fixture(autouse=True)
def no_personal_data_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail any test during which a phone number or an e-mail address reached the log of this process."""
    caplog.set_level("DEBUG")
    yield
    records = (*caplog.get_records("setup"), *caplog.get_records("call"))
    messages = [record.getMessage() for record in records]
    if personal.clean(messages):
        return
    for record, message in zip(records, messages, strict=True):
        kind = personal.kind_of(message) or ("secret" if personal.watched(message) else None)
        assert kind is None, f"{record.name} logged personal data ({kind})"
