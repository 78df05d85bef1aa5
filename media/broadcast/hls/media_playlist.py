"""Media playlists as text: live with parts, rewind, captions (RFC 8216bis 4.4). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import frozen

from media.broadcast.hls.names import init_file, part_file, segment_file
from media.broadcast.hls.timeline import Timeline
from media.broadcast.hls.values import HZ, Segment, Shape, date, seconds

#: EXT-X-SKIP needs it.
VERSION = 9


@frozen
class Report:
    """Where another rendition is, so that a player can change to it without asking first.

    Attributes:
        uri: of its playlist, relative to this one.
    """

    uri: str
    last_segment: int
    last_part: int


def live(timeline: Timeline, reports: Sequence[Report] = (), *, skip: bool = False) -> str:
    """The playlist of now; `skip`: what the player has had for long is left out (a delta update)."""
    shape = timeline.shape
    shown, growing = timeline.whole, timeline.growing
    listed = (*shown, growing) if growing else shown
    skipped = _skipped(shown, timeline.edge, shape) if skip else 0
    lines = [
        *_head(shape),
        _server_control(shape, blocks=True),
        f"#EXT-X-PART-INF:PART-TARGET={seconds(shape.part_ticks)}",
        *_sequence(listed, timeline),
    ]
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
    parts_from = timeline.edge - 3 * shape.target_s * HZ
    for index, segment in enumerate(listed):
        if index < skipped:
            continue
        lines += _opening(segment, mapped=index == 0, dated=True)
        if segment.ends_at > parts_from:
            lines += _parts(segment)
        if segment is not growing:
            lines += _extinf(segment)
    if timeline.ended:
        lines.append("#EXT-X-ENDLIST")
    else:
        lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{part_file(timeline.next_serial)}"')
        lines += [
            f'#EXT-X-RENDITION-REPORT:URI="{one.uri}",LAST-MSN={one.last_segment},LAST-PART={one.last_part}'
            for one in reports
        ]
    return _text(lines)


def rewind(timeline: Timeline, *, skip: bool = False) -> str:
    """Everything since the beginning in plain segments; only grows, and is polled."""
    shape, listed = timeline.shape, timeline.rewind
    edge = listed[-1].ends_at if listed else 0
    skipped = _skipped(listed, edge, shape) if skip else 0
    lines = [
        *_head(shape),
        _server_control(shape, blocks=False),
        "#EXT-X-PLAYLIST-TYPE:EVENT",
        *_sequence(listed, timeline),
    ]
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
    for index, segment in enumerate(listed[skipped:], skipped):
        lines += _opening(segment, mapped=index == 0, dated=index == 0 or segment.breaks)
        lines += _extinf(segment)
    if timeline.ended or timeline.rewind_full:
        lines.append("#EXT-X-ENDLIST")
    return _text(lines)


def captions(timeline: Timeline, file: Callable[[int], str], *, back: bool = False) -> str:
    """Captions' playlist: one file for each whole segment of `timeline`, no parts; `file` names it by segment.

    `back`: of everything since the beginning, as `rewind` has it.
    """
    shape, listed = timeline.shape, timeline.rewind if back else timeline.whole
    blocks = "" if back else "CAN-BLOCK-RELOAD=YES,"
    lines = [
        *_head(shape),
        f"#EXT-X-SERVER-CONTROL:{blocks}HOLD-BACK={3 * shape.target_s}",
        *(["#EXT-X-PLAYLIST-TYPE:EVENT"] if back else []),
        *_sequence(listed, timeline),
    ]
    for segment in listed:
        if segment.breaks:
            lines.append("#EXT-X-DISCONTINUITY")
        if not back or segment.breaks or segment is listed[0]:
            lines.append(_date(segment))
        lines += [f"#EXTINF:{seconds(segment.ticks)},", file(segment.number)]
    if timeline.ended or (back and timeline.rewind_full):
        lines.append("#EXT-X-ENDLIST")
    return _text(lines)


def _head(shape: Shape) -> list[str]:
    return ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", f"#EXT-X-TARGETDURATION:{shape.target_s}"]


def _server_control(shape: Shape, *, blocks: bool) -> str:
    control = f"#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL={shape.skip_s},HOLD-BACK={3 * shape.target_s}"
    if not blocks:
        return control
    hold_back = seconds(-(-shape.part_ticks * shape.hold_back_percent // 100))
    return f"{control},CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={hold_back}"


def _sequence(listed: Sequence[Segment], timeline: Timeline) -> list[str]:
    """A DISCONTINUITY leaves with the segment that it stands before; until then it is not counted as gone."""
    if not listed:
        first = timeline.first
        number, gone = first.segment, first.discontinuity
    else:
        number, gone = listed[0].number, listed[0].discontinuity - listed[0].breaks
    return [f"#EXT-X-MEDIA-SEQUENCE:{number}", f"#EXT-X-DISCONTINUITY-SEQUENCE:{gone}"]


def _opening(segment: Segment, *, mapped: bool, dated: bool) -> list[str]:
    lines = ["#EXT-X-DISCONTINUITY"] if segment.breaks else []
    if mapped or segment.breaks:
        lines.append(f'#EXT-X-MAP:URI="{init_file(segment.discontinuity)}"')
    if dated:
        lines.append(_date(segment))
    return lines


def _parts(segment: Segment) -> Iterable[str]:
    for placed in segment.parts:
        independent = ",INDEPENDENT=YES" if placed.part.independent else ""
        duration = seconds(placed.part.ticks)
        yield f'#EXT-X-PART:DURATION={duration},URI="{part_file(placed.serial)}"{independent}'


def _extinf(segment: Segment) -> list[str]:
    return [f"#EXTINF:{seconds(segment.ticks)},", segment_file(segment.number)]


def _date(segment: Segment) -> str:
    return f"#EXT-X-PROGRAM-DATE-TIME:{date(segment.wall_ms)}"


def _skipped(whole: Sequence[Segment], edge: int, shape: Shape) -> int:
    """How many segments lie wholly before the skip boundary."""
    boundary = edge - shape.skip_s * HZ
    return next((n for n, one in enumerate(whole) if one.ends_at > boundary), len(whole))


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
