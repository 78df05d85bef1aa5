"""What a teacher teaches, for the district's rooms by subject (ADR 30): from the list, or as the school says."""

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
from synapse_sferum.roster import MAX_SUBJECTS
from synapse_sferum.subject_rows import listed_txn, write_txn


async def get_subjects(services: Services, call: Call) -> tuple[int, Any]:
    """Of one person."""
    return 200, await services.directory.read(_told_txn, call)


async def put_subjects(services: Services, call: Call) -> tuple[int, Any]:
    """Replace them; null goes back to the list's, from its next import on. The same again writes nothing."""
    call.only("subjects")
    if "subjects" not in call.body:
        raise BadField("subjects", "is missing; null goes back to the list's")
    by_hand = call.body["subjects"] is not None
    words = [subject_word(text) for text in call.texts("subjects")] if by_hand else []
    if not all(words) or len(words) > MAX_SUBJECTS:
        raise BadField("subjects", f"must be at most {MAX_SUBJECTS} names of 1 to 60 characters")
    wanted = sorted(set(words))

    def put_subjects_txn(txn: LoggingTransaction) -> str | None:
        person_id, now_ms = call.params["person_id"], services.now_ms()
        told = _told_txn(txn, call)
        if (told["subjects"], told["by_hand"]) == (wanted, by_hand):
            return None
        if not by_hand and not told["by_hand"]:
            return None
        touch_txn(txn, call.org_id, now_ms)
        write_txn(txn, person_id, wanted, by_hand=by_hand)
        before, after = ", ".join(told["subjects"]), ", ".join(wanted)
        entry = AuditEntry(call.actor.name, "subjects", person_id, before, after)
        append_audit_txn(txn, call.org_id, [entry], now_ms)
        person = person_txn(txn, call.org_id, person_id)
        return None if person is None else person.user_id

    touched = await services.directory.read(put_subjects_txn)
    if touched is not None:
        await services.facts.forget_subjects(touched)
    return 200, await services.directory.read(_told_txn, call)


def forget_subjects_txn(txn: LoggingTransaction, person_id: str) -> None:
    """With the record that is erased."""
    write_txn(txn, person_id, (), by_hand=False)


def _told_txn(txn: LoggingTransaction, call: Call) -> dict[str, Any]:
    """What a person of this school teaches."""
    if person_txn(txn, call.org_id, call.params["person_id"]) is None:
        raise not_found()
    subjects, by_hand = listed_txn(txn, call.params["person_id"])
    return {"subjects": subjects, "by_hand": by_hand}
