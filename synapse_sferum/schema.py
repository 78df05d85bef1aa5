"""Tables `sferum_*` in Synapse's own database, and how they move forward.

Synapse has no migrations for modules, so we keep our own version row. Every step is SQL that SQLite and PostgreSQL both
read, runs in one transaction with its version, and is never edited after a release: a change is a new step at the end.
Only the process that runs background tasks migrates; the others wait for the version they were built for.
"""

from __future__ import annotations

from synapse.module_api import LoggingTransaction

#: One tuple of statements per version, oldest first; version N is steps[N - 1].
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE sferum_orgs (
            org_id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            timezone TEXT NOT NULL,
            school_year TEXT NOT NULL DEFAULT '',
            settings TEXT NOT NULL DEFAULT '{}',
            status TEXT NOT NULL DEFAULT 'open',
            revision BIGINT NOT NULL DEFAULT 0,
            derived_revision BIGINT NOT NULL DEFAULT -1,
            dirty_since_ms BIGINT,
            sanctioned_revision BIGINT NOT NULL DEFAULT -1,
            held TEXT NOT NULL DEFAULT ''
        )""",
        """CREATE TABLE sferum_people (
            person_id TEXT PRIMARY KEY,
            org_id TEXT NOT NULL,
            source TEXT NOT NULL,
            source_id TEXT NOT NULL,
            family_name TEXT NOT NULL,
            given_name TEXT NOT NULL,
            middle_name TEXT NOT NULL DEFAULT '',
            birth_date TEXT,
            listed_roles TEXT NOT NULL DEFAULT '',
            roles_by_hand TEXT,
            status TEXT NOT NULL DEFAULT 'listed',
            user_id TEXT,
            confirmed INTEGER NOT NULL DEFAULT 0,
            left_by_hand INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE UNIQUE INDEX sferum_people_source ON sferum_people (org_id, source, source_id)",
        "CREATE INDEX sferum_people_user ON sferum_people (user_id)",
        "CREATE INDEX sferum_people_org_status ON sferum_people (org_id, status)",
        """CREATE TABLE sferum_people_words (
            org_id TEXT NOT NULL,
            word TEXT NOT NULL,
            person_id TEXT NOT NULL
        )""",
        "CREATE INDEX sferum_people_words_word ON sferum_people_words (org_id, word, person_id)",
        "CREATE INDEX sferum_people_words_person ON sferum_people_words (person_id)",
        """CREATE TABLE sferum_classes (
            class_id TEXT PRIMARY KEY,
            org_id TEXT NOT NULL,
            source TEXT NOT NULL,
            source_id TEXT NOT NULL,
            session TEXT NOT NULL,
            name TEXT NOT NULL,
            grade INTEGER,
            open INTEGER NOT NULL DEFAULT 1
        )""",
        "CREATE UNIQUE INDEX sferum_classes_source"
        " ON sferum_classes (org_id, source, source_id, session)",
        """CREATE TABLE sferum_enrolments (
            class_id TEXT NOT NULL,
            person_id TEXT NOT NULL,
            role TEXT NOT NULL,
            by_hand INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (class_id, person_id, role)
        )""",
        "CREATE INDEX sferum_enrolments_person ON sferum_enrolments (person_id)",
        """CREATE TABLE sferum_guardianships (
            guardian_id TEXT NOT NULL,
            student_id TEXT NOT NULL,
            relation TEXT NOT NULL DEFAULT '',
            status TEXT NOT NULL,
            PRIMARY KEY (guardian_id, student_id)
        )""",
        "CREATE INDEX sferum_guardianships_student ON sferum_guardianships (student_id)",
        """CREATE TABLE sferum_rooms (
            org_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            ref TEXT NOT NULL DEFAULT '',
            room_id TEXT,
            name TEXT NOT NULL DEFAULT '',
            state TEXT NOT NULL DEFAULT 'wanted',
            PRIMARY KEY (org_id, kind, ref)
        )""",
        "CREATE UNIQUE INDEX sferum_rooms_room ON sferum_rooms (room_id)",
        """CREATE TABLE sferum_wants (
            org_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            ref TEXT NOT NULL DEFAULT '',
            user_id TEXT NOT NULL,
            power INTEGER NOT NULL,
            reason TEXT NOT NULL,
            PRIMARY KEY (org_id, kind, ref, user_id)
        )""",
        "CREATE INDEX sferum_wants_user ON sferum_wants (user_id)",
        """CREATE TABLE sferum_jobs (
            job_id TEXT PRIMARY KEY,
            org_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            ref TEXT NOT NULL,
            state TEXT NOT NULL,
            tries INTEGER NOT NULL DEFAULT 0,
            not_before_ms BIGINT NOT NULL DEFAULT 0,
            size INTEGER NOT NULL DEFAULT 0,
            created_ms BIGINT NOT NULL,
            changed_ms BIGINT NOT NULL,
            error TEXT NOT NULL DEFAULT ''
        )""",
        "CREATE UNIQUE INDEX sferum_jobs_ref ON sferum_jobs (org_id, kind, ref)",
        "CREATE INDEX sferum_jobs_state ON sferum_jobs (state, not_before_ms)",
        """CREATE TABLE sferum_accounts (
            user_id TEXT PRIMARY KEY,
            org_id TEXT NOT NULL
        )""",
        """CREATE TABLE sferum_peer_servers (
            server_name TEXT PRIMARY KEY,
            name TEXT NOT NULL DEFAULT '',
            role_pairs TEXT NOT NULL DEFAULT '[]'
        )""",
        """CREATE TABLE sferum_audit (
            org_id TEXT NOT NULL,
            number BIGINT NOT NULL,
            at_ms BIGINT NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            target TEXT NOT NULL,
            before TEXT NOT NULL DEFAULT '',
            after TEXT NOT NULL DEFAULT '',
            reason TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (org_id, number)
        )""",
    ),
    (
        """CREATE TABLE sferum_broadcast_posts (
            org_id TEXT NOT NULL,
            broadcast_id TEXT NOT NULL,
            room_id TEXT NOT NULL,
            post TEXT NOT NULL,
            event_id TEXT NOT NULL,
            says TEXT NOT NULL,
            PRIMARY KEY (org_id, broadcast_id, room_id, post)
        )""",
        """CREATE TABLE sferum_broadcast_stages (
            org_id TEXT NOT NULL,
            broadcast_id TEXT NOT NULL,
            stage TEXT NOT NULL,
            PRIMARY KEY (org_id, broadcast_id)
        )""",
        """CREATE TABLE sferum_broadcast_rooms (
            org_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            ref TEXT NOT NULL DEFAULT '',
            room_id TEXT NOT NULL,
            PRIMARY KEY (org_id, kind, ref)
        )""",
    ),
    (
        "ALTER TABLE sferum_people ADD COLUMN leaves_on TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sferum_classes ADD COLUMN came_from TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sferum_classes ADD COLUMN rooms_until TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sferum_enrolments ADD COLUMN until TEXT NOT NULL DEFAULT ''",
        """CREATE TABLE sferum_years (
            org_id TEXT NOT NULL,
            number BIGINT NOT NULL,
            plan_hash TEXT NOT NULL,
            from_year TEXT NOT NULL,
            to_year TEXT NOT NULL,
            state TEXT NOT NULL,
            applied_ms BIGINT NOT NULL,
            state_before TEXT NOT NULL,
            footprint TEXT NOT NULL,
            PRIMARY KEY (org_id, number)
        )""",
    ),
    (
        "ALTER TABLE sferum_peer_servers ADD COLUMN until_ms BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE sferum_peer_servers ADD COLUMN server_keys TEXT NOT NULL DEFAULT '{}'",
        """CREATE TABLE sferum_register (
            district TEXT PRIMARY KEY,
            serial BIGINT NOT NULL DEFAULT 0,
            issued_s BIGINT NOT NULL DEFAULT 0,
            expires_s BIGINT NOT NULL DEFAULT 0,
            standing TEXT NOT NULL,
            refusal TEXT NOT NULL DEFAULT '',
            refused_where TEXT NOT NULL DEFAULT '',
            asked_ms BIGINT NOT NULL DEFAULT 0,
            agreed_ms BIGINT NOT NULL DEFAULT 0
        )""",
    ),
    (
        """CREATE TABLE sferum_gatherings (
            gathering_id TEXT PRIMARY KEY,
            org_id TEXT NOT NULL,
            room_kind TEXT NOT NULL,
            room_ref TEXT NOT NULL DEFAULT '',
            kind TEXT NOT NULL,
            details TEXT NOT NULL,
            author TEXT NOT NULL,
            called_off INTEGER NOT NULL DEFAULT 0,
            sequence INTEGER NOT NULL DEFAULT 0,
            created_ms BIGINT NOT NULL,
            changed_ms BIGINT NOT NULL,
            first_ms BIGINT NOT NULL,
            last_ms BIGINT NOT NULL,
            due_ms BIGINT
        )""",
        "CREATE INDEX sferum_gatherings_org ON sferum_gatherings (org_id, last_ms)",
        "CREATE INDEX sferum_gatherings_due ON sferum_gatherings (due_ms)",
        """CREATE TABLE sferum_gathering_posts (
            gathering_id TEXT NOT NULL,
            room_id TEXT NOT NULL,
            post TEXT NOT NULL,
            day TEXT NOT NULL DEFAULT '',
            slot TEXT NOT NULL DEFAULT '',
            event_id TEXT NOT NULL,
            says TEXT NOT NULL,
            claimed_ms BIGINT NOT NULL,
            PRIMARY KEY (gathering_id, room_id, post, day, slot)
        )""",
        """CREATE TABLE sferum_materials (
            material_id TEXT PRIMARY KEY,
            org_id TEXT NOT NULL,
            room_kind TEXT NOT NULL,
            room_ref TEXT NOT NULL DEFAULT '',
            folder TEXT NOT NULL,
            title TEXT NOT NULL,
            name TEXT NOT NULL,
            mimetype TEXT NOT NULL,
            size BIGINT NOT NULL,
            author TEXT NOT NULL,
            file_id TEXT NOT NULL,
            mxc TEXT NOT NULL,
            published_ms BIGINT NOT NULL,
            expires_ms BIGINT,
            room_id TEXT NOT NULL DEFAULT '',
            event_id TEXT NOT NULL DEFAULT '',
            claimed_ms BIGINT,
            removed_ms BIGINT
        )""",
        "CREATE INDEX sferum_materials_org ON sferum_materials (org_id, published_ms)",
        "CREATE INDEX sferum_materials_file ON sferum_materials (file_id)",
        "CREATE INDEX sferum_materials_mxc ON sferum_materials (mxc)",
        "CREATE INDEX sferum_materials_event ON sferum_materials (event_id)",
        """CREATE TABLE sferum_material_rooms (
            room_id TEXT PRIMARY KEY,
            seen BIGINT NOT NULL
        )""",
        """CREATE TABLE sferum_quiet_hours (
            org_id TEXT NOT NULL,
            level TEXT NOT NULL,
            ref TEXT NOT NULL DEFAULT '',
            windows TEXT NOT NULL,
            PRIMARY KEY (org_id, level, ref)
        )""",
    ),
    (
        """CREATE TABLE sferum_common_rooms (
            host TEXT NOT NULL,
            ref TEXT NOT NULL,
            name TEXT NOT NULL,
            members TEXT NOT NULL,
            writers TEXT NOT NULL,
            subject TEXT NOT NULL DEFAULT '',
            room_id TEXT NOT NULL DEFAULT '',
            state TEXT NOT NULL,
            PRIMARY KEY (host, ref)
        )""",
        "CREATE INDEX sferum_common_rooms_id ON sferum_common_rooms (room_id)",
        """CREATE TABLE sferum_subjects (
            person_id TEXT NOT NULL,
            subject TEXT NOT NULL,
            by_hand INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (person_id, subject)
        )""",
    ),
    ("ALTER TABLE sferum_register ADD COLUMN operator_key TEXT NOT NULL DEFAULT ''",),
    ("ALTER TABLE sferum_broadcast_posts ADD COLUMN claimed_ms BIGINT NOT NULL DEFAULT 0",),
)

#: What this code was built for.
VERSION = len(STEPS)


class NewerSchema(Exception):
    """The database was written by a newer module than this one."""

    def __init__(self, found: int) -> None:
        super().__init__(
            f"the directory in this database is of version {found}, this module knows {VERSION}; "
            "install the module that wrote it, or a newer one"
        )


def version_txn(txn: LoggingTransaction) -> int:
    """The version of the tables; 0 when there are none yet. Creates only the version row's table."""
    txn.execute("CREATE TABLE IF NOT EXISTS sferum_schema_version (version INTEGER NOT NULL)")
    txn.execute("SELECT version FROM sferum_schema_version")
    row = txn.fetchone()
    return int(row[0]) if row else 0


def found_txn(txn: LoggingTransaction) -> int:
    """The version of the tables, read only: for processes that must not make any.

    Raises:
        the database's own error: there are no tables yet.
    """
    txn.execute("SELECT version FROM sferum_schema_version")
    row = txn.fetchone()
    return int(row[0]) if row else 0


def migrate_txn(txn: LoggingTransaction) -> int:
    """Bring the tables forward to `VERSION`; returns the version found.

    Raises:
        NewerSchema: the tables are ahead of this code. Nothing was changed.
    """
    found = version_txn(txn)
    if found > VERSION:
        raise NewerSchema(found)
    for step in STEPS[found:]:
        for statement in step:
            txn.execute(statement)
    if found == 0:
        txn.execute("INSERT INTO sferum_schema_version (version) VALUES (?)", (VERSION,))
    elif found < VERSION:
        txn.execute("UPDATE sferum_schema_version SET version = ?", (VERSION,))
    return found
