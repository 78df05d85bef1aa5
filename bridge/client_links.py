"""Addresses that open a chat client with the school's server filled in. Pure. What each client takes was looked up:

* Element X: `https://mobile.element.io/element/?account_provider=…` (element-x-android `DefaultLoginIntentResolver`;
  the slash before `?` matters to Android). Without `https://`: with it the app shows another server's name.
* Cinny: `/login/{server}` (`src/app/pages/paths.ts`), the server encoded as one part of the path.
* Element Web takes no server from its address (`src/vector/app.tsx`: `hs_url` is respected for e-mail validation
  only), so a school's own copy has it in its configuration, and on the public one it is typed.
* FluffyChat has no such address: it is typed.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from attrs import frozen

from bridge.config import Clients

PUBLIC_ELEMENT_WEB = "https://app.element.io"
ELEMENT_X = "https://mobile.element.io/element/"
FLUFFYCHAT = "https://fluffychat.im"


@frozen(kw_only=True)
class ClientLinks:
    """Attributes:
    server: what is typed where a client asks for a server.
    own_element_web: the school's own copy, which knows the server.
    """

    server: str
    element_x: str
    element_web: str
    own_element_web: bool
    cinny: str
    fluffychat: str


def client_links(clients: Clients) -> ClientLinks:
    """The addresses of one school."""
    server = clients.homeserver_url.removeprefix("https://")
    return ClientLinks(
        server=server,
        element_x=f"{ELEMENT_X}?{urlencode({'account_provider': server})}",
        element_web=f"{clients.element_web}/#/login",
        own_element_web=clients.element_web != PUBLIC_ELEMENT_WEB,
        cinny=f"{clients.cinny}/login/{quote(server, safe='')}/",
        fluffychat=FLUFFYCHAT,
    )
