"""The district's register on the administration's first page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.web.district_shown import district_state

NOW = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
GOOD = {
    "district": "district.example",
    "standing": "open",
    "serial": 12,
    "issued_s": int((NOW - timedelta(days=1)).timestamp()),
    "expires_s": int((NOW + timedelta(days=30)).timestamp()),
    "peers": 3,
    "refusal": None,
    "refused_where": "",
    "asked_s": int(NOW.timestamp()),
    "agreed_s": int(NOW.timestamp()),
}


@pytest.mark.parametrize(
    ("changes", "answers", "bad", "words"),
    [
        ({}, True, [False], "другие школы недоступны"),
        ({"standing": "expired"}, True, [True], "Срок реестра"),
        ({"standing": "isolated"}, True, [True], "отрезал"),
        ({"refusal": "signature"}, False, [False, True], "не верит"),
        ({"refusal": "unreachable", "agreed_s": 0}, False, [False, True], "не отвечает"),
        ({"standing": "none", "serial": 0, "expires_s": 0, "agreed_s": 0}, True, [True], "ещё нет"),
    ],
)
def test_what_a_director_reads(
    changes: dict[str, Any], answers: bool, bad: list[bool], words: str
) -> None:
    """The standing, and whether the district answers; nothing of it is a command to type."""
    state = district_state({"district": {**GOOD, **changes}}, NOW, "ru")
    assert state is not None
    assert state.answers is answers
    assert [one for _, one in state.findings] == bad
    text = " ".join(words for words, _ in state.findings)
    assert (words in text) is (changes != {})
    assert "sferum" not in text
    assert (state.until is None) is (changes.get("expires_s") == 0)


def test_a_school_of_no_district_has_no_register() -> None:
    """Nothing is shown."""
    assert district_state({"district": None}, NOW, "en") is None
    assert district_state({}, NOW, "en") is None
