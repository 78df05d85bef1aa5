"""A pupil's phone is somebody else's now: the class teacher takes it off the account and prints a card.

Nobody is shown what the contact was. Whoever has the old phone, the old password or a signed-in device is out at
once; the pupil comes back with the card. Staff and parents: administration, elsewhere.
"""

from __future__ import annotations

import base64
import enum
import logging

from attrs import frozen

from bridge.cards import Desk, make_slips_in
from bridge.invite import InviteKind, IssueRefusal
from bridge.people import PersonRecord, Roll
from bridge.records import Action, AuditEntry, StepsId
from bridge.roles import Account, ClassId, PersonId, Role
from bridge.sheets import SheetId
from bridge.steps import SetPassword, Steps, WriteContacts
from bridge.writer import enqueue

logger = logging.getLogger(__name__)

#: Of the password that nobody knows.
PASSWORD_BYTES = 24


class ResetRefusal(enum.Enum):
    """Why a contact is not reset. The values are stable: logged, counted, tested."""

    NOT_YOURS = "not_yours"
    NO_ACCOUNT = "no_account"  # not in yet: a card is all that is needed
    NOT_ONLY_A_PUPIL = "not_only_a_pupil"  # the account is a member of staff or a parent, too (R32)


@frozen
class Reset:
    """Done in the bridge; the list of steps does it in Synapse."""

    sheet_id: SheetId
    steps_id: StepsId


def reset_refusal(
    by: Account, class_id: ClassId, pupil: PersonRecord | None, account: Account | None
) -> ResetRefusal | None:
    """Why `by` may not. `pupil` is of the class; `account` is what the directory says of theirs. Pure."""
    if pupil is None or not (by.administers or by.leads(class_id)):
        return ResetRefusal.NOT_YOURS
    if not pupil.active or account is None or account.org_id != by.org_id:
        return ResetRefusal.NO_ACCOUNT
    if account.roles != frozenset({Role.STUDENT}):
        return ResetRefusal.NOT_ONLY_A_PUPIL
    return None


async def reset_contacts(
    desk: Desk, roll: Roll, person_id: PersonId
) -> Reset | ResetRefusal | IssueRefusal:
    """Contacts free, browsers and devices signed out, the old password dead, a new card: all or nothing."""
    services, by, now = desk.services, desk.by, desk.now
    pupil = next((one for one in roll.students if one.person.person_id == person_id), None)
    user_id = None if pupil is None else pupil.person.user_id
    account = None if user_id is None else await services.directory.account(user_id)
    record = None if pupil is None else pupil.person
    refusal = reset_refusal(by, roll.class_id, record, account)
    if refusal is not None or pupil is None or user_id is None:
        why = refusal or ResetRefusal.NO_ACCOUNT
        logger.warning("contact reset refused by=%s why=%s", by.user_id, why.value)
        return why
    steps = Steps(
        user_id=user_id,
        org_id=by.org_id,
        by=by.user_id,
        steps=(
            SetPassword(base64.b64encode(services.random_bytes(PASSWORD_BYTES)).decode()),
            WriteContacts(),
        ),
    )
    async with services.store.begin() as work:
        sheet_id = await make_slips_in(work, desk, roll, InviteKind.CARD, [pupil])
        if isinstance(sheet_id, IssueRefusal):
            return sheet_id
        released = await work.contacts.release(user_id, now)
        await work.profiles.end(user_id)
        await work.sessions.end_all(user_id)
        await work.audit.add(
            AuditEntry(
                at=now,
                org_id=by.org_id,
                actor=by.user_id,
                action=Action.CONTACT_RELEASED,
                subject=user_id,
            )
        )
        steps_id = await enqueue(work, steps, now, services.vault, services.chance)
    logger.info("contacts reset account=%s by=%s count=%s", user_id, by.user_id, released)
    return Reset(sheet_id, steps_id)
