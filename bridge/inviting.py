"""The use cases of invites: issue, show, revoke (R8, R9, R10)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from attrs import field, frozen

from bridge.invite import (
    EMAIL_SIGNUP_MAX_GRADE,
    WITH_CODE,
    Invite,
    InviteId,
    InviteRefusal,
    IssueRefusal,
    Order,
    issue,
    issue_refusal,
    may_issue,
    new_invite_code,
    new_token,
    token_hash,
)
from bridge.ports import Repositories, Store
from bridge.records import Action, AuditEntry
from bridge.roles import Account

logger = logging.getLogger(__name__)


@frozen
class Issued:
    """The only moment at which the token is known: it goes into the link and is forgotten."""

    invite: Invite
    token: str = field(repr=False)
    code: str = field(repr=False, default="")  # for kinds of WITH_CODE


async def issue_invite(
    by: Account,
    order: Order,
    now: datetime,
    *,
    store: Store,
    new_id: Callable[[], str],
    random_bytes: Callable[[int], bytes],
    below: Callable[[int], int],
    email_signup_max_grade: int = EMAIL_SIGNUP_MAX_GRADE,
) -> Issued | IssueRefusal:
    """Make an invite, if `by` may (R9: administration, or the class teacher of this class)."""
    async with store.begin() as work:
        return await issue_in(
            work,
            by,
            order,
            now,
            new_id=new_id,
            random_bytes=random_bytes,
            below=below,
            email_signup_max_grade=email_signup_max_grade,
        )


async def issue_in(
    work: Repositories,
    by: Account,
    order: Order,
    now: datetime,
    *,
    new_id: Callable[[], str],
    random_bytes: Callable[[int], bytes],
    below: Callable[[int], int],
    email_signup_max_grade: int = EMAIL_SIGNUP_MAX_GRADE,
) -> Issued | IssueRefusal:
    """The same inside a transaction that does more: a new card in place of a lost one."""
    refusal = issue_refusal(by, order, email_signup_max_grade)
    if refusal is not None:
        logger.warning("invite refused by=%s why=%s", by.user_id, refusal.value)
        return refusal
    token = new_token(random_bytes)
    code = new_invite_code(below) if order.kind in WITH_CODE else ""
    made = issue(InviteId(new_id()), token, order, by, now, code)
    await work.invites.add(made)
    await work.audit.add(_entry(by, Action.INVITE_ISSUED, made, now))
    logger.info("invite issued invite=%s kind=%s by=%s", made.id, made.kind.value, by.user_id)
    return Issued(made, token, code)


async def open_invite(token: str, now: datetime, *, store: Store) -> Invite | InviteRefusal:
    """The invite behind a link. Looking does not use it up: messengers open links for a preview."""
    async with store.begin() as work:
        found = await work.invites.by_token(token_hash(token))
    if found is None:
        return InviteRefusal.UNKNOWN
    return found.refusal(now) or found


async def revoke_invite(
    by: Account, invite_id: InviteId, now: datetime, *, store: Store
) -> IssueRefusal | None:
    """R10, R20: the link is dead at once. Whoever could issue it may revoke it, also after a colleague."""
    async with store.begin() as work:
        found = await work.invites.get(invite_id)
        if found is None or not _may_revoke(by, found):
            return IssueRefusal.NOT_YOURS  # one answer for "no such" and "not yours"
        await revoke_in(work, by, found, now)
    return None


async def revoke_in(work: Repositories, by: Account, invite: Invite, now: datetime) -> None:
    """The same inside a transaction that does more, by somebody who may. Twice is once."""
    if await work.invites.revoke(invite.id, now):
        await work.audit.add(_entry(by, Action.INVITE_REVOKED, invite, now))
        logger.info("invite revoked invite=%s by=%s", invite.id, by.user_id)


def _may_revoke(by: Account, invite: Invite) -> bool:
    return may_issue(
        by,
        org_id=invite.org_id,
        kind=invite.kind,
        class_id=invite.class_id,
        person_id=invite.person_id,
    )


def _entry(by: Account, action: Action, invite: Invite, now: datetime) -> AuditEntry:
    return AuditEntry(
        at=now, org_id=invite.org_id, actor=by.user_id, action=action, subject=invite.id
    )
