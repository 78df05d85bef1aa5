"""What handlers may use: the directory, the facts, Synapse, and the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import frozen
from synapse.module_api import ModuleApi

from synapse_sferum.api.call import SMALL_BODY, Call
from synapse_sferum.broadcast_posts import BroadcastPosts
from synapse_sferum.directory import DirectoryService
from synapse_sferum.facts import Facts
from synapse_sferum.guard import Guard
from synapse_sferum.own_accounts import OwnAccounts
from synapse_sferum.parties import Parties
from synapse_sferum.schedule.book import ScheduleBook
from synapse_sferum.year import YearService


@frozen(kw_only=True)
class Services:
    """Handed to every handler."""

    api: ModuleApi
    directory: DirectoryService
    facts: Facts
    guard: Guard
    own: OwnAccounts
    parties: Parties
    posts: BroadcastPosts
    years: YearService
    schedule: ScheduleBook
    now_ms: Callable[[], int]


#: A handler answers (HTTP status, JSON).
Handler = Callable[[Services, Call], Awaitable[tuple[int, Any]]]


@frozen(kw_only=True)
class Route:
    """One call of the API.

    Attributes:
        path: below the prefix, `{name}` matches one part.
        access: `service` | `leader` | `administrative` | `own_org` (any active account of the school) | `any`.
        body: bytes allowed.
    """

    method: str
    path: str
    access: str
    handler: Handler
    body: int = SMALL_BODY
