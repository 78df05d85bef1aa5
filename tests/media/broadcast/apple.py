"""Rules of RFC 8216bis for one playlist, for what follows it, and for all of a broadcast: what Apple's validator wants.

Each function answers with what is wrong; an empty list is praise. It knows nothing of the writer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from attrs import evolve

from tests.media.broadcast.m3u8 import Playlist, ReadSegment, attributes, decimal

#: Decimals of a playlist are rounded to microseconds.
ROUNDING = Decimal("0.000002")
#: Dates are rounded to milliseconds.
DATE_ROUNDING = timedelta(milliseconds=3)


def problems(one: Playlist) -> list[str]:
    """Of a playlist by itself."""
    rules = (_header, _control, _durations, _maps, _parts, _hints, _dates, _names, _skips)
    return [problem for rule in rules for problem in rule(one)]


def update_problems(older: Playlist, newer: Playlist) -> list[str]:
    """Of two full playlists of the same address, the newer fetched later (6.2.1, 6.2.2)."""
    return [*_constants(older, newer), *_overlap(older, newer), *_removals(older, newer)]


def merge(older: Playlist, delta: Playlist) -> Playlist:
    """What a player knows after a delta update: skipped segments come from the older one."""
    first = delta.sequence
    kept = [one for one in older.segments if first <= one.number < first + delta.skipped]
    known: dict[int, ReadSegment] = {one.number: one for one in kept}
    assert len(known) == delta.skipped, "a player would have to ask for all of it"
    current = kept[-1] if kept else None
    merged = []
    for one in delta.everything:
        discontinuity = one.discontinuity
        if current is not None:
            # Tags in the skipped part were not seen: counting goes on from the last segment that is known.
            discontinuity = current.discontinuity + one.breaks
        map_ = one.map if one.map is not None else (current.map if current else None)
        current = evolve(one, discontinuity=discontinuity, map=map_)
        merged.append(current)
    result = Playlist(dict(delta.headers), delta.control, kept, None, delta.hints, delta.reports)
    result.headers.pop("EXT-X-SKIP", None)
    result.ended = delta.ended
    result.growing = merged.pop() if delta.growing else None
    result.segments = [*kept, *merged]
    return result


def rendition_problems(several: Sequence[Playlist]) -> Iterator[str]:
    """Of the renditions of one broadcast at one moment (4.4.3, appendix B)."""
    for name in ("EXT-X-TARGETDURATION", "EXT-X-PART-INF", "EXT-X-SERVER-CONTROL"):
        if len({one.headers.get(name) for one in several}) > 1:
            yield f"{name} differs between renditions"
    numbers: dict[int, int] = {}
    for one in several:
        for segment in one.everything:
            if numbers.setdefault(segment.number, segment.discontinuity) != segment.discontinuity:
                yield f"segment {segment.number}: discontinuities differ between renditions"


def multivariant_problems(text: str) -> Iterator[str]:
    """Of the playlist of all qualities (4.4.6)."""
    lines = text.removesuffix("\n").split("\n")
    if lines[0] != "#EXTM3U" or not text.endswith("\n"):
        yield "first or last line"
    groups: set[str] = set()
    uris: list[str] = []
    pending: dict[str, str] | None = None
    for line in lines[1:]:
        name, _, value = line[1:].partition(":")
        if not line.startswith("#"):
            if pending is None:
                yield f"{line} without STREAM-INF"
            uris.append(line)
            pending = None
        elif pending is not None:
            yield f"{name} between STREAM-INF and its address"
        elif name == "EXT-X-MEDIA":
            groups.add(attributes(value)["GROUP-ID"])
            if not {"TYPE", "NAME", "URI", "LANGUAGE"} <= attributes(value).keys():
                yield "MEDIA lacks attributes"
        elif name == "EXT-X-STREAM-INF":
            pending = attributes(value)
            yield from _stream_problems(pending, groups)
    if pending is not None:
        yield "STREAM-INF without an address"
    if not uris or len(set(uris)) != len(uris):
        yield "no renditions, or one twice"


def _stream_problems(stream: dict[str, str], groups: set[str]) -> Iterator[str]:
    if int(stream["BANDWIDTH"]) < int(stream.get("AVERAGE-BANDWIDTH", "0")):
        yield "AVERAGE-BANDWIDTH is more than BANDWIDTH"
    if ("avc1" in stream["CODECS"]) != ("RESOLUTION" in stream):
        yield "RESOLUTION goes with a picture"
    if "SUBTITLES" in stream and stream["SUBTITLES"] not in groups:
        yield "SUBTITLES of no group"


def _header(one: Playlist) -> Iterator[str]:
    version = one.integer("EXT-X-VERSION")
    if version < (9 if one.skipped else 6):
        yield f"version {version} is too old for its tags"
    if one.part_target is None and any(segment.parts for segment in one.everything):
        yield "PART without PART-INF"
    breaks = any(segment.breaks for segment in one.everything)
    if breaks and "EXT-X-DISCONTINUITY-SEQUENCE" not in one.headers:
        yield "DISCONTINUITY without DISCONTINUITY-SEQUENCE"
    if one.headers.get("EXT-X-PLAYLIST-TYPE", "EVENT") not in ("EVENT", "VOD"):
        yield "PLAYLIST-TYPE"


def _control(one: Playlist) -> Iterator[str]:
    control, target = one.control, one.target
    if "HOLD-BACK" in control and decimal(control["HOLD-BACK"]) < 3 * target:
        yield "HOLD-BACK is less than three target durations"
    if "CAN-SKIP-UNTIL" in control and decimal(control["CAN-SKIP-UNTIL"]) < 6 * target:
        yield "CAN-SKIP-UNTIL is less than six target durations"
    if one.part_target is not None:
        if control.get("CAN-BLOCK-RELOAD") != "YES":
            yield "parts without CAN-BLOCK-RELOAD"
        if decimal(control.get("PART-HOLD-BACK", "0")) < 2 * one.part_target:
            yield "PART-HOLD-BACK is less than two parts"
        if one.part_target > target:
            yield "PART-TARGET is more than TARGETDURATION"


def _durations(one: Playlist) -> Iterator[str]:
    for segment in one.segments:
        if segment.duration.quantize(Decimal(1), ROUND_HALF_UP) > one.target:
            yield f"segment {segment.number} is longer than TARGETDURATION"
        if segment.duration <= 0:
            yield f"segment {segment.number} has no duration"
        if segment.parts:
            total = sum((part.duration for part in segment.parts), Decimal(0))
            if abs(total - segment.duration) > ROUNDING * len(segment.parts):
                yield f"segment {segment.number}: parts have {total} s, EXTINF {segment.duration}"


def _maps(one: Playlist) -> Iterator[str]:
    media = [segment for segment in one.everything if not (segment.uri or "").endswith(".vtt")]
    for index, segment in enumerate(media):
        first = index == 0 and not one.skipped
        if (first or segment.breaks) and not segment.mapped:
            yield f"segment {segment.number} begins anew without MAP"
        if segment.mapped and not (first or segment.breaks):
            yield f"segment {segment.number} has another MAP without DISCONTINUITY"


def _parts(one: Playlist) -> Iterator[str]:
    if one.part_target is None:
        return
    least = one.part_target * 85 / 100 - ROUNDING
    for segment in one.everything:
        for index, part in enumerate(segment.parts):
            if part.duration > one.part_target or part.duration <= 0:
                yield f"{part.uri} is longer than PART-TARGET, or empty"
            last = index == len(segment.parts) - 1
            if part.duration < least and not (part.independent or last):
                yield f"{part.uri} is shorter than 85 % of PART-TARGET"
    growing = one.growing.parts if one.growing else ()
    behind = sum((part.duration for part in growing), Decimal(0))
    for segment in reversed(one.segments):
        near = abs(behind - 3 * one.target) < ROUNDING * 1000
        if not near and (behind < 3 * one.target) != bool(segment.parts):
            yield f"segment {segment.number} ends {behind} s before the edge: parts are listed for 3 target durations"
        behind += segment.duration


def _hints(one: Playlist) -> Iterator[str]:
    if one.part_target is not None and len(one.hints) != (0 if one.ended else 1):
        yield f"{len(one.hints)} preload hints"
    for hint in one.hints:
        if hint["TYPE"] != "PART" or hint["URI"] in one.uris:
            yield f"hint {hint}"
    if len({report["URI"] for report in one.reports}) != len(one.reports):
        yield "two reports of one rendition"
    for report in one.reports:
        if "://" in report["URI"] or not {"LAST-MSN", "LAST-PART"} <= report.keys():
            yield f"report {report}"
    if one.ended and (one.growing or one.reports):
        yield "an ended playlist has nothing that grows"


def _dates(one: Playlist) -> Iterator[str]:
    expected: datetime | None = None
    for segment in one.everything:
        if segment.date is not None and segment.date.tzinfo is None:
            yield f"segment {segment.number}: date without a zone"
            return
        if expected is not None and segment.date is not None:
            off = segment.date - expected
            if off < -DATE_ROUNDING or (off > DATE_ROUNDING and not segment.breaks):
                yield f"segment {segment.number}: its date is {off} off"
        begins = segment.date or expected
        if begins is not None:
            expected = begins + timedelta(seconds=float(segment.duration))


def _names(one: Playlist) -> Iterator[str]:
    if len(set(one.uris)) != len(one.uris):
        yield "an address stands twice"


def _skips(one: Playlist) -> Iterator[str]:
    if "EXT-X-SKIP" not in one.headers:
        return
    shown = sum((segment.duration for segment in one.segments), Decimal(0))
    growing = one.growing.parts if one.growing else ()
    shown += sum((part.duration for part in growing), Decimal(0))
    if one.skipped < 1 or shown < decimal(one.control["CAN-SKIP-UNTIL"]) - ROUNDING * 1000:
        yield f"{one.skipped} skipped, {shown} s left"


def _constants(older: Playlist, newer: Playlist) -> Iterator[str]:
    for name in (older.headers.keys() | newer.headers.keys()) - {
        "EXT-X-MEDIA-SEQUENCE",
        "EXT-X-DISCONTINUITY-SEQUENCE",
    }:
        if older.headers.get(name) != newer.headers.get(name):
            yield f"{name} changed"
    if older.ended and older != newer:
        yield "changed behind its end"


def _overlap(older: Playlist, newer: Playlist) -> Iterator[str]:
    known = {one.number: one for one in newer.everything}
    for one in older.everything:
        now = known.get(one.number)
        if now is None:
            if one.number >= newer.sequence:
                yield f"segment {one.number} vanished"
            continue
        first = newer.sequence == one.number  # MAP stands there for the first time
        same = evolve(now, parts=one.parts, mapped=one.mapped if first else now.mapped)
        if one.uri is None:
            same = evolve(same, uri=None, duration=Decimal(0))
            delisted = now.uri is not None and not now.parts  # long whole by now
            if not delisted and now.parts[: len(one.parts)] != one.parts:
                yield f"segment {one.number}: its parts changed"
        elif now.parts not in ((), one.parts):
            yield f"segment {one.number}: its parts changed"
        if same != one:
            yield f"segment {one.number} changed"
    last = older.everything[-1].number
    since = [one for one in newer.everything if one.number >= last]
    seen = bool(since) and since[0].number == last and all(one.parts for one in since)
    if older.hints and newer.hints and seen:
        fresh = [part.uri for one in since for part in one.parts]
        fresh = [uri for uri in fresh if uri not in older.uris]
        if (fresh or [newer.hints[0]["URI"]])[0] != older.hints[0]["URI"]:
            yield f"hinted {older.hints[0]['URI']}, came {fresh[:1]}"


def _removals(older: Playlist, newer: Playlist) -> Iterator[str]:
    removed = newer.sequence - older.sequence
    if removed < 0:
        yield "MEDIA-SEQUENCE went back"
        return
    if "EXT-X-PLAYLIST-TYPE" in newer.headers and removed:
        yield "an EVENT playlist lost segments"
    breaks = sum(one.breaks for one in older.everything if one.number < newer.sequence)
    if removed <= len(older.everything) and newer.gone != older.gone + breaks:
        yield f"DISCONTINUITY-SEQUENCE {older.gone} -> {newer.gone}, {breaks} tags left"
    left = sum((one.duration for one in newer.segments), Decimal(0))
    if removed and left < 3 * newer.target:
        yield f"only {left} s are left"
