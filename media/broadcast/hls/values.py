"""What playlists are made of: parts, segments, and the constants of one broadcast. Pure; ticks are of 48 kHz."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from attrs import field, frozen
from attrs.validators import ge, le

#: Ticks of a second: the clock of the sound, which everything is cut on.
HZ = 48_000
#: Ticks of a part: 48 frames of AAC, 1.024 s (broadcast.md §4).
PART = 48 * 1024
#: The same for "low latency": 0.512 s.
SHORT_PART = 24 * 1024
#: Per cent of PART-TARGET that a part has at least (RFC 8216bis 4.4.4.9); AVPlayer ends a stream that breaks it.
FULL_PERCENT = 85

_NAME = re.compile(r"[a-z0-9]{1,16}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Milliseconds until the last day that a date in a playlist can say.
_MOST_MS = 253_000_000_000_000


def is_name(text: str) -> bool:
    """Whether a rendition may be called so: it is a folder of the address."""
    return _NAME.fullmatch(text) is not None


def _named(_: object, __: object, text: str) -> None:
    if not is_name(text):
        raise ValueError("a rendition's name is 1 to 16 of a-z, 0-9")


@frozen
class Part:
    """One part, as the packager made it; its bytes are kept elsewhere under the same numbers.

    Attributes:
        discontinuity: counts the beginnings with another init segment.
        segment: its segment's media sequence number.
        number: within the segment, from 0.
        independent: begins with a key frame; parts of sound always do.
    """

    rendition: str = field(validator=_named)
    discontinuity: int = field(validator=ge(0))
    segment: int = field(validator=ge(0))
    number: int = field(validator=ge(0))
    ticks: int = field(validator=ge(1))
    independent: bool = True


@frozen(kw_only=True)
class Shape:
    """What never changes while a broadcast lasts: a player that sees it change gives up.

    Attributes:
        part_ticks: PART-TARGET; no part is longer.
        target_s: TARGETDURATION: no segment is longer when rounded to seconds. With key frames every 4 s, 5.
        hold_back_percent: of a part, how far from the edge players stay; RFC 8216bis wants 200 at least.
        window_s: seconds of whole segments that the live playlist shows.
        dvr_s: seconds that the rewind playlist grows to; it closes then. 12 h: no school event is longer.
    """

    part_ticks: int = field(default=PART, validator=[ge(HZ // 5), le(4 * HZ)])
    target_s: int = field(default=5, validator=[ge(1), le(60)])
    hold_back_percent: int = field(default=220, validator=[ge(200), le(1000)])
    window_s: int = field(default=30, validator=le(3600))
    dvr_s: int = field(default=43_200, validator=[ge(0), le(86_400)])

    def __attrs_post_init__(self) -> None:
        if self.part_ticks > self.target_s * HZ:
            raise ValueError("a part is longer than a segment may be")
        if self.window_s < 3 * self.target_s:  # RFC 8216bis 6.2.2
            raise ValueError("window_s is less than three times target_s")

    @property
    def skip_s(self) -> int:
        """CAN-SKIP-UNTIL: the least that is allowed, six target durations."""
        return 6 * self.target_s

    @property
    def ahead(self) -> int:
        """The Advance Part Limit: how many parts early a request may be (RFC 8216bis 6.2.5.2)."""
        return 3 if self.part_ticks >= HZ else -(-3 * HZ // self.part_ticks)

    @property
    def longest_wait_s(self) -> int:
        """A request that waits longer is answered 503 (RFC 8216bis 6.2.5.2)."""
        return 3 * self.target_s


@frozen
class Placed:
    """A part in its timeline. `serial` counts parts of the rendition over all segments and is the name of its file.

    So the hint of the next part is right whether or not that part begins a new segment.
    """

    part: Part
    serial: int


@frozen
class Segment:
    """A segment, complete or growing.

    Attributes:
        breaks: another init segment begins here: DISCONTINUITY stands before it.
        starts_at: ticks since the timeline began.
        wall_ms: of its first sample, milliseconds since 1970.
        media_at: the media's own time of its first sample (tfdt), ticks.
        parts: none any more in the rewind playlist.
    """

    number: int
    discontinuity: int
    breaks: bool
    starts_at: int
    wall_ms: int
    media_at: int = 0
    ticks: int = 0
    parts: tuple[Placed, ...] = ()

    @property
    def ends_at(self) -> int:
        return self.starts_at + self.ticks


def is_full(part: Part, shape: Shape) -> bool:
    """Whether another part may follow this one in its segment."""
    return part.independent or part.ticks * 100 >= FULL_PERCENT * shape.part_ticks


def fits_target(ticks: int, shape: Shape) -> bool:
    """Whether a segment of this length rounds to TARGETDURATION or less; half a second rounds up."""
    return ticks * 2 < (2 * shape.target_s + 1) * HZ


def seconds(ticks: int) -> str:
    """Decimal seconds, to the microsecond; the same rounding everywhere keeps "not longer than" true."""
    micro = (ticks * 1_000_000 + HZ // 2) // HZ
    return f"{micro // 1_000_000}.{micro % 1_000_000:06d}".rstrip("0").rstrip(".")


def date(wall_ms: int) -> str:
    """ISO 8601 with milliseconds, as EXT-X-PROGRAM-DATE-TIME has it."""
    at = _EPOCH + timedelta(milliseconds=min(max(wall_ms, 0), _MOST_MS))
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
