"""Both planes, for tests that hold on each: the native one where a build fits; with CI=true one must."""

from __future__ import annotations

import os
from collections.abc import Callable

from media.forwarder.choose import Choice, NoForwarder, choose
from media.forwarder.plain.forwarder import PlainForwarder
from media.ids import PeerId
from media.plane.api import Plane
from media.plane.choose import plane_of
from media.plane.plain import PlainPlane

#: Media threads of the native one: packets of a room may come in on another one than the room's.
THREADS = 2


class Tapped(PlainForwarder):
    """Remembers what came, as it came."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[bytes] = []

    def receive(self, peer: PeerId, datagram: bytes, now: float, came: float | None = None) -> None:
        self.came.append(datagram)
        super().receive(peer, datagram, now, came)


def plain() -> Plane:
    return PlainPlane(Tapped())


def _native() -> Choice | None:
    try:
        return choose("native")
    except NoForwarder:
        if os.environ.get("CI") == "true":
            raise
        return None


def _planes() -> dict[str, Callable[[], Plane]]:
    native = _native()
    found: dict[str, Callable[[], Plane]] = {"plain": plain}
    if native is not None and native.engine is not None:
        found["native"] = lambda: plane_of(native, THREADS)
    return found


#: Name → how to make one that is not open yet.
PLANES = _planes()
