"""Which packets of a publisher are missing, and when to ask for them again (RFC 4585 6.2.1)."""

from __future__ import annotations

from attrs import Factory, define

#: Seconds a packet may be overtaken before it counts as missing: reordering on radio links stays below this.
REORDERING_S = 0.020
#: Seconds after each of the first two requests for a packet, twice as many after each of the next two, and so on: eight
#: reach over four round trips of a far publisher, whose round trip nobody measures. A known longer one counts instead.
RETRY_S = 0.050
ATTEMPTS = 8
#: Seconds after which nobody's jitter buffer waits for it any more.
GIVE_UP_S = 1.0
#: More missing than this is an outage: a keyframe mends it cheaper.
MOST_MISSING = 250


@define
class _Missing:
    since: float
    next_request: float
    attempts: int = 0


@define
class MissingPackets:
    """Of one stream. Numbers are unrolled."""

    _missing: dict[int, _Missing] = Factory(dict)

    @property
    def count(self) -> int:
        return len(self._missing)

    def gap(self, first: int, end: int, now: float) -> bool:
        """Numbers first..end-1 were skipped. False: too many are missing, all are given up."""
        if end - first + len(self._missing) > MOST_MISSING:
            self._missing.clear()
            return False
        for seq in range(first, end):
            self._missing[seq] = _Missing(now, now + REORDERING_S)
        return True

    def arrived(self, seq: int) -> None:
        self._missing.pop(seq, None)

    def clear(self) -> None:
        self._missing.clear()

    def poll(self, now: float, rtt_s: float | None) -> list[int]:
        """Numbers to ask for now, ascending."""
        asked: list[int] = []
        for seq, missing in list(self._missing.items()):
            if missing.attempts >= ATTEMPTS or now - missing.since > GIVE_UP_S:
                del self._missing[seq]
            elif now >= missing.next_request:
                missing.attempts += 1
                missing.next_request = now + max(
                    RETRY_S * ((missing.attempts + 1) // 2), rtt_s or 0.0
                )
                asked.append(seq)
        return sorted(asked)

    def next_wakeup(self) -> float | None:
        if not self._missing:
            return None
        return min(missing.next_request for missing in self._missing.values())
