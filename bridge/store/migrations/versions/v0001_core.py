"""Contacts, codes, invites, applications, sessions, outbox, audit, rates.

Times are microseconds since 1970. Never edited after a release: a change is the next file.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "contact",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("medium", sa.Text, nullable=False),
        sa.Column("lookup", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("verified_at", sa.BigInteger, nullable=False),
        sa.Column("released_at", sa.BigInteger),
    )
    op.create_index("ix_contact_user_id", "contact", ["user_id"])
    active = sa.text("released_at IS NULL")
    op.create_index(
        "contact_one_active",
        "contact",
        ["medium", "lookup"],
        unique=True,
        sqlite_where=active,
        postgresql_where=active,
    )
    op.create_table(
        "challenge",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("medium", sa.Text, nullable=False),
        sa.Column("lookup", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("session_hash", sa.LargeBinary, nullable=False),
        sa.Column("invite_id", sa.Text),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
        sa.Column("last_sent_at", sa.BigInteger, nullable=False),
        sa.Column("tries_left", sa.Integer, nullable=False),
        sa.Column("passed_at", sa.BigInteger),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("earlier_digest", sa.LargeBinary),
        sa.Column("earlier_expires_at", sa.BigInteger),
    )
    op.create_index("ix_challenge_last_sent_at", "challenge", ["last_sent_at"])
    op.create_table(
        "invite",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("role", sa.Text),
        sa.Column("class_id", sa.Text),
        sa.Column("person_id", sa.Text),
        sa.Column("allow_email", sa.Boolean, nullable=False),
        sa.Column("max_uses", sa.Integer, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("issued_by", sa.Text, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("code_hash", sa.LargeBinary, unique=True),
    )
    op.create_index("invite_class", "invite", ["org_id", "class_id"])
    op.create_index("invite_person", "invite", ["person_id"])
    op.create_table(
        "application",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text),
        sa.Column("class_id", sa.Text),
        sa.Column("applicant", sa.Text),
        sa.Column("submitted_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("repeat_hash", sa.LargeBinary),
        sa.Column("form", sa.LargeBinary),
    )
    op.create_index("ix_application_repeat_hash", "application", ["repeat_hash"])
    op.create_index("application_queue", "application", ["org_id", "state", "submitted_at"])
    op.create_table(
        "session",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text),
    )
    op.create_index("ix_session_expires_at", "session", ["expires_at"])
    op.create_index("ix_session_user_id", "session", ["user_id"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
    )
    op.create_index("ix_outbox_due_at", "outbox", ["due_at"])
    op.create_table(
        "audit",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("org_id", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("audit_org", "audit", ["org_id", "number"])
    op.create_table(
        "rate",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("rate_name_at", "rate", ["name", "at"])
    _create_people_tables()
    _make_audit_append_only()


def _create_people_tables() -> None:
    op.create_table(
        "steps",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary),
        sa.Column("org_id", sa.Text),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("failure", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("done_at", sa.BigInteger),
    )
    op.create_index("ix_steps_user_id", "steps", ["user_id"])
    op.create_index("ix_steps_due_at", "steps", ["due_at"])
    op.create_table(
        "journey",
        sa.Column("session_hash", sa.LargeBinary, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_journey_expires_at", "journey", ["expires_at"])
    op.create_table(
        "listed_contact",
        sa.Column("org_id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("medium", sa.Text, primary_key=True),
        sa.Column("lookup", sa.LargeBinary, primary_key=True),
        sa.Column("grp", sa.Text, nullable=False),
    )
    op.create_index("listed_contact_lookup", "listed_contact", ["org_id", "medium", "lookup"])
    op.create_table(
        "dispute",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("medium", sa.Text, nullable=False),
        sa.Column("lookup", sa.LargeBinary, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("release_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", sa.BigInteger),
    )
    op.create_index("ix_dispute_owner", "dispute", ["owner"])
    op.create_index("dispute_state", "dispute", ["state", "release_at"])
    op.create_table(
        "departure",
        sa.Column("person_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("left_at", sa.BigInteger, nullable=False),
        sa.Column("erase_at", sa.BigInteger, nullable=False),
        sa.Column("erased_at", sa.BigInteger),
    )
    op.create_index("ix_departure_user_id", "departure", ["user_id"])
    op.create_index("ix_departure_erase_at", "departure", ["erase_at"])
    op.create_table(
        "card",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, unique=True),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
    )
    op.create_index("card_subject", "card", ["kind", "ref"], unique=True)
    op.create_index("card_number", "card", ["org_id", "number"], unique=True)
    op.create_index("ix_card_settled_at", "card", ["settled_at"])
    op.create_table(
        "roster_upload",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False, unique=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_roster_upload_expires_at", "roster_upload", ["expires_at"])
    op.create_table(
        "roster_mapping",
        sa.Column("org_id", sa.Text, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )


def _make_audit_append_only() -> None:
    """R51: not even the bridge can change what was written."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )
