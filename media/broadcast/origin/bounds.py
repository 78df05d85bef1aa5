"""How much one viewer, and all of them, may hold of the process. Pure: counts of what is under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define, field

#: Requests of one pass at one time: a player has a playlist and a part under way, for pictures and for captions.
MOST_OF_ONE = 12
#: Of all; each costs a few kilobytes, and a descriptor.
MOST_OF_ALL = 15_000


class Busy(Exception):
    """503: too much is under way."""


@define
class Bounds:
    """Attributes:
    turned_away: requests that found everything taken.
    """

    of_one: int = MOST_OF_ONE
    of_all: int = MOST_OF_ALL
    under_way: int = field(default=0, init=False)
    turned_away: int = field(default=0, init=False)
    _by: Counter[str] = field(factory=Counter, init=False, repr=False)

    @contextmanager
    def one_more(self, who: str) -> Iterator[None]:
        """While a request of this pass is answered.

        Raises:
            Busy: it is one too many.
        """
        if self.under_way >= self.of_all or self._by[who] >= self.of_one:
            if not self._by[who]:
                del self._by[who]
            self.turned_away += 1
            raise Busy
        self.under_way += 1
        self._by[who] += 1
        try:
            yield
        finally:
            self.under_way -= 1
            self._by[who] -= 1
            if not self._by[who]:
                del self._by[who]
