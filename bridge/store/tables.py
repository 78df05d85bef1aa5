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
    Column("medium", Text, nullable=False),
    Column("lookup", LargeBinary, nullable=False),
    Column("sealed", LargeBinary),
    Column("verified_at", Instant, nullable=False),
    Column("released_at", Instant),
    # R7: one phone, one active profile. The database says so, not the code around it.
    Index(
        "contact_one_active",
        "medium",
        "lookup",
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
    Column("invite_id", Text, nullable=False),
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
    Index("invite_class", "org_id", "class_id"),
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
