"""One broadcast of the tests, and a player that fetches everything it can."""

from __future__ import annotations

from attrs import define, field

from media.broadcast.hls.answers import Refused, Text, Wait
from media.broadcast.hls.broadcast import Broadcast
from media.broadcast.hls.multivariant import Captions, Picture, Variant
from media.broadcast.hls.names import Ask, BadAsk, Kind, read
from media.broadcast.hls.timeline import First, Unfit
from media.broadcast.hls.values import PART, Part, Shape
from tests.media.broadcast import apple, m3u8

#: 2026-12-25 10:00 UTC.
NOW_MS = 1_798_192_800_000

HIGH = Variant(
    rendition="v720",
    bandwidth_bps=2_000_000,
    average_bps=1_500_000,
    picture=Picture(codec="avc1.42e01f", width=1280, height=720, frames_per_s=25),
)
LOW = Variant(
    rendition="v360",
    bandwidth_bps=400_000,
    picture=Picture(codec="avc1.42e01e", width=640, height=360),
)
SOUND = Variant(rendition="sound", bandwidth_bps=64_000)
NAMES = ("v720", "v360", "sound")


def broadcast(shape: Shape | None = None, first: First | None = None) -> Broadcast:
    """Not begun."""
    return Broadcast("t", shape or Shape(), (LOW, SOUND, HIGH), Captions(), first=first or First())


@define
class Stage:
    """Adds parts to all renditions as the packager does: the numbers are its own counting."""

    to: Broadcast
    discontinuity: int = 0
    segment: int = 0
    number: int = 0

    def begin(self, wall_ms: int = NOW_MS) -> Unfit | None:
        return self.to.begin(self.discontinuity, wall_ms)

    def part(self, ticks: int = PART, *, independent: bool = True) -> list[Unfit | None]:
        """The next one of every rendition."""
        answers = [
            self.to.add(
                Part(name, self.discontinuity, self.segment, self.number, ticks, independent)
            )
            for name in NAMES
        ]
        self.number += answers[0] is None
        return answers

    def segments(self, count: int, parts: int = 4) -> None:
        """Whole segments and what begins the next one."""
        for _ in range(count):
            for index in range(parts):
                assert self.part(independent=index == 0) == [None] * len(NAMES)
            self.next_segment()

    def next_segment(self, *, breaks: bool = False) -> None:
        self.segment, self.number = self.segment + 1, 0
        self.discontinuity += breaks


def ask(of: Broadcast, path: str, **directives: int | str) -> Text | Refused | Wait | object:
    """What a request of this address is answered."""
    return of.answer(read(path, [(f"_HLS_{name}", str(is_)) for name, is_ in directives.items()]))


def text(of: Broadcast, path: str, **directives: int | str) -> str:
    """An answer that is a text."""
    answer = ask(of, path, **directives)
    assert isinstance(answer, Text), answer
    return answer.text


@define
class Player:
    """Fetches every playlist after each event and has the validator look at it."""

    of: Broadcast
    seen: dict[tuple[str, Kind], m3u8.Playlist] = field(factory=dict)

    def look(self) -> list[str]:
        """All that is wrong now."""
        found: list[str] = []
        live = []
        for name in (*NAMES, "captions"):
            for kind in (Kind.LIVE, Kind.REWIND):
                answer = self.of.answer(Ask(kind, name))
                if not isinstance(answer, Text):
                    assert (name, kind) not in self.seen, "a playlist does not go away"
                    continue
                now = m3u8.read(answer.text)
                found += self._judge(name, kind, now)
                if kind is Kind.LIVE and name != "captions":
                    live.append(now)
        return found + list(apple.rendition_problems(live))

    def _judge(self, name: str, kind: Kind, now: m3u8.Playlist) -> list[str]:
        found = apple.problems(now)
        older = self.seen.get((name, kind))
        if older is not None:
            found += apple.update_problems(older, now)
        delta = self.of.answer(Ask(kind, name, skip=True))
        assert isinstance(delta, Text)
        read_delta = m3u8.read(delta.text)
        found += apple.problems(read_delta)
        if older is not None and read_delta.sequence + read_delta.skipped <= (
            older.sequence + len(older.segments)
        ):
            merged = apple.merge(older, read_delta)
            found += apple.update_problems(older, merged)
            plain = [(s.number, s.uri, s.duration, s.discontinuity, s.map) for s in now.segments]
            if plain != [
                (s.number, s.uri, s.duration, s.discontinuity, s.map) for s in merged.segments
            ]:
                found.append("a delta update says something else than the whole")
        self.seen[name, kind] = now
        return [f"{name} {kind.value}: {problem}" for problem in found]


def asks_of(playlist: m3u8.Playlist, rendition: str) -> list[Ask | BadAsk]:
    """Everything that a playlist names."""
    uris = [*playlist.uris, *(one.map for one in playlist.everything if one.map)]
    return [read(f"{rendition}/{uri}") for uri in uris]
