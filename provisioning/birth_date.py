"""Birth dates in the two spellings that cannot be misread. Pure."""

from __future__ import annotations

import re
from datetime import date

ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?")
RUSSIAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?: г\.?| 0?0:00(?::00)?)?")
OLDEST = 1900  # a birth year before this is a slip


class BadDate(ValueError):
    """Not a date in the two accepted forms. The message does not quote the cell."""


def parse_date(text: str) -> date:
    """`2012-07-01` (ISO 8601) or `01.07.2012`.

    Two-digit years and slashes are refused: 01/07/12 has three readings.

    Raises:
        BadDate: another spelling, or a day that does not exist.
    """
    if match := ISO.fullmatch(text):
        year, month, day = match.groups()
    elif match := RUSSIAN.fullmatch(text):
        day, month, year = match.groups()
    else:
        raise BadDate("want ДД.ММ.ГГГГ or ГГГГ-ММ-ДД")
    try:
        result = date(int(year), int(month), int(day))
    except ValueError:
        raise BadDate("no such day") from None
    if result.year < OLDEST:
        raise BadDate("no such year")
    return result


def age(birth: date, today: date) -> int:
    """Full years on `today`; negative when born later. A 29 February birthday falls on 1 March."""
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
