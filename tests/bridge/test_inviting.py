"""Invites through the use cases: issued, opened, revoked (R9, R10, R20)."""

from __future__ import annotations

import pytest
from attrs import evolve

from bridge.invite import (
    Invite,
    InviteId,
    InviteRefusal,
    IssueRefusal,
    Order,
    read_invite_code,
    shown_code,
    token_hash,
)
from bridge.inviting import Issued, issue_invite, open_invite, revoke_invite
from bridge.records import Action
from bridge.roles import Account
from tests.bridge.memory import MemoryStore
from tests.bridge.test_invite import (
    CLASS_TEACHER,
    DIRECTOR,
    NAMED,
    NOW,
    OTHERS_TEACHER,
    PUPILS,
    SCHOOL,
    STRANGER,
    SUBJECT_TEACHER,
)


@pytest.fixture
async def memory() -> MemoryStore:
    return MemoryStore()


async def issued(
    store: MemoryStore, by: Account = CLASS_TEACHER, order: Order = PUPILS
) -> Issued | IssueRefusal:
    return await issue_invite(
        by,
        order,
        NOW,
        store=store,
        new_id=lambda: "i1",
        random_bytes=lambda n: b"r" * n,
        below=lambda n: n // 2,
    )


async def test_a_link_opens_what_was_ordered(
    memory: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The token is in the link alone: not in the table, not in the log. Looking does not use it up."""
    made = await issued(memory)
    assert isinstance(made, Issued)

    assert await open_invite(made.token, NOW, store=memory) == made.invite
    assert await open_invite(made.token, NOW, store=memory) == made.invite
    assert (
        await open_invite(made.token, made.invite.expires_at, store=memory) is InviteRefusal.EXPIRED
    )
    assert await open_invite("guess", NOW, store=memory) is InviteRefusal.UNKNOWN
    assert made.token not in f"{caplog.text} {made!r} {memory.kept!r}"


@pytest.mark.parametrize(
    "by", [SUBJECT_TEACHER, OTHERS_TEACHER, STRANGER], ids=lambda by: str(by.user_id)
)
async def test_others_issue_and_revoke_nothing(memory: MemoryStore, by: Account) -> None:
    """R9; and they do not learn whether the invite exists."""
    assert await issued(memory, by) is IssueRefusal.NOT_YOURS
    assert await issued(memory) != IssueRefusal.NOT_YOURS
    for name in ("i1", "none"):
        refusal = await revoke_invite(by, InviteId(name), NOW, store=memory)
        assert refusal is IssueRefusal.NOT_YOURS
    assert isinstance(await open_invite_one(memory), Invite)


async def open_invite_one(memory: MemoryStore) -> Invite | None:
    async with memory.begin() as work:
        return await work.invites.get(InviteId("i1"))


async def test_a_revoked_link_is_gone(memory: MemoryStore) -> None:
    """R10; the director may revoke the class teacher's, and twice is once."""
    made = await issued(memory)
    assert isinstance(made, Issued)
    for _ in range(2):
        assert await revoke_invite(DIRECTOR, made.invite.id, NOW, store=memory) is None

    assert await open_invite(made.token, NOW, store=memory) is InviteRefusal.REVOKED
    actions = [entry.action for entry in await memory.kept.audit.of_org(SCHOOL, 10)]
    assert actions == [Action.INVITE_REVOKED, Action.INVITE_ISSUED]


async def test_a_wrong_order_leaves_nothing(memory: MemoryStore) -> None:
    """No row, no line in the log of actions."""
    assert await issued(memory, order=evolve(PUPILS, max_uses=0)) is IssueRefusal.USES
    assert memory.kept.invites.rows == {}
    assert memory.kept.audit.rows == []


async def test_a_class_has_a_code_to_be_typed(memory: MemoryStore) -> None:
    """Nine digits in any grouping open the same invite as the link; a named pupil's invite has none."""
    made = await issued(memory)
    assert isinstance(made, Issued)
    assert shown_code(made.code) == "500 000 000"

    code = read_invite_code(" 500-000 000")
    assert code == made.code
    async with memory.begin() as work:
        assert await work.invites.by_code(token_hash(code)) == made.invite
    for typed in ("", "50000000", "5000000000", "50000000x", "５００００００００"):
        assert read_invite_code(typed) is None

    personal = await issued(MemoryStore(), order=NAMED)
    assert isinstance(personal, Issued)
    assert (personal.code, personal.invite.code_hash) == ("", None)
