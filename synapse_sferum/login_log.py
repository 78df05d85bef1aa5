"""Synapse writes what people type to its log, as a user name or into a search; this takes it out.

A phone, an e-mail or a name must not be in any log (design.md §4). Synapse has no setting for it, and the lines are
written before any callback runs.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Final

from synapse import http
from synapse.http import site

from synapse_sferum import events

#: Logger → beginnings of its messages that carry what was typed. `test_login_log.py` finds them in Synapse's source.
HIDDEN: Final[Mapping[str, tuple[str, ...]]] = {
    "synapse.rest.client.login": ("Got login request with identifier",),
    "synapse.handlers.auth": ("unknown 3pid identifier", "Attempted to login as"),
    "synapse.util.threepids": ("Couldn't parse email address", "Checking 3PID"),
    "synapse.handlers.search": ("Search content",),
    "synapse.handlers.send_email": ("Sending email to",),
    "synapse.handlers.identity": ("Error sending threepid validation email to",),
    "synapse.handlers.ui_auth.checkers": ("Getting validated threepid",),
    "synapse.handlers.typing": ("Got typing update from",),
    "synapse.rest.admin.users": ("term: ",),
    "synapse.rest.client.account": ("Request #", "MSISDN "),
}

#: Where the bridge asks who has a phone or an e-mail: the address is the last part of the path, and paths are logged.
LOOKED_UP: Final = re.compile(r"(/threepid/[^/?]*/users/)[^/?]*")

#: Below our own API: ids and words of ours look like this. Anything else was typed into an address by somebody.
OURS: Final = re.compile(
    r"(?!\d{5})[a-z0-9][a-z0-9_-]{0,62}|(?:@|%40)u[a-z2-7]{8}(?::|%3[Aa])[\w.:%-]+"
)


class HideTyped(logging.Filter):
    """Keeps the line, drops its arguments."""

    def __init__(self, beginnings: tuple[str, ...]) -> None:
        super().__init__()
        self.beginnings = beginnings

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place; it is always logged."""
        text = str(record.msg)
        for beginning in self.beginnings:
            if text.startswith(beginning):
                record.msg, record.args = f"{beginning} (not logged)", ()
        return True


def redact_uri(uri: str) -> str:
    """The path of a request as it may be logged: without tokens, as Synapse does, without contacts and typed words.

    A director searches for people by name, and whoever opens the pages may put anything where an id belongs.
    """
    if uri.startswith(events.API_PREFIX):
        path, asked, _ = uri.partition("?")
        rest = path.removeprefix(events.API_PREFIX).split("/")
        shown = "/".join(one if not one or OURS.fullmatch(one) else "<redacted>" for one in rest)
        return events.API_PREFIX + shown + ("?<redacted>" if asked else "")
    return LOOKED_UP.sub(r"\1<redacted>", http.redact_uri(uri))


def hide_typed_names() -> None:
    """Put the filters on Synapse's loggers; once per process."""
    # Requests are named in the log by way of this alone.
    site.redact_uri = redact_uri  # type: ignore[attr-defined] # imported there, not its own
    for name, beginnings in HIDDEN.items():
        logger = logging.getLogger(name)
        if not any(isinstance(found, HideTyped) for found in logger.filters):
            logger.addFilter(HideTyped(beginnings))
