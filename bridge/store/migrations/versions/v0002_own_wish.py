"""Who has left by their own wish. Of departures from before it is not known, so it is no.

Never edited after a release: a change is the next file.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "departure",
        sa.Column("own_wish", sa.Boolean, nullable=False, server_default=sa.false()),
    )
