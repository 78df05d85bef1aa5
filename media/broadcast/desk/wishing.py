"""The form of a new broadcast, checked field by field. Pure: the school's time zone comes in."""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo

from attrs import frozen

from media.broadcast.pages.asking import UNWRITTEN

#: Characters of a title: two lines on a phone.
MOST_TITLE = 100
#: Days ahead that a broadcast may be announced for: a school year.
MOST_AHEAD = timedelta(days=366)
#: Characters of a room's id (Matrix).
MOST_KEY = 255
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOUR = re.compile(r"[0-9]{2}:[0-9]{2}")


class BadWish(enum.Enum):
    """Why no broadcast is made of a form. The values are stable: names of texts."""

    NO_TITLE = "wish_no_title"
    LONG_TITLE = "wish_long_title"
    NO_PLACE = "wish_no_place"
    BAD_TIME = "wish_bad_time"
    PAST = "wish_past"


@frozen(kw_only=True)
class Wish:
    """A broadcast as its host wants it.

    Attributes:
        place: a key of `Place`.
        begins_at: with the school's time zone; None: when somebody starts it.
        low_latency: parts of half a second, for 5,000 viewers at most.
    """

    title: str
    place: str = ""
    begins_at: datetime | None = None
    recorded: bool = True
    low_latency: bool = False


def wish_of(form: Mapping[str, str], now: datetime, zone: tzinfo) -> Wish | BadWish:
    """`title`, `place`, `date`, `time`, `recorded`, `low_latency`, as the form names them."""
    title = _line(form.get("title", ""))
    if not title:
        return BadWish.NO_TITLE
    if len(title) > MOST_TITLE:
        return BadWish.LONG_TITLE
    place = form.get("place")
    if place is None or len(place) > MOST_KEY:
        return BadWish.NO_PLACE
    begins_at = _moment(form.get("date", ""), form.get("time", ""), zone)
    if isinstance(begins_at, BadWish):
        return begins_at
    if begins_at is not None and not now - timedelta(hours=1) < begins_at < now + MOST_AHEAD:
        return BadWish.PAST if begins_at < now else BadWish.BAD_TIME
    return Wish(
        title=title,
        place=place,
        begins_at=begins_at,
        recorded=form.get("recorded") == "1",
        low_latency=form.get("low_latency") == "1",
    )


def _line(raw: str) -> str:
    """One line; no signs that nobody writes: a title is shown in chats."""
    blanks = "".join(" " if one.isspace() else one for one in raw[: MOST_TITLE * 4])
    kept = (one for one in blanks if unicodedata.category(one) not in UNWRITTEN)
    return " ".join("".join(kept).split())


def _moment(day: str, hour: str, zone: tzinfo) -> datetime | BadWish | None:
    """Both or neither, as browsers write them: 2026-11-28 and 18:30."""
    if not day and not hour:
        return None
    if _DAY.fullmatch(day) is None or _HOUR.fullmatch(hour) is None:
        return BadWish.BAD_TIME
    try:
        return datetime.combine(date.fromisoformat(day), time.fromisoformat(hour), tzinfo=zone)
    except (ValueError, OverflowError):
        return BadWish.BAD_TIME
