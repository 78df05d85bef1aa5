"""What broadcasts need of the process that they are in: its settings and clocks, and what produces them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from attrs import frozen
from prometheus_client.registry import Collector

from media.access.openid import OpenId
from media.broadcast.house.house import nobody_calls
from media.broadcast.house.signing import Signing
from media.broadcast.house.staging import Staging
from media.broadcast.origin.origin import Origin
from media.broadcast.origin.publication import Told
from media.broadcast.register.opening import Register
from media.broadcast.whip.endpoints import Doors
from media.broadcast.whip.ids import BroadcastId
from serving.addresses import Network
from serving.json_http import JsonHttp


class Studio(Staging, Protocol):
    """What produces broadcasts, on the media ports of this process.

    Attributes:
        follows: whether a broadcast shows another school's: then nobody publishes it here.
    """

    follows: Callable[[BroadcastId], bool]

    @property
    def publishers(self) -> Doors:
        """WHIP."""

    @property
    def viewers(self) -> Doors:
        """WHEP."""

    def figures(self) -> Sequence[Collector]: ...

    def told(self, told: Told) -> None:
        """By the origin: hosts are to know."""

    def lost(self, broadcast: BroadcastId, account: str) -> None:
        """Somebody may no longer watch."""


@frozen(kw_only=True)
class Around:
    """The process that broadcasts are in.

    Attributes:
        tokens: service tokens, as their file says now.
        wall: seconds since 1970. clock: seconds, never going back. bits: n random bits.
        may_call, call_page: of the calls of this process, as of `BroadcastHouse`.
    """

    public_url: str
    client_url: str
    server_name: str
    trusted: tuple[Network, ...]
    homeserver: JsonHttp
    openid: OpenId
    tokens: Callable[[], Sequence[str]]
    wall: Callable[[], float]
    clock: Callable[[], float]
    bits: Callable[[int], int]
    may_call: Callable[[str, str], Awaitable[bool | None]] = nobody_calls
    call_page: Callable[[str], str] = lambda _: ""

    def chance(self, octets: int) -> bytes:
        return self.bits(8 * octets).to_bytes(octets, "big")


#: Makes the studio once register, origin and passes are there.
MakeStudio = Callable[[Register, Origin, Signing], AbstractAsyncContextManager[Studio]]
