"""One broadcast as viewers fetch it: renditions, what is asked for, what is answered. Pure.

Parts of all renditions that end at the same moment are added before whoever waits is asked again: so the reports of
the others are right in each playlist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import define, field

from media.broadcast.hls import media_playlist
from media.broadcast.hls.answers import (
    AUDIO_TYPE,
    MEDIA,
    PLAIN,
    TEXT_TYPE,
    VIDEO_TYPE,
    WAITED,
    Answer,
    Media,
    No,
    Refused,
    Text,
    Wait,
)
from media.broadcast.hls.captions import CaptionTrack, Cue, Unsayable
from media.broadcast.hls.events import Events
from media.broadcast.hls.media_playlist import Report
from media.broadcast.hls.multivariant import Captions, Variant, multivariant
from media.broadcast.hls.names import CAPTIONS, Ask, BadAsk, Kind, captions_file
from media.broadcast.hls.timeline import First, Timeline, Unfit
from media.broadcast.hls.values import Part, Segment, Shape

#: Renditions of one broadcast: three layers of the publisher, one of our own, the sound.
MOST_RENDITIONS = 8
#: Seconds before the newest segment at which whoever goes back begins, where the player does not know better.
BACK_S = 30
#: Lists of qualities: of the sound alone, and of what one goes back in.
_ALONE = frozenset({Kind.SOUND, Kind.SOUND_BACK})
_BACK = frozenset({Kind.BACK, Kind.SOUND_BACK})

_REFUSALS = {BadAsk.NO_SUCH_FILE: No.NO_SUCH_FILE, BadAsk.BAD_DIRECTIVE: No.BAD_DIRECTIVE}


@define
class Broadcast:
    """Its state.

    Attributes:
        tag: begins every ETag; another one after each start of the process, as its versions begin anew.
        variants: one of them is the sound alone; it is also what captions follow.
        captions: somebody types them; may begin while the broadcast runs.
        independent: every segment begins with a key frame.
        past: by rendition, what an earlier process wrote, for the rewind playlists.
        events: what hosts show to all.
    """

    tag: str
    shape: Shape
    variants: tuple[Variant, ...]
    captions: Captions | None = None
    first: First = field(factory=First)
    independent: bool = False
    past: Mapping[str, tuple[Segment, ...]] = field(factory=dict, repr=False)
    events: Events = field(factory=Events)
    _timelines: dict[str, Timeline] = field(factory=dict, init=False)
    _track: CaptionTrack = field(init=False)
    _sound: Timeline = field(init=False)
    #: Playlists are written once for all who ask.
    _texts: dict[tuple[Kind, str, bool], tuple[int, str]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        names = [one.rendition for one in self.variants]
        sound = [one.rendition for one in self.variants if one.picture is None]
        if len(set(names)) != len(names) or len(sound) != 1 or len(names) > MOST_RENDITIONS:
            raise ValueError("renditions: each once, one of them the sound alone, 8 at most")
        self._timelines = {
            name: Timeline(name, self.shape, self.first, self.past.get(name, ())) for name in names
        }
        self._sound = self._timelines[sound[0]]
        self._track = CaptionTrack(self.shape)

    @property
    def version(self) -> int:
        """Grows whenever some playlist changes."""
        return sum(one.version for one in self._timelines.values())

    @property
    def edge(self) -> int:
        """Ticks of sound since the beginning."""
        return self._sound.edge

    def begin(self, discontinuity: int, wall_ms: int, media_at: int | None = None) -> Unfit | None:
        """Init segments of every rendition are there: players want the same beginnings in all of them."""
        for one in self._timelines.values():
            refusal = one.may_begin(discontinuity)
            if refusal is not None:
                return refusal
        for one in self._timelines.values():
            one.begin(discontinuity, wall_ms, media_at)
        return None

    def add(self, part: Part) -> Unfit | None:
        """One part of one rendition."""
        timeline = self._timelines.get(part.rendition)
        if timeline is None:
            return Unfit.OUT_OF_ORDER
        refusal = timeline.add(part)
        if refusal is None and timeline is self._sound:
            self._track.forget(timeline.oldest_kept)
        return refusal

    def close(self) -> None:
        """The newest segment of every rendition is complete."""
        for one in self._timelines.values():
            one.close()

    def end(self) -> None:
        """The broadcast is over."""
        self.events.ended = True
        for one in self._timelines.values():
            one.end()

    def close_rewind(self) -> None:
        """What comes from now on is shown live only: nothing keeps it."""
        for one in self._timelines.values():
            one.close_rewind()

    @property
    def next_discontinuity(self) -> int:
        """What `begin` wants next."""
        return self._sound.next_discontinuity

    def oldest_number(self, rendition: str) -> int:
        """Of the oldest segment that is in the live playlist or was until now."""
        return self._timelines[rendition].oldest_number

    def next_place(self, rendition: str, *, new: bool) -> tuple[int, int] | None:
        """Numbers of the next part, segment and place in it; `new`: in a new segment. None: no such rendition."""
        timeline = self._timelines.get(rendition)
        if timeline is None:
            return None
        growing = timeline.growing
        if growing is None:
            return timeline.last_whole + 1, 0
        return (growing.number + 1, 0) if new else (growing.number, len(growing.parts))

    def next_serial(self, rendition: str) -> int:
        """Of the part that comes next."""
        return self._timelines[rendition].next_serial

    def say(self, text: str, at: int | None = None) -> Unsayable | None:
        """A line of captions, shown from now on; `at`: from so many ticks after the newest segment's beginning."""
        sound = self._sound
        last = sound.growing or (sound.whole[-1] if sound.whole else None)
        begins = sound.edge
        if at is not None and sound.growing is not None:  # nobody has its file yet
            begins = min(begins, sound.growing.starts_at + max(0, at))
        return self._track.say(text, begins, 0 if last is None else last.discontinuity)

    @property
    def newest_line(self) -> Cue | None:
        """Of captions."""
        return self._track.newest

    def take_up(self, cues: Iterable[Cue]) -> None:
        """Lines of captions that an earlier process was told: there are captions, then."""
        self._track.take_up(cues)
        if self._track.newest is not None and self.captions is None:
            self.captions = Captions()

    def answer(self, ask: Ask | BadAsk) -> Answer:
        """Judge a request as things are now."""
        if isinstance(ask, BadAsk):
            return Refused(_REFUSALS[ask])
        match ask.kind:
            case Kind.MAIN | Kind.SOUND | Kind.BACK | Kind.SOUND_BACK:
                return self._top(ask.kind)
            case Kind.LIVE | Kind.REWIND:
                return self._playlist(ask)
            case Kind.PART | Kind.SEGMENT | Kind.INIT:
                return self._media(ask)
            case Kind.EVENTS:
                return self.events.answer(ask.segment)

    def _top(self, kind: Kind) -> Answer:
        if not (self._sound.rewind if kind in _BACK else self._sound.whole or self._sound.growing):
            never = kind in _BACK and (self._sound.ended or self._sound.rewind_full)
            return Refused(No.NOT_THERE) if never else Wait.WAIT
        captioned = self.captions is not None
        text = self._written((kind, "", False), int(captioned))
        return Text(text, f'"{self.tag}-{kind.value}{"-c" if captioned else ""}"')

    def _playlist(self, ask: Ask) -> Answer:
        captioned = ask.rendition == CAPTIONS and self.captions is not None
        timeline = self._sound if captioned else self._timelines.get(ask.rendition)
        if timeline is None:
            return Refused(No.NO_SUCH_FILE)
        whole_only = captioned or ask.kind is Kind.REWIND
        waits = ask.kind is Kind.LIVE and ask.segment is not None
        if waits:
            judged = _reached(timeline, ask, parts=not captioned)
            if judged is not None:
                return judged
        listed = timeline.rewind if ask.kind is Kind.REWIND else timeline.whole
        if not listed and (whole_only or timeline.growing is None):
            # A player takes an empty playlist for a broken one.
            never = timeline.ended or (ask.kind is Kind.REWIND and timeline.rewind_full)
            return Refused(No.NOT_THERE) if never else Wait.WAIT
        skip = ask.skip and not captioned
        if ask.kind is Kind.REWIND:  # changes with segments only, and is long
            version = 2 * len(listed) + (timeline.ended or timeline.rewind_full)
        else:
            version = self.version
        text = self._written((ask.kind, ask.rendition, skip), version)
        etag = f'"{self.tag}-{version}-{ask.kind.value}{"-d" if skip else ""}"'
        return Text(text, etag, cache_control=WAITED if waits else PLAIN)

    def _media(self, ask: Ask) -> Answer:
        if ask.rendition == CAPTIONS and self.captions is not None:
            segment = self._sound.find_segment(ask.number) or self._sound.find_old(ask.number)
            if segment is None:
                return Refused(No.NOT_THERE)
            text = self._track.segment(segment)
            return Text(text, f'"{self.tag}-c{ask.number}"', TEXT_TYPE, MEDIA)
        timeline = self._timelines.get(ask.rendition)
        if timeline is None:
            return Refused(No.NO_SUCH_FILE)
        content_type = AUDIO_TYPE if timeline is self._sound else VIDEO_TYPE
        if ask.kind is Kind.INIT and timeline.has_init(ask.number):
            return Media(ask.rendition, content_type, init=ask.number)
        if ask.kind is Kind.SEGMENT and timeline.has_segment(ask.number):
            return Media(ask.rendition, content_type, segment=ask.number)
        if ask.kind is Kind.PART:
            part = timeline.find_part(ask.number)
            if part is not None:
                return Media(ask.rendition, content_type, segment=part.segment, part=part.number)
            if ask.number == timeline.next_serial and not timeline.ended:
                return Wait.WAIT  # the preload hint
        return Refused(No.NOT_THERE)

    def _written(self, key: tuple[Kind, str, bool], version: int) -> str:
        known = self._texts.get(key)
        if known is None or known[0] != version:
            known = self._texts[key] = (version, self._write(*key))
        return known[1]

    def _write(self, kind: Kind, rendition: str, skip: bool) -> str:
        if not rendition:
            alone = kind in _ALONE
            back = kind in _BACK
            return multivariant(
                [one for one in self.variants if one.picture is None or not alone],
                self.captions,
                independent=self.independent or alone,
                back_s=BACK_S if back else 0,
            )
        if rendition == CAPTIONS:
            back = kind is Kind.REWIND
            return media_playlist.captions(self._sound, captions_file, back=back)
        timeline = self._timelines[rendition]
        if kind is Kind.REWIND:
            return media_playlist.rewind(timeline, skip=skip)
        return media_playlist.live(timeline, self._reports(rendition), skip=skip)

    def _reports(self, rendition: str) -> Sequence[Report]:
        return [
            Report(f"../{name}/live.m3u8", last.number, len(last.parts) - 1)
            for name, one in self._timelines.items()
            if name != rendition
            and (last := one.growing or (one.whole[-1] if one.whole else None)) is not None
        ]


def _reached(timeline: Timeline, ask: Ask, *, parts: bool) -> Answer | None:
    """None: what was asked for is there (RFC 8216bis 6.2.5.2)."""
    assert ask.segment is not None
    last, growing = timeline.last_whole, timeline.growing
    if timeline.ended:
        return None
    segment, part = ask.segment, ask.part if parts else None
    if part is not None and segment == last and timeline.whole:
        if part < len(timeline.whole[-1].parts):
            return None
        segment, part = segment + 1, 0  # behind the end of its segment: the first of the next
    if segment <= last:
        return None
    if segment > last + 2:
        return Refused(No.TOO_FAR_AHEAD)
    if part is None:
        return Wait.WAIT
    there = len(growing.parts) if growing is not None and segment == growing.number else 0
    if part < there:
        return None
    return Wait.WAIT if part - there < timeline.shape.ahead else Refused(No.TOO_FAR_AHEAD)
