"""What the units in `deploy/` give a server; a benchmark starts it the same way."""

from __future__ import annotations

from pathlib import Path


def environment(unit: Path) -> list[str]:
    """`NAME=value` of each."""
    lines = unit.read_text("utf-8").splitlines()
    return [one.removeprefix("Environment=") for one in lines if one.startswith("Environment=")]
