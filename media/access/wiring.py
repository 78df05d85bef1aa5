"""The parts of this package put together, for the process and for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import aiohttp
from attrs import Factory, field, frozen

from media.access.delayed_leave import DelayedLeaves
from media.access.granting import Access
from media.access.json_http import JsonHttp
from media.access.leave_keeper import LeaveKeeper
from media.access.openid import OpenId
from media.access.requests import Home
from media.access.rights import ModuleRights
from media.access.tokens import Key


@frozen(kw_only=True)
class Settings:
    """What the operator says.

    Attributes:
        server_name: of our homeserver.
        homeserver_url: where this process reaches it; plain http on this machine only.
        client_urls: where clients reach it, without a slash at the end: whose delayed events are taken over.
        sfu_url: where clients go with a token: `wss://…`, without `/rtc`.
        service_token: the module's.
        other_servers: server name → address, of schools whose people may come to calls here. None by default.
        alone: this is the only node.
    """

    server_name: str
    homeserver_url: str
    client_urls: frozenset[str]
    sfu_url: str
    service_token: str = field(repr=False)
    other_servers: Mapping[str, str] = Factory(dict)
    alone: bool = True


def wired(
    session: aiohttp.ClientSession,
    settings: Settings,
    keys: Callable[[], Sequence[Key]],
    now: Callable[[], float],
    seconds: Callable[[], float],
) -> Access:
    """Nothing is sent yet. Run `access.leaves.run()` in a TaskGroup.

    Args:
        session: with `cookie_jar=aiohttp.DummyCookieJar()` and `trust_env=False`.
        now: seconds since 1970.
        seconds: of a clock that never goes back.

    Raises:
        InsecureUrl: plain http to another machine.
    """
    own = JsonHttp(session, settings.homeserver_url)
    others = {name: JsonHttp(session, url) for name, url in settings.other_servers.items()}
    return Access(
        Home(settings.server_name, settings.client_urls),
        settings.sfu_url,
        OpenId({**others, settings.server_name: own}, seconds),
        ModuleRights(own, settings.service_token),
        LeaveKeeper(DelayedLeaves(sends_unclaimed=settings.alone), own, seconds),
        keys,
        now,
        seconds,
    )
