"""«Это не я»: who decides, what time decides, and what both databases keep of it (R11)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from bridge.contact import Medium
from bridge.dispute import (
    Dispute,
    DisputeId,
    DisputeRefusal,
    DisputeState,
    dispute_refusal,
    is_released,
)
from bridge.ports import Store
from bridge.roles import Account, ClassId, OrgId, Role, UserId
from bridge.texts_dispute import dispute_mail
from tests.bridge.values import CLASS, LOOKUP, MASHA, NOW, SCHOOL, TEACHER

OPEN = Dispute(
    id=DisputeId("d1"),
    org_id=SCHOOL,
    owner=MASHA,
    medium=Medium.MSISDN,
    lookup=LOOKUP,
    opened_at=NOW,
    release_at=NOW + timedelta(days=7),
)
LATER = NOW + timedelta(days=7)


def account(*roles: Role, user_id: str = "x", **facts: object) -> Account:
    return Account(user_id=UserId(user_id), org_id=SCHOOL, roles=frozenset(roles), **facts)  # type: ignore[arg-type] # a table


PUPIL = account(Role.STUDENT, student_in=frozenset({CLASS}))
PARENT = account(Role.GUARDIAN, children_in=frozenset({CLASS}))
CLASS_TEACHER = account(Role.TEACHER, homeroom_of=frozenset({CLASS}))
OTHER_TEACHER = account(Role.TEACHER, homeroom_of=frozenset({ClassId("2Б")}))
ADMINISTRATOR = account(Role.ADMINISTRATOR)
DIRECTOR = account(Role.DIRECTOR)
NO = DisputeRefusal.NOT_YOURS


@pytest.mark.parametrize(
    ("by", "owner", "refusal"),
    [
        (CLASS_TEACHER, PUPIL, None),
        (CLASS_TEACHER, PARENT, None),
        (CLASS_TEACHER, account(Role.TEACHER), NO),
        (CLASS_TEACHER, account(Role.TEACHER, Role.GUARDIAN, children_in=frozenset({CLASS})), NO),
        (CLASS_TEACHER, None, NO),
        (OTHER_TEACHER, PUPIL, NO),
        (PUPIL, PARENT, NO),
        (ADMINISTRATOR, PUPIL, None),
        (ADMINISTRATOR, account(Role.TEACHER), None),
        (ADMINISTRATOR, None, None),
        (ADMINISTRATOR, DIRECTOR, NO),
        (DIRECTOR, account(Role.DEPUTY), None),
        (evolve(DIRECTOR, org_id=OrgId("elsewhere")), PUPIL, NO),
        (evolve(DIRECTOR, user_id=MASHA), PUPIL, NO),
    ],
)
def test_who_decides(by: Account, owner: Account | None, refusal: DisputeRefusal | None) -> None:
    """The class teacher of a pupil or parent, administration; on administration itself the heads only."""
    assert dispute_refusal(by, OPEN, owner) is refusal


def test_a_decision_is_made_once() -> None:
    """Whoever comes second is told so; a stranger is not."""
    decided = OPEN.decide(TEACHER, True, NOW)
    assert (decided.state, decided.decided_by) == (DisputeState.RELEASED, TEACHER)
    assert dispute_refusal(DIRECTOR, decided, PUPIL) is DisputeRefusal.DECIDED
    assert dispute_refusal(OTHER_TEACHER, decided, PUPIL) is NO


def test_what_time_decides() -> None:
    """After its days, if nobody has answered, and never about a colleague."""
    assert is_released(OPEN, PUPIL, LATER)
    assert is_released(OPEN, None, LATER)
    assert not is_released(OPEN, PUPIL, LATER - timedelta(seconds=1))
    assert not is_released(OPEN, CLASS_TEACHER, LATER)
    assert not is_released(OPEN.decide(MASHA, False, NOW), PUPIL, LATER)


async def test_disputes_are_kept(store: Store) -> None:
    """By owner, by school, by time; a decision is taken once, and stays."""
    other = evolve(OPEN, id=DisputeId("d2"), owner=TEACHER, org_id=OrgId("elsewhere"))
    async with store.begin() as work:
        await work.disputes.add(OPEN)
        await work.disputes.add(other)
    async with store.begin() as work:
        assert await work.disputes.get(OPEN.id) == OPEN
        assert await work.disputes.get(DisputeId("none")) is None
        assert await work.disputes.of_owner(MASHA) == [OPEN]
        assert await work.disputes.open_of(SCHOOL) == [OPEN]
        assert await work.disputes.due(LATER - timedelta(seconds=1)) == []
        assert await work.disputes.due(LATER) == [OPEN, other]
    kept = OPEN.decide(MASHA, False, NOW)
    async with store.begin() as work:
        assert await work.disputes.decide(kept)
        assert not await work.disputes.decide(OPEN.decide(None, True, NOW))
    async with store.begin() as work:
        assert await work.disputes.get(OPEN.id) == kept
        assert await work.disputes.open_of(SCHOOL) == []
        assert await work.disputes.due(LATER) == [other]


@pytest.mark.parametrize("language", ["ru", "en", "xx"])
def test_the_mail_names_nobody(language: str) -> None:
    """The days and where to answer; neither the number nor who asks."""
    mail = dispute_mail("https://school.example", 7, language)
    assert "https://school.example" in mail.text
    assert "7" in mail.text
    assert "+7" not in mail.text
