"""What the answers of schools mean for the operator, in which order, and since when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from provisioning.district import draft as drafts
from provisioning.district import judging_texts
from provisioning.district.folder import Folder
from provisioning.district.judging import Issued, Report, Row, judged, parts
from provisioning.district.judging_texts import remedy, sentence
from provisioning.district.looks import Look, next_look, read_looks, write_looks
from provisioning.district.pages import page
from provisioning.district.question import Asked, Fault
from provisioning.district.status_report import lines, to_json
from provisioning.doctor_finding import Level
from tests.provisioning.district_schools import ISSUED, NOW_S, answered, draft_of

NAME = "school86.example"
DRAFT = draft_of(NAME)
SCHOOL = DRAFT.schools[NAME]


def report_of(
    asked: Asked, *, issued: Issued = ISSUED, before: Look | None = None, isolated: bool = False
) -> Report:
    """A district of one school."""
    draft = drafts.with_isolation(DRAFT, NAME, isolated)
    looks = {} if before is None else {NAME: before}
    return judged(draft, issued, {NAME: asked}, looks, NOW_S, "0.1.0")


def row_of(asked: Asked, **changes: Any) -> Row:
    (row,) = report_of(asked, **changes).rows
    return row


def codes(row: Row) -> dict[str, Level]:
    return {finding.code: finding.level for finding in row.findings}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, {"well": Level.OK}),
        ({"register__serial": 9}, {"behind": Level.ERROR}),
        ({"register__serial": 13}, {"ahead": Level.ERROR}),
        ({"register__standing": "none", "register__serial": 0}, {"has_none": Level.ERROR}),
        ({"register__standing": "expired"}, {"has_expired": Level.ERROR}),
        ({"register__standing": "not_listed"}, {"not_listed": Level.ERROR}),
        ({"register__standing": "isolated"}, {"still_cut_off": Level.WARNING}),
        ({"register__refusal": "two_faces"}, {"refuses": Level.ERROR}),
        ({"register__refusal": "unreachable"}, {"well": Level.OK}),
        ({"register__agreed": NOW_S - 4_000}, {"hears_nothing": Level.WARNING}),
        ({"register__agreed": 0}, {"hears_nothing": Level.WARNING}),
        ({"health__schema_found": 9}, {"schema": Level.ERROR}),
        ({"health__dead": 2}, {"dead": Level.ERROR}),
        ({"health__held": 1, "health__lag_s": 9_000}, {"held": Level.WARNING}),
        ({"health__lag_s": 601}, {"late": Level.WARNING}),
        ({"health__oldest_s": 601}, {"late": Level.WARNING}),
        ({"counts__common_waiting": 1}, {"rooms_wait": Level.WARNING}),
        ({"versions__sferum": "0.0.9"}, {"older": Level.WARNING}),
        ({"versions__sferum": "0.2.0"}, {"well": Level.OK}),
        ({"time": NOW_S + 61, "register__agreed": NOW_S}, {"clock_differs": Level.WARNING}),
        (
            {"register__serial": 9, "register__standing": "expired", "health__dead": 1},
            {"behind": Level.ERROR, "has_expired": Level.ERROR, "dead": Level.ERROR},
        ),
    ],
)
def test_what_a_school_s_answer_means(changes: dict[str, Any], wanted: dict[str, Level]) -> None:
    """Each fact of an answer is one finding, and nothing else is found."""
    assert codes(row_of(answered(SCHOOL, **changes))) == wanted


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
def test_what_silence_means(fault: Fault) -> None:
    """Every reason why nothing is known of a school is an error with a sentence and something to do."""
    row = row_of(Asked(fault=fault, detail="x"))
    (finding,) = row.findings
    assert row.level is Level.ERROR
    for language in ("ru", "en"):
        assert remedy(finding, language)
        assert "{" not in sentence(finding, language, lambda _: "вчера")


def test_ten_minutes_to_take_a_register() -> None:
    """Just after signing nobody is behind (R4); after ten minutes whoever has the one before is, and by how much."""
    just_now = evolve(ISSUED, issued_s=NOW_S - 600)
    row = row_of(answered(SCHOOL, register__serial=11), issued=just_now)
    assert (row.behind, codes(row)) == (0, {"on_its_way": Level.OK})
    row = row_of(
        answered(SCHOOL, register__serial=11), issued=evolve(just_now, issued_s=NOW_S - 601)
    )
    assert (row.behind, row.findings[0].figures["behind"]) == (1, 1)


def test_a_school_that_is_cut_off() -> None:
    """A school cut off on purpose is shown as such, and answers the operator all the same."""
    row = row_of(answered(SCHOOL, register__standing="isolated"), isolated=True)
    assert codes(row) == {"cut_off": Level.WARNING}


@pytest.mark.parametrize(
    ("changes", "held", "wanted"),
    [
        ({}, 12, set()),
        ({"expires_s": NOW_S}, 12, {"register_over"}),
        ({"expires_s": NOW_S + 6 * 86_400}, 12, {"register_soon"}),
        ({"changed": True}, 12, {"register_changed"}),
        ({}, 11, {"register_not_published"}),
        ({"issued_s": NOW_S - 60}, 11, set()),
    ],
)
def test_what_is_said_of_the_register(changes: dict[str, Any], held: int, wanted: set[str]) -> None:
    """Its end, changes that nobody signed, and a register that was signed and not published."""
    report = report_of(answered(SCHOOL, register__serial=held), issued=evolve(ISSUED, **changes))
    assert {finding.code for finding in report.findings} == wanted


def test_what_needs_somebody_first() -> None:
    """Errors before warnings before what is well; of equals the furthest behind, then by name."""
    names = ["a.example", "b.example", "c.example", "d.example", "e.example"]
    draft = draft_of(*names)
    schools = draft.schools
    asked = {
        "a.example": answered(schools["a.example"]),
        "b.example": answered(schools["b.example"], health__held=1),
        "c.example": answered(schools["c.example"], register__serial=11),
        "d.example": answered(schools["d.example"], register__serial=3),
        "e.example": Asked(fault=Fault.SLOW),
    }
    report = judged(draft, ISSUED, asked, {}, NOW_S, "0.1.0")
    order = [row.school.server_name[0] for row in report.rows]
    assert order == ["d", "c", "e", "b", "a"]
    assert (report.in_need, report.silent, report.behind) == (4, 1, 2)
    assert report.level is Level.ERROR
    assert report_of(answered(SCHOOL)).level is Level.OK


def test_one_school_makes_no_other_old() -> None:
    """A version that one school alone says it has counts for nobody; that of two does."""
    draft = draft_of("a.example", "b.example", "c.example")
    asked = {name: answered(school) for name, school in draft.schools.items()}
    newer = {"versions__sferum": "0.2.0"}
    asked["a.example"] = answered(draft.schools["a.example"], **newer)
    report = judged(draft, ISSUED, asked, {}, NOW_S, "0.1.0")
    assert report.level is Level.OK
    asked["b.example"] = answered(draft.schools["b.example"], **newer)
    report = judged(draft, ISSUED, asked, {}, NOW_S, "0.1.0")
    assert [row.school.server_name for row in report.rows if row.level is not Level.OK] == [
        "c.example"
    ]


@pytest.mark.parametrize(
    ("version", "found"),
    [("0.1.0", (0, 1, 0)), ("1.163.2", (1, 163, 2)), ("0.2rc1", (0,)), ("x", ()), ("²", ())],
)
def test_versions_are_numbers(version: str, found: tuple[int, ...]) -> None:
    """They are compared by their numbers, up to the first part that is none."""
    assert parts(version) == found


def test_since_when() -> None:
    """A state begins when it is first seen, stays while it lasts, and what a silent school last had is kept."""
    well, late = answered(SCHOOL), answered(SCHOOL, register__serial=9)
    first = next_look(None, well, behind=False, now_s=100)
    assert first == Look(answers=True, since_s=100, heard_s=100, serial=12)
    behind = next_look(first, late, behind=True, now_s=200)
    assert (behind.since_s, behind.heard_s, behind.behind_since_s) == (100, 200, 200)
    longer = next_look(behind, late, behind=True, now_s=300)
    assert longer.behind_since_s == 200
    silent = next_look(longer, Asked(fault=Fault.SLOW), behind=False, now_s=400)
    assert silent == Look(answers=False, since_s=400, heard_s=300, serial=9, behind_since_s=200)
    again = next_look(silent, well, behind=False, now_s=500)
    assert again == Look(answers=True, since_s=500, heard_s=500, serial=12)
    never = next_look(None, Asked(fault=Fault.SLOW), behind=False, now_s=600)
    assert never == Look(answers=False, since_s=600)


def test_the_memory_of_the_last_look(tmp_path: Path) -> None:
    """It is written for the owner alone and read again; a spoilt one is forgotten, not obeyed."""
    folder = Folder(tmp_path)
    assert read_looks(folder) == {}
    looks = {NAME: Look(answers=True, since_s=1, heard_s=2, serial=3, behind_since_s=4)}
    write_looks(folder, looks)
    assert read_looks(folder) == looks
    path = tmp_path / "looks.json"
    assert path.stat().st_mode & 0o777 == 0o600
    for spoilt in ("", "[]", "{}", '{"format": "sferum.district_looks.v1", "schools": {"a": 1}}'):
        path.write_text(spoilt)
        assert read_looks(folder) == {}


def test_sentences_in_both_languages() -> None:
    """Every finding has a sentence in each language, with the same places for figures in both."""
    for text in (*judging_texts.SCHOOLS.values(), *judging_texts.REGISTER.values()):
        assert text.ru != text.en
        assert bool(text.do_ru) == bool(text.do_en)
        assert text.ru.count("{") == text.en.count("{")


_WORDS = st.sampled_from(["none", "expired", "not_listed", "isolated", "open"])
_NUMBERS = st.integers(0, 10**9)
_ANSWERS = st.fixed_dictionaries(
    {
        "time": st.integers(0, 2**35),
        "register__standing": _WORDS,
        "register__serial": _NUMBERS,
        "register__refusal": st.sampled_from(["", "unreachable", "rollback", "x_y"]),
        "register__agreed": st.integers(0, 2**35),
        "register__expires": st.integers(0, 2**35),
        "health__dead": _NUMBERS,
        "health__lag_s": _NUMBERS,
        "counts__active": st.none() | _NUMBERS,
        "versions__sferum": st.from_regex(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}", fullmatch=True),
    }
)
_FAULTS = st.builds(Asked, fault=st.sampled_from(Fault), detail=st.text(max_size=80))


@given(_ANSWERS.map(lambda changes: answered(SCHOOL, **changes)) | _FAULTS)
def test_fuzz_whatever_a_school_says_is_shown(asked: Asked) -> None:
    """Any answer that is believed, and any silence, becomes a page, lines and JSON, and marks up nothing."""
    report = report_of(asked)
    for language in ("ru", "en"):
        shown = page(report, language)
        assert shown.count("<script") == 0
        assert shown.count("<tr ") == 2
        assert len(list(lines(report, language))) >= 2
        assert to_json(report, language)["schools"][0]["server_name"] == NAME
