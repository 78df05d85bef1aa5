"""What of the bridge's log is its own: libraries that must be silent, routes that are asked for all day."""

from __future__ import annotations

from bridge.metrics import PAGES
from serving import logs

#: Libraries that speak of contents when something is wrong with them: SQL, events, pictures with an invite in them.
SILENT = ("nio", "weasyprint", "fontTools", "peewee")


class AccessLog(logs.AccessLog):
    """Of the pages; `/static` is asked for by every page."""

    seconds = PAGES
    dull = ("/health", "/static/{name}")
