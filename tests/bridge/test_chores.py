"""The hourly chores: each once a round, none in another's way."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import cast

import pytest
from attrs import define, field

from bridge.chores import CHORES, Chore, tidy, tidy_hourly
from bridge.services import Services
from tests.bridge.values import NOW


@define
class Clocked:
    """The only part of `Services` that the loop itself reads."""

    rounds: int = 0

    def clock(self) -> datetime:
        self.rounds += 1
        return NOW


@define
class Noted:
    names: list[str] = field(factory=list)

    def chore(self, name: str, error: Exception | None = None) -> Chore:
        async def work(now: datetime, services: Services) -> None:
            del services
            assert now == NOW
            self.names.append(name)
            if error is not None:
                raise error

        return Chore(name, work)


def services_of(clocked: Clocked) -> Services:
    return cast("Services", clocked)


async def test_a_chore_that_fails_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """The log names it, the kind of error and the place, and not what the error says."""
    noted = Noted()
    chores = [noted.chore("one"), noted.chore("two", ValueError("Иванов")), noted.chore("three")]

    await tidy(services_of(Clocked()), NOW, chores)

    assert noted.names == ["one", "two", "three"]
    (line,) = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert line.startswith("chore failed chore=two error=ValueError at=test_chores.py:")
    assert "Иванов" not in caplog.text


async def test_rounds_follow_each_other() -> None:
    """The first comes soon after the start, then one every hour."""
    clocked, noted = Clocked(), Noted()
    endless = tidy_hourly(
        services_of(clocked), first_s=0, every_s=0.01, chores=[noted.chore("one")]
    )
    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await endless
    assert clocked.rounds >= 3


def test_names_are_words_of_the_figures() -> None:
    """Each once: they are labels in Prometheus."""
    names = [one.name for one in CHORES]
    assert len(names) == len(set(names))
    assert all(name.isalpha() and name.islower() for name in names)
