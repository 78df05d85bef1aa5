"""How many questions from one address are looked at in a minute. Pure: time comes in.

The operator asks once, and the answer to everybody else is the same whether their question was looked at or not.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from attrs import define, field

#: Questions of one address in one minute, and addresses in one minute.
MOST_QUESTIONS: Final = 30
MOST_ADDRESSES: Final = 4_096
WINDOW_S: Final = 60


@define(eq=False)
class Minute:
    """Counts questions by address; with each minute it begins anew."""

    _asked: dict[str, int] = field(factory=dict, init=False)
    _window: int = field(default=-1, init=False)

    def takes(self, address: str, now_s: int) -> bool:
        """Whether one more question from there is looked at."""
        window = now_s // WINDOW_S
        if window != self._window:
            self._asked.clear()
            self._window = window
        whose = _network(address)
        asked = self._asked.get(whose, 0)
        if asked >= MOST_QUESTIONS or (not asked and len(self._asked) >= MOST_ADDRESSES):
            return False
        self._asked[whose] = asked + 1
        return True


def _network(address: str) -> str:
    """An address; of IPv6 the network, because a household has 2^64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""  # a socket of this machine: behind it stands the proxy
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
