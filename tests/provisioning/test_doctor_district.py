"""What `sferum doctor` says of a school's place in its district."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.doctor_district import DAY_S, check_district
from provisioning.doctor_finding import Level
from provisioning.doctor_settings import federates
from provisioning.doctor_texts import remedy, sentence
from provisioning.doctor_texts_district import DISTRICT
from synapse_sferum.district.force import Standing

NOW_S = 1_788_240_600
REGISTER: dict[str, Any] = {
    "district": "district-56.example",
    "standing": "open",
    "serial": 12,
    "issued_s": NOW_S - DAY_S,
    "expires_s": NOW_S + 29 * DAY_S,
    "peers": 40,
    "refusal": None,
    "refused_where": "",
    "asked_s": NOW_S - 60,
    "agreed_s": NOW_S - 60,
}


def found(**changes: Any) -> list[tuple[str, Level]]:
    findings = check_district({"district": {**REGISTER, **changes}}, NOW_S)
    for finding in findings:
        for language in ("ru", "en"):
            text = sentence(finding, language)
            assert "district-56.example" in text
            assert bool(remedy(finding, language)) == (finding.level is not Level.OK)
    return [(finding.code, finding.level) for finding in findings]


def test_a_school_of_no_district() -> None:
    """Nothing is said of a district where there is none, nor by an older module."""
    assert check_district({"district": None}, NOW_S) == []
    assert check_district({}, NOW_S) == []


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, [("register_good", Level.OK)]),
        ({"expires_s": NOW_S + 6 * DAY_S}, [("register_ends_soon", Level.WARNING)]),
        ({"standing": "expired"}, [("register_expired", Level.ERROR)]),
        ({"standing": "not_listed"}, [("register_without_us", Level.ERROR)]),
        ({"standing": "isolated"}, [("register_isolates_us", Level.WARNING)]),
        ({"standing": "none", "serial": 0}, [("register_none", Level.ERROR)]),
        (
            {"refusal": "signature"},
            [("register_good", Level.OK), ("register_refused", Level.ERROR)],
        ),
        ({"refusal": "unreachable"}, [("register_good", Level.OK)]),
        (
            {"refusal": "unreachable", "agreed_s": NOW_S - 2 * 3600},
            [("register_good", Level.OK), ("register_silent", Level.WARNING)],
        ),
        (
            {"standing": "none", "refusal": "unreachable", "agreed_s": 0},
            [("register_none", Level.ERROR), ("register_silent", Level.WARNING)],
        ),
    ],
    ids=str,
)
def test_each_standing_has_its_word(
    changes: dict[str, Any], codes: list[tuple[str, Level]]
) -> None:
    """Every way to stand with the district is one finding; what its last answer was worth is another."""
    assert found(**changes) == codes


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"rooms": 0}, []),
        ({}, [("common_rooms_good", Level.OK)]),
        (
            {"waiting": [{"name": "Главы", "host": "edu.example"}]},
            [("common_rooms_waiting", Level.WARNING)],
        ),
        (
            {"absent": [f"s{n}.example" for n in range(50)]},
            [("common_rooms_absent", Level.WARNING)],
        ),
        ({"leaving": 2}, [("common_rooms_leaving", Level.WARNING)]),
    ],
    ids=str,
)
def test_rooms_of_several_schools(changes: dict[str, Any], codes: list[tuple[str, Level]]) -> None:
    """Who is waited for is named, a few of them; nothing where there are none, and nothing while none can be open."""
    rooms = {"rooms": 3, "leaving": 0, "waiting": [], "absent": [], **changes}
    told = check_district({"district": REGISTER, "common_rooms": rooms}, NOW_S)[1:]
    assert [(finding.code, finding.level) for finding in told] == codes
    for finding in told:
        for language in ("ru", "en"):
            assert "district-56.example" in sentence(finding, language)
            assert bool(remedy(finding, language)) == (finding.level is not Level.OK)
            assert "s5.example" not in sentence(finding, language)
    expired = {"district": {**REGISTER, "standing": "expired"}, "common_rooms": rooms}
    assert [one.code for one in check_district(expired, NOW_S)] == ["register_expired"]


def test_every_standing_of_the_module_is_known() -> None:
    """No word of the module falls through to "there is none" but that one."""
    words = {standing.value: found(standing=standing.value)[0][0] for standing in Standing}
    assert len(set(words.values())) == len(Standing)
    assert set(words.values()) <= DISTRICT.keys()


def test_a_school_of_a_district_federates() -> None:
    """The register's school needs no list by hand for its federation port to be in order."""
    section = {"module": "synapse_sferum.SferumModule", "config": {"district": "d.example"}}
    assert federates({"modules": [section]})
    assert federates({"federation_domain_whitelist": ["school2.ru"]})
    assert not federates({"modules": [{**section, "config": {"district": ""}}]})
