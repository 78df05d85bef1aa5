"""How many commands one person may give. Pure: the time comes in."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

from attrs import define, field

#: Nobody types faster; a client gone wild does.
MOST, WITHIN = 20, timedelta(minutes=1)
#: People counted at once; whoever was quiet longest is forgotten.
MOST_PEOPLE = 1000


@define
class Pace:
    _times: OrderedDict[str, deque[datetime]] = field(factory=OrderedDict, init=False)
    _told: dict[str, datetime] = field(factory=dict, init=False)

    def takes(self, sender: str, now: datetime) -> bool:
        """Whether one more command of theirs is read; counts it if so."""
        times = self._times.setdefault(sender, deque())
        self._times.move_to_end(sender)
        while len(self._times) > MOST_PEOPLE:
            gone, _ = self._times.popitem(last=False)
            self._told.pop(gone, None)
        while times and times[0] <= now - WITHIN:
            times.popleft()
        if len(times) >= MOST:
            return False
        times.append(now)
        return True

    def tells(self, sender: str, now: datetime) -> bool:
        """Whether to say "too often": once in the time, not for each."""
        if sender in self._told and now < self._told[sender] + WITHIN:
            return False
        self._told[sender] = now
        return True
