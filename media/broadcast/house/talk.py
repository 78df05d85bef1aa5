"""What viewers ask in one broadcast and what hosts show to all, with the pace that they set. Pure, bounded.

A question is seen by the hosts alone until one of them shows it. Then everybody sees it without a name: the list is
kept by edges and browsers, and a child's name is not for them.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from itertools import islice
from typing import Any

from attrs import define, field, frozen

from media.broadcast.pages.shown import Said

#: Questions that wait for a host, the oldest go; lines that are shown; typed lines that their typist sees again.
MOST_WAITING, MOST_SAID, MOST_TYPED = 200, 50, 6
#: Viewers whose last question is remembered.
MOST_VIEWERS = 20_000
#: Seconds that hosts may choose between two questions of one viewer.
PACES = (0, 30, 120, 600)


@frozen
class Waiting:
    """A question that no host has shown or put away."""

    number: int
    viewer: str = field(repr=False)
    text: str = field(repr=False)


@define
class Talk:
    """Attributes:

    first: numbers begin above it. Pages know lines by them, so another process must not give them out again.
    slow_s: seconds between two questions of one viewer; 0: as often as pages let anybody.
    typed: the last lines of captions.
    """

    first: int = 0
    slow_s: int = 0
    typed: deque[str] = field(factory=lambda: deque(maxlen=MOST_TYPED), repr=False)
    _waiting: OrderedDict[int, Waiting] = field(factory=OrderedDict, init=False, repr=False)
    _said: OrderedDict[int, Said] = field(factory=OrderedDict, init=False, repr=False)
    _asked: OrderedDict[str, float] = field(factory=OrderedDict, init=False, repr=False)
    _number: int = field(init=False)
    _questions: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._number = self.first

    def kept(self) -> dict[str, object]:
        """All but who asked when, for another process."""
        return {
            "number": self._number,
            "questions": self._questions,
            "slow_s": self.slow_s,
            "typed": list(self.typed),
            "waiting": [[one.number, one.viewer, one.text] for one in self._waiting.values()],
            "said": [[one.id, one.text, one.host] for one in self._said.values()],
        }

    @classmethod
    def again(cls, raw: Mapping[str, Any], first: int) -> Talk:
        """What `kept` gave, with numbers above `first` from now on.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        made = cls(max(first, int(raw["number"])))
        made.slow_s = raw["slow_s"] if raw["slow_s"] in PACES else 0
        made.typed.extend(str(one) for one in raw["typed"][-MOST_TYPED:])
        made._questions = int(raw["questions"])
        for number, viewer, text in raw["waiting"][-MOST_WAITING:]:
            made._waiting[int(number)] = Waiting(int(number), str(viewer), str(text))
        for number, text, host in raw["said"][-MOST_SAID:]:
            made._said[int(number)] = Said(int(number), str(text), host is True)
        return made

    def may_ask(self, viewer: str, now: float) -> bool:
        """Whether the hosts' pace lets this viewer ask now. `now`: seconds, never going back."""
        last = self._asked.get(viewer)
        return last is None or now - last >= self.slow_s

    def ask(self, viewer: str, text: str, now: float) -> None:
        """One more question."""
        self._asked.pop(viewer, None)
        self._asked[viewer] = now
        if len(self._asked) > MOST_VIEWERS:
            self._asked.popitem(last=False)
        self._questions += 1
        number = self._next()
        self._waiting[number] = Waiting(number, viewer, text)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)

    def waiting(self, most: int) -> tuple[Waiting, ...]:
        """Those that came first."""
        return tuple(islice(self._waiting.values(), most))

    @property
    def newest(self) -> int:
        """How many questions there have been."""
        return self._questions

    def __len__(self) -> int:
        """Questions that wait."""
        return len(self._waiting)

    def show(self, number: int) -> Said | None:
        """To all; None: another host was faster."""
        one = self._waiting.pop(number, None)
        return None if one is None else self._show(Said(one.number, one.text))

    def put_away(self, number: int) -> bool:
        return self._waiting.pop(number, None) is not None

    def say(self, text: str) -> Said:
        """A host's own line, to all."""
        return self._show(Said(self._next(), text, host=True))

    def take_back(self, number: int) -> bool:
        """What all see already."""
        return self._said.pop(number, None) is not None

    @property
    def said(self) -> tuple[Said, ...]:
        """What all see, the oldest first."""
        return tuple(self._said.values())

    def _show(self, one: Said) -> Said:
        self._said[one.id] = one
        if len(self._said) > MOST_SAID:
            self._said.popitem(last=False)
        return one

    def _next(self) -> int:
        self._number += 1
        return self._number
