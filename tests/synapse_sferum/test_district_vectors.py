"""The module reads registers as docs/contracts.md §11 says: the vectors that the operator's side is held to as well."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from synapse_sferum.district.canonical import signed_bytes
from synapse_sferum.district.refusals import BadRegister
from synapse_sferum.district.signed import link_bytes, verified
from tests.synapse_sferum.district_values import b64, chain, key

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "district" / "vectors.json").read_text("utf-8")
)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_what_is_believed(case: dict[str, Any]) -> None:
    """Each register of the vectors is believed or refused for the reason that stands there."""
    found = None
    try:
        verified(
            json.dumps(case["document"]).encode(),
            district=VECTORS["district"],
            anchor=base64.b64decode(case["anchor"] + "="),
        )
    except BadRegister as bad:
        found = bad.reason.value
    assert found == case["refusal"]


@pytest.mark.parametrize("case", VECTORS["canonical"])
def test_the_signed_bytes(case: dict[str, Any]) -> None:
    """The bytes that are signed are these, to the letter."""
    assert signed_bytes(case["document"]).decode() == case["bytes"]


def test_the_link_to_a_new_key() -> None:
    """What a key signs to name the next one is in the vectors, too."""
    link = VECTORS["link"]
    message = link_bytes(VECTORS["district"], link["number"], link["key"])
    assert b64(key(1).sign(message).signature) == link["signature"]
    assert chain([1, 2])[1] == {"key": link["key"], "signature": link["signature"]}
