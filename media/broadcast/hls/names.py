"""Names of a broadcast's files, written and read; requests with their `_HLS_` directives. Pure, bounded.

main.m3u8                all qualities, `sound.m3u8` the sound alone
rewind.m3u8              the same from the beginning on, `soundrewind.m3u8` the sound alone
<rendition>/live.m3u8    also `rewind.m3u8`
<rendition>/p17.m4s      a part     <rendition>/s4.m4s  a segment     <rendition>/i0.mp4  an init segment
captions/live.m3u8       also `rewind.m3u8`     captions/s4.vtt
events.json              what hosts show to all; `seq`: one page of it
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence

from attrs import frozen

from media.broadcast.hls.values import is_name

#: The folder of captions; no rendition may be called so.
CAPTIONS = "captions"
#: Characters of a path behind the broadcast's name.
MOST_CHARS = 64

#: Nine digits: as many parts of half a second as sixteen years have.
_FILE = re.compile(r"([psi])(0|[1-9][0-9]{0,8})\.(m4s|mp4|vtt)")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_DIRECTIVES = ("_HLS_msn", "_HLS_part", "_HLS_skip")


class Kind(enum.Enum):
    MAIN = "main"
    SOUND = "sound"
    BACK = "back"
    SOUND_BACK = "soundback"
    LIVE = "live"
    REWIND = "rewind"
    PART = "part"
    SEGMENT = "segment"
    INIT = "init"
    EVENTS = "events"


class BadAsk(enum.Enum):
    """Why a request is none; the value is the HTTP status."""

    NO_SUCH_FILE = 404
    BAD_DIRECTIVE = 400


@frozen
class Ask:
    """A request that makes sense; whether there is such a thing is another question.

    Attributes:
        rendition: empty for lists of qualities; CAPTIONS for those.
        number: of a PART (serial), SEGMENT or INIT (discontinuity).
        segment: `_HLS_msn`: answer when this segment is there, or `part` of it; of EVENTS the page.
        skip: a delta update will do.
    """

    kind: Kind
    rendition: str = ""
    number: int = 0
    segment: int | None = None
    part: int | None = None
    skip: bool = False


#: Which ending a numbered file has, and what it is.
_NUMBERED = {
    ("p", "m4s"): Kind.PART,
    ("s", "m4s"): Kind.SEGMENT,
    ("s", "vtt"): Kind.SEGMENT,
    ("i", "mp4"): Kind.INIT,
}
_TOP = {
    "main.m3u8": Kind.MAIN,
    "sound.m3u8": Kind.SOUND,
    "rewind.m3u8": Kind.BACK,
    "soundrewind.m3u8": Kind.SOUND_BACK,
}
EVENTS = "events.json"
#: A second since 1970 has ten digits.
_PAGE = re.compile(r"0|[1-9][0-9]{0,9}")
_PLAYLISTS = {"live.m3u8": Kind.LIVE, "rewind.m3u8": Kind.REWIND}


def part_file(serial: int) -> str:
    return f"p{serial}.m4s"


def segment_file(number: int) -> str:
    return f"s{number}.m4s"


def captions_file(number: int) -> str:
    return f"s{number}.vtt"


def init_file(discontinuity: int) -> str:
    return f"i{discontinuity}.mp4"


def read(path: str, query: Sequence[tuple[str, str]] = ()) -> Ask | BadAsk:
    """A path behind the broadcast's name, and its decoded query. Directives count for playlists only."""
    if len(path) > MOST_CHARS:
        return BadAsk.NO_SUCH_FILE
    if path in _TOP:
        return Ask(_TOP[path])
    if path == EVENTS:
        return _events(query)
    rendition, _, file = path.partition("/")
    if not is_name(rendition):
        return BadAsk.NO_SUCH_FILE
    kind = _PLAYLISTS.get(file)
    if kind is not None:
        return _playlist(kind, rendition, query)
    found = _FILE.fullmatch(file)
    numbered = _NUMBERED.get((found[1], found[3])) if found else None
    if found is None or numbered is None or (found[3] == "vtt") != (rendition == CAPTIONS):
        return BadAsk.NO_SUCH_FILE
    return Ask(numbered, rendition, int(found[2]))


def _events(query: Sequence[tuple[str, str]]) -> Ask | BadAsk:
    given = [value for name, value in query if name == "seq"]
    if not given:
        return Ask(Kind.EVENTS)
    if len(given) > 1 or _PAGE.fullmatch(given[0]) is None:
        return BadAsk.BAD_DIRECTIVE
    return Ask(Kind.EVENTS, segment=int(given[0]))


def _playlist(kind: Kind, rendition: str, query: Sequence[tuple[str, str]]) -> Ask | BadAsk:
    given: dict[str, str] = {}
    for name, value in query:
        if name in _DIRECTIVES:
            if name in given:
                return BadAsk.BAD_DIRECTIVE
            given[name] = value
    numbers: list[int | None] = []
    for name in _DIRECTIVES[:2]:
        number = given.get(name)
        if number is not None and _NUMBER.fullmatch(number) is None:
            return BadAsk.BAD_DIRECTIVE
        numbers.append(None if number is None else int(number))
    segment, part = numbers
    if segment is None and part is not None:  # RFC 8216bis 6.2.5.2
        return BadAsk.BAD_DIRECTIVE
    # "v2" asks for skipped date ranges too, of which there are none.
    skip = given.get("_HLS_skip", "")
    if skip not in ("", "YES", "v2"):
        return BadAsk.BAD_DIRECTIVE
    return Ask(kind, rendition, segment=segment, part=part, skip=bool(skip))
