"""How many handshakes may begin. Pure."""

from __future__ import annotations

from attrs import define, field


@define
class Admission:
    """Lets `rate_per_s` begin on average and `burst` at once, so that a rush of joins does not stop running calls.

    Whoever is refused comes again by itself: WebRTC clients repeat their ClientHello after 50 ms.
    """

    rate_per_s: float
    burst: int
    _tokens: float = field()
    _at: float | None = None

    @_tokens.default
    def _full(self) -> float:
        return float(self.burst)

    def admit(self, now: float) -> bool:
        if self._at is not None:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate_per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
