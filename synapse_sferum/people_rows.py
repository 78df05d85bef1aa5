"""Finding people of one school for its administrators: by words, role, class, status; a page at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from attrs import frozen
from synapse.module_api import LoggingTransaction

from synapse_sferum.directory_rows import split_words
from synapse_sferum.model import Person, PersonId
from synapse_sferum.rows import OF_THIS_YEAR, PERSON_COLUMNS, chunks, marks, person_from

#: Sorts after every word that begins with the same letters.
_LAST = "\U0010ffff"
#: Words of one search that count; the rest are ignored.
MOST_WORDS = 5


@frozen(kw_only=True)
class PeopleQuery:
    """What to look for; empty fields do not narrow."""

    org_id: str
    words: tuple[str, ...] = ()
    role: str = ""
    class_id: str = ""
    status: str = ""
    source: str = ""
    source_id: str = ""
    limit: int = 100
    offset: int = 0


def search_words(text: str) -> tuple[str, ...]:
    """The folded words of a search."""
    return tuple(split_words(text))[:MOST_WORDS]


def people_txn(txn: LoggingTransaction, query: PeopleQuery) -> tuple[list[Person], int]:
    """One page of people by name, and how many there are in all."""
    where, values = ["p.org_id = ?"], [query.org_id]
    for word in query.words:
        where.append(
            "p.person_id IN (SELECT person_id FROM sferum_people_words"
            " WHERE org_id = ? AND word >= ? AND word < ?)"
        )
        values += [query.org_id, word, word + _LAST]
    if query.status:
        where.append("p.status = ?")
        values.append(query.status)
    if query.source:
        where.append("p.source = ? AND p.source_id = ?")
        values += [query.source, query.source_id]
    if query.class_id:
        where.append("p.person_id IN (SELECT person_id FROM sferum_enrolments WHERE class_id = ?)")
        values.append(query.class_id)
    if query.role:
        # Role words contain no comma, so a comma on each side makes the match exact.
        where.append("',' || COALESCE(p.roles_by_hand, p.listed_roles) || ',' LIKE ?")
        values.append(f"%,{query.role},%")
    condition = " AND ".join(where)
    txn.execute(f"SELECT COUNT(*) FROM sferum_people AS p WHERE {condition}", values)
    total = int((txn.fetchone() or (0,))[0])
    txn.execute(
        f"SELECT {PERSON_COLUMNS} FROM sferum_people AS p WHERE {condition}"
        " ORDER BY family_name, given_name, middle_name, person_id LIMIT ? OFFSET ?",
        [*values, query.limit, query.offset],
    )
    return [person_from(tuple(row)) for row in txn], total


def person_txn(txn: LoggingTransaction, org_id: str, person_id: str) -> Person | None:
    """One person of this school, or None."""
    txn.execute(
        f"SELECT {PERSON_COLUMNS} FROM sferum_people WHERE org_id = ? AND person_id = ?",
        (org_id, person_id),
    )
    row = txn.fetchone()
    return person_from(tuple(row)) if row else None


def claim_account_txn(txn: LoggingTransaction, org_id: str, user_id: str) -> bool:
    """Whether an account is this school's, for ever; the first school to ask has it (R2).

    One row per account: of two schools that ask in the same moment the second waits, and then sees the first.
    """
    txn.execute(
        "INSERT INTO sferum_accounts (user_id, org_id) VALUES (?, ?) ON CONFLICT (user_id) DO NOTHING",
        (user_id, org_id),
    )
    txn.execute("SELECT org_id FROM sferum_accounts WHERE user_id = ?", (user_id,))
    row = txn.fetchone()
    return row is not None and str(row[0]) == org_id


def classes_of_txn(
    txn: LoggingTransaction, person_ids: Collection[PersonId]
) -> dict[PersonId, list[dict[str, str]]]:
    """This year's classes of each: `[{"class_id", "name", "role"}]`."""
    found: dict[PersonId, list[dict[str, str]]] = defaultdict(list)
    for chunk in chunks(person_ids):
        txn.execute(
            "SELECT e.person_id, c.class_id, c.name, e.role FROM sferum_enrolments AS e"
            f"{OF_THIS_YEAR} AND e.person_id IN ({marks(chunk)}) ORDER BY c.name, e.role",
            chunk,
        )
        for person_id, class_id, name, role in txn:
            found[PersonId(person_id)].append({"class_id": class_id, "name": name, "role": role})
    return found
