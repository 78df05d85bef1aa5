"""Reads any HLS playlist, strictly, knowing nothing of what writes ours (RFC 8216bis 4)."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from attrs import define, field, frozen

#: Tags that stand once, before the first segment.
HEADER = {
    "EXT-X-VERSION",
    "EXT-X-TARGETDURATION",
    "EXT-X-MEDIA-SEQUENCE",
    "EXT-X-DISCONTINUITY-SEQUENCE",
    "EXT-X-SERVER-CONTROL",
    "EXT-X-PART-INF",
    "EXT-X-PLAYLIST-TYPE",
    "EXT-X-SKIP",
}
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,|$)')
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?")
_INTEGER = re.compile(r"[0-9]{1,20}")


class BadPlaylist(Exception):
    """It cannot be read at all."""


@frozen
class ReadPart:
    uri: str
    duration: Decimal
    independent: bool


@frozen
class ReadSegment:
    """`uri` is None while it grows; `map` is what holds here, `mapped` whether the tag stands here."""

    number: int
    discontinuity: int
    breaks: bool
    map: str | None
    mapped: bool
    date: datetime | None
    parts: tuple[ReadPart, ...]
    uri: str | None = None
    duration: Decimal = Decimal(0)


@define
class Playlist:
    """Decimal seconds everywhere."""

    headers: dict[str, str] = field(factory=dict)
    control: dict[str, str] = field(factory=dict)
    segments: list[ReadSegment] = field(factory=list)
    growing: ReadSegment | None = None
    hints: list[dict[str, str]] = field(factory=list)
    reports: list[dict[str, str]] = field(factory=list)
    skipped: int = 0
    ended: bool = False

    def integer(self, name: str) -> int:
        value = self.headers.get(name, "")
        if not _INTEGER.fullmatch(value):
            raise BadPlaylist(f"{name} is {value!r}")
        return int(value)

    @property
    def target(self) -> int:
        return self.integer("EXT-X-TARGETDURATION")

    @property
    def sequence(self) -> int:
        return self.integer("EXT-X-MEDIA-SEQUENCE")

    @property
    def gone(self) -> int:
        return self.integer("EXT-X-DISCONTINUITY-SEQUENCE")

    @property
    def part_target(self) -> Decimal | None:
        text = self.headers.get("EXT-X-PART-INF")
        return None if text is None else decimal(attributes(text)["PART-TARGET"])

    @property
    def everything(self) -> list[ReadSegment]:
        return [*self.segments, *([self.growing] if self.growing else [])]

    @property
    def uris(self) -> list[str]:
        parts = [part.uri for one in self.everything for part in one.parts]
        return parts + [one.uri for one in self.segments if one.uri is not None]


def decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise BadPlaylist(f"{text!r} is no decimal number")
    return Decimal(text)


def attributes(text: str) -> dict[str, str]:
    """An attribute list (4.2); quotes are taken off."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _ATTRIBUTE.match(text, at)
        if match is None or match[1] in found:
            raise BadPlaylist(f"attribute list {text!r}")
        found[match[1]] = match[2].strip('"')
        at = match.end()
    if text.endswith(",") or not found:
        raise BadPlaylist(f"attribute list {text!r}")
    return found


def read(text: str) -> Playlist:
    """A media playlist."""
    if not text.endswith("\n") or "\r" in text or "\ufeff" in text:
        raise BadPlaylist("line ends")
    lines = text[:-1].split("\n")
    if lines[0] != "#EXTM3U" or "" in lines:
        raise BadPlaylist("first line, or an empty one")
    reader = _Reader()
    for line in lines[1:]:
        reader.line(line)
    return reader.finish()


@define
class _Reader:
    playlist: Playlist = field(factory=Playlist)
    breaks: bool = False
    map: str | None = None
    mapped: bool = False
    date: datetime | None = None
    extinf: Decimal | None = None
    parts: list[ReadPart] = field(factory=list)
    discontinuities: int = 0
    begun: bool = False

    def line(self, line: str) -> None:
        if self.playlist.ended:
            raise BadPlaylist(f"{line!r} behind ENDLIST")
        if not line.startswith("#"):
            self._uri(line)
            return
        name, _, value = line[1:].partition(":")
        if name in HEADER:
            if name in self.playlist.headers or self.begun:
                raise BadPlaylist(f"{name} twice, or behind a segment")
            self.playlist.headers[name] = value
            if name == "EXT-X-SERVER-CONTROL":
                self.playlist.control = attributes(value)
            if name == "EXT-X-SKIP":
                self.playlist.skipped = int(attributes(value)["SKIPPED-SEGMENTS"])
            return
        handler = {
            "EXT-X-DISCONTINUITY": self._discontinuity,
            "EXT-X-MAP": self._map,
            "EXT-X-PROGRAM-DATE-TIME": self._date,
            "EXTINF": self._extinf,
            "EXT-X-PART": self._part,
            "EXT-X-PRELOAD-HINT": lambda text: self.playlist.hints.append(attributes(text)),
            "EXT-X-RENDITION-REPORT": lambda text: self.playlist.reports.append(attributes(text)),
            "EXT-X-ENDLIST": self._end,
        }.get(name)
        if handler is None:
            raise BadPlaylist(f"unknown tag {name}")
        handler(value)

    def finish(self) -> Playlist:
        if self.parts:
            self.playlist.growing = self._segment()
        elif self.breaks or self.mapped or self.date or self.extinf is not None:
            raise BadPlaylist("tags of a segment that is not there")
        for name in ("EXT-X-VERSION", "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE"):
            self.playlist.integer(name)
        return self.playlist

    def _discontinuity(self, _: str) -> None:
        if self.breaks or self.parts or self.extinf is not None:
            raise BadPlaylist("DISCONTINUITY within a segment")
        self.begun = self.breaks = True
        self.discontinuities += 1

    def _map(self, value: str) -> None:
        if self.parts or self.extinf is not None:
            raise BadPlaylist("MAP within a segment")
        self.begun = self.mapped = True
        self.map = attributes(value)["URI"]

    def _date(self, value: str) -> None:
        if self.date is not None or self.parts:
            raise BadPlaylist("PROGRAM-DATE-TIME twice, or behind a part")
        self.begun = True
        self.date = datetime.fromisoformat(value)

    def _extinf(self, value: str) -> None:
        number, comma, _ = value.partition(",")
        if not comma or self.extinf is not None:
            raise BadPlaylist(f"EXTINF {value!r}")
        self.begun = True
        self.extinf = decimal(number)

    def _part(self, value: str) -> None:
        found = attributes(value)
        if self.extinf is not None:
            raise BadPlaylist("PART behind EXTINF")
        self.begun = True
        if found.get("INDEPENDENT", "YES") != "YES":
            raise BadPlaylist("INDEPENDENT is YES or absent")
        self.parts.append(
            ReadPart(found["URI"], decimal(found["DURATION"]), "INDEPENDENT" in found)
        )

    def _uri(self, line: str) -> None:
        if self.extinf is None:
            raise BadPlaylist(f"{line!r} without EXTINF")
        self.playlist.segments.append(self._segment(line, self.extinf))
        self.breaks = self.mapped = False
        self.date = self.extinf = None
        self.parts = []

    def _end(self, _: str) -> None:
        self.playlist.ended = True

    def _segment(self, uri: str | None = None, duration: Decimal = Decimal(0)) -> ReadSegment:
        playlist = self.playlist
        number = playlist.sequence + playlist.skipped + len(playlist.segments)
        gone = int(playlist.headers.get("EXT-X-DISCONTINUITY-SEQUENCE", "0"))
        return ReadSegment(
            number,
            gone + self.discontinuities,
            self.breaks,
            self.map,
            self.mapped,
            self.date,
            tuple(self.parts),
            uri,
            duration,
        )
