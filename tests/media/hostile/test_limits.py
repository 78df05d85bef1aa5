"""docs/limits.md says what the code does."""

from __future__ import annotations

import importlib
import re

from tests.support.process import ROOT

ROW = re.compile(r"^\| (?!what|---)[^|]+ \| (?P<values>[^|]+) \| (?P<where>[^|]+) \|", re.MULTILINE)
PLACE = re.compile(r"`(media(?:\.\w+)+)`((?: `\w+`,?)+)")
TABLE = (ROOT / "docs" / "limits.md").read_text("utf-8")


def test_the_table_of_limits_is_true() -> None:
    """Each number is the constant that its row names."""
    compared = 0
    for row in ROW.finditer(TABLE):
        said = [float(one) for one in re.findall(r"[\d.]+", row["values"])]
        found: list[float] = []
        for module, names in PLACE.findall(row["where"]):
            for name in re.findall(r"\w+", names):
                value = getattr(importlib.import_module(module), name)
                found += value.values() if hasattr(value, "values") else [value]
        if found:
            assert said == found, row[0]
            compared += len(found)
    assert compared > 60
