"""Which ICE session a PATCH is about: If-Match against the session's ETag (RFC 9725 4.3.1, RFC 9110 13.1.1). Pure.

An entity tag is the ufrag of our end in quotes: it is new with each restart, and no secret between the two.
"""

from __future__ import annotations

import enum
import re

from media.broadcast.whip.fragments import Fragment
from media.broadcast.whip.refusals import Refused, Why
from media.sdp.api import Local

#: Characters of a header; more is no tag of ours.
MAX_IF_MATCH = 1024
_STRONG = re.compile(r'"[\x21\x23-\x7e]*"')  # RFC 9110 8.8.3


class Patch(enum.Enum):
    """What a PATCH asks for."""

    TRICKLE = "trickle"
    RESTART = "restart"


def etag_of(local: Local) -> str:
    return f'"{local.ufrag}"'


def judge(
    if_match: str | None, fragment: Fragment, etag: str, remote_ufrag: str
) -> Patch | Refused:
    """What `fragment` asks of a session with this `etag` whose client calls itself `remote_ufrag`.

    A restart says `*`: it holds for whatever session there is. A fragment with `*` that names the ufrag we know
    brings candidates only.
    """
    if if_match is None:
        return Refused(Why.NO_CONDITION)
    other = fragment.ufrag not in {"", remote_ufrag}
    if if_match.strip() == "*":
        return Patch.RESTART if other else Patch.TRICKLE
    if other or etag not in tags_of(if_match):
        return Refused(Why.OTHER_ICE)
    return Patch.TRICKLE


def tags_of(if_match: str) -> frozenset[str]:
    """The strong tags of a list; weak ones (`W/"…"`) never match here."""
    parts = [part.strip() for part in if_match[:MAX_IF_MATCH].split(",")]
    return frozenset(part for part in parts if _STRONG.fullmatch(part))
