"""What a teacher teaches, for the district's rooms by subject (ADR 30). Lists do not say it, so the school does."""

from __future__ import annotations

from typing import Any

from synapse.module_api import LoggingTransaction

from synapse_sferum.api.call import BadField, Call
from synapse_sferum.api.services import Services
from synapse_sferum.audit import AuditEntry
from synapse_sferum.directory_rows import append_audit_txn, touch_txn
from synapse_sferum.district.register import subject_word
from synapse_sferum.edits import not_found
from synapse_sferum.people_rows import person_txn

#: Subjects of one person; ours.
MOST_SUBJECTS = 20


async def get_subjects(services: Services, call: Call) -> tuple[int, Any]:
    """Of one person."""

    def get_subjects_txn(txn: LoggingTransaction) -> list[str]:
        return _known_txn(txn, call)[1]

    return 200, {"subjects": await services.directory.read(get_subjects_txn)}


async def put_subjects(services: Services, call: Call) -> tuple[int, Any]:
    """Replace them; the same again writes nothing."""
    call.only("subjects")
    words = [subject_word(text) for text in call.texts("subjects")]
    if not all(words) or len(words) > MOST_SUBJECTS:
        raise BadField(
            "subjects", f"must be at most {MOST_SUBJECTS} names of at most 60 characters"
        )
    wanted = sorted(set(words))

    def put_subjects_txn(txn: LoggingTransaction) -> str | None:
        user_id, before = _known_txn(txn, call)
        if before == wanted:
            return None
        person_id, now_ms = call.params["person_id"], services.now_ms()
        touch_txn(txn, call.org_id, now_ms)
        txn.execute("DELETE FROM sferum_subjects WHERE person_id = ?", (person_id,))
        for subject in wanted:
            txn.execute(
                "INSERT INTO sferum_subjects (person_id, subject) VALUES (?, ?)",
                (person_id, subject),
            )
        entry = AuditEntry(
            call.actor.name, "subjects", person_id, ", ".join(before), ", ".join(wanted)
        )
        append_audit_txn(txn, call.org_id, [entry], now_ms)
        return user_id

    touched = await services.directory.read(put_subjects_txn)
    if touched is not None:
        await services.facts.forget_subjects(touched)
    return 200, {"subjects": wanted}


def forget_subjects_txn(txn: LoggingTransaction, person_id: str) -> None:
    """With the record that is erased."""
    txn.execute("DELETE FROM sferum_subjects WHERE person_id = ?", (person_id,))


def _known_txn(txn: LoggingTransaction, call: Call) -> tuple[str | None, list[str]]:
    """The account (None without one) and the subjects of a person of this school."""
    person_id = call.params["person_id"]
    person = person_txn(txn, call.org_id, person_id)
    if person is None:
        raise not_found()
    txn.execute("SELECT subject FROM sferum_subjects WHERE person_id = ?", (person_id,))
    return person.user_id, sorted(str(row[0]) for row in txn)
