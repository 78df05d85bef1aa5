"""Names as people type them, and whom of the list they may mean."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.applicant import Applicant, clean, is_line, is_name, pack, unpack
from bridge.matching import children_named, folded, same_name, suggest
from bridge.people import PersonRecord, Status
from bridge.roles import PersonId, Role
from serving.json_object import BadJson

ANNA = Applicant(family_name="Королёва", given_name="Анна-Мария", birth_date=date(2012, 7, 1))


def listed(
    name: str, family: str, given_name: str, born: date | None = None, **changes: object
) -> PersonRecord:
    values: dict[str, object] = {
        "person_id": PersonId(name), "source": "csv", "source_id": name, "family_name": family,
        "given_name": given_name, "birth_date": born, "roles": frozenset({Role.STUDENT}),
        "status": Status.LISTED, **changes,
    }  # fmt: skip
    return PersonRecord(**values)  # type: ignore[arg-type] # of a test


def test_an_applicant_is_sealed_and_read_back() -> None:
    """Everything that was typed comes back; anything else is refused, and no name is in the repr."""
    full = Applicant(
        family_name="И", given_name="Й", middle_name="К", birth_date=date(2012, 1, 2),
        relation="мать", child_name="Ш", note="{}",
    )  # fmt: skip
    assert unpack(pack(full)) == full
    assert "мать" not in repr(full)
    for raw in (b"", b"[]", b"{}", pack(full).replace(b"2012-01-02", b"2012-13-02")):
        with pytest.raises(BadJson):
            unpack(raw)


@given(st.text(max_size=300))
def test_cleaning_settles(text: str) -> None:
    """A cleaned text is one line, and cleaning it again changes nothing."""
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert "\n" not in cleaned
    if is_name(cleaned):
        assert is_line(cleaned, 100)


@pytest.mark.parametrize(
    "text", ["Анна", "О’Коннор", "Anna Maria", "де Ла", "Ли-Ю", "欧阳", "मीरा"]
)
def test_names_of_any_script(text: str) -> None:
    """Letters and their accents of any script."""
    assert is_name(clean(text))


@pytest.mark.parametrize(
    "text", ["", "-", "1", "<b>", "a@b", "=1", "Ан\u202eна", "А\u200bнна", "x" * 101]
)
def test_what_is_no_name(text: str) -> None:
    """Digits, markup, formulas, invisible characters, nothing at all."""
    assert not is_name(clean(text))


def test_names_are_compared_as_people_do() -> None:
    """Ё is Е; case, hyphens and blanks do not count; a patronymic that one side lacks does not either."""
    assert folded("Королёва-Ли") == folded("КОРОЛЕВА ЛИ")
    assert same_name(ANNA, listed("1", "королева", "анна мария"))
    assert not same_name(ANNA, listed("1", "Королева", "Анна"))
    own = Applicant(family_name="И", given_name="А", middle_name="Петрович")
    assert same_name(own, listed("1", "И", "А", middle_name=""))
    assert not same_name(own, listed("1", "И", "А", middle_name="Ильич"))


def test_suggestions() -> None:
    """Listed people of this name, the same birthday first; another birthday or an account rules one out."""
    born = ANNA.birth_date
    people = [
        listed("1", "Королева", "Анна-Мария"),
        listed("2", "Королева", "Анна-Мария", born),
        listed("3", "Королева", "Анна-Мария", date(2010, 1, 1)),
        listed("4", "Королева", "Анна-Мария", born, status=Status.ACTIVE),
        listed("5", "Другая", "Анна-Мария", born),
    ]
    found = suggest(ANNA, people)
    assert [(one.person.person_id, one.sure) for one in found] == [("2", True), ("1", False)]
    assert [one.sure for one in suggest(ANNA, people[:1])] == [True]


def test_children_whom_a_parent_names() -> None:
    """Both names in any order and with anything else; one of them alone is not enough."""
    pupils = [listed("1", "Сидоров", "Егор"), listed("2", "Сидорова", "Инна")]
    assert [one.person_id for one in children_named("Егор Ильич СИДОРОВ, 5А", pupils)] == ["1"]
    assert children_named("Сидоров", pupils) == ()
