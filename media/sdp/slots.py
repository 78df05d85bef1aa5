"""One section and what it carries now. Pure."""

from __future__ import annotations

from media.frozen import frozen
from media.sdp.answer import Outgoing
from media.sdp.values import SectionKind


@frozen(kw_only=True)
class Slot:
    """A section of a subscriber's connection; None: it is free."""

    mid: str
    kind: SectionKind
    track: Outgoing | None = None
