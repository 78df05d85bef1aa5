"""What reaches the log of a service, and what cannot."""

from __future__ import annotations

import logging
import sys

import pytest

from serving.logs import FORMAT, Bare, OfOthers, first_of, kind_of, place_of

NAME = "Иванова"


def written(record: logging.LogRecord) -> str:
    """As the process' handler writes it."""
    OfOthers("bridge").filter(record)
    return Bare(FORMAT).format(record)


def record(name: str, text: str, *args: object, error: bool = False) -> logging.LogRecord:
    exc_info = sys.exc_info() if error else None
    return logging.LogRecord(name, logging.WARNING, "lib.py", 12, text, args, exc_info)


def test_our_lines_pass_as_they_are() -> None:
    """Ids and words are what whoever reads the log needs."""
    line = written(record("bridge.outbox", "message sent item=%s", "o1"))
    assert line.endswith("WARNING bridge.outbox message sent item=o1")


@pytest.mark.parametrize("name", ["nio.client", "aiohttp.server", "asyncio", "bridgehead"])
def test_of_others_only_who_and_where_is_kept(name: str) -> None:
    """Whatever a library says, with arguments or without, its words are not repeated."""
    for line in (written(record(name, "no %s", NAME)), written(record(name, f"no {NAME}"))):
        assert NAME not in line
        assert f"{name} said something that is not shown at=lib.py:12" in line


def test_a_trace_has_places_and_no_words() -> None:
    """The error's message may quote what somebody typed; file, line and kind are enough to find it."""
    line = ""
    try:
        int(NAME)
    except ValueError:
        line = written(record("bridge.web", "page failed", error=True))
    assert NAME not in line
    assert "test_logs.py" in line
    assert line.endswith("ValueError")


def failed() -> ExceptionGroup[Exception]:
    """A group of one, as a TaskGroup raises it."""
    found: Exception | None = None
    try:
        int(NAME)
    except ValueError as error:
        found = error
    assert found is not None
    return ExceptionGroup("tasks", [ExceptionGroup("inner", [found])])


def test_of_a_group_the_first_error_counts() -> None:
    """A loop of several tasks fails with a group; the log names what went wrong in it."""
    group = failed()
    assert isinstance(first_of(group), ValueError)
    assert kind_of(group) == "ValueError"
    assert place_of(group).startswith("test_logs.py:")
    assert place_of(ValueError()) == "?"
