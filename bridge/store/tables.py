"""Tables of the bridge's own database, never Synapse's. What is in them is said in docs/retention.md.

Ids are random text. A column that could identify somebody is a keyed hash or sealed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """An aware time as microseconds since 1970: the same, exact and sortable, in both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


metadata = MetaData()

contact = Table(
    "contact",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("org_id", Text, nullable=False, server_default=""),
    Column("medium", Text, nullable=False),
    Column("lookup", LargeBinary, nullable=False),
    Column("sealed", LargeBinary),
    Column("verified_at", Instant, nullable=False),
    Column("released_at", Instant),
    # R7: one phone, one active profile at each school. The database says so, not the code around it.
    Index(
        "contact_one_active",
        "medium",
        "lookup",
        "org_id",
        unique=True,
        sqlite_where=text("released_at IS NULL"),
        postgresql_where=text("released_at IS NULL"),
    ),
)

challenge = Table(
    "challenge",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("medium", Text, nullable=False),
    Column("lookup", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("session_hash", LargeBinary, nullable=False),
    Column("invite_id", Text),
    Column("purpose", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("last_sent_at", Instant, nullable=False, index=True),
    Column("tries_left", Integer, nullable=False),
    Column("passed_at", Instant),
    Column("digest", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("earlier_digest", LargeBinary),
    Column("earlier_expires_at", Instant),
)

invite = Table(
    "invite",
    metadata,
    Column("id", Text, primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("role", Text),
    Column("class_id", Text),
    Column("person_id", Text),
    Column("allow_email", Boolean, nullable=False),
    Column("max_uses", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("revoked_at", Instant),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("code_hash", LargeBinary, unique=True),
    Index("invite_class", "org_id", "class_id"),
    Index("invite_person", "person_id"),
)

application = Table(
    "application",
    metadata,
    Column("id", Text, primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("role", Text),
    Column("class_id", Text),
    Column("applicant", Text),
    Column("submitted_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("repeat_hash", LargeBinary, index=True),
    Column("form", LargeBinary),
    Index("application_queue", "org_id", "state", "submitted_at"),
)

session = Table(
    "session",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("user_id", Text, index=True),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("due_at", Instant, nullable=False, index=True),
    Column("expires_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column(
        "number",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("at", Instant, nullable=False),
    Column("org_id", Text),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),  # free text of whoever decided, bounded
    Index("audit_org", "org_id", "number"),
)

rate = Table(
    "rate",
    metadata,
    Column(
        "number",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("name", Text, nullable=False),  # keyed hashes, never an address or a number
    Column("at", Instant, nullable=False),
    Index("rate_name_at", "name", "at"),
)

# What is to be done to an account in Synapse and in the directory (steps.py); one writer takes it from here.
steps = Table(
    "steps",
    metadata,
    Column(
        "number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    Column("id", Text, nullable=False, unique=True),
    Column(
        "user_id", Text, nullable=False, index=True
    ),  # of one account one after the other, by number
    Column("payload", LargeBinary),  # sealed; gone when done or given up
    Column("org_id", Text),
    Column("made_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False, index=True),
    Column("tries", Integer, nullable=False),
    Column("failure", Text, nullable=False),  # "" or the name of what went wrong last
    Column("state", Text, nullable=False),  # waiting | done | dead
    Column("done_at", Instant),
)

# What somebody has typed on the way through the pages, sealed; there is no other server-side form state.
journey = Table(
    "journey",
    metadata,
    Column("session_hash", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

# Contacts that a school's lists name: keyed hashes only, to match a newcomer who has proved one.
listed_contact = Table(
    "listed_contact",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("source_id", Text, primary_key=True),
    Column("medium", Text, primary_key=True),
    Column("lookup", LargeBinary, primary_key=True),
    Column("grp", Text, nullable=False),  # student | staff | guardian: what an import covers whole
    Index("listed_contact_lookup", "org_id", "medium", "lookup"),
)

# «Это не я»: a proved number that an active profile has (R11, R13). Never a takeover: staff or time decide.
dispute = Table(
    "dispute",
    metadata,
    Column("id", Text, primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("owner", Text, nullable=False, index=True),  # account that has the contact now
    Column("medium", Text, nullable=False),
    Column("lookup", LargeBinary, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("release_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Index("dispute_state", "state", "release_at"),
)

# Whoever has left: erased when the grace time is over.
departure = Table(
    "departure",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("org_id", Text, nullable=False),
    Column("left_at", Instant, nullable=False),
    Column("erase_at", Instant, nullable=False, index=True),
    Column("erased_at", Instant),
    Column("own_wish", Boolean, nullable=False, server_default=false()),
)

# Messages of the staff bot: what each is about, where it is, what it says now (records.StaffCard).
card = Table(
    "card",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # a word of records.CardKind
    Column("ref", Text, nullable=False),
    Column("org_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("room_id", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("event_id", Text, unique=True),
    Column("shown", Text, nullable=False),
    Column("settled_at", Instant, index=True),
    Index("card_subject", "kind", "ref", unique=True),
    Index("card_number", "org_id", "number", unique=True),
)

# Profiles at two schools of which somebody has shown that both are theirs (own_profiles.py); each pair both ways.
own_profile = Table(
    "own_profile",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("other_id", Text, primary_key=True),
    Column("linked_at", Instant, nullable=False),
)

# Addresses of calendars (bridge.calendar_feed): SHA-256 of the random part, one of each account.
calendar_feed = Table(
    "calendar_feed",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("made_at", Instant, nullable=False),
)

# Files of a school that somebody has sent and not yet decided on, sealed; an hour at most.
roster_upload = Table(
    "roster_upload",
    metadata,
    Column("id", Text, primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("user_id", Text, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

# A school's plan of its next year while it is made, sealed: who repeats a year is nobody else's business.
year_draft = Table(
    "year_draft",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

# The headings of a school's files and its positions, sealed: a wrongly chosen heading may be somebody's name.
roster_mapping = Table(
    "roster_mapping",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
