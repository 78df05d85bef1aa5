"""iCalendar, as any program may read it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from bridge.calendar_file import CalendarEntry, calendar_file, escaped, etag, folded, parameter, uri

NOW = datetime(2026, 9, 1, 3, tzinfo=UTC)
LESSON = CalendarEntry(
    uid="gabc-2026-09-01@school.example",
    begins=datetime(2026, 9, 1, 8, 30, tzinfo=timezone(timedelta(hours=3))),
    ends=datetime(2026, 9, 1, 9, 15, tzinfo=timezone(timedelta(hours=3))),
    summary="Алгебра; 5А, «повторение»",
    location="каб. 12",
    description="Тетради\nи ручки \\ карандаши",
    link="https://school.example/schedule/gabc?day=2026-09-01",
    category="LESSON",
    sequence=3,
)


def unfolded(file: bytes) -> list[str]:
    """Content lines, as RFC 5545 3.1 has a reader put them together again."""
    assert file.endswith(b"\r\n")
    return file.replace(b"\r\n ", b"").decode().removesuffix("\r\n").split("\r\n")


def unescaped(text: str) -> str:
    """RFC 5545, 3.3.11, read back by another way than it is written."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text)


def test_one_lesson() -> None:
    """Every property once, times as instants, the way into the call where programs look for it."""
    lines = unfolded(calendar_file("Расписание", [LESSON], NOW, join="Войти"))
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-1] == "END:VCALENDAR"
    assert lines[lines.index("BEGIN:VEVENT") : lines.index("END:VEVENT")] == [
        "BEGIN:VEVENT",
        "UID:gabc-2026-09-01@school.example",
        "DTSTAMP:20260901T030000Z",
        "DTSTART:20260901T053000Z",
        "DTEND:20260901T061500Z",
        "SEQUENCE:3",
        r"SUMMARY:Алгебра\; 5А\, «повторение»",
        "LOCATION:каб. 12",
        r"DESCRIPTION:Тетради\nи ручки \\ карандаши\nhttps://school.example/schedule/gabc?day=2026-09-01",
        "URL:https://school.example/schedule/gabc?day=2026-09-01",
        'CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL="Войти":'
        "https://school.example/schedule/gabc?day=2026-09-01",
        "CATEGORIES:LESSON",
        "CLASS:PRIVATE",
        "STATUS:CONFIRMED",
    ]


def test_nothing_to_join_and_nowhere() -> None:
    """What is not known has no property."""
    bare = CalendarEntry(uid="u", begins=NOW, ends=NOW, summary="Урок")
    lines = unfolded(calendar_file("Р", [bare], NOW, join="Войти"))
    assert not [line for line in lines if line.split(":")[0] in {"LOCATION", "URL", "DESCRIPTION"}]


def test_an_empty_calendar_is_one() -> None:
    """Who has nothing planned subscribes all the same."""
    lines = unfolded(calendar_file("Расписание", [], NOW, join=""))
    assert "VERSION:2.0" in lines
    assert "BEGIN:VEVENT" not in lines


def test_the_digest_is_of_what_is_planned() -> None:
    """A file made later is the same file; a lesson in another room is another."""
    assert etag("Р", [LESSON]) == etag("Р", [LESSON])
    assert etag("Р", [LESSON]) != etag("Р", [evolve(LESSON, location="каб. 13")])
    assert etag("Р", [LESSON]) != etag("П", [LESSON])


def test_a_name_cannot_leave_its_quotes() -> None:
    """RFC 6868: no quote and no line end is left in a parameter."""
    assert parameter('a"b\n^c') == '"a^\'b^n^^c"'


@given(st.text())
def test_lines_are_folded_and_put_together_again(text: str) -> None:
    """At most 75 octets each, each piece whole UTF-8, nothing lost."""
    line = escaped(text)
    found = folded(line)
    pieces = found.removesuffix(b"\r\n").split(b"\r\n")
    assert all(len(piece) <= 75 for piece in pieces)
    assert all(piece.decode() is not None for piece in pieces)
    assert unfolded(found) == [line]


@given(st.text())
def test_text_survives_its_escaping(text: str) -> None:
    """What a reader makes of it is what was meant, but for characters that no TEXT may have."""
    kept = escaped(text)
    assert "\n" not in kept
    assert "\r" not in kept
    meant = "".join(
        ch
        for ch in text.replace("\r\n", "\n").replace("\r", "\n")
        if ch in "\t\n"
        or (
            (ch.isprintable() or ch.isspace() or ord(ch) >= 0xA0)
            and ord(ch) >= 0x20
            and not 0x7F <= ord(ch) <= 0x9F
            and not 0xD800 <= ord(ch) <= 0xDFFF
            and ch not in "\u2028\u2029"
        )
    )
    assert unescaped(kept) == meant


@given(st.text(), st.text(), st.text(), st.text())
def test_nobody_writes_properties_of_their_own(
    summary: str, location: str, description: str, link: str
) -> None:
    """Whatever a teacher types, the file has the lines that it has, and one event."""
    entry = evolve(LESSON, summary=summary, location=location, description=description, link=link)
    names = [
        re.split("[;:]", line, maxsplit=1)[0]
        for line in unfolded(calendar_file(summary, [entry], NOW, join=location))
    ]
    assert names.count("BEGIN") == names.count("END") == 2
    assert set(names) <= {
        "BEGIN", "END", "VERSION", "PRODID", "CALSCALE", "METHOD", "NAME", "X-WR-CALNAME",
        "REFRESH-INTERVAL", "X-PUBLISHED-TTL", "UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE",
        "SUMMARY", "LOCATION", "DESCRIPTION", "URL", "CONFERENCE", "CATEGORIES", "CLASS", "STATUS",
    }  # fmt: skip
    assert all(ch not in uri(link) for ch in "\r\n ")
