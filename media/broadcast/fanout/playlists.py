"""Playlists of another school's origin, read as strictly as ours are written (RFC 8216bis). Pure; bounded.

A school that is let in may still send anything: what is not of our own form is refused as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import define, field, frozen

from media.broadcast.hls.multivariant import Captions, Picture, Variant
from media.broadcast.hls.names import CAPTIONS, Ask, Kind, read
from media.broadcast.hls.values import HZ, Shape
from media.forwarder.plain.rtp import Malformed

#: Octets of a playlist: 30 s of half-second parts are 8 KB. Its lines.
MOST_BYTES, MOST_LINES = 262_144, 4_000

_ATTRIBUTE = re.compile(r'([A-Z0-9-]{1,40})=("[^"]{0,200}"|[^",]{0,200})(?:,|$)')
_SECONDS = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,6})?")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


@frozen
class Listed:
    """A part. `serial` is its file's number."""

    serial: int
    ticks: int
    independent: bool


@frozen
class Passage:
    """A segment. Those that ended long ago have no parts any more.

    Attributes:
        init: number of its init segment.
        wall_ms: of its first sample, milliseconds since 1970.
        whole: it has ended.
    """

    number: int
    init: int
    wall_ms: int
    parts: tuple[Listed, ...]
    whole: bool


@frozen
class Page:
    """One rendition's live playlist."""

    shape: Shape
    passages: tuple[Passage, ...]
    ended: bool


@frozen
class Front:
    """What there is of a broadcast."""

    variants: tuple[Variant, ...]
    captions: Captions | None
    independent: bool


def read_front(text: str) -> Front:
    """`main.m3u8`.

    Raises:
        Malformed: not as we write it.
    """
    variants: list[Variant] = []
    captions: Captions | None = None
    independent = False
    stream: Mapping[str, str] | None = None
    for line in _lines(text):
        tag, _, value = line.partition(":")
        if tag == "#EXT-X-STREAM-INF":
            stream = _attributes(value)
        elif tag == "#EXT-X-MEDIA":
            captions = _captions(_attributes(value))
        elif tag == "#EXT-X-INDEPENDENT-SEGMENTS":
            independent = True
        elif not line.startswith("#"):
            if stream is None:
                raise Malformed("a playlist names a file of which it says nothing")
            variants.append(_variant(line, stream))
            stream = None
    names = [one.rendition for one in variants]
    if len(set(names)) != len(names) or sum(one.picture is None for one in variants) != 1:
        raise Malformed("a broadcast has each quality once, and one of sound alone")
    return Front(tuple(variants), captions, independent)


def read_page(rendition: str, text: str) -> Page:
    """`<rendition>/live.m3u8`, whole and not a delta.

    Raises:
        Malformed: not as we write it.
    """
    reader = _Reader(rendition)
    for line in _lines(text):
        reader.take(line)
    return reader.page()


@define
class _Reader:
    rendition: str
    target_s: int | None = None
    part_ticks: int | None = None
    hold_back: int | None = None
    number: int | None = None
    init: int | None = None
    wall_ms: int | None = None
    ended: bool = False
    parts: list[Listed] = field(factory=list)
    passages: list[Passage] = field(factory=list)
    ticks: int | None = None  # of EXTINF, whose file comes next

    def take(self, line: str) -> None:
        tag, _, value = line.partition(":")
        match tag:
            case "#EXT-X-TARGETDURATION":
                self.target_s = _number(value)
            case "#EXT-X-PART-INF":
                self.part_ticks = _ticks(_attributes(value).get("PART-TARGET", ""))
            case "#EXT-X-SERVER-CONTROL":
                self.hold_back = _ticks(_attributes(value).get("PART-HOLD-BACK", ""))
            case "#EXT-X-MEDIA-SEQUENCE":
                self.number = _number(value)
            case "#EXT-X-MAP":
                self.init = self._file(_attributes(value).get("URI", ""), Kind.INIT)
            case "#EXT-X-PROGRAM-DATE-TIME":
                self.wall_ms = _wall_ms(value)
            case "#EXT-X-PART":
                self._part(_attributes(value))
            case "#EXTINF":
                self.ticks = _ticks(value.removesuffix(","))
            case "#EXT-X-ENDLIST":
                self.ended = True
            case "#EXT-X-SKIP":
                raise Malformed("a delta was not asked for")
            case _ if not line.startswith("#"):
                self._segment(line)

    def page(self) -> Page:
        if self.parts:
            self._passage(whole=False)
        if self.target_s is None or self.part_ticks is None or self.hold_back is None:
            raise Malformed("a live playlist says how long parts and segments are")
        try:
            # Rounded up to a microsecond there, so down to a hundredth here.
            shape = Shape(
                part_ticks=self.part_ticks,
                target_s=self.target_s,
                hold_back_percent=self.hold_back * 100 // self.part_ticks,
            )
        except ValueError:
            raise Malformed("parts or segments of an impossible length") from None
        if any(part.ticks > shape.part_ticks for one in self.passages for part in one.parts):
            raise Malformed("a part is longer than it may be")
        return Page(shape, tuple(self.passages), self.ended)

    def _part(self, attributes: Mapping[str, str]) -> None:
        serial = self._file(attributes.get("URI", ""), Kind.PART)
        ticks = _ticks(attributes.get("DURATION", ""))
        if ticks == 0:
            raise Malformed("a part without length")
        self.parts.append(Listed(serial, ticks, attributes.get("INDEPENDENT") == "YES"))

    def _segment(self, line: str) -> None:
        if self.ticks is None or self._file(line, Kind.SEGMENT) != self.number:
            raise Malformed("a segment out of order")
        self._passage(whole=True)

    def _passage(self, *, whole: bool) -> None:
        if self.number is None or self.init is None or self.wall_ms is None:
            raise Malformed("a segment without number, beginning or date")
        self.passages.append(
            Passage(self.number, self.init, self.wall_ms, tuple(self.parts), whole)
        )
        self.number += 1
        self.parts, self.ticks, self.wall_ms = [], None, None

    def _file(self, uri: str, kind: Kind) -> int:
        ask = read(f"{self.rendition}/{uri}")
        if not isinstance(ask, Ask) or ask.kind is not kind:
            raise Malformed("a file of another kind")
        return ask.number


def _lines(text: str) -> Iterator[str]:
    if len(text) > MOST_BYTES:
        raise Malformed("a playlist is too long")
    lines = text.split("\n")
    if len(lines) > MOST_LINES or lines[0] != "#EXTM3U":
        raise Malformed("no playlist, or too long a one")
    return (line for line in lines[1:] if line)


def _attributes(text: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        one = _ATTRIBUTE.match(text, at)
        if one is None or one[1] in found:
            raise Malformed("attributes that cannot be read")
        found[one[1]] = one[2].strip('"')
        at = one.end()
    return found


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise Malformed("no number")
    return int(text)


def _ticks(text: str) -> int:
    if _SECONDS.fullmatch(text) is None:
        raise Malformed("no seconds")
    whole, _, rest = text.partition(".")
    micro = int(whole) * 1_000_000 + int(rest.ljust(6, "0"))
    return (micro * HZ + 500_000) // 1_000_000


def _wall_ms(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000 + 0.5)
    except (ValueError, OverflowError):
        raise Malformed("no date") from None


def _variant(uri: str, stream: Mapping[str, str]) -> Variant:
    ask = read(uri)
    if not isinstance(ask, Ask) or ask.kind is not Kind.LIVE or ask.rendition == CAPTIONS:
        raise Malformed("a file that is no quality")
    picture = None
    try:
        if "RESOLUTION" in stream:
            width, _, height = stream["RESOLUTION"].partition("x")
            rate = stream.get("FRAME-RATE", "0").partition(".")[0]
            codec = stream.get("CODECS", "").partition(",")[0]
            picture = Picture(
                codec=codec,
                width=_number(width),
                height=_number(height),
                frames_per_s=_number(rate),
            )
        return Variant(
            rendition=ask.rendition,
            bandwidth_bps=_number(stream.get("BANDWIDTH", "")),
            average_bps=_number(stream.get("AVERAGE-BANDWIDTH", "0")),
            picture=picture,
        )
    except ValueError:
        raise Malformed("a quality that cannot be") from None


def _captions(media: Mapping[str, str]) -> Captions:
    try:
        return Captions(media.get("LANGUAGE", ""), media.get("NAME", ""))
    except ValueError:
        raise Malformed("captions that cannot be") from None
