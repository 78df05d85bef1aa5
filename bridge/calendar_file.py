"""A person's schedule as an iCalendar file that phones and programs read again and again (RFC 5545, RFC 7986). Pure.

Each occurrence stands for itself, at an instant: no rules and no time zones that readers would understand in their own
ways. The file is read anew every hour; what is moved moves, what is called off is gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from attrs import field, frozen

#: RFC 5545, 3.1: octets of a line, without the line's end.
LINE_OCTETS = 75
#: How often a subscriber should look (RFC 7986, 5.7).
REFRESH = "PT1H"


@frozen(kw_only=True)
class CalendarEntry:
    """One occurrence, in the words of who reads it.

    Attributes:
        uid: the same as long as it is the same occurrence, wherever it is moved to.
        begins, ends: instants.
        link: where to join, "" when there is nothing to join.
        category: a stable word.
    """

    uid: str
    begins: datetime
    ends: datetime
    summary: str = field(repr=False)
    location: str = field(default="", repr=False)
    description: str = field(default="", repr=False)
    link: str = ""
    category: str = ""
    sequence: int = 0


def calendar_file(
    name: str, entries: Sequence[CalendarEntry], now: datetime, *, join: str
) -> bytes:
    """The whole file, UTF-8.

    Args:
        name: of the calendar.
        now: when it is made: with a METHOD, that is what DTSTAMP says (RFC 5545, 3.8.7.2).
        join: what the way into a call is called.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Sferum on Matrix//Schedule 1.0//RU",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{escaped(name)}",
        f"X-WR-CALNAME:{escaped(name)}",  # what most programs read instead of NAME
        f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}",
        f"X-PUBLISHED-TTL:{REFRESH}",
        *(line for entry in entries for line in _event(entry, now, join)),
        "END:VCALENDAR",
    ]
    return b"".join(folded(line) for line in lines)


def etag(name: str, entries: Iterable[CalendarEntry]) -> str:
    """The same for the same contents, whenever the file is made (RFC 9110, 8.8.3)."""
    digest = hashlib.sha256(name.encode())
    for entry in entries:
        for line in _event(entry, entry.begins, ""):
            digest.update(b"\n" + line.encode())
    return f'"{digest.hexdigest()[:32]}"'


def _event(entry: CalendarEntry, now: datetime, join: str) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{escaped(entry.uid)}"
    yield f"DTSTAMP:{utc(now)}"
    yield f"DTSTART:{utc(entry.begins)}"
    yield f"DTEND:{utc(entry.ends)}"
    yield f"SEQUENCE:{entry.sequence}"
    yield f"SUMMARY:{escaped(entry.summary)}"
    if entry.location:
        yield f"LOCATION:{escaped(entry.location)}"
    text = "\n".join(one for one in (entry.description, entry.link) if one)
    if text:
        yield f"DESCRIPTION:{escaped(text)}"
    if entry.link:
        yield f"URL:{uri(entry.link)}"
        label = parameter(join)
        yield f"CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL={label}:{uri(entry.link)}"
    if entry.category:
        yield f"CATEGORIES:{escaped(entry.category)}"
    yield "CLASS:PRIVATE"
    yield "STATUS:CONFIRMED"
    yield "END:VEVENT"


def utc(at: datetime) -> str:
    """RFC 5545, 3.3.5, form 2: an instant."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def escaped(text: str) -> str:
    """A TEXT value (RFC 5545, 3.3.11). Control characters are not allowed in one and are left out."""
    kept = "".join(
        ch
        for ch in text.replace("\r\n", "\n").replace("\r", "\n")
        if ch in "\n\t" or _printable(ch)
    )
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        kept = kept.replace(plain, written)
    return kept


def uri(text: str) -> str:
    """A URI value: nothing in it may end the line."""
    return "".join(ch for ch in text if _printable(ch) and ch != " ")


def parameter(text: str) -> str:
    """A quoted parameter (RFC 5545, 3.2), in which quotes and line ends are written with carets (RFC 6868)."""
    kept = "".join(ch for ch in text if ch == "\n" or _printable(ch))
    for plain, written in (("^", "^^"), ("\n", "^n"), ('"', "^'")):
        kept = kept.replace(plain, written)
    return f'"{kept}"'


def _printable(ch: str) -> bool:
    # Half a surrogate pair cannot be written as UTF-8; U+2028 and U+2029 end lines for some readers.
    return (
        ch >= " "
        and not "\x7f" <= ch <= "\x9f"
        and not "\ud800" <= ch <= "\udfff"
        and ch not in "\u2028\u2029"
    )


def folded(line: str) -> bytes:
    """A content line, folded after at most 75 octets, never within a character (RFC 5545, 3.1)."""
    pieces: list[bytes] = []
    piece = b""
    for ch in line:
        octets = ch.encode()
        # A continued line begins with a space, which counts.
        if len(piece) + len(octets) > LINE_OCTETS - bool(pieces):
            pieces.append(piece)
            piece = b""
        piece += octets
    pieces.append(piece)
    return b"\r\n ".join(pieces) + b"\r\n"
