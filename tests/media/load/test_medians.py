"""From windows to the figures of a benchmark."""

from __future__ import annotations

from typing import Any

from bench.load.medians import Round, of_server, over, storm


def window(cpu_s: float, received: int = 1_000, **more: Any) -> dict[str, Any]:
    """Two seconds."""
    return {
        "seconds": 2.0,
        "server_cpu_s": cpu_s,
        "received": received,
        "lost": 0,
        "lost_on_purpose": 10,
        "repaired": 9,
        "streams": 4,
        "p50_ms": 1.0,
        "p99_ms": 2.0,
        "p999_ms": 3.0,
        **more,
    }


def test_figures_are_medians_and_the_worst_of_what_must_not_happen() -> None:
    """One window that something else disturbed changes no median; a loss in any is seen."""
    windows = [window(0.01), window(0.01, lost=250), window(0.9, p99_ms=80.0)]
    figures = of_server([Round(2.5, {"us": one}) for one in windows], "us")
    assert figures["cpu_us_per_packet"] == 10.0
    assert figures["cpu_over_K"] == 4.0
    assert figures["core_share"] == 0.005
    assert (figures["packets_s"], figures["p99_ms"]) == (500, 2.0)
    assert (figures["arrived_share"], figures["repaired_share"]) == (0.8, 0.9)


def test_a_ratio_is_taken_within_a_round() -> None:
    """What slows a whole round down slows both, and does not change the ratio."""
    rounds = [
        Round(2.5, {"us": window(0.01 * slow), "them": window(0.04 * slow)}) for slow in (1, 3, 9)
    ]
    assert over(rounds, "them", "us") == 4.0


def test_a_join_costs_what_a_stormy_window_costs_more() -> None:
    """Divided by who came in it; latency changes by the ratio of each pair."""
    quiet, stormy = [window(0.1)] * 3, [window(0.2, p99_ms=2.2)] * 3
    figures = storm(quiet, stormy, [25, 25, 25])
    assert figures["join_cpu_ms"] == 4.0
    assert (figures["storm_p99_change"], figures["joins"]) == (0.1, 75)


def test_nothing_that_came_divides_by_nothing() -> None:
    """A server that sends nothing gives a figure, not an error."""
    figures = of_server([Round(2.5, {"us": window(0.1, received=0)})], "us")
    assert figures["arrived_share"] == 0.0
