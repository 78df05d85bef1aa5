"""Fan-out of one node, both ways: links that hosts here give away, and broadcasts of others that are shown here.

A followed broadcast has an id, a title, an audience and a room of ours like any other; only its stage is elsewhere.
"""

from __future__ import annotations

import asyncio
import enum
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp
from aiohttp import web
from attrs import define, field
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from media.broadcast.fanout.asking import Judge
from media.broadcast.fanout.endpoints import NodeDoor
from media.broadcast.fanout.peer import Peer, Us
from media.broadcast.fanout.puller import Now, Puller
from media.broadcast.fanout.schools import Schools
from media.broadcast.fanout.sharing import Shared, link_of, read_link
from media.broadcast.origin.publication import Opening, Publication
from media.broadcast.passes import Kind, Pass

logger = logging.getLogger(__name__)

#: Broadcasts of others at one time.
MOST = 64
#: In the folder of broadcasts: which are followed, so that a node that starts again goes on.
FILE = "followed.json"


class Unfollowed(enum.Enum):
    """Why a broadcast of another school is not shown. The values are stable: names of texts."""

    NO_LINK = "no_link"  # not a link of a school in the list
    BUSY = "busy"


@define(eq=False)
class _Followed:
    puller: Puller
    task: asyncio.Task[None] | None = None


@define(eq=False, kw_only=True)
class FanOut:
    """Attributes:
    url: of this calls server, without a slash at the end.
    keys: of passes; the first one seals.
    schools: as the file says now.
    open: our origin's.
    on_air: whether a broadcast of ours, with a stage of ours, runs.
    tell: how a followed broadcast is, by our id, whenever that changes.
    wall: seconds since 1970; clock: seconds, never going back; once: by chance, never twice.
    """

    us: Us
    url: str
    keys: Sequence[bytes] = field(repr=False)
    schools: Callable[[], Schools]
    http: aiohttp.ClientSession
    folder: Path
    open: Callable[[Opening], Publication]
    on_air: Callable[[str], bool]
    tell: Callable[[str, Now], None]
    address_of: Callable[[web.Request], str]
    wall: Callable[[], float]
    clock: Callable[[], float]
    once: Callable[[], str]
    door: NodeDoor = field(init=False)
    _links: dict[str, str] = field(init=False, repr=False)  # what is followed, or will be
    _followed: dict[str, _Followed] = field(factory=dict, init=False)
    _changed: asyncio.Event = field(factory=asyncio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._links = remembered(self.folder / FILE)
        self.door = NodeDoor(
            judge=Judge(self.us.name, self._key_of),
            on_air=self._may_be_shared,
            keys=self.keys,
            address_of=self.address_of,
            wall=self.wall,
            clock=self.clock,
        )

    # --- for others

    def link(self, broadcast: str) -> str | None:
        """What a host gives to a host of another school; None: there is no other school, or it is not ours to give."""
        if not self.schools() or broadcast in self._links:
            return None
        return link_of(self.url, broadcast, self.keys[0])

    def may_watch(self, seen: Pass) -> bool:
        """Of a node's pass (`origin.judging.MayWatch`): whether its school is in the list now."""
        assert seen.kind is Kind.NODE
        return seen.account in self.schools() and self._may_be_shared(seen.broadcast)

    # --- of others

    def promise(self, broadcast: str, link: str) -> Unfollowed | None:
        """Show it as this broadcast of ours, once that begins; kept over a start of the process."""
        if read_link(link, self.schools()) is None:
            return Unfollowed.NO_LINK
        if broadcast not in self._links and len(self._links) >= MOST:
            return Unfollowed.BUSY
        if self._links.get(broadcast) != link:
            self.leave(broadcast)
            self._links[broadcast] = link
            self._changed.set()
        return None

    def begin(self, broadcast: str, *, recorded: bool) -> bool:
        """What was promised is shown from now on; False: nothing was, or its school is not in the list any more."""
        link = self._links.get(broadcast)
        shared = None if link is None else read_link(link, self.schools())
        if shared is None:
            return False
        if broadcast not in self._followed:
            self._followed[broadcast] = _Followed(
                self._puller(broadcast, shared, recorded=recorded)
            )
            self._changed.set()
        return True

    def leave(self, broadcast: str) -> None:
        """It is followed no more; its publication is ended by whoever ends the broadcast. Harmless otherwise."""
        followed = self._followed.pop(broadcast, None)
        if followed is not None and followed.task is not None:
            followed.task.cancel()
        if self._links.pop(broadcast, None) is not None:
            self._changed.set()

    def now(self, broadcast: str) -> Now | None:
        """How it is; None: it is not followed."""
        followed = self._followed.get(broadcast)
        if followed is not None:
            return followed.puller.now
        return Now.JOINING if broadcast in self._links else None

    async def run(self) -> None:
        """For ever: what is followed is fetched."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await asyncio.to_thread(remember, self.folder / FILE, dict(self._links))
                for name, followed in list(self._followed.items()):
                    if followed.task is None:
                        followed.task = group.create_task(self._pull(name, followed))

    async def _pull(self, broadcast: str, followed: _Followed) -> None:
        try:
            await followed.puller.run()
        except Exception:  # a bug with one of them ends no other one
            logger.exception("a broadcast of another school met a bug broadcast=%s", broadcast)
        if (
            self._followed.get(broadcast) is followed
        ):  # by itself: their end, or they have cut us off
            del self._followed[broadcast]
            self._links.pop(broadcast, None)
            self._changed.set()

    def _puller(self, broadcast: str, shared: Shared, *, recorded: bool) -> Puller:
        peer = Peer(
            http=self.http,
            us=self.us,
            school=shared.school,
            broadcast=shared.broadcast,
            code=shared.code,
            wall=self.wall,
            once=self.once,
            listed=lambda: shared.school.name in self.schools(),
        )
        return Puller(
            peer=peer,
            as_=broadcast,
            recorded=recorded,
            open=self.open,
            clock=self.clock,
            tell=lambda now: self.tell(broadcast, now),
        )

    def _key_of(self, name: str) -> Ed25519PublicKey | None:
        school = self.schools().get(name)
        return None if school is None else school.key

    def _may_be_shared(self, broadcast: str) -> bool:
        """Not what we follow ourselves: a ring of schools would feed itself."""
        return broadcast not in self._links and self.on_air(broadcast)


def remembered(path: Path) -> dict[str, str]:
    """After a start of the process: our ids, and links of what is followed."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: link for name, link in found.items() if isinstance(link, str)}


def remember(path: Path, links: dict[str, str]) -> None:
    """A link holds a code: the file is this process' alone."""
    beside = path.with_suffix(".new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(links, file)
        beside.replace(path)
    except OSError as error:  # it is followed all the same, until this process ends
        logger.warning("what is followed is not remembered error=%s", type(error).__name__)
