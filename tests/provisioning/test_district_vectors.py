"""The operator's side signs and checks as docs/contracts.md §11 says: the vectors that hold the module, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from provisioning.district.draft import OperatorKey
from provisioning.district.signing import from_base64, is_signed, link, signed, signed_bytes

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "district" / "vectors.json").read_text("utf-8")
)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_what_is_well_signed(case: dict[str, Any]) -> None:
    """Each register of the vectors is well signed, for who trusts that key, exactly where a school believes it."""
    good = is_signed(case["document"], VECTORS["district"], case["anchor"])
    assert good is (case["refusal"] is None)


@pytest.mark.parametrize("case", VECTORS["canonical"])
def test_the_signed_bytes(case: dict[str, Any]) -> None:
    """The bytes that are signed are these, to the letter."""
    assert signed_bytes(case["document"]).decode() == case["bytes"]


def test_the_signature() -> None:
    """The same key and the same register give the same signature."""
    vector = VECTORS["signing"]
    key = SigningKey(from_base64(vector["seed"]))
    assert signed(vector["document"], key) == vector["signed"]


def test_the_link_to_a_new_key() -> None:
    """A key names the next one with the same signature."""
    vector = VECTORS["link"]
    old = SigningKey(from_base64(vector["seed"]))
    before = [OperatorKey("first")]
    made = link(VECTORS["district"], before, old, vector["key"])
    assert made == OperatorKey(vector["key"], vector["signature"])
