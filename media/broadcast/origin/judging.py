"""Whether a pass opens a broadcast, asked once and remembered for a moment. What is revoked is out at once.

The seal is looked at once for each pass and half minute, and whoever knows the school is asked no oftener: thousands of
requests a second come in here. Of an edge's viewers a roll is made, which is worth no more than their answers now.
"""

from __future__ import annotations

import asyncio
import enum
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from attrs import define, field, frozen

from media.broadcast import passes
from media.broadcast.passes import NoPass, Pass, Revoked
from media.broadcast.roll import Rolls

#: Seconds that a yes or a no is remembered, where no edge remembers it as well.
REMEMBERS_S = 15.0
#: Answers that are remembered.
MOST = 40_000
#: Seconds that a roll is worked on: whoever is not known by then is not on it, and is asked about by name.
ROLL_S = 1.0

#: Whether the bearer of a sealed pass may watch now: `Watchers.may_watch` of the register; of a node, its school.
MayWatch = Callable[[Pass], Awaitable[bool]]


class Away(enum.Enum):
    """Nobody could be asked: 503."""

    AWAY = "away"


@frozen
class _Known:
    judged: Pass | NoPass
    until: float


@define(eq=False)
class Judge:
    """Attributes:
    keys: of passes; the first one seals, all are good.
    now: seconds since 1970.
    counted: judgements that were not remembered, by word.
    """

    keys: Sequence[bytes] = field(repr=False)
    may_watch: MayWatch
    now: Callable[[], float]
    revoked: Revoked = field(factory=Revoked)
    remembers_s: float = REMEMBERS_S
    rolls: Rolls = field(factory=Rolls, init=False, repr=False)
    counted: Counter[str] = field(factory=Counter, init=False)
    _known: OrderedDict[tuple[str, str], _Known] = field(
        factory=OrderedDict, init=False, repr=False
    )
    _asking: dict[tuple[str, str], asyncio.Future[bool]] = field(
        factory=dict, init=False, repr=False
    )

    def at_hand(self, text: str, broadcast: str) -> Pass | NoPass | None:
        """Without asking anybody; None: `judge` has to."""
        known = self._known.get((text, broadcast))
        if known is None or known.until <= self.now():
            return None
        judged = known.judged
        if isinstance(judged, Pass) and self.revoked.has(judged):
            return NoPass.REVOKED
        return judged

    async def judge(self, text: str, broadcast: str) -> Pass | NoPass | Away:
        """Asked anew; an edge remembers the answer itself."""
        now = self.now()
        found = passes.check(text, broadcast, self.keys, now, self.revoked)
        if isinstance(found, NoPass):
            self.counted[found.value] += 1
            return found  # not remembered: forged ones would push out the others
        try:
            allowed = await self._ask(found)
        except Exception:  # whatever it is: who failed has logged it
            self.counted[Away.AWAY.value] += 1
            return Away.AWAY
        judged: Pass | NoPass = found if allowed else NoPass.REVOKED
        self.counted["yes" if allowed else NoPass.REVOKED.value] += 1
        until = min(self.now() + self.remembers_s, found.expires_at)
        self._known[text, broadcast] = _Known(judged, until)
        self._known.move_to_end((text, broadcast))
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return judged

    async def for_edge(self, text: str, broadcast: str) -> Pass | NoPass | Away:
        """Whoever is let in is on their crowd's next roll."""
        judged = await self.judge(text, broadcast)
        if isinstance(judged, Pass):
            self.rolls.add(text, judged, self.now())
        return judged

    async def roll(self, broadcast: str, crowd: str) -> list[str]:
        """The marks of those who may watch now; nobody is on it because of an older roll."""
        found: list[str] = []
        with suppress(TimeoutError):  # whoever was not looked at is asked about by name
            async with asyncio.timeout(ROLL_S):
                for line in self.rolls.of(broadcast, crowd, self.now()):
                    try:
                        allowed = await self.may_watch(line.given)
                    except (
                        Exception
                    ):  # as above: that one is asked about by name, and told that we are away
                        self.counted[Away.AWAY.value] += 1
                        continue
                    if allowed and not self.revoked.has(line.given):
                        found.append(line.mark)
                    else:
                        self.rolls.drop(broadcast, crowd, line.mark)
        return found

    async def _ask(self, found: Pass) -> bool:
        """One question at a time for each account."""
        key = found.broadcast, found.account
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._answer(found))
            asking.add_done_callback(lambda _: self._asking.pop(key))
        return await asyncio.shield(asking)

    async def _answer(self, found: Pass) -> bool:
        return await self.may_watch(found)
