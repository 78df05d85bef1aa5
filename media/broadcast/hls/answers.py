"""What a request is answered with, cache headers included (broadcast.md §8). Pure."""

from __future__ import annotations

import enum

from attrs import frozen

#: An answer that was waited for says the same for every viewer: seconds that edges and browsers keep it.
WAITED = "max-age=6"
#: A playlist of now; also "there is no such thing yet".
PLAIN = "max-age=1"
#: Media never changes under its name.
MEDIA = "max-age=60, immutable"

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
VIDEO_TYPE, AUDIO_TYPE, TEXT_TYPE = "video/mp4", "audio/mp4", "text/vtt"


class Wait(enum.Enum):
    """No answer yet: ask again when something was added, or answer LATE after the shape's `longest_wait_s`."""

    WAIT = "wait"


class No(enum.Enum):
    """The values are stable: counted, tested."""

    NO_SUCH_FILE = "no_such_file"
    NOT_THERE = "not_there"  # gone from the window, or was never announced
    BAD_DIRECTIVE = "bad_directive"
    TOO_FAR_AHEAD = "too_far_ahead"
    LATE = "late"


#: 503 is kept for a second as well: all who wait at an edge get it, else each would ask the origin in turn.
_STATUS = {
    No.NO_SUCH_FILE: (404, PLAIN),
    No.NOT_THERE: (404, PLAIN),
    No.BAD_DIRECTIVE: (400, PLAIN),
    No.TOO_FAR_AHEAD: (400, PLAIN),
    No.LATE: (503, PLAIN),
}


@frozen
class Refused:
    why: No

    @property
    def status(self) -> int:
        return _STATUS[self.why][0]

    @property
    def cache_control(self) -> str:
        return _STATUS[self.why][1]


@frozen
class Text:
    """200 with this text; 304 where `If-None-Match` says `etag`."""

    text: str
    etag: str
    content_type: str = PLAYLIST_TYPE
    cache_control: str = PLAIN


@frozen
class Media:
    """200 with bytes that are kept elsewhere.

    Attributes:
        segment: the whole of it, unless `part` says which part of it.
        init: the init segment of this discontinuity instead.
    """

    rendition: str
    content_type: str
    segment: int | None = None
    part: int | None = None
    init: int | None = None
    cache_control: str = MEDIA


Answer = Text | Media | Refused | Wait
