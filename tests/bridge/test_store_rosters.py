"""What the administration's pages keep: uploads, headings, lists given up (memory, SQLite, PostgreSQL)."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from bridge.ports import Store
from bridge.records import (
    Action,
    AuditEntry,
    RosterUpload,
    Sealed,
    StepsId,
    StepsItem,
    UploadId,
)
from bridge.roles import OrgId
from tests.bridge.values import MASHA, MOTHER, NOW, SCHOOL

OTHER = OrgId("other")
UPLOAD = RosterUpload(
    id=UploadId("u1"),
    org_id=SCHOOL,
    user_id=MASHA,
    sealed=Sealed(b"files"),
    expires_at=NOW + timedelta(hours=1),
)
LIST = StepsItem(
    id=StepsId("s1"),
    user_id=MASHA,
    payload=Sealed(b"steps"),
    made_at=NOW,
    due_at=NOW,
    org_id=SCHOOL,
)


async def test_an_upload_is_of_one_school_and_of_one_hour(store: Store) -> None:
    """Nobody of another school finds it, and nobody later."""
    async with store.begin() as work:
        await work.uploads.put(UPLOAD)
        assert await work.uploads.get(UPLOAD.id, SCHOOL, NOW) == UPLOAD
        assert await work.uploads.get(UPLOAD.id, OTHER, NOW) is None
        assert await work.uploads.get(UPLOAD.id, SCHOOL, UPLOAD.expires_at) is None
        assert await work.uploads.purge(UPLOAD.expires_at) == 1
        assert await work.uploads.get(UPLOAD.id, SCHOOL, NOW) is None


async def test_a_new_upload_takes_the_place_of_the_old_one(store: Store) -> None:
    """One account's uploads do not pile up; another account's stays."""
    theirs = evolve(UPLOAD, id=UploadId("u2"), user_id=MOTHER)
    again = evolve(UPLOAD, id=UploadId("u3"))
    async with store.begin() as work:
        for one in (UPLOAD, theirs, again):
            await work.uploads.put(one)
        assert await work.uploads.get(UPLOAD.id, SCHOOL, NOW) is None
        assert await work.uploads.get(theirs.id, SCHOOL, NOW) == theirs
        await work.uploads.end(again.id)
        assert await work.uploads.get(again.id, SCHOOL, NOW) is None


async def test_headings_are_kept_per_school(store: Store) -> None:
    """What is said last counts."""
    async with store.begin() as work:
        assert await work.mappings.get(SCHOOL) is None
        await work.mappings.put(SCHOOL, Sealed(b"one"))
        await work.mappings.put(SCHOOL, Sealed(b"two"))
        assert await work.mappings.get(SCHOOL) == b"two"
        assert await work.mappings.get(OTHER) is None


async def test_lists_given_up_are_shown_to_their_school(store: Store) -> None:
    """With the word of what went wrong; dismissed, they are gone."""
    async with store.begin() as work:
        await work.steps.add(LIST)
        assert await work.steps.dead(SCHOOL, 10) == []
        assert await work.steps.dismiss(SCHOOL, LIST.id) is None
        await work.steps.give_up(LIST.id, NOW, "no_person")
        (dead,) = await work.steps.dead(SCHOOL, 10)
        assert (dead.id, dead.user_id, dead.failure, dead.given_up_at) == (
            LIST.id,
            MASHA,
            "no_person",
            NOW,
        )
        assert await work.steps.dead(OTHER, 10) == []
        assert await work.steps.dismiss(OTHER, LIST.id) is None
        assert await work.steps.dismiss(SCHOOL, LIST.id) == MASHA
        assert await work.steps.dead(SCHOOL, 10) == []


async def test_recent_entries_are_found_by_their_word(store: Store) -> None:
    """Of the school and of the whole service, not of another school, the newest first."""

    def entry(org_id: OrgId | None, action: Action, minutes: int) -> AuditEntry:
        at = NOW + timedelta(minutes=minutes)
        return AuditEntry(at=at, org_id=org_id, actor="limits", action=action, subject="budget")

    stopped, failed = Action.SENDING_STOPPED, Action.ROSTER_FAILED
    entries = [
        entry(None, stopped, 0),
        entry(None, stopped, 1),
        entry(SCHOOL, failed, 2),
        entry(OTHER, failed, 3),
        entry(SCHOOL, Action.INVITE_ISSUED, 4),
    ]
    async with store.begin() as work:
        for one in entries:
            await work.audit.add(one)
        found = await work.audit.lately(SCHOOL, [stopped, failed], NOW, 10)
        assert found == [entries[2], entries[1]]
        assert await work.audit.lately(SCHOOL, [stopped, failed], NOW, 1) == [entries[2]]


async def test_a_plan_of_the_year_is_the_schools_own(store: Store) -> None:
    """One for each school: a new one takes its place, another school has none, and it ends."""
    async with store.begin() as work:
        assert await work.years.get(SCHOOL, locked=True) is None
        await work.years.put(SCHOOL, Sealed(b"first"))
        await work.years.put(SCHOOL, Sealed(b"second"))
        assert await work.years.get(SCHOOL, locked=True) == b"second"
        assert await work.years.get(OTHER) is None
    async with store.begin() as work:
        await work.years.end(SCHOOL)
        assert await work.years.get(SCHOOL) is None
