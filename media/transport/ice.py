"""ICE-lite for one peer: which addresses are its own, and which of them we answer to (RFC 8445 2.5, RFC 7675). Pure.

The client does all the work: it sends checks from every address that it has, over UDP and TCP, and says which pair is
to be used. Time comes in as `now`, seconds of any monotonic clock.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from attrs import Factory, define, evolve, frozen

from media.transport.api import IceCredentials, Ignored
from media.transport.binding import Binding

#: A client with three networks over UDP and TCP has six; a stranger who knows the password cannot fill the memory.
MAX_ROUTES = 8

R = TypeVar("R")  # a way back to the client: an address of the UDP socket, or a TCP connection


@frozen
class Generation:
    """Credentials of both sides between two ICE restarts; `remote_ufrag` None: the client has not told yet."""

    local: IceCredentials
    remote_ufrag: str | None = None


@define
class IceLite(Generic[R]):
    created: float
    current: Generation
    _previous: Generation | None = None
    _checked: dict[R, float] = Factory(dict)  # route → its last valid check
    _nominated: bool = False
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

        The first one is used at once; USE-CANDIDATE moves to another (calls.md §3: browsers nominate aggressively).
        """
        if generation == self.current:
            self._previous = None
            if self._restarted:
                self._restarted, self._nominated = False, False
                self.selected = route
        self.last_check = now
        self._checked[route] = now
        if use_candidate or self.selected is None:
            self.selected = route
            self._nominated = self._nominated or use_candidate
        if len(self._checked) <= MAX_ROUTES:
            return None
        others = {r: at for r, at in self._checked.items() if r not in (route, self.selected)}
        stalest = min(others, key=others.__getitem__)
        del self._checked[stalest]
        return stalest

    def forget(self, route: R) -> None:
        """A TCP connection broke, or an address is another peer's now."""
        self._checked.pop(route, None)
        if self.selected == route:
            self.selected = max(self._checked, key=self._checked.__getitem__, default=None)

    def expire(self, now: float, consent_s: float) -> list[R]:
        """Forget routes without a valid check for `consent_s`, and return them."""
        silent = [route for route, at in self._checked.items() if now - at > consent_s]
        for route in silent:
            self.forget(route)
        return silent

    def restart(self, local: IceCredentials, remote_ufrag: str | None) -> IceCredentials | None:
        """New credentials; the old hold until the new are used. Returns the ones that end now."""
        ended = self._previous.local if self._previous is not None else None
        self._previous = self.current
        self.current = Generation(local, remote_ufrag)
        self._restarted = True
        return ended

    def learn_remote(self, ufrag: str) -> None:
        self.current = evolve(self.current, remote_ufrag=ufrag)

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
