"""A line of the append-only log (R51). Pure."""

from __future__ import annotations

from attrs import frozen


@frozen
class AuditEntry:
    """Who did what to whom. `actor` is a user id or `service`; ids only, never names, phones or e-mails."""

    actor: str
    action: str
    target: str
    before: str = ""
    after: str = ""
    reason: str = ""
