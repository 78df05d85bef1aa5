"""What teachers teach: from the school's list, or set by hand, which wins (ADR 30)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from synapse.module_api import LoggingTransaction

from synapse_sferum.ids import person_id_of
from synapse_sferum.model import OrgId
from synapse_sferum.roster import Roster
from synapse_sferum.rows import chunks, marks


def listed_txn(txn: LoggingTransaction, person_id: str) -> tuple[list[str], bool]:
    """Subjects of one person, sorted, and whether they were set by hand."""
    txn.execute("SELECT subject, by_hand FROM sferum_subjects WHERE person_id = ?", (person_id,))
    rows = [(str(subject), bool(by_hand)) for subject, by_hand in txn]
    return sorted(subject for subject, _ in rows if subject), any(hand for _, hand in rows)


def write_txn(
    txn: LoggingTransaction, person_id: str, subjects: Collection[str], *, by_hand: bool
) -> None:
    """Replace what one person teaches. None, by hand, is a row of its own: a list must not fill it again."""
    txn.execute("DELETE FROM sferum_subjects WHERE person_id = ?", (person_id,))
    for subject in sorted(subjects) or ([""] if by_hand else []):
        txn.execute(
            "INSERT INTO sferum_subjects (person_id, subject, by_hand) VALUES (?, ?, ?)",
            (person_id, subject, int(by_hand)),
        )


def write_listed_txn(txn: LoggingTransaction, org_id: str, roster: Roster) -> dict[str, str]:
    """Take over what a list of staff says; what was set by hand stays. Nothing is written when nothing differs (R21).

    Call after the list's people are written.

    Returns:
        Person → account ("" for none) of those whose subjects are others now.
    """
    wanted, changed = _wanted(org_id, roster), listed_changes_txn(txn, org_id, roster)
    known: dict[str, str] = {}
    for chunk in chunks(changed):
        txn.execute(
            f"SELECT person_id, user_id FROM sferum_people WHERE person_id IN ({marks(chunk)})",
            chunk,
        )
        known.update((str(person_id), user_id or "") for person_id, user_id in txn)
    for person_id in known:
        write_txn(txn, person_id, wanted[person_id], by_hand=False)
    return known


def _wanted(org_id: str, roster: Roster) -> dict[str, set[str]]:
    return {
        person_id_of(OrgId(org_id), roster.source, listed.source_id): set(listed.subjects)
        for listed in roster.people.values()
    }


def listed_changes_txn(txn: LoggingTransaction, org_id: str, roster: Roster) -> list[str]:
    """People whose subjects a list of staff would change, also those whom it would add."""
    if "staff" not in roster.covers:
        return []
    wanted = _wanted(org_id, roster)
    found: dict[str, set[str]] = defaultdict(set)
    kept: set[str] = set()
    for chunk in chunks(wanted):
        txn.execute(  # erased records have no name, and a list writes nothing of them again
            f"SELECT person_id FROM sferum_people WHERE family_name = '' AND person_id IN ({marks(chunk)})",
            chunk,
        )
        kept.update(str(row[0]) for row in txn)
        txn.execute(
            "SELECT person_id, subject, by_hand FROM sferum_subjects"
            f" WHERE person_id IN ({marks(chunk)})",
            chunk,
        )
        for person_id, subject, hand in txn:
            found[str(person_id)].add(str(subject))
            if hand:
                kept.add(str(person_id))
    return [
        person_id
        for person_id, subjects in wanted.items()
        if person_id not in kept and found[person_id] != subjects
    ]
