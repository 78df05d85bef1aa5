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


def write_listed_txn(txn: LoggingTransaction, org_id: str, roster: Roster) -> set[str]:
    """Take over what a list of staff says; what was set by hand stays. Nothing is written when nothing differs (R21).

    Returns:
        Accounts whose subjects are others now; "" for people without one.
    """
    if "staff" not in roster.covers:
        return set()
    wanted = {
        person_id_of(OrgId(org_id), roster.source, listed.source_id): set(listed.subjects)
        for listed in roster.people.values()
    }
    found: dict[str, set[str]] = defaultdict(set)
    by_hand = set()
    accounts: dict[str, str] = {}
    for chunk in chunks(wanted):
        txn.execute(
            "SELECT p.person_id, p.user_id, s.subject, s.by_hand FROM sferum_people AS p"
            " LEFT JOIN sferum_subjects AS s ON s.person_id = p.person_id"
            f" WHERE p.person_id IN ({marks(chunk)})",
            chunk,
        )
        for person_id, user_id, subject, hand in txn:
            accounts[str(person_id)] = user_id or ""
            if subject is not None:
                found[str(person_id)].add(str(subject))
            if hand:
                by_hand.add(str(person_id))
    changed = set()
    for person_id, subjects in wanted.items():
        if person_id in by_hand or person_id not in accounts or found[person_id] == subjects:
            continue
        write_txn(txn, person_id, subjects, by_hand=False)
        changed.add(accounts[person_id])
    return changed
