"""Debian's Janus with its videoroom, over its WebSocket; publishers and subscribers are connections of their own.

Its process and its network: `janus_process.py`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from attrs import define, field

from bench.light import until
from bench.light_sdp import Offered, answered, extensions, split, theirs, whole
from bench.light_wire import Wire
from bench.load.plan import Mix, Stream, offset_us, reading, stream_line, wire_line
from bench.load.program import Program

ADDRESS = "10.77.0.1"
GROUP, DEADLINE_S = 5, 60.0
PLUGIN = "janus.plugin.videoroom"


@define(eq=False)
class Janus:
    """Attributes:

    port: of its WebSocket.
    program, cpu: the native part of the load, and its processor.
    """

    name: str
    port: int
    pids: Sequence[int]
    http: aiohttp.ClientSession
    program: Path
    cpu: int | None

    @asynccontextmanager
    async def fill(self, mix: Mix, people: int, room: str) -> AsyncIterator[Program]:
        url = f"ws://{ADDRESS}:{self.port}"
        async with (
            self.http.ws_connect(url, protocols=["janus-protocol"]) as socket,
            asyncio.TaskGroup() as group,
        ):
            session = Session(socket)
            listening = group.create_task(session.listen())
            ends = await self._ends(session, mix, people)
            async with Program.start(self.program, *_lines(ends), cpu=self.cpu) as program:
                keeping = group.create_task(session.keep())
                yield program
                keeping.cancel()
            await asyncio.gather(*(end.wire.close() for end in ends))
            listening.cancel()

    async def _ends(self, session: Session, mix: Mix, people: int) -> list[End]:
        number = secrets.randbelow(1 << 30) + 1
        await session.begin()
        desk = await session.attach()
        await session.ask(
            desk,
            request="create",
            room=number,
            publishers=len(mix.publishers),
            transport_wide_cc_ext=True,
            audiocodec="opus",
            videocodec="vp8",
            bitrate=0,
        )
        publishers = [await End.publisher(session, number, streams) for streams in mix.publishers]
        # Before that it says that there is no such feed.
        await until(lambda: len(session.up) == len(publishers), "publishers connect", DEADLINE_S)
        feeds = [one.feed for one in publishers]
        subscribers: list[End] = []
        while len(subscribers) < people:
            group = range(len(subscribers), min(len(subscribers) + GROUP, people))
            mine = [[feed for place, feed in enumerate(feeds) if place != who] for who in group]
            subscribers += await asyncio.gather(
                *(End.subscriber(session, number, wanted) for wanted in mine if wanted)
            )
            people -= sum(not wanted for wanted in mine)  # the only publisher has nothing to watch
        ends = [*publishers, *subscribers]
        await until(lambda: len(session.up) == len(ends), "all connect", DEADLINE_S)
        await until(
            lambda: all(one.wire.connected.is_set() for one in ends), "here too", DEADLINE_S
        )
        return ends


@define(eq=False)
class Session:
    """One for everybody; each connection is a handle of it.

    Attributes:
        up: handles whose handshakes are done.
    """

    _socket: aiohttp.ClientWebSocketResponse
    up: set[int] = field(factory=set)
    _id: int = 0
    _waiting: dict[str, asyncio.Future[dict[str, Any]]] = field(factory=dict)
    _numbers: Iterator[int] = field(factory=count)

    async def listen(self) -> None:
        async for message in self._socket:
            said = message.json()
            if said["janus"] == "webrtcup":
                self.up.add(said["sender"])
            if said["janus"] == "ack":  # the event comes later
                continue
            waiting = self._waiting.pop(said.get("transaction", ""), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(said)

    async def keep(self) -> None:
        """Janus ends a session that says nothing for a minute."""
        while True:
            await asyncio.sleep(20)
            await self._say(janus="keepalive")

    async def begin(self) -> None:
        self._id = (await self._say(janus="create"))["data"]["id"]

    async def attach(self) -> int:
        return int((await self._say(janus="attach", plugin=PLUGIN))["data"]["id"])

    async def ask(
        self, handle: int, jsep: dict[str, str] | None = None, **body: Any
    ) -> dict[str, Any]:
        """The plugin's answer, with `jsep` if it has one.

        Raises:
            RuntimeError: it refused.
        """
        more = {} if jsep is None else {"jsep": jsep}
        said = await self._say(janus="message", handle_id=handle, body=body, **more)
        if "error" in said.get("plugindata", {}).get("data", {}) or said["janus"] == "error":
            raise RuntimeError(f"{body['request']}: {said}")
        return said

    async def _say(self, **message: Any) -> dict[str, Any]:
        transaction = str(next(self._numbers))
        message["transaction"] = transaction
        if self._id:
            message["session_id"] = self._id
        answer = self._waiting[transaction] = asyncio.get_running_loop().create_future()
        await self._socket.send_json(message)
        if message["janus"] == "keepalive":
            del self._waiting[transaction]
            return {}
        return await asyncio.wait_for(answer, DEADLINE_S)


@define(eq=False)
class End:
    """One connection.

    Attributes:
        sent: what it publishes, with SSRC and mid of each.
    """

    wire: Wire
    feed: int = 0
    sent: list[tuple[Stream, int, str]] = field(factory=list)
    sections: Sequence[str] = ()

    @classmethod
    async def publisher(cls, session: Session, room: int, streams: Sequence[Stream]) -> End:
        end = cls(_wire())
        handle = await session.attach()
        offered = Offered(end.wire.ours)
        sections = []
        for number, stream in enumerate(streams):
            ssrc, mid = secrets.randbits(31) + 1, str(number)
            sections.append(offered.sending(stream.kind, mid, secrets.token_hex(4), ssrc))
            end.sent.append((stream, ssrc, mid))
        offer = active(whole(sections, 1))
        said = await session.ask(
            handle,
            {"type": "offer", "sdp": offer},
            request="joinandconfigure",
            room=room,
            ptype="publisher",
        )
        end.feed = said["plugindata"]["data"]["id"]
        end.wire.meet(theirs(said["jsep"]["sdp"]))
        return end

    @classmethod
    async def subscriber(cls, session: Session, room: int, feeds: Sequence[int]) -> End:
        end = cls(_wire())
        handle = await session.attach()
        wanted = [{"feed": feed} for feed in feeds]
        said = await session.ask(
            handle, request="join", room=room, ptype="subscriber", streams=wanted
        )
        offer = said["jsep"]["sdp"]
        end.wire.meet(theirs(offer))
        general, *end.sections = split(offer)
        ours = [answered(one, end.wire.ours, extensions(general)) for one in end.sections]
        await session.ask(handle, {"type": "answer", "sdp": whole(ours, 1)}, request="start")
        return end


def _wire() -> Wire:
    return Wire(lambda _datagram, _now: None, ADDRESS)


def active(offer: str) -> str:
    """We begin DTLS, as everywhere in this benchmark; given the choice Janus would."""
    return offer.replace("a=setup:actpass", "a=setup:active")


def _lines(ends: Sequence[End]) -> tuple[list[str], list[int]]:
    """What the native part is told, and the sockets in it."""
    handed = [one.wire.hand_over() for one in ends]
    wires = [wire_line(one, reading(end.sections)) for one, end in zip(handed, ends, strict=True)]
    sent = [(at, *one) for at, end in enumerate(ends) for one in end.sent]
    streams = [
        stream_line(stream, wire=at, ssrc=ssrc, mid=mid, offset_us=offset_us(number, stream))
        for number, (at, stream, ssrc, mid) in enumerate(sent)
    ]
    return [*wires, *streams], [one.fd for one in handed]
