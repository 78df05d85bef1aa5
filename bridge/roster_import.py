"""A roster's difference, agreed to and written (R33). The directory plans; here is who may say yes."""

from __future__ import annotations

import enum
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import field, frozen

from bridge.listed import list_contacts, listing_of
from bridge.people import PersonRecord, SourceKey, Status
from bridge.ports_directory import DirectoryRefused
from bridge.records import Action, AuditEntry
from bridge.roles import ADMINISTRATION, Account, OrgId, PersonId, Role
from bridge.school_rights import may_grant
from bridge.services import Services
from provisioning.report import has_changes
from provisioning.roster import Group, Roster

logger = logging.getLogger(__name__)

MOST_ADMINISTRATORS = 200
MOST_NOTED = 50


class ImportRefusal(enum.Enum):
    """Why a roster is not written. The values are stable: logged, counted, kept in the log, tested."""

    STALE = "stale"  # the school has changed since the plan was shown
    UNSAFE = "unsafe"  # over the limit of removals, and nobody has agreed to that
    FORCE_NOT_YOURS = "force_not_yours"  # only director and deputies go past the limit
    LAST_ADMINISTRATOR = "last_administrator"  # R33: cannot be forced
    RIGHTS = "rights"  # it would make or unmake colleagues with rights that `by` may not give
    NOT_TAKEN = "not_taken"  # the module does not accept the document


@frozen(kw_only=True)
class Plan:
    """What the module says, with what concerns the one who asks.

    Attributes:
        granted: whose administrative roles would change: name, the roles given or taken. Always shown.
        rights: of these roles the ones that `by` may not give or take.
    """

    answer: Mapping[str, Any] = field(repr=False)
    granted: tuple[tuple[str, frozenset[Role]], ...] = field(default=(), repr=False)
    rights: frozenset[Role]

    @property
    def hash(self) -> str:
        return str(self.answer.get("plan_hash", ""))

    @property
    def refusal(self) -> ImportRefusal | None:
        if self.rights:
            return ImportRefusal.RIGHTS
        if self.answer.get("refusal") == ImportRefusal.LAST_ADMINISTRATOR.value:
            return ImportRefusal.LAST_ADMINISTRATOR
        safe = self.answer.get("refusal") is None and self.answer.get("safe") is not False
        return None if safe else ImportRefusal.UNSAFE

    @property
    def changes(self) -> bool:
        return has_changes(self.answer)


async def plan_import(by: Account, roster: Roster, *, services: Services) -> Plan | ImportRefusal:
    """The difference, for a person to read. Nothing is written."""
    try:
        answer = await services.directory.plan_roster(by.org_id, roster.to_wire())
    except DirectoryRefused as refused:
        logger.warning("roster not taken org=%s code=%s", by.org_id, refused.errcode)
        return ImportRefusal.NOT_TAKEN
    known = await _concerned(by.org_id, roster, services=services)
    changed = rights_changed(roster, list(known.values()), leaving(answer))
    return Plan(
        answer=answer,
        granted=tuple(sorted(_named(roster, known, changed), key=lambda one: one[0])),
        rights=frozenset[Role]().union(*changed.values()) - may_grant(by),
    )


async def apply_import(
    by: Account, roster: Roster, plan_hash: str, now: datetime, *, force: bool, services: Services
) -> bool | ImportRefusal:
    """Write what was agreed to, then the contacts of the list; whether anything was changed.

    It is planned again for who gets rights by it; the hash makes sure that it is the difference that was shown.
    """
    if force and not by.heads:
        return await _failed(by, ImportRefusal.FORCE_NOT_YOURS, now, services)
    plan = await plan_import(by, roster, services=services)
    if isinstance(plan, ImportRefusal):
        return await _failed(by, plan, now, services)
    if plan.changes and plan.hash != plan_hash:
        return await _failed(by, ImportRefusal.STALE, now, services)
    if plan.rights:
        return await _failed(by, ImportRefusal.RIGHTS, now, services)
    try:
        answer = await services.directory.apply_roster(
            by.org_id, roster.to_wire(), plan_hash, force=force, by=by.user_id
        )
    except DirectoryRefused as refused:
        return await _failed(
            by, REFUSALS.get(refused.errcode, ImportRefusal.NOT_TAKEN), now, services
        )
    await list_contacts(
        by.org_id, listing_of(roster), by.user_id, now, store=services.store, vault=services.vault
    )
    logger.info("roster applied org=%s by=%s forced=%s", by.org_id, by.user_id, force)
    return bool(answer.get("applied"))


#: The module's codes → ours.
REFUSALS = {
    "SFERUM_STALE_PLAN": ImportRefusal.STALE,
    "SFERUM_UNSAFE_PLAN": ImportRefusal.UNSAFE,
    "SFERUM_LAST_ADMINISTRATOR": ImportRefusal.LAST_ADMINISTRATOR,
}


async def note_failure(
    by: Account, why: str, now: datetime, *, since: datetime | None = None, services: Services
) -> None:
    """For the dashboard: somebody tried, and the school's list is still the old one.

    Args:
        since: once for everything from then on: a page of problems is looked at again and again.
    """
    async with services.store.begin() as work:
        if since is not None:
            noted = await work.audit.lately(by.org_id, [Action.ROSTER_FAILED], since, MOST_NOTED)
            if any((one.actor, one.subject) == (by.user_id, why) for one in noted):
                return
        await work.audit.add(
            AuditEntry(
                at=now,
                org_id=by.org_id,
                actor=by.user_id,
                action=Action.ROSTER_FAILED,
                subject=why,
            )
        )


async def _failed(
    by: Account, refusal: ImportRefusal, now: datetime, services: Services
) -> ImportRefusal:
    logger.warning("roster refused org=%s by=%s why=%s", by.org_id, by.user_id, refusal.value)
    await note_failure(by, refusal.value, now, services=services)
    return refusal


async def _concerned(
    org_id: OrgId, roster: Roster, *, services: Services
) -> dict[str, PersonRecord]:
    """Source id → record of everybody who has rights, or would get them by this roster."""
    known: dict[str, PersonRecord] = {}
    for role in sorted(ADMINISTRATION, key=lambda one: one.value):
        found = await services.directory.search(org_id, role=role, limit=MOST_ADMINISTRATORS)
        known |= {p.source_id: p for p in found.people if p.source == roster.source}
    for source_id in _with_rights(roster).keys() - known.keys():
        record = await services.directory.by_source(org_id, SourceKey(roster.source, source_id))
        if record is not None:
            known[source_id] = record
    return known


def _named(
    roster: Roster, known: Mapping[str, PersonRecord], changed: Mapping[str, frozenset[Role]]
) -> Iterator[tuple[str, frozenset[Role]]]:
    names = {source_id: record.full_name for source_id, record in known.items()}
    for person in roster.people:
        if person.source_id in changed:
            names[person.source_id] = f"{person.family_name} {person.given_name}"
    for source_id, roles in changed.items():
        yield names.get(source_id, ""), roles


def leaving(answer: Mapping[str, Any]) -> frozenset[PersonId] | None:
    """Who would leave the school by a plan; None: the plan is too long to say."""
    notes = [note for note in answer.get("changes") or [] if isinstance(note, dict)]
    if int(answer.get("changes_total") or 0) > len(notes):
        return None
    return frozenset(
        PersonId(str(note.get("person_id"))) for note in notes if note.get("kind") == "person_left"
    )


def rights_changed(
    roster: Roster, known: Sequence[PersonRecord], left: frozenset[PersonId] | None
) -> dict[str, frozenset[Role]]:
    """Source id → administrative roles that a roster would give or take. Pure.

    It foretells what the module's `roster_merge` writes. A role by hand outlives a list, whatever the list says, but
    not the person's leaving. Where it cannot be known, the answer is the larger change.
    """
    listed = _with_rights(roster)
    named = {person.source_id for person in roster.people}
    changed: dict[str, frozenset[Role]] = {}
    for record in known:
        before = record.roles & ADMINISTRATION if record.status is not Status.LEFT else frozenset()
        if record.source_id in named:
            after = _rights_listed(record, listed.get(record.source_id, frozenset()), roster.covers)
        else:
            after = _rights_missing(record, before, left, roster.covers)
        changed[record.source_id] = before ^ after
    for source_id in listed.keys() - changed.keys():
        changed[source_id] = listed[source_id]
    return {source_id: roles for source_id, roles in changed.items() if roles}


def _rights_listed(
    record: PersonRecord, new: frozenset[Role], covers: Collection[Group]
) -> frozenset[Role]:
    """Of somebody on the list: lists that say nothing of staff take no post away."""
    if record.roles_by_hand is not None:
        return record.roles & ADMINISTRATION
    return new if Group.STAFF in covers else (record.roles & ADMINISTRATION) | new


def _rights_missing(
    record: PersonRecord,
    before: frozenset[Role],
    left: frozenset[PersonId] | None,
    covers: Collection[Group],
) -> frozenset[Role]:
    """Of somebody whom the list does not name: they leave, lose the post, or are not concerned."""
    by_hand = record.roles_by_hand is not None
    if left is None:
        return frozenset() if by_hand or Group.STAFF in covers else before
    if record.person_id in left:
        return frozenset()
    return before if by_hand or Group.STAFF not in covers else frozenset()


def _with_rights(roster: Roster) -> dict[str, frozenset[Role]]:
    """source id → administrative roles of the list."""
    found = {
        person.source_id: frozenset(Role(role.value) for role in person.roles) & ADMINISTRATION
        for person in roster.people
    }
    return {source_id: roles for source_id, roles in found.items() if roles}
