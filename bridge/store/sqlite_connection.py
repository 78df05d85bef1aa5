"""SQLite's connection as this store uses it: closing it ends its transaction, whoever still holds a cursor of it."""

from __future__ import annotations

import sqlite3
from typing import Any
from weakref import WeakSet


class EndingConnection(sqlite3.Connection):
    """Closes its cursors before itself. Used by one thread, aiosqlite's.

    Python's `close` is `sqlite3_close_v2`: while there is a statement whose rows are not all read, "the deallocation of
    resources is deferred" (sqlite.org/c3ref/close.html), and a BEGIN IMMEDIATE keeps every other writer out. A task
    that is cancelled while it reads leaves such a statement: the cursor hangs in the traceback of the CancelledError,
    in a circle with SQLAlchemy's frames, and with CPython 3.11 not even `gc.collect()` always frees it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
        made = super().cursor(factory)
        self._cursors.add(made)
        return made

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """sqlite3's own makes its cursor past `cursor`."""
        made: sqlite3.Cursor = self.cursor().execute(sql, parameters)
        return made

    def close(self) -> None:
        """A second time it does nothing, as in sqlite3."""
        for cursor in list(self._cursors):
            cursor.close()
        self._cursors.clear()
        super().close()
