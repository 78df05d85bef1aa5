"""The store of the bridge in memory. It passes the same tests as the databases (test_store.py)."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from attrs import define, evolve, field

from bridge.application import ERASED, Application, ApplicationId, State
from bridge.contact import Medium
from bridge.dispute import Dispute, DisputeId, DisputeState
from bridge.invite import Invite, InviteId
from bridge.ports import Repositories, WriterTurn
from bridge.records import (
    NOWHERE,
    Action,
    AuditEntry,
    BoundContact,
    CalendarFeed,
    CardId,
    CardKind,
    Chain,
    ContactId,
    DeadSteps,
    Departure,
    FeedHash,
    ListedContact,
    Lookup,
    OutboxId,
    OutboxItem,
    RosterUpload,
    Sealed,
    Session,
    SessionHash,
    StaffCard,
    StepsId,
    StepsItem,
    StepsState,
    UploadId,
)
from bridge.roles import ClassId, OrgId, PersonId, UserId
from bridge.verification import ChallengeId


@define
class MemoryContacts:
    rows: list[BoundContact] = field(factory=list)

    async def claim(self, contact: BoundContact) -> bool:
        if await self.owner(contact.medium, contact.lookup, contact.org_id) is not None:
            return False
        self.rows.append(contact)
        return True

    async def owner(self, medium: Medium, lookup: Lookup, org_id: OrgId) -> UserId | None:
        found = await self.holders(medium, lookup)
        return next((one.user_id for one in found if one.org_id in {org_id, NOWHERE}), None)

    async def holders(self, medium: Medium, lookup: Lookup) -> list[BoundContact]:
        found = [
            row
            for row in self.rows
            if (row.medium, row.lookup, row.released_at) == (medium, lookup, None)
        ]
        return sorted(found, key=lambda one: (one.verified_at, one.id))

    async def heirs(self, user_id: UserId) -> list[UserId]:
        gone = {
            (row.medium, row.lookup)
            for row in self.rows
            if row.user_id == user_id and row.released_at is not None
        }
        first = [await self.holders(medium, lookup) for medium, lookup in gone]
        return sorted({found[0].user_id for found in first if found} - {user_id})

    async def of_account(self, user_id: UserId) -> list[BoundContact]:
        return [row for row in self.rows if row.user_id == user_id and row.released_at is None]

    async def was_of(self, medium: Medium, lookup: Lookup, user_id: UserId) -> bool:
        return any(
            (row.medium, row.lookup, row.user_id) == (medium, lookup, user_id) and row.released_at
            for row in self.rows
        )

    async def release_one(self, contact_id: ContactId, now: datetime) -> bool:
        for number, row in enumerate(self.rows):
            if row.id == contact_id and row.released_at is None:
                self.rows[number] = evolve(row, released_at=now, sealed=None)
                return True
        return False

    async def release(self, user_id: UserId, now: datetime) -> int:
        mine = await self.of_account(user_id)
        kept = [row for row in self.rows if row not in mine]
        self.rows = [*kept, *(evolve(row, released_at=now, sealed=None) for row in mine)]
        return len(mine)


@define
class MemoryChallenges:
    rows: dict[ChallengeId, Chain] = field(factory=dict)

    async def add(self, chain: Chain) -> None:
        self.rows[chain.challenge.id] = chain

    async def get(self, challenge_id: ChallengeId) -> Chain | None:
        return self.rows.get(challenge_id)

    async def take_try(self, challenge_id: ChallengeId) -> Chain | None:
        chain = self.rows.get(challenge_id)
        if chain is None or chain.challenge.tries_left <= 0 or chain.challenge.passed_at:
            return None
        return self._change(chain, tries_left=chain.challenge.tries_left - 1)

    async def save_resend(self, chain: Chain) -> bool:
        kept, new = self.rows[chain.challenge.id], chain.challenge
        if kept.challenge.sent != new.sent - 1:
            return False
        self._change(kept, sent=new.sent, last_sent_at=new.last_sent_at, codes=new.codes)
        return True

    async def mark_passed(self, challenge_id: ChallengeId, now: datetime) -> bool:
        chain = self.rows[challenge_id]
        if chain.challenge.passed_at is not None:
            return False
        self._change(chain, passed_at=now)
        return True

    async def purge(self, before: datetime) -> int:
        old = [key for key, row in self.rows.items() if row.challenge.last_sent_at < before]
        for key in old:
            del self.rows[key]
        return len(old)

    def _change(self, chain: Chain, **changes: Any) -> Chain:
        changed = evolve(chain, challenge=evolve(chain.challenge, **changes))
        self.rows[chain.challenge.id] = changed
        return changed


@define
class MemoryInvites:
    rows: dict[InviteId, Invite] = field(factory=dict)

    async def add(self, invite: Invite) -> None:
        self.rows[invite.id] = invite

    async def get(self, invite_id: InviteId) -> Invite | None:
        return self.rows.get(invite_id)

    async def by_token(self, token_hash: bytes) -> Invite | None:
        return next((row for row in self.rows.values() if row.token_hash == token_hash), None)

    async def by_code(self, code_hash: bytes) -> Invite | None:
        return next((row for row in self.rows.values() if row.code_hash == code_hash), None)

    async def live(
        self,
        org_id: OrgId,
        now: datetime,
        *,
        class_id: ClassId | None = None,
        person_id: PersonId | None = None,
    ) -> list[Invite]:
        found = [
            row
            for row in self.rows.values()
            if row.org_id == org_id
            and row.refusal(now) is None
            and class_id in {None, row.class_id}
            and person_id in {None, row.person_id}
        ]
        return sorted(found, key=lambda row: (row.expires_at, row.id))

    async def use(self, invite_id: InviteId, now: datetime) -> bool:
        invite = self.rows[invite_id]
        if invite.refusal(now) is not None:
            return False
        self.rows[invite_id] = evolve(invite, used=invite.used + 1)
        return True

    async def revoke(self, invite_id: InviteId, now: datetime) -> bool:
        if self.rows[invite_id].revoked_at is not None:
            return False
        self.rows[invite_id] = evolve(self.rows[invite_id], revoked_at=now)
        return True


@define
class MemoryApplications:
    rows: dict[ApplicationId, tuple[Application, Sealed | None]] = field(factory=dict)

    async def add(self, application: Application, form: Sealed) -> None:
        self.rows[application.id] = (application, form)

    async def get(self, application_id: ApplicationId) -> Application | None:
        return self.rows[application_id][0] if application_id in self.rows else None

    async def form(self, application_id: ApplicationId) -> Sealed | None:
        return self.rows[application_id][1] if application_id in self.rows else None

    async def move(self, old: Application, new: Application) -> bool:
        kept, form = self.rows[old.id]
        if kept.state is not old.state:
            return False
        self.rows[old.id] = (new, None if new.state in ERASED else form)
        return True

    async def waiting(self, org_id: OrgId) -> list[Application]:
        rows = [row for row, _ in self.rows.values()]
        return [row for row in rows if row.org_id == org_id and row.state is State.NEW]

    async def waiting_of(self, repeat_hash: bytes) -> list[Application]:
        rows = [row for row, _ in self.rows.values()]
        return [row for row in rows if row.repeat_hash == repeat_hash and row.state is State.NEW]

    async def rejections(self, repeat_hash: bytes) -> list[datetime]:
        no = [row for row, _ in self.rows.values() if row.state is State.REJECTED]
        return [row.decided_at for row in no if row.repeat_hash == repeat_hash and row.decided_at]

    async def of_applicant(self, user_id: UserId) -> list[Application]:
        rows = [row for row, _ in self.rows.values() if row.applicant == user_id]
        return sorted(rows, key=lambda row: row.submitted_at, reverse=True)

    async def in_state(self, state: State, before: datetime) -> list[Application]:
        rows = [row for row, _ in self.rows.values()]
        found = [row for row in rows if row.state is state and row.submitted_at < before]
        return sorted(found, key=lambda row: (row.submitted_at, row.id))


@define
class MemorySessions:
    rows: dict[SessionHash, Session] = field(factory=dict)

    async def add(self, session: Session) -> None:
        self.rows[session.hash] = session

    async def get(self, session_hash: SessionHash, now: datetime) -> Session | None:
        found = self.rows.get(session_hash)
        return found if found is not None and now < found.expires_at else None

    async def end(self, session_hash: SessionHash) -> None:
        self.rows.pop(session_hash, None)

    async def end_all(self, user_id: UserId) -> int:
        mine = [key for key, row in self.rows.items() if row.user_id == user_id]
        for key in mine:
            del self.rows[key]
        return len(mine)

    async def purge(self, now: datetime) -> int:
        old = [key for key, row in self.rows.items() if row.expires_at <= now]
        for key in old:
            del self.rows[key]
        return len(old)


@define
class MemoryOutbox:
    rows: dict[OutboxId, OutboxItem] = field(factory=dict)

    async def add(self, item: OutboxItem) -> None:
        self.rows[item.id] = item

    async def take_due(self, now: datetime, lease_until: datetime, most: int) -> list[OutboxItem]:
        due = sorted(
            (item for item in self.rows.values() if item.due_at <= now),
            key=lambda item: (item.due_at, item.id),
        )[:most]
        for item in due:
            self.rows[item.id] = evolve(item, due_at=lease_until, tries=item.tries + 1)
        return [self.rows[item.id] for item in due]

    async def done(self, item_id: OutboxId) -> None:
        self.rows.pop(item_id, None)

    async def postpone(self, item: OutboxItem, due_at: datetime) -> None:
        self.rows[item.id] = evolve(self.rows[item.id], due_at=due_at)


@define
class MemoryStepsRow:
    item: StepsItem
    state: StepsState = StepsState.WAITING
    failure: str = ""
    done_at: datetime | None = None


@define
class MemorySteps:
    rows: dict[StepsId, MemoryStepsRow] = field(factory=dict)

    async def add(self, item: StepsItem) -> None:
        self.rows[item.id] = MemoryStepsRow(item)

    async def take_due(self, now: datetime, lease_until: datetime, most: int) -> list[StepsItem]:
        oldest: dict[UserId, MemoryStepsRow] = {}
        for row in self.rows.values():
            if row.state is StepsState.WAITING:
                oldest.setdefault(row.item.user_id, row)
        due = [row for row in oldest.values() if row.item.due_at <= now][:most]
        for row in due:
            row.item = evolve(row.item, due_at=lease_until, tries=row.item.tries + 1)
        return [row.item for row in due]

    async def take_back(self, now: datetime) -> int:
        later = [
            row
            for row in self.rows.values()
            if row.state is StepsState.WAITING and row.item.due_at > now
        ]
        for row in later:
            row.item = evolve(row.item, due_at=now)
        return len(later)

    async def done(self, steps_id: StepsId, now: datetime) -> None:
        row = self.rows[steps_id]
        row.state, row.done_at = StepsState.DONE, now
        row.item = evolve(row.item, payload=Sealed(b""))

    async def postpone(self, steps_id: StepsId, due_at: datetime, failure: str) -> None:
        row = self.rows[steps_id]
        row.failure, row.item = failure, evolve(row.item, due_at=due_at)

    async def give_up(self, steps_id: StepsId, now: datetime, failure: str) -> None:
        row = self.rows[steps_id]
        row.state, row.failure, row.done_at = StepsState.DEAD, failure, now
        row.item = evolve(row.item, payload=Sealed(b""))

    async def state(self, steps_id: StepsId) -> StepsState | None:
        return self.rows[steps_id].state if steps_id in self.rows else None

    async def failure(self, steps_id: StepsId) -> str:
        return self.rows[steps_id].failure if steps_id in self.rows else ""

    async def dead(self, org_id: OrgId, most: int) -> list[DeadSteps]:
        return [
            DeadSteps(
                id=key, user_id=row.item.user_id, failure=row.failure, given_up_at=row.done_at
            )
            for key, row in reversed(self.rows.items())
            if row.state is StepsState.DEAD and row.item.org_id == org_id and row.done_at
        ][:most]

    async def dismiss(self, org_id: OrgId, steps_id: StepsId) -> UserId | None:
        row = self.rows.get(steps_id)
        if row is None or row.state is not StepsState.DEAD or row.item.org_id != org_id:
            return None
        del self.rows[steps_id]
        return row.item.user_id

    async def purge(self, before: datetime) -> int:
        old = [key for key, row in self.rows.items() if row.done_at and row.done_at < before]
        for key in old:
            del self.rows[key]
        return len(old)


@define
class MemoryAudit:
    rows: list[AuditEntry] = field(factory=list)

    async def add(self, entry: AuditEntry) -> None:
        self.rows.append(entry)

    async def of_org(self, org_id: OrgId, most: int) -> list[AuditEntry]:
        return [row for row in reversed(self.rows) if row.org_id == org_id][:most]

    async def lately(
        self, org_id: OrgId, actions: Iterable[Action], since: datetime, most: int
    ) -> list[AuditEntry]:
        wanted = set(actions)
        return [
            row
            for row in reversed(self.rows)
            if row.org_id in {org_id, None} and row.action in wanted and row.at > since
        ][:most]


@define
class MemoryRates:
    rows: list[tuple[str, datetime]] = field(factory=list)

    async def serialise(self) -> None:
        """Transactions of the memory store come one after the other anyway."""

    async def times(
        self, names: Iterable[str], since: datetime
    ) -> Mapping[str, Sequence[datetime]]:
        return {
            name: [at for counted, at in self.rows if counted == name and at > since]
            for name in names
        }

    async def add(self, names: Iterable[str], at: datetime) -> None:
        self.rows += [(name, at) for name in names]

    async def forget(self, names: Iterable[str]) -> None:
        gone = set(names)
        self.rows = [(name, at) for name, at in self.rows if name not in gone]

    async def purge(self, before: datetime) -> int:
        kept = [(name, at) for name, at in self.rows if at >= before]
        gone, self.rows = len(self.rows) - len(kept), kept
        return gone


@define
class MemoryJourneys:
    rows: dict[SessionHash, tuple[Sealed, datetime]] = field(factory=dict)

    async def put(self, session: SessionHash, sealed: Sealed, expires_at: datetime) -> None:
        self.rows[session] = (sealed, expires_at)

    async def get(self, session: SessionHash, now: datetime) -> Sealed | None:
        sealed, expires_at = self.rows.get(session, (None, now))
        return sealed if now < expires_at else None

    async def end(self, session: SessionHash) -> None:
        self.rows.pop(session, None)

    async def purge(self, now: datetime) -> int:
        old = [key for key, (_, expires_at) in self.rows.items() if expires_at <= now]
        for key in old:
            del self.rows[key]
        return len(old)


@define
class MemoryListedContacts:
    rows: dict[OrgId, list[ListedContact]] = field(factory=dict)

    async def replace(
        self, org_id: OrgId, source: str, groups: Iterable[str], contacts: Iterable[ListedContact]
    ) -> None:
        covered = set(groups)
        kept = [
            row
            for row in self.rows.get(org_id, [])
            if row.source != source or row.group not in covered
        ]
        known = {(row.source, row.source_id, row.medium, row.lookup) for row in kept}
        new = [
            row
            for row in dict.fromkeys(contacts)
            if row.source == source
            and (row.source, row.source_id, row.medium, row.lookup) not in known
        ]
        self.rows[org_id] = sorted(kept + new, key=lambda row: (row.source, row.source_id))

    async def matches(self, org_id: OrgId, medium: Medium, lookup: Lookup) -> list[ListedContact]:
        rows = self.rows.get(org_id, [])
        return [row for row in rows if (row.medium, row.lookup) == (medium, lookup)]

    async def of_record(self, org_id: OrgId, source: str, source_id: str) -> list[ListedContact]:
        rows = self.rows.get(org_id, [])
        return [row for row in rows if (row.source, row.source_id) == (source, source_id)]


@define
class MemoryRosterUploads:
    rows: dict[UploadId, RosterUpload] = field(factory=dict)

    async def put(self, upload: RosterUpload) -> None:
        self.rows = {k: row for k, row in self.rows.items() if row.user_id != upload.user_id}
        self.rows[upload.id] = upload

    async def get(self, upload_id: UploadId, org_id: OrgId, now: datetime) -> RosterUpload | None:
        row = self.rows.get(upload_id)
        return row if row and row.org_id == org_id and now < row.expires_at else None

    async def end(self, upload_id: UploadId) -> None:
        self.rows.pop(upload_id, None)

    async def purge(self, now: datetime) -> int:
        kept = {key: row for key, row in self.rows.items() if row.expires_at > now}
        gone, self.rows = len(self.rows) - len(kept), kept
        return gone


@define
class MemoryRosterMappings:
    rows: dict[OrgId, Sealed] = field(factory=dict)

    async def put(self, org_id: OrgId, sealed: Sealed) -> None:
        self.rows[org_id] = sealed

    async def get(self, org_id: OrgId) -> Sealed | None:
        return self.rows.get(org_id)


@define
class MemoryYearDrafts:
    rows: dict[OrgId, Sealed] = field(factory=dict)

    async def put(self, org_id: OrgId, sealed: Sealed) -> None:
        self.rows[org_id] = sealed

    async def get(self, org_id: OrgId, *, locked: bool = False) -> Sealed | None:
        del locked
        return self.rows.get(org_id)

    async def end(self, org_id: OrgId) -> None:
        self.rows.pop(org_id, None)


@define
class MemoryDepartures:
    rows: dict[PersonId, Departure] = field(factory=dict)

    async def put(self, departure: Departure) -> None:
        self.rows[departure.person_id] = departure

    async def of_account(self, user_id: UserId) -> list[Departure]:
        return [row for row in self._waiting() if row.user_id == user_id]

    async def due(self, now: datetime, most: int) -> list[Departure]:
        return [row for row in self._waiting() if row.erase_at <= now][:most]

    async def end(self, person_id: PersonId) -> None:
        self.rows.pop(person_id, None)

    async def erased(self, person_id: PersonId, now: datetime) -> None:
        self.rows[person_id] = evolve(self.rows[person_id], erased_at=now)

    def _waiting(self) -> list[Departure]:
        waiting = [row for row in self.rows.values() if row.erased_at is None]
        return sorted(waiting, key=lambda row: (row.erase_at, row.person_id))


@define
class MemoryCards:
    rows: dict[CardId, StaffCard] = field(factory=dict)

    async def add(
        self, card_id: CardId, kind: CardKind, ref: str, org_id: OrgId, room_id: str, now: datetime
    ) -> StaffCard | None:
        if await self.of(kind, ref) is not None:
            return None
        number = 1 + max(
            (row.number for row in self.rows.values() if row.org_id == org_id), default=0
        )
        self.rows[card_id] = StaffCard(
            id=card_id,
            kind=kind,
            ref=ref,
            org_id=org_id,
            number=number,
            room_id=room_id,
            made_at=now,
        )
        return self.rows[card_id]

    async def without(self, kind: CardKind, refs: Iterable[str]) -> list[str]:
        have = {row.ref for row in self.rows.values() if row.kind is kind}
        return [ref for ref in refs if ref not in have]

    async def unsettled(self, org_id: OrgId) -> list[StaffCard]:
        mine = [row for row in self.rows.values() if row.org_id == org_id and not row.settled_at]
        return sorted(mine, key=lambda row: row.number)

    async def get(self, card_id: CardId) -> StaffCard | None:
        return self.rows.get(card_id)

    async def by_event(self, room_id: str, event_id: str) -> StaffCard | None:
        return self._one(lambda row: (row.room_id, row.event_id) == (room_id, event_id))

    async def by_number(self, org_id: OrgId, number: int) -> StaffCard | None:
        return self._one(lambda row: (row.org_id, row.number) == (org_id, number))

    async def of(self, kind: CardKind, ref: str) -> StaffCard | None:
        return self._one(lambda row: (row.kind, row.ref) == (kind, ref))

    async def save(self, card: StaffCard) -> None:
        self.rows[card.id] = card

    async def purge(self, before: datetime) -> int:
        old = [key for key, row in self.rows.items() if row.settled_at and row.settled_at < before]
        for key in old:
            del self.rows[key]
        return len(old)

    def _one(self, fits: Callable[[StaffCard], bool]) -> StaffCard | None:
        return next(filter(fits, self.rows.values()), None)


@define
class MemoryDisputes:
    rows: dict[DisputeId, Dispute] = field(factory=dict)

    async def add(self, dispute: Dispute) -> None:
        self.rows[dispute.id] = dispute

    async def get(self, dispute_id: DisputeId) -> Dispute | None:
        return self.rows.get(dispute_id)

    async def of_owner(self, owner: UserId) -> list[Dispute]:
        return [row for row in self._sorted() if row.owner == owner]

    async def open_of(self, org_id: OrgId) -> list[Dispute]:
        return [row for row in self._open() if row.org_id == org_id]

    async def due(self, now: datetime) -> list[Dispute]:
        return [row for row in self._open() if row.release_at <= now]

    async def decide(self, decided: Dispute) -> bool:
        if self.rows[decided.id].state is not DisputeState.OPEN:
            return False
        self.rows[decided.id] = decided
        return True

    def _open(self) -> list[Dispute]:
        return [row for row in self._sorted() if row.state is DisputeState.OPEN]

    def _sorted(self) -> list[Dispute]:
        return sorted(self.rows.values(), key=lambda row: (row.opened_at, row.id))


@define
class MemoryFeeds:
    rows: dict[UserId, CalendarFeed] = field(factory=dict)

    async def put(self, feed: CalendarFeed) -> None:
        self.rows[feed.user_id] = feed

    async def by_hash(self, feed_hash: FeedHash) -> CalendarFeed | None:
        return next((row for row in self.rows.values() if row.hash == feed_hash), None)

    async def of(self, user_id: UserId) -> CalendarFeed | None:
        return self.rows.get(user_id)

    async def end(self, user_id: UserId) -> None:
        self.rows.pop(user_id, None)


@define
class MemoryOwnProfiles:
    rows: dict[tuple[UserId, UserId], datetime] = field(factory=dict)

    async def link(self, user_id: UserId, other_id: UserId, now: datetime) -> None:
        self.rows.setdefault((user_id, other_id), now)
        self.rows.setdefault((other_id, user_id), now)

    async def of(self, user_id: UserId) -> list[UserId]:
        found = sorted((at, other) for (one, other), at in self.rows.items() if one == user_id)
        return [other for _, other in found]

    async def unlink(self, user_id: UserId, other_id: UserId) -> bool:
        gone = [self.rows.pop((user_id, other_id), None), self.rows.pop((other_id, user_id), None)]
        return gone != [None, None]

    async def end(self, user_id: UserId) -> None:
        self.rows = {pair: at for pair, at in self.rows.items() if user_id not in pair}


@define
class MemoryRepositories:
    contacts: MemoryContacts = field(factory=MemoryContacts)
    challenges: MemoryChallenges = field(factory=MemoryChallenges)
    invites: MemoryInvites = field(factory=MemoryInvites)
    applications: MemoryApplications = field(factory=MemoryApplications)
    sessions: MemorySessions = field(factory=MemorySessions)
    outbox: MemoryOutbox = field(factory=MemoryOutbox)
    audit: MemoryAudit = field(factory=MemoryAudit)
    rates: MemoryRates = field(factory=MemoryRates)
    steps: MemorySteps = field(factory=MemorySteps)
    journeys: MemoryJourneys = field(factory=MemoryJourneys)
    listed: MemoryListedContacts = field(factory=MemoryListedContacts)
    cards: MemoryCards = field(factory=MemoryCards)
    departures: MemoryDepartures = field(factory=MemoryDepartures)
    disputes: MemoryDisputes = field(factory=MemoryDisputes)
    uploads: MemoryRosterUploads = field(factory=MemoryRosterUploads)
    mappings: MemoryRosterMappings = field(factory=MemoryRosterMappings)
    years: MemoryYearDrafts = field(factory=MemoryYearDrafts)
    feeds: MemoryFeeds = field(factory=MemoryFeeds)
    profiles: MemoryOwnProfiles = field(factory=MemoryOwnProfiles)


class MemoryTurn:
    async def is_mine(self) -> bool:
        return True


@define(eq=False)
class MemoryStore:
    """One transaction at a time; an exception puts everything back."""

    kept: MemoryRepositories = field(factory=MemoryRepositories)
    _line: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _writers: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Repositories]:
        async with self._line:
            work = copy.deepcopy(self.kept)
            yield work
            self.kept = work

    @asynccontextmanager
    async def only_writer(self) -> AsyncIterator[WriterTurn]:
        async with self._writers:
            yield MemoryTurn()
