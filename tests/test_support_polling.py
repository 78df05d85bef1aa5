"""How often a fact is looked for."""

from __future__ import annotations

import pytest

from tests.support.polling import INTERVAL_S, UNHURRIED_S, pause_s


@pytest.mark.parametrize(
    ("waited_s", "interval_s", "pause"),
    [
        (0.0, INTERVAL_S, INTERVAL_S),
        (0.4, INTERVAL_S, INTERVAL_S),
        (1.0, INTERVAL_S, 0.05),
        (2.0, INTERVAL_S, UNHURRIED_S),
        (90.0, INTERVAL_S, UNHURRIED_S),
        (90.0, 0.5, 0.5),
    ],
)
def test_whoever_waits_long_looks_less_often(
    waited_s: float, interval_s: float, pause: float
) -> None:
    """At most a twentieth of the wait is added, and nobody looks more often than asked."""
    assert pause_s(waited_s, interval_s) == pytest.approx(pause)
