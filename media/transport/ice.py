"""ICE-lite for one peer: which addresses are its own, and which of them we answer to (RFC 8445 2.5, RFC 7675). Pure.

The client does all the work: it sends checks from every address that it has, over UDP and TCP, and says which pair is
to be used. A check proves who sent it, not where from: the source of a datagram can be anybody's. So a UDP address gets
no more than `MAX_AMPLIFIED` times what came from it, and no media moves there, before something that we sent there has
come back (`prove`); else a participant could turn their whole lesson against a stranger (RFC 8445 19.5.1, RFC 9000 8).
Time comes in as `now`, seconds of any monotonic clock.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from attrs import Factory, define, evolve, field

from media.frozen import frozen
from media.transport.api import IceCredentials, Ignored
from media.transport.binding import Binding

#: Bytes to an address for each byte from there, until it is proved (RFC 9000 8.1).
MAX_AMPLIFIED = 3
#: Seconds without a check after which the address in use is left for another that checks come from. Firefox checks
#: every 4 to 6 s, and names no address again once it has (RFC 7675 5.1); Chromium checks every 2.5 s.
LEFT_S = 7.0
#: A client with three networks over UDP and TCP has six; a stranger who knows the password cannot fill the memory.
MAX_ROUTES = 8

R = TypeVar("R")  # a way back to the client: an address of the UDP socket, or a TCP connection


@frozen
class Generation:
    """Credentials of both sides between two ICE restarts; `remote_ufrag` None: the client has not told yet."""

    local: IceCredentials
    remote_ufrag: str | None = None
    remote_pwd: str = field(default="", repr=False)


@define
class IceLite(Generic[R]):
    """Attributes:
    selected: where media goes.
    _nominated: an address that is not proved yet: media moves there when it is.
    _credit: bytes that may go to addresses that are not proved.
    """

    created: float
    current: Generation
    _previous: Generation | None = None
    _checked: dict[R, float] = Factory(dict)  # route → its last valid check
    _proved: set[R] = Factory(set)
    _credit: dict[R, int] = Factory(dict)
    _nominated: R | None = None
    _restarted: bool = False  # no check of the current generation has come yet
    selected: R | None = None
    last_check: float | None = None

    def verify(self, binding: Binding) -> Generation | Ignored:
        """Whose credentials the request is made with; nothing is remembered."""
        for generation in (self.current, self._previous):
            if generation is None or generation.local.ufrag != binding.local_ufrag:
                continue
            if generation.remote_ufrag not in (None, binding.remote_ufrag):
                return Ignored.UNKNOWN_UFRAG
            if not binding.is_made_with(generation.local.pwd):
                return Ignored.FORGED
            return generation
        return Ignored.UNKNOWN_UFRAG

    def accept(self, route: R, generation: Generation, use_candidate: bool, now: float) -> R | None:
        """A verified check came over `route`. Returns a route that had to be forgotten for it.

        The first one is used at once; USE-CANDIDATE moves to another (calls.md §3: browsers nominate aggressively),
        as soon as that is proved. So does any check while the one in use is silent: its NAT gave it away.
        """
        if generation == self.current:
            self._previous = None
            if self._restarted:
                self._restarted = False
                use_candidate = True
        self.last_check = now
        self._checked[route] = now
        if self.selected is None:
            self.selected = route
        elif use_candidate or now - self.checked_at(self.selected) > LEFT_S:
            self._nominated = None
            if route in self._proved:
                self.selected = route
            elif route != self.selected:
                self._nominated = route
        if len(self._checked) <= MAX_ROUTES:
            return None
        kept = (route, self.selected, self._nominated)
        others = {r: at for r, at in self._checked.items() if r not in kept}
        stalest = min(others, key=others.__getitem__)
        self._drop(stalest)
        return stalest

    def prove(self, route: R) -> None:
        """What we sent over `route` has come back, or it is a TCP connection: whoever is there wants it."""
        if route not in self._checked:
            return
        self._proved.add(route)
        self._credit.pop(route, None)
        unproved = self.selected is None or self.selected not in self._proved
        if unproved or self._nominated == route:
            self.selected, self._nominated = route, None

    def is_proved(self, route: R) -> bool:
        return route in self._proved

    def received(self, route: R, size: int) -> None:
        """So many bytes came over a route of this peer."""
        if route not in self._proved:
            self._credit[route] = self._credit.get(route, 0) + MAX_AMPLIFIED * size

    def spend(self, route: R, size: int) -> bool:
        """Whether so many bytes may go there."""
        if route in self._proved:
            return True
        left = self._credit.get(route, 0) - size
        if left < 0:
            return False
        self._credit[route] = left
        return True

    def forget(self, route: R) -> None:
        """A TCP connection broke, or an address is another peer's now."""
        self._drop(route)
        if self._nominated == route:
            self._nominated = None
        if self.selected == route:
            best = sorted(self._checked, key=lambda r: (r in self._proved, self._checked[r]))
            self.selected = best[-1] if best else None

    def _drop(self, route: R) -> None:
        self._checked.pop(route, None)
        self._credit.pop(route, None)
        self._proved.discard(route)

    def expire(self, now: float, consent_s: float) -> list[R]:
        """Forget routes without a valid check for `consent_s`, and return them."""
        silent = [route for route, at in self._checked.items() if now - at > consent_s]
        for route in silent:
            self.forget(route)
        return silent

    def restart(
        self, local: IceCredentials, remote_ufrag: str | None, remote_pwd: str = ""
    ) -> IceCredentials | None:
        """New credentials; the old hold until the new are used. Returns the ones that end now."""
        ended = self._previous.local if self._previous is not None else None
        self._previous = self.current
        self.current = Generation(local, remote_ufrag, remote_pwd)
        self._restarted = True
        return ended

    def learn_remote(self, ufrag: str, pwd: str) -> None:
        self.current = evolve(self.current, remote_ufrag=ufrag, remote_pwd=pwd)

    def ufrags(self) -> frozenset[str]:
        """Ours, that requests may name."""
        previous = () if self._previous is None else (self._previous.local.ufrag,)
        return frozenset((self.current.local.ufrag, *previous))

    def routes(self) -> tuple[R, ...]:
        return tuple(self._checked)

    def checked_at(self, route: R) -> float:
        """Its last valid check; minus infinity for one that is not this peer's."""
        return self._checked.get(route, float("-inf"))

    def silent_s(self, now: float) -> float:
        """Seconds since the last valid check, or since the beginning."""
        return now - (self.created if self.last_check is None else self.last_check)
