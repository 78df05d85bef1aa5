"""Relays for clients behind walls, as headers (RFC 9725 4.6: Link with rel="ice-server"). Pure."""

from __future__ import annotations

from attrs import field, frozen


@frozen(kw_only=True)
class IceServer:
    """A STUN or TURN address with what it asks for; made for each client (`media.turn`)."""

    url: str
    username: str = ""
    credential: str = field(default="", repr=False)


def link_of(server: IceServer) -> str:
    """The value of one Link header."""
    link = f'<{server.url}>; rel="ice-server"'
    if not server.username:
        return link
    name, password = _quoted(server.username), _quoted(server.credential)
    return f'{link}; username={name}; credential={password}; credential-type="password"'


def _quoted(text: str) -> str:
    """A quoted string (RFC 9110 5.6.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
