"""What is made of what viewers saw and processes used. Pure but for /proc."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def quantile_ms(late: Sequence[tuple[int, int]], share: float) -> int | None:
    """`late`: milliseconds and how many, in order. What a share of all stays within; None of nothing."""
    total = sum(count for _, count in late)
    seen = 0
    for ms, count in late:
        seen += count
        if seen >= share * total:
            return ms
    return None


def cpu_s(pids: Sequence[int]) -> float:
    """CPU seconds that these processes have used, all their threads."""
    ns = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            ns += int((task / "schedstat").read_text().split()[0])
    return ns / 1e9


def pss_mb(pids: Sequence[int]) -> float:
    """Memory of these processes, what they share counted once (PSS)."""
    kb = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kb += int(line.split()[1])
    return round(kb / 1_000, 1)


def idle_s() -> float:
    """Seconds that all processors together had nothing to do."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("cpu "):
            return int(line.split()[4]) / 100
    return 0.0


def of_viewers(seen: dict[str, Any], seconds: float) -> dict[str, Any]:
    """A window of so many seconds, as a row has it."""
    late = seen["late"]
    return {
        "viewers": seen["viewers"],
        "parts": seen["parts"],
        "errors": seen["errors"],
        "reconnects": seen["reconnects"],
        "lag_p50_ms": quantile_ms(late, 0.5),
        "lag_p99_ms": quantile_ms(late, 0.99),
        "lag_p999_ms": quantile_ms(late, 0.999),
        "requests_s": round(seen["requests"] / seconds),
        "mbit_s": round(seen["bytes"] * 8e-6 / seconds, 1),
    }


def of_player(seen: dict[str, Any]) -> dict[str, Any]:
    """What hls.js showed: how old the picture was, how often it stood still."""
    late = sorted(seen["late"])
    glass = {
        f"glass_p{round(share * 100)}_s": round(late[int(share * (len(late) - 1))], 2)
        if late
        else None
        for share in (0.5, 0.95)
    }
    return {
        **glass,
        "glass_pictures": len(late),
        "rebuffers": seen["rebuffers"],
        "failed": seen["failed"],
    }
