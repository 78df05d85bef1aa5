"""One contact for a profile at each school; profiles of one person.

A contact's school is the one in whose log its claiming stands (`binding.bind_in` writes both at once).

Never edited after a release: a change is the next file.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("org_id", sa.Text, nullable=False, server_default=""))
    op.execute(
        "UPDATE contact SET org_id = COALESCE((SELECT audit.org_id FROM audit"
        " WHERE audit.subject = contact.user_id AND audit.action = 'contact_claimed'"
        " ORDER BY audit.number DESC LIMIT 1), '')"
    )
    op.drop_index("contact_one_active", "contact")
    op.create_index(
        "contact_one_active",
        "contact",
        ["medium", "lookup", "org_id"],
        unique=True,
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "own_profile",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("other_id", sa.Text, primary_key=True),
        sa.Column("linked_at", sa.BigInteger, nullable=False),
    )
