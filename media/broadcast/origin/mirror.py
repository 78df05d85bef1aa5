"""A broadcast as plain segments in a bucket: any web server or CDN in front of it shows it, 6 to 10 s late.

The folder's name cannot be guessed, but whoever knows it can watch until the end: who may read the bucket is up to
whoever runs it. Nothing stays there: the school's copy is the recording.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Iterable

from attrs import define, field

from media.broadcast.hls.answers import MEDIA, PLAIN, PLAYLIST_TYPE, Media, Text
from media.broadcast.hls.multivariant import multivariant
from media.broadcast.hls.names import CAPTIONS, Ask, Kind, captions_file, read
from media.broadcast.origin.bucket import Bucket
from media.broadcast.origin.live import Live

#: Seconds between two looks for segments that are whole; after a failure twice as long each time, up to the longest.
EVERY_S, LONGEST_S = 1.0, 30.0
#: Files of captions of one look: where they begin in the middle, there is one for each segment that has been, and
#: pictures and sound do not wait for all of them.
MOST_CAPTIONS = 20
_FILES = re.compile(r'^(s\d+\.(?:m4s|vtt))$|^#EXT-X-MAP:URI="(i\d+\.mp4)"$', re.MULTILINE)


@define(eq=False, kw_only=True)
class Mirror:
    """Attributes:
    key: what folders' names are made with.
    put, failed: objects, and tries that did not succeed.
    """

    bucket: Bucket
    key: bytes = field(repr=False)
    every_s: float = EVERY_S
    put: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)

    def folder_of(self, broadcast: str) -> str:
        """128 bits."""
        said = b"sferum broadcast folder 1\n" + broadcast.encode()
        return hmac.digest(self.key, said, hashlib.sha256).hex()[:32]

    async def follow(self, live: Live) -> None:
        """Until all of it is there, with its end."""
        there: set[str] = set()
        pause = self.every_s
        while True:
            over = live.over is not None
            if await self._look(live, there):
                if over:
                    return
                pause = self.every_s
            else:
                self.failed += 1
                pause = min(2 * pause, LONGEST_S)
            await asyncio.sleep(pause)

    async def clear(self, live: Live) -> None:
        """Nothing of it is left, of an earlier process neither; tried as long as it takes."""
        names = [one.rendition for one in live.opening.variants]
        files = {f"{name}/s{number}.m4s" for name, number in live.places}
        files |= {f"{name}/i{number}.mp4" for name, number in live.inits}
        files |= {"main.m3u8", "sound.m3u8", *(f"{name}/live.m3u8" for name in names)}
        files |= {f"{name}/{one}" for name in names for one in _named(_rewind(live, name))}
        if live.of.captions is not None:
            files |= {f"{CAPTIONS}/{captions_file(number)}" for _, number in live.places}
            files |= {f"{CAPTIONS}/{one}" for one in _named(_rewind(live, CAPTIONS))}
            files.add(f"{CAPTIONS}/live.m3u8")
        folder, pause = self.folder_of(live.opening.broadcast), self.every_s
        # Playlists first: nobody begins any more.
        for file in sorted(files, key=lambda one: (not one.endswith(".m3u8"), one)):
            while not await self.bucket.delete(f"{folder}/{file}"):
                self.failed += 1
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_S)
            pause = self.every_s

    async def _look(self, live: Live, there: set[str]) -> bool:
        """What is new, and then the playlists that name it."""
        for one in live.opening.variants:
            text = _rewind(live, one.rendition)
            if text and not await self._rendition(live, one.rendition, text, there):
                return False
        text = _rewind(live, CAPTIONS)
        if text and not await self._rendition(live, CAPTIONS, text, there):
            return False
        return not there or await self._tops(live, there)

    async def _rendition(self, live: Live, name: str, text: str, there: set[str]) -> bool:
        """Files that its playlist names, and then the playlist."""
        paths = [f"{name}/{file}" for file in _named(text)]
        new = [path for path in paths if path not in there]
        some = new[:MOST_CAPTIONS] if name == CAPTIONS and live.over is None else new
        for path in some:
            if not await self._file(live, path):
                return False
            there.add(path)
        return len(some) < len(new) or await self._playlist(live, f"{name}/live.m3u8", text, there)

    async def _playlist(self, live: Live, path: str, text: str, there: set[str]) -> bool:
        """Where it is not yet as it is now."""
        if f"{path} {hash(text)}" in there:
            return True
        if not await self._put(live, path, text.encode(), PLAYLIST_TYPE, PLAIN):
            return False
        there.update((path, f"{path} {hash(text)}"))
        return True

    async def _tops(self, live: Live, there: set[str]) -> bool:
        """The playlists of all qualities, and of the sound alone; with captions as soon as theirs is there."""
        every = live.opening.variants
        captions = live.of.captions if f"{CAPTIONS}/live.m3u8" in there else None
        for file, some in (
            ("sound.m3u8", [one for one in every if one.picture is None]),
            ("main.m3u8", every),
        ):
            text = multivariant(some, captions, independent=live.opening.independent)
            if not await self._playlist(live, file, text, there):
                return False
        return True

    async def _file(self, live: Live, path: str) -> bool:
        answer = live.of.answer(read(path))
        if isinstance(answer, Text):  # captions
            return await self._put(live, path, answer.text.encode(), answer.content_type, MEDIA)
        assert isinstance(answer, Media)
        data = live.at_hand(answer) or await live.from_disk(answer)
        if data is None:  # an earlier process had it, and the disk has it not
            return True
        whole = data if isinstance(data, bytes) else b"".join(data)
        return await self._put(live, path, whole, answer.content_type, MEDIA)

    async def _put(self, live: Live, path: str, data: bytes, type_: str, kept: str) -> bool:
        folder = self.folder_of(live.opening.broadcast)
        done = await self.bucket.put(f"{folder}/{path}", data, type_, kept)
        self.put += done
        return done


def _rewind(live: Live, rendition: str) -> str:
    """The rewind playlist, without what only the origin can answer; empty while there is none."""
    answer = live.of.answer(Ask(Kind.REWIND, rendition))
    if not isinstance(answer, Text):
        return ""
    lines = answer.text.splitlines(keepends=True)
    return "".join(one for one in lines if not one.startswith("#EXT-X-SERVER-CONTROL"))


def _named(text: str) -> Iterable[str]:
    """Segments and init segments, each once."""
    return dict.fromkeys(one[1] or one[2] for one in _FILES.finditer(text))
