"""Windows to figures. Pure.

Servers take turns, window by window, so whatever else the machine does hits all of them; each figure is the median of
its windows, each ratio the median of ratios of one round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from attrs import frozen

#: What the native part says of one window (`rust/load`).
Window = Mapping[str, Any]


@frozen
class Round:
    """Attributes:

    floor_us: CPU of one plain UDP send (`K_us`), measured just before.
    windows: by server.
    """

    floor_us: float
    windows: Mapping[str, Window]


def cpu_us(window: Window) -> float:
    """CPU of the server for each packet that came."""
    return float(window["server_cpu_s"] / max(1, window["received"]) * 1e6)


def core_share(window: Window) -> float:
    return float(window["server_cpu_s"] / window["seconds"])


def arrived_share(window: Window) -> float:
    """Packets that came by those sent to somebody, as sequence numbers say."""
    return float(window["received"] / max(1, window["received"] + window["lost"]))


def of_server(rounds: Sequence[Round], name: str) -> dict[str, float]:
    """Medians of one server."""
    windows = [(one.floor_us, one.windows[name]) for one in rounds]
    return {
        "cpu_us_per_packet": round(median(cpu_us(window) for _, window in windows), 2),
        "cpu_over_K": round(median(cpu_us(window) / floor for floor, window in windows), 2),
        "core_share": round(median(core_share(window) for _, window in windows), 3),
        "packets_s": round(median(w["received"] / w["seconds"] for _, w in windows)),
        "arrived_share": round(min(arrived_share(window) for _, window in windows), 5),
        "repaired_share": round(
            median(w["repaired"] / max(1, w["lost_on_purpose"]) for _, w in windows), 3
        ),
        "streams": min(window["streams"] for _, window in windows),
        **{
            name: round(median(window[name] for _, window in windows), 2)
            for name in ("p50_ms", "p99_ms", "p999_ms")
        },
    }


def over(rounds: Sequence[Round], one: str, other: str) -> float:
    """How many times the CPU of `other` a packet costs `one`."""
    return round(median(cpu_us(r.windows[one]) / cpu_us(r.windows[other]) for r in rounds), 2)


def storm(
    quiet: Sequence[Window], stormy: Sequence[Window], joins: Sequence[int]
) -> dict[str, float]:
    """Quiet and stormy windows in turn, each storm after its quiet one; `joins` in each storm.

    `join_cpu_ms`: what a window costs more, by joins in it: joining, what the newcomer is sent, and leaving.
    """
    pairs = list(zip(quiet, stormy, joins, strict=True))
    return {
        "join_cpu_ms": round(
            median(
                (core_share(s) - core_share(q)) * s["seconds"] / max(1, n) * 1000
                for q, s, n in pairs
            ),
            2,
        ),
        "quiet_p99_ms": round(median(q["p99_ms"] for q, _, _ in pairs), 2),
        "storm_p99_ms": round(median(s["p99_ms"] for _, s, _ in pairs), 2),
        "storm_p99_change": round(
            median(s["p99_ms"] / max(0.01, q["p99_ms"]) for q, s, _ in pairs) - 1, 3
        ),
        "joins": sum(joins),
    }
