"""Directory ⇄ tables: what is written is read back, and a single account's facts are those of the whole school."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from synapse.storage.database import LoggingTransaction

from synapse_sferum.desired import accounts_of
from synapse_sferum.directory_rows import (
    directory_txn,
    insert_org_txn,
    neighbourhood_txn,
    org_txn,
    write_txn,
)
from synapse_sferum.model import Directory, Org, OrgId, PersonId, PersonStatus, Role, UserId
from synapse_sferum.people_rows import (
    PeopleQuery,
    classes_of_txn,
    people_txn,
    person_txn,
    search_words,
)
from synapse_sferum.rows import accounts_txn, chunks
from tests.support.databases import Database
from tests.support.directories import ENTRY, store
from tests.support.schools import ORG, cid, directories, ordinary, pid, uid


@given(directory=directories())
@settings(max_examples=25)
def test_what_is_written_is_read_back(database: Database, directory: Directory) -> None:
    """Every field of every record survives the tables of both databases."""
    with database.scratch() as txn:
        store(txn, directory)
        assert directory_txn(txn, ORG) == directory


@given(first=directories(), second=directories())
@settings(max_examples=25)
def test_a_change_is_written_whole(database: Database, first: Directory, second: Directory) -> None:
    """After any change the tables hold the new directory; the second write writes nothing (R21)."""
    second = evolve(
        second,
        people={**first.people, **second.people},
        classes={**first.classes, **second.classes},
    )
    with database.scratch() as txn:
        store(txn, first)
        store(txn, second, before=first)
        assert directory_txn(txn, ORG) == second
        change, touched = write_txn(txn, second, second, [ENTRY], now_ms=3)
        assert change.empty
        assert not touched


@given(directory=directories())
@settings(max_examples=25)
def test_one_account_and_the_whole_school_agree(database: Database, directory: Directory) -> None:
    """The facts that callbacks read one by one are the facts that the desired rooms are made from."""
    everyone = {p.user_id for p in directory.people.values() if p.user_id}
    with database.scratch() as txn:
        store(txn, directory)
        assert accounts_txn(txn, everyone) == accounts_of(directory)
        for user_id in everyone:
            found = accounts_txn(txn, [user_id]).get(user_id)
            assert found == accounts_of(directory).get(user_id)


@given(directory=directories(), data=st.data())
@settings(max_examples=25)
def test_the_neighbourhood_is_a_part_of_the_school(
    database: Database, directory: Directory, data: st.DataObject
) -> None:
    """An edit of one person reads a part in which that person, their links and every administrator are as they are."""
    ids = sorted(directory.people) or [PersonId("p-none")]
    who = data.draw(st.sampled_from(ids))
    with database.scratch() as txn:
        store(txn, directory)
        part = neighbourhood_txn(txn, ORG, [who])
    assert part is not None
    assert part.org == directory.org
    assert part.classes == directory.classes
    assert part.people.items() <= directory.people.items()
    assert part.enrolments <= directory.enrolments
    assert {e for e in directory.enrolments if e.person_id == who} <= part.enrolments
    assert {pair for pair in directory.guardianships if who in pair} == part.guardianships.keys()
    leaders = {i for i, p in directory.people.items() if p.roles & {Role.DIRECTOR, Role.DEPUTY}}
    assert leaders <= part.people.keys()


def test_a_school_that_is_not_there(txn: LoggingTransaction) -> None:
    """An unknown school reads as None everywhere, and a taken id is not made twice."""
    assert org_txn(txn, "nowhere") is None
    assert directory_txn(txn, "nowhere") is None
    assert neighbourhood_txn(txn, "nowhere", []) is None
    assert accounts_txn(txn, ["@nobody:school.test"]) == {}
    org = Org(org_id=OrgId("taken"), name="Школа")
    assert insert_org_txn(txn, org, now_ms=1)
    assert not insert_org_txn(txn, org, now_ms=2)


def test_revision_and_log_move_together(txn: LoggingTransaction) -> None:
    """A change that changes nothing leaves revision and log alone; numbers of the log run without gaps (R51)."""
    directory = ordinary().directory()
    store(txn, directory)
    write_txn(txn, directory, directory, [ENTRY], now_ms=5)
    renamed = evolve(directory, org=evolve(directory.org, name="Гимназия"))
    write_txn(txn, directory, renamed, [ENTRY, ENTRY], now_ms=6)
    txn.execute("SELECT revision, dirty_since_ms FROM sferum_orgs WHERE org_id = ?", (ORG,))
    assert txn.fetchone() == (2, 1)
    txn.execute("SELECT number FROM sferum_audit WHERE org_id = ? ORDER BY number", (ORG,))
    assert [row[0] for row in txn] == [1, 2, 3]


def test_a_rename_queues_the_profile(txn: LoggingTransaction) -> None:
    """A new name, new roles, leaving and coming back give the account a job for name and badge; nothing else does."""
    school = ordinary()
    before = school.directory()
    store(txn, before)
    txn.execute("DELETE FROM sferum_jobs")
    school.change("U1", family_name="Петров")
    school.change("U2", confirmed=True)
    school.change("U3", status=PersonStatus.LEFT)
    school.change("T1", roles_by_hand=frozenset({Role.DEPUTY}))
    after = school.directory()
    store(txn, after, before)
    txn.execute("SELECT ref FROM sferum_jobs WHERE kind = 'profile' ORDER BY ref")
    assert [row[0] for row in txn] == [uid("T1"), uid("U1"), uid("U3")]
    txn.execute("DELETE FROM sferum_jobs")
    school.change("U3", status=PersonStatus.ACTIVE)
    store(txn, school.directory(), after)
    txn.execute("SELECT ref FROM sferum_jobs WHERE kind = 'profile'")
    assert [row[0] for row in txn] == [uid("U3")]


def names(txn: LoggingTransaction, **query: object) -> tuple[list[str], int]:
    """Given names found, and the total."""
    found, total = people_txn(txn, PeopleQuery(org_id=ORG, **query))  # type: ignore[arg-type]
    return [p.given_name for p in found], total


def test_people_are_found_by_the_beginning_of_any_name(txn: LoggingTransaction) -> None:
    """Case, ё, hyphens and apostrophes do not matter; every word must match; old names are forgotten."""
    school = ordinary()
    school.add("X1", Role.TEACHER, family_name="О'Нил-Ёлкина", given_name="Анна")
    before = school.directory()
    store(txn, before)
    for search in ("о'нил", "НИЛ ел", "елк", "анна о"):
        assert names(txn, words=search_words(search)) == (["Анна"], 1), search
    assert names(txn, words=search_words("нил борис")) == ([], 0)
    assert search_words("a b, c.d-e'f g") == ("a", "b", "c", "d", "e")
    school.change("X1", family_name="Ли")
    store(txn, school.directory(), before)
    assert names(txn, words=search_words("нил")) == ([], 0)
    assert names(txn, words=search_words("ли")) == (["Анна"], 1)


def test_people_are_narrowed_and_paged(txn: LoggingTransaction) -> None:
    """Role in force, class and status narrow; a page has its rows and the whole number."""
    school = ordinary()
    school.change("T1", roles_by_hand=frozenset({Role.DEPUTY}))
    school.change("U4", status=PersonStatus.LEFT)
    store(txn, school.directory())
    assert names(txn, role="deputy") == (["T1", "Z1"], 2)
    assert names(txn, role="teacher") == (["T2"], 1)
    assert names(txn, class_id=cid("5Б")) == (["T2", "U3", "U4"], 3)
    assert names(txn, class_id=cid("5Б"), status="active") == (["T2", "U3"], 2)
    whole, total = names(txn)
    assert total == len(school.people)
    assert names(txn, limit=3, offset=3) == (whole[3:6], total)


def test_a_person_is_of_one_school(txn: LoggingTransaction) -> None:
    """A record is not found under another school's id, and shows this year's classes only."""
    school = ordinary()
    store(txn, school.directory())
    found = person_txn(txn, ORG, pid("U1"))
    assert found == school.people[pid("U1")]
    assert person_txn(txn, "other", pid("U1")) is None
    assert classes_of_txn(txn, [pid("U1"), pid("D1")]) == {
        pid("U1"): [{"class_id": cid("5А"), "name": "5А", "role": "student"}]
    }


def test_long_lists_go_in_chunks(txn: LoggingTransaction) -> None:
    """Two thousand ids are four queries, and the answer is whole."""
    store(txn, ordinary().directory())
    asked = [UserId(f"@x{i}:school.test") for i in range(2000)] + [uid("U1")]
    assert accounts_txn(txn, asked).keys() == {uid("U1")}
    assert [len(chunk) for chunk in chunks(map(str, range(1001)))] == [500, 500, 1]
