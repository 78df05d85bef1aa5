"""What onboarding needs from the world. Real adapters and the tests' fakes both implement these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from bridge.application import Application, ApplicationId
from bridge.application import State as ApplicationState
from bridge.contact import Medium
from bridge.dispute import Dispute, DisputeId
from bridge.invite import Invite, InviteId
from bridge.ports_lists import ListedContacts, RosterMappings, RosterUploads, YearDrafts
from bridge.records import (
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
    Lookup,
    OutboxId,
    OutboxItem,
    Sealed,
    Session,
    SessionHash,
    StaffCard,
    StepsId,
    StepsItem,
    StepsState,
)
from bridge.roles import ClassId, OrgId, PersonId, UserId
from bridge.verification import ChallengeId


class Contacts(Protocol):
    async def claim(self, contact: BoundContact) -> bool:
        """Bind it; False: an active profile of the same school has it (R7). Of any number at a time one gets True."""

    async def owner(self, medium: Medium, lookup: Lookup, org_id: OrgId) -> UserId | None:
        """Whose it is at this school."""

    async def holders(self, medium: Medium, lookup: Lookup) -> list[BoundContact]:
        """The same at every school of this server, whoever proved it first before the others."""

    async def heirs(self, user_id: UserId) -> list[UserId]:
        """Who is first in line now for what the account has released: Synapse keeps it with them (ADR 32)."""

    async def of_account(self, user_id: UserId) -> list[BoundContact]:
        """The active ones."""

    async def was_of(self, medium: Medium, lookup: Lookup, user_id: UserId) -> bool:
        """Whether the account had it once and has released it."""

    async def release_one(self, contact_id: ContactId, now: datetime) -> bool:
        """One of them: the old number after a change."""

    async def release(self, user_id: UserId, now: datetime) -> int:
        """R14: all of the account's contacts are free, and no longer readable. How many it were."""


class OwnProfiles(Protocol):
    """Profiles at two schools that one person has shown to be theirs (`bridge/own_profiles.py`)."""

    async def link(self, user_id: UserId, other_id: UserId, now: datetime) -> None:
        """Both ways; again changes nothing."""

    async def of(self, user_id: UserId) -> list[UserId]:
        """In the order in which they were linked."""

    async def unlink(self, user_id: UserId, other_id: UserId) -> bool:
        """Both ways; False: they were not linked."""

    async def end(self, user_id: UserId) -> None:
        """All of the account's: it has left its school, or its number."""


class Challenges(Protocol):
    async def add(self, chain: Chain) -> None: ...

    async def get(self, challenge_id: ChallengeId) -> Chain | None: ...

    async def take_try(self, challenge_id: ChallengeId) -> Chain | None:
        """One guess less, atomically; None: none left, already passed, or no such chain."""

    async def save_resend(self, chain: Chain) -> bool:
        """Keep the chain after one more code; False: somebody resent at the same time."""

    async def mark_passed(self, challenge_id: ChallengeId, now: datetime) -> bool:
        """A code opens one door once; False: it did already."""

    async def purge(self, before: datetime) -> int:
        """Forget chains whose latest code was sent before; how many."""


class Invites(Protocol):
    async def add(self, invite: Invite) -> None: ...

    async def get(self, invite_id: InviteId) -> Invite | None: ...

    async def by_token(self, token_hash: bytes) -> Invite | None: ...

    async def by_code(self, code_hash: bytes) -> Invite | None: ...

    async def live(
        self,
        org_id: OrgId,
        now: datetime,
        *,
        class_id: ClassId | None = None,
        person_id: PersonId | None = None,
    ) -> list[Invite]:
        """Invites that still open something, of the school, of one class, for one person."""

    async def use(self, invite_id: InviteId, now: datetime) -> bool:
        """Count one use, atomically; False: revoked, expired or used up."""

    async def revoke(self, invite_id: InviteId, now: datetime) -> bool: ...


class Applications(Protocol):
    async def add(self, application: Application, form: Sealed) -> None: ...

    async def get(self, application_id: ApplicationId) -> Application | None: ...

    async def form(self, application_id: ApplicationId) -> Sealed | None:
        """Names and contact as the applicant gave them; None after a no."""

    async def move(self, old: Application, new: Application) -> bool:
        """Keep `new` if `old` is still the state; erases the form with a no."""

    async def waiting(self, org_id: OrgId) -> list[Application]: ...

    async def waiting_of(self, repeat_hash: bytes) -> list[Application]: ...

    async def rejections(self, repeat_hash: bytes) -> list[datetime]: ...

    async def of_applicant(self, user_id: UserId) -> list[Application]:
        """What the account has applied for, the newest first; what got a no is nobody's any more."""

    async def in_state(self, state: ApplicationState, before: datetime) -> list[Application]:
        """Of all schools, submitted before, the oldest first: for the hourly look."""


class Sessions(Protocol):
    async def add(self, session: Session) -> None: ...

    async def get(self, session_hash: SessionHash, now: datetime) -> Session | None: ...

    async def end(self, session_hash: SessionHash) -> None: ...

    async def end_all(self, user_id: UserId) -> int: ...

    async def purge(self, now: datetime) -> int:
        """Forget those that have expired; how many."""


class Outbox(Protocol):
    async def add(self, item: OutboxItem) -> None: ...

    async def take_due(self, now: datetime, lease_until: datetime, most: int) -> list[OutboxItem]:
        """Due items, hidden from other workers until the lease ends; a crash gives them back."""

    async def done(self, item_id: OutboxId) -> None:
        """Sent, or given up: the payload is gone."""

    async def postpone(self, item: OutboxItem, due_at: datetime) -> None: ...


class StepsLists(Protocol):
    """Lists of steps for the one writer (`bridge/writer.py`)."""

    async def add(self, item: StepsItem) -> None: ...

    async def take_due(self, now: datetime, lease_until: datetime, most: int) -> list[StepsItem]:
        """Due lists, the oldest first, and of each account only its oldest; hidden until the lease ends."""

    async def take_back(self, now: datetime) -> int:
        """Every waiting list is due now: said by a new writer, whose predecessor is gone. How many it were."""

    async def done(self, steps_id: StepsId, now: datetime) -> None:
        """Carried out: the payload is gone."""

    async def postpone(self, steps_id: StepsId, due_at: datetime, failure: str) -> None: ...

    async def give_up(self, steps_id: StepsId, now: datetime, failure: str) -> None:
        """Dead: the payload is gone, the word of what went wrong stays."""

    async def state(self, steps_id: StepsId) -> StepsState | None: ...

    async def failure(self, steps_id: StepsId) -> str:
        """What went wrong last; "" if nothing did."""

    async def dead(self, org_id: OrgId, most: int) -> list[DeadSteps]:
        """What was given up in a school, the newest first."""

    async def dismiss(self, org_id: OrgId, steps_id: StepsId) -> UserId | None:
        """Take a dead list away: somebody has seen to it. Whose it was; None: there is no such dead list."""

    async def purge(self, before: datetime) -> int:
        """Forget the lists that were done or given up before; how many."""


class Audit(Protocol):
    async def add(self, entry: AuditEntry) -> None: ...

    async def of_org(self, org_id: OrgId, most: int) -> list[AuditEntry]:
        """The newest first."""

    async def lately(
        self, org_id: OrgId, actions: Iterable[Action], since: datetime, most: int
    ) -> list[AuditEntry]:
        """Entries with these words of the school or of the whole service, the newest first."""


class Rates(Protocol):
    async def serialise(self) -> None:
        """Until the end of this transaction nobody else counts: reading and adding are one step."""

    async def times(
        self, names: Iterable[str], since: datetime
    ) -> Mapping[str, Sequence[datetime]]: ...

    async def add(self, names: Iterable[str], at: datetime) -> None: ...

    async def forget(self, names: Iterable[str]) -> None:
        """As if it had never been counted."""

    async def purge(self, before: datetime) -> int: ...


class Journeys(Protocol):
    """What a browser has typed on its way through the pages (`bridge/journey.py`), sealed."""

    async def put(self, session: SessionHash, sealed: Sealed, expires_at: datetime) -> None: ...

    async def get(self, session: SessionHash, now: datetime) -> Sealed | None: ...

    async def end(self, session: SessionHash) -> None: ...

    async def purge(self, now: datetime) -> int: ...


class Departures(Protocol):
    """Who has left, until they are erased (R14)."""

    async def put(self, departure: Departure) -> None:
        """Whoever leaves again after a return begins a new grace time."""

    async def of_account(self, user_id: UserId) -> list[Departure]:
        """Not erased yet, the oldest first."""

    async def due(self, now: datetime, most: int) -> list[Departure]: ...

    async def end(self, person_id: PersonId) -> None:
        """They have come back."""

    async def erased(self, person_id: PersonId, now: datetime) -> None: ...


class Disputes(Protocol):
    """«Это не я» (R11). Decided ones stay: they say who had a number when."""

    async def add(self, dispute: Dispute) -> None: ...

    async def get(self, dispute_id: DisputeId) -> Dispute | None: ...

    async def of_owner(self, owner: UserId) -> list[Dispute]:
        """All of the account's, the oldest first."""

    async def open_of(self, org_id: OrgId) -> list[Dispute]: ...

    async def due(self, now: datetime) -> list[Dispute]:
        """Open ones whose time is over."""

    async def decide(self, decided: Dispute) -> bool:
        """Keep the decision; False: it was decided already."""


class Cards(Protocol):
    """Messages of the staff bot (`bridge/bot/`): what has one, where it is, what it says."""

    async def add(
        self, card_id: CardId, kind: CardKind, ref: str, org_id: OrgId, room_id: str, now: datetime
    ) -> StaffCard | None:
        """Reserve a card, before it is posted, with the school's next number; None: there is one."""

    async def without(self, kind: CardKind, refs: Iterable[str]) -> list[str]:
        """Those of `refs` that have no card, in their order."""

    async def unsettled(self, org_id: OrgId) -> list[StaffCard]:
        """Cards to be posted or edited some day, the oldest first."""

    async def get(self, card_id: CardId) -> StaffCard | None: ...

    async def by_event(self, room_id: str, event_id: str) -> StaffCard | None: ...

    async def by_number(self, org_id: OrgId, number: int) -> StaffCard | None: ...

    async def of(self, kind: CardKind, ref: str) -> StaffCard | None: ...

    async def save(self, card: StaffCard) -> None:
        """Keep where it is and what it says."""

    async def purge(self, before: datetime) -> int:
        """Forget cards that were settled before; how many."""


class Feeds(Protocol):
    async def put(self, feed: CalendarFeed) -> None:
        """The account's only one from now on."""

    async def by_hash(self, feed_hash: FeedHash) -> CalendarFeed | None: ...

    async def of(self, user_id: UserId) -> CalendarFeed | None: ...

    async def end(self, user_id: UserId) -> None:
        """The account has none any more."""


class Repositories(Protocol):
    """Everything of one transaction."""

    @property
    def contacts(self) -> Contacts: ...
    @property
    def challenges(self) -> Challenges: ...
    @property
    def invites(self) -> Invites: ...
    @property
    def applications(self) -> Applications: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def rates(self) -> Rates: ...
    @property
    def steps(self) -> StepsLists: ...
    @property
    def journeys(self) -> Journeys: ...
    @property
    def listed(self) -> ListedContacts: ...
    @property
    def cards(self) -> Cards: ...
    @property
    def departures(self) -> Departures: ...
    @property
    def disputes(self) -> Disputes: ...
    @property
    def uploads(self) -> RosterUploads: ...
    @property
    def mappings(self) -> RosterMappings: ...
    @property
    def years(self) -> YearDrafts: ...
    @property
    def feeds(self) -> Feeds: ...
    @property
    def profiles(self) -> OwnProfiles: ...


class WriterTurn(Protocol):
    async def is_mine(self) -> bool:
        """Whether this process is still the only writer; False after a lost connection."""


class Store(Protocol):
    def begin(self) -> AbstractAsyncContextManager[Repositories]:
        """A transaction: committed at the end, rolled back on an exception."""

    def only_writer(self) -> AbstractAsyncContextManager[WriterTurn]:
        """Wait until no other process writes to Synapse, and be the one until the end of the block."""


class Grades(Protocol):
    """What the module knows about the school."""

    async def grade(self, org_id: OrgId, class_id: ClassId) -> int | None:
        """1 to 11; None: a named class, or no such class."""


class Vault(Protocol):
    """Holds the keys. Everything that turns a contact or a code into bytes at rest goes through it."""

    @property
    def code_key(self) -> bytes: ...

    def lookup(self, subject: str) -> Lookup: ...

    def seal(self, plain: bytes, purpose: str) -> Sealed: ...

    def unseal(self, sealed: Sealed, purpose: str) -> bytes:
        """The plain bytes.

        Raises:
            CannotUnseal: another key, another purpose, or damaged.
        """
