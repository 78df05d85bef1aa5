"""Finding people in the table itself, on both databases."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synapse.storage.database import LoggingTransaction

from synapse_sferum.directory_rows import words_of
from synapse_sferum.model import Person, PersonId
from synapse_sferum.search import after, candidates_txn, words_of_search
from tests.support.databases import Database


def add(
    txn: LoggingTransaction,
    org: str,
    number: int,
    family: str,
    given_name: str,
    status: str = "active",
) -> None:
    """One person with an account, and the words of the name."""
    person_id = f"p{org}{number:06d}"
    person = Person(
        person_id=PersonId(person_id),
        source="csv",
        source_id=person_id,
        family_name=family,
        given_name=given_name,
    )
    txn.execute(
        "INSERT INTO sferum_people (person_id, org_id, source, source_id, family_name, given_name, status, user_id)"
        " VALUES (?, ?, 'csv', ?, ?, ?, ?, ?)",
        (person_id, org, person_id, family, given_name, status, f"@{person_id}:s"),
    )
    for word in words_of(person):
        txn.execute(
            "INSERT INTO sferum_people_words (org_id, word, person_id) VALUES (?, ?, ?)",
            (org, word, person_id),
        )


def names(txn: LoggingTransaction, org: str, term: str) -> list[str]:
    return sorted(
        found.display_name for found in candidates_txn(txn, org, words_of_search(term), None)
    )


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("Иванов", ["иванов"]),
        ("  пётр   ИВАНОВ ", ["иванов", "петр"]),
        ("Римский-Корсаков", ["корсаков", "римский"]),
        ("", []),
        (" - ", []),
        ("а б в г д е", ["а", "б", "в", "г"]),
        ("а" * 500, ["а" * 100]),
    ],
)
def test_words_of_a_search(term: str, words: list[str]) -> None:
    """A search is words, folded as the table has them: the longest first, at most four."""
    assert words_of_search(term) == words


@given(st.text(max_size=200))
def test_any_term_is_read(term: str) -> None:
    """No term, however strange, makes it fail; what comes out is folded and short."""
    words = words_of_search(term)
    assert len(words) <= 4
    assert all(word < after(word) for word in words)


@pytest.mark.integration
def test_names_are_found_by_their_beginnings(txn: LoggingTransaction) -> None:
    """Any word of a name finds it by its beginning; every word of the search must."""
    add(txn, "a", 1, "Иванов", "Пётр")
    add(txn, "a", 2, "Иванова", "Анна")
    add(txn, "a", 3, "Римский-Корсаков", "Иван")
    add(txn, "b", 4, "Иванов", "Сергей")
    add(txn, "a", 5, "Иванов", "Ушедший", status="left")
    assert names(txn, "a", "иван") == ["Иванов Пётр", "Иванова Анна", "Римский-Корсаков Иван"]
    assert names(txn, "a", "иван петр") == ["Иванов Пётр"]
    assert names(txn, "a", "корс") == ["Римский-Корсаков Иван"]
    assert names(txn, "a", "ванов") == []
    assert names(txn, "a", "%") == []
    assert names(txn, "b", "иванов") == ["Иванов Сергей"]


def quickest(work: Callable[[], object]) -> float:
    """Seconds of the quickest of five: what else the machine does counts least."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


@pytest.mark.integration
def test_a_hundred_thousand_people(database: Database) -> None:
    """With 100,000 people in one school a name is found sooner than the table of words is read through once."""
    with database.scratch() as txn:
        numbers = (
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)"
            " INSERT INTO {} SELECT {} FROM n"
        )
        family = "'фамилия' || (i - 5000 * (i / 5000))"  # no `%`: psycopg2 reads it as a parameter
        given_name = "'имя' || (i - 50 * (i / 50))"
        txn.execute(
            numbers.format(
                "sferum_people (person_id, org_id, source, source_id, family_name, given_name, status, user_id)",
                f"'pc' || i, 'c', 'csv', 'c' || i, {family}, {given_name}, 'active', '@c' || i || ':s'",
            )
        )
        for word in (family, given_name):
            into = "sferum_people_words (org_id, word, person_id)"
            txn.execute(numbers.format(into, f"'c', {word}, 'pc' || i"))
        for table in ("sferum_people", "sferum_people_words"):
            txn.execute(f"ANALYZE {table}")  # both databases do so by themselves after a while

        def read_through() -> None:
            txn.execute("SELECT COUNT(*) FROM sferum_people_words WHERE LENGTH(word) = 99")
            txn.fetchall()

        once = quickest(read_through)
        for term, count in (("фамилия4242 имя42", 20), ("ф", 200), ("и ф", 200)):
            words = words_of_search(term)
            assert len(candidates_txn(txn, "c", words, None)) == count
            assert quickest(partial(candidates_txn, txn, "c", words, None)) < once, term
        pages = [candidates_txn(txn, "c", ["ф"], None)]
        pages.append(candidates_txn(txn, "c", ["ф"], pages[0][-1]))
        assert len({person.person_id for page in pages for person in page}) == 400
