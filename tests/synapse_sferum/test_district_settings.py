"""Where a school finds its district: all four options or none, and each of them checked."""

from __future__ import annotations

from typing import Any

import pytest

from synapse_sferum.config import Config
from synapse_sferum.district.settings import district_settings
from tests.synapse_sferum.district_values import anchor, b64

KEY = f"ed25519:{b64(anchor())}"
GOOD: dict[str, Any] = {
    "service_token_path": "/nowhere",
    "district": "district-56.example",
    "district_url": "https://district-56.example/register.json",
    "district_key": KEY,
    "district_cache_path": "/var/lib/matrix-synapse/sferum-register.json",
}


def test_a_school_of_a_district() -> None:
    """The four options become one value, the key as octets."""
    found = Config.from_dict(GOOD).of_district
    assert found is not None
    assert (found.district, found.key) == ("district-56.example", anchor())


def test_a_school_of_none() -> None:
    """Without any of them a school is of no district."""
    assert Config.from_dict({"service_token_path": "/nowhere"}).of_district is None
    assert district_settings("", "", "", "") is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"district": ""}, "district"),
        ({"district_url": ""}, "district_url"),
        ({"district_key": ""}, "district_key"),
        ({"district_cache_path": ""}, "district_cache_path"),
        ({"district_key": KEY[:-1]}, "district_key"),
        ({"district_key": KEY[:-1] + "B"}, "district_key"),
        ({"district_key": KEY.removeprefix("ed25519:")}, "district_key"),
        ({"district_url": "http://district-56.example/r"}, "district_url"),
        ({"district_url": "https:///r"}, "district_url"),
        ({"district_url": "https://user:word@district-56.example/r"}, "district_url"),
        ({"district_url": 5}, "district_url"),
    ],
)
def test_a_wrong_option_of_the_district_is_named(changes: dict[str, Any], named: str) -> None:
    """The message names the option."""
    with pytest.raises(ValueError, match=f"'{named}'"):
        Config.from_dict({**GOOD, **changes})


def test_a_district_on_this_machine_needs_no_tls() -> None:
    """For trials the register may be served in the clear on loopback, and nowhere else."""
    for host in ("127.0.0.1:8000", "[::1]", "localhost"):
        assert Config.from_dict({**GOOD, "district_url": f"http://{host}/r"}).of_district
