"""What hosts show to all as an event list: pages that never change, so one copy of each is enough. Pure.

events.json           where the list is now: the newest lines, and the number of the page that comes next
events.json?seq=17    that page, as soon as it is there

At most one page a second, however much is shown: ten thousand viewers ask once for each. Its number is a second since
1970 at the earliest: an origin that starts again gives out none a second time while edges and browsers keep answers.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable

from attrs import define, field, frozen

from media.broadcast.hls.answers import MEDIA, PLAIN, Answer, No, Refused, Text, Wait

JSON_TYPE = "application/json"
#: Seconds from one page to the next; pages that can still be asked for; lines that newcomers are given.
PAGE_S, KEPT, NEWEST = 1.0, 120, 50
#: Lines that wait for the next page: hosts press no faster. What is taken back is never too much.
MOST_PENDING = 50
#: How many pages early a request may be.
AHEAD = 2


@frozen
class Event:
    """A line. Without a text: it is taken back.

    Attributes:
        host: a host's own; else a viewer's question, without a name: caches keep nobody's.
    """

    id: int
    text: str = field(default="", repr=False)
    host: bool = False


@define
class Events:
    """Of one broadcast.

    Attributes:
        tag: begins every ETag.
        next: number of the page that comes next.
    """

    tag: str = ""
    next: int = 0
    ended: bool = False
    _pages: OrderedDict[int, str] = field(factory=OrderedDict, init=False, repr=False)
    _shown: OrderedDict[int, Event] = field(factory=OrderedDict, init=False, repr=False)
    _pending: list[Event] = field(factory=list, init=False, repr=False)
    _turned_at: float = field(default=float("-inf"), init=False)

    @property
    def takes(self) -> bool:
        """Whether there is room for another line now, and anybody who would see it."""
        return not self.ended and len(self._pending) < MOST_PENDING

    def take_up(self, lines: Iterable[Event]) -> None:
        """What all saw before this list began, the oldest first: newcomers are given it."""
        for one in lines:
            self._shown[one.id] = one
        while len(self._shown) > NEWEST:
            self._shown.popitem(last=False)

    def put(self, event: Event, now: float) -> float | None:
        """One more line; → seconds until `turn` makes a page of it. None: more than can be shown, or it is over."""
        if self.ended or (event.text and not self.takes):
            return None
        self._pending.append(event)
        return max(0.0, self._turned_at + PAGE_S - now)

    def turn(self, now: float) -> float:
        """What waits is a page, if it is time; → seconds until it is (a timer may be early), 0: nothing waits."""
        if not self._pending:
            return 0.0
        if now < self._turned_at + PAGE_S:
            return self._turned_at + PAGE_S - now
        self._pages[self.next] = _written(self.next + 1, self._pending)
        while len(self._pages) > KEPT:
            self._pages.popitem(last=False)
        for one in self._pending:
            self._shown.pop(one.id, None)
            if one.text:
                self._shown[one.id] = one
        while len(self._shown) > NEWEST:
            self._shown.popitem(last=False)
        self._pending = []
        self.next += 1
        self._turned_at = now
        return 0.0

    def answer(self, seq: int | None) -> Answer:
        """Where the list is now, or one page of it."""
        if seq is None:
            text = _written(self.next, self._shown.values())
            return Text(text, f'"{self.tag}-e{self.next}"', JSON_TYPE, PLAIN)
        page = self._pages.get(seq)
        if page is not None:
            return Text(page, f'"{self.tag}-p{seq}"', JSON_TYPE, MEDIA)
        if seq == self.next and not self.ended:
            return Wait.WAIT
        return Refused(No.TOO_FAR_AHEAD if self.next < seq <= self.next + AHEAD else No.NOT_THERE)


def _written(following: int, some: Iterable[Event]) -> str:
    lines = [
        {"id": one.id, "text": one.text, "host": one.host} if one.text else {"id": one.id}
        for one in some
    ]
    made = json.dumps(
        {"next": following, "events": lines}, ensure_ascii=False, separators=(",", ":")
    )
    return f"{made}\n"
