"""A light participant: signalling, ICE and DTLS for real, nothing encoded or decoded. A hundred fit into one process.

::

    light = await Light.join(node, "room", "p1", v1=False, watch=True)
    await light.publish()                    # a microphone and a camera, announced and negotiated
    light.speak(now); light.film(now)        # one packet, one picture
    await light.leave()
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import aiohttp
from attrs import define, field
from livekit.protocol import models, rtc

from bench.call_node import PREFIX
from bench.light_sdp import Offered, answered, extensions, shown, split, theirs, trickled, whole
from bench.light_wire import Wire
from media.forwarder.plain.rtcp_build import build_pli
from tests.media.forwarder.ends import AUDIO_LEVEL, MID, TRANSPORT_CC, rtp, vp8

#: Sections that Chromium brings along for what others publish, of each kind (calls.md §2.4).
BROUGHT = 3
OPUS, VP8 = 111, 96
#: Bytes of one packet of a picture.
PICTURE_PACKET = 1_000


class Door(Protocol):
    """Where a server's signalling is, and tokens for it."""

    @property
    def base(self) -> str: ...

    @property
    def http(self) -> aiohttp.ClientSession: ...

    def token(self, identity: str, room: str) -> str: ...


@define(eq=False)
class Sender:
    """A track of ours on its way to the server."""

    kind: str
    mid: str
    cid: str = field(factory=lambda: secrets.token_hex(8))
    ssrc: int = field(factory=lambda: secrets.randbits(31) + 1)
    track: str = ""  # TR_…, once it is announced
    muted: bool = False
    number: int = 0  # of the last packet
    picture: int = 0
    stamp: int = 0


@define(eq=False)
class Light:
    """Attributes:

    negotiated: tracks that we are sent by now → their SSRC.
    first_at: when the first packet of each SSRC came, seconds of the loop's clock.
    on_media: is given each media packet too, still encrypted, and when it came.
    bytes_in, bytes_out: of signalling, uncompressed; `largest` by message, `by_message` in all.
    """

    node: Door
    room: str
    name: str
    v1: bool
    watch: bool
    prefix: str = PREFIX
    sid: str = ""
    negotiated: dict[str, int] = field(factory=dict)
    first_at: dict[int, float] = field(factory=dict)
    packets: int = 0
    on_media: Callable[[bytes, float], None] | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    largest: Counter[str] = field(factory=Counter)
    heard: Counter[str] = field(factory=Counter)
    others: dict[str, list[str]] = field(factory=dict)  # who else is there → their tracks
    left: asyncio.Event = field(factory=asyncio.Event)
    senders: list[Sender] = field(factory=list)
    _down: Wire = field(init=False)
    _up: Wire = field(init=False)
    _socket: aiohttp.ClientWebSocketResponse | None = None
    _reading: asyncio.Task[None] | None = None
    _answers: dict[str, str] = field(factory=dict)  # section of an offer → ours
    _general: str = ""  # what that offer says of all sections
    _sections: list[str] = field(factory=list)  # of our own offers
    _receiving: int = 0  # sections among them
    _offers: int = 0
    _outstanding: bool = False
    _again: bool = False
    _announced: dict[str, asyncio.Future[str]] = field(factory=dict)
    _transport_number: int = 0
    _clock: Callable[[], float] = field(factory=lambda: asyncio.get_running_loop().time)

    def __attrs_post_init__(self) -> None:
        self._down = Wire(self._media)
        self._up = self._down if self.v1 else Wire(self._media)

    @classmethod
    async def join(
        cls,
        node: Door,
        room: str,
        name: str,
        *,
        v1: bool,
        watch: bool,
        publish: bool = False,
        prefix: str = PREFIX,
    ) -> Light:
        """Over the WebSocket; `connected` says when media can flow. `publish`: with the join, as v1 allows it.

        `prefix`: of the server's addresses, before `/rtc`.
        """
        light = cls(node=node, room=room, name=name, v1=v1, watch=watch, prefix=prefix)
        if v1:
            light._bring(publish)
        await light._open()
        return light

    async def connected(self) -> None:
        await self._down.connected.wait()

    @property
    def wires(self) -> tuple[Wire, Wire]:
        """What comes down, what goes up; one and the same in v1."""
        return self._down, self._up

    @property
    def shown_sections(self) -> list[str]:
        """Of the server's last offer (v0), after what it says of them all."""
        return [self._general, *self._answers]

    @property
    def sent_up(self) -> int:
        """Transport-wide number of the last packet that we sent."""
        return self._transport_number & 0xFFFF

    def state(self) -> str:
        """For whoever waited in vain."""
        known = sum(map(len, self.others.values()))
        return f"knows {len(self.others)} with {known} tracks, heard {dict(self.heard)}, left {self.left.is_set()}"

    # --- sections of ours

    @property
    def _offered(self) -> Offered:
        return Offered(self._up.ours)

    def _bring(self, publish: bool) -> None:
        """The first offer of v1."""
        for kind in ("audio", "video"):
            self._add_receiving(kind, BROUGHT)
        self._sections.append(self._offered.data(self._next_mid()))
        if publish:
            self._add_senders()

    def _next_mid(self) -> str:
        return str(len(self._sections))

    def _add_receiving(self, kind: str, count: int) -> None:
        for _ in range(count):
            self._sections.append(self._offered.receiving(kind, self._next_mid()))

    def _add_senders(self) -> list[Sender]:
        added = []
        for kind in ("audio", "video"):
            sender = Sender(kind, self._next_mid())
            self._sections.append(self._offered.sending(kind, sender.mid, sender.cid, sender.ssrc))
            added.append(sender)
        self.senders += added
        return added

    # --- the WebSocket

    async def _open(self, *, resume: bool = False) -> None:
        path, query = self._door(resume=resume)
        self._socket = await self.node.http.ws_connect(
            f"{self.node.base}{self.prefix}{path}",
            params=query,
            headers={"Authorization": f"Bearer {self.node.token(self.name, self.room)}"},
            max_msg_size=4_000_000,
            compress=15,
        )
        self._reading = asyncio.ensure_future(self._read(self._socket))

    def _door(self, *, resume: bool) -> tuple[str, dict[str, str]]:
        if not self.v1:
            query = {"auto_subscribe": str(int(self.watch)), "sdk": "js", "protocol": "16"}
            if resume:
                query |= {"reconnect": "1", "sid": self.sid}
            return "/rtc", query
        request = rtc.JoinRequest(
            connection_settings=rtc.ConnectionSettings(auto_subscribe=self.watch),
            client_info=models.ClientInfo(sdk="JS", protocol=16),
            publisher_offer=self._offer(),
            add_track_requests=[] if resume else [_announcement(one) for one in self.senders],
            reconnect=resume,
            participant_sid=self.sid if resume else "",
        )
        wrapped = rtc.WrappedJoinRequest(
            compression="GZIP", join_request=gzip.compress(request.SerializeToString(), 6)
        )
        packed = base64.urlsafe_b64encode(wrapped.SerializeToString()).decode().rstrip("=")
        self.bytes_out += len(packed)
        return "/rtc/v1", {"join_request": packed}

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.BINARY:
                continue
            response = rtc.SignalResponse()
            response.ParseFromString(message.data)
            kind = response.WhichOneof("message") or "?"
            self.bytes_in += len(message.data)
            self.heard[kind] += 1
            self.largest[kind] = max(self.largest[kind], len(message.data))
            hear = getattr(self, f"_hear_{kind}", None)
            if hear is not None:
                await hear(getattr(response, kind))

    async def _say(self, **message: Any) -> None:
        request = rtc.SignalRequest(**message)
        data = request.SerializeToString()
        self.bytes_out += len(data)
        kind = f"{next(iter(message))} of ours"
        self.largest[kind] = max(self.largest[kind], len(data))
        if self._socket is not None and not self._socket.closed:
            with contextlib.suppress(ConnectionError):
                await self._socket.send_bytes(data)

    # --- what the server says

    async def _hear_join(self, join: rtc.JoinResponse) -> None:
        self.sid = join.participant.sid
        self._people(join.other_participants)

    async def _hear_update(self, update: rtc.ParticipantUpdate) -> None:
        self._people(one for one in update.participants if one.sid != self.sid)

    def _people(self, people: Any) -> None:
        for one in people:
            if one.state == models.ParticipantInfo.DISCONNECTED:
                self.others.pop(one.sid, None)
            else:
                self.others[one.sid] = [track.sid for track in one.tracks]

    async def _hear_leave(self, _leave: rtc.LeaveRequest) -> None:
        self.left.set()

    async def _hear_track_published(self, published: rtc.TrackPublishedResponse) -> None:
        for sender in self.senders:
            if sender.cid == published.cid:
                sender.track = published.track.sid

    async def _hear_offer(self, offer: rtc.SessionDescription) -> None:
        """The subscriber's (v0)."""
        self._down.meet(theirs(offer.sdp))
        session, *sections = split(offer.sdp)
        general = extensions(session)
        known, self._answers = self._answers if general == self._general else {}, {}
        self._general = general
        for section in sections:
            ours = known.get(section) or answered(section, self._down.ours, general)
            self._answers[section] = ours
        await self._say(
            answer=rtc.SessionDescription(
                type="answer", sdp=whole(self._answers.values(), offer.id), id=offer.id
            )
        )
        self._carried(sections)

    async def _hear_answer(self, answer: rtc.SessionDescription) -> None:
        self._outstanding = False
        self._up.meet(theirs(answer.sdp))
        if self.v1:
            self._carried(split(answer.sdp)[1:])
        if self._again:
            self._again = False
            await self._make_offer()

    async def _hear_trickle(self, said: rtc.TrickleRequest) -> None:
        wire = self._down if said.target == rtc.SignalTarget.SUBSCRIBER else self._up
        wire.reach(trickled(said.candidateInit))

    async def _hear_media_sections_requirement(self, more: rtc.MediaSectionsRequirement) -> None:
        self._add_receiving("audio", more.num_audios)
        self._add_receiving("video", more.num_videos)
        await self._make_offer()

    def _carried(self, sections: list[str]) -> None:
        found = [one for one in map(shown, sections) if one is not None]
        self.negotiated = {one.track: one.ssrc for one in found}

    # --- what we say

    async def publish(self) -> None:
        """A microphone and a camera."""
        if not self.v1 and not self._sections:
            self._sections.append(self._offered.data("0"))
        for sender in self._add_senders():
            await self._say(add_track=_announcement(sender))
        await self._make_offer()

    def _offer(self) -> rtc.SessionDescription:
        self._offers += 1
        self._outstanding = True
        return rtc.SessionDescription(
            type="offer", sdp=whole(self._sections, self._offers), id=self._offers
        )

    async def _make_offer(self) -> None:
        """One at a time."""
        if self._outstanding:
            self._again = True
            return
        await self._say(offer=self._offer())

    async def mute(self, sender: Sender, muted: bool) -> None:
        sender.muted = muted
        await self._say(mute=rtc.MuteTrackRequest(sid=sender.track, muted=muted))

    async def show(self, track: str, *, disabled: bool) -> None:
        settings = rtc.UpdateTrackSettings(track_sids=[track], disabled=disabled)
        await self._say(track_setting=settings)

    async def resume(self) -> None:
        """The WebSocket breaks, another one goes on with the same participant."""
        await self._hang_up()
        if self.v1:
            self._sections = [one.replace(self._up.ours.ufrag, "____") for one in self._sections]
            self._up.renew()
            self._sections = [one.replace("____", self._up.ours.ufrag) for one in self._sections]
        await self._open(resume=True)

    async def _hang_up(self) -> None:
        """Without a word."""
        if self._reading is not None:
            self._reading.cancel()
        if self._socket is not None:
            self._socket._response.close()
            self._socket = None

    async def leave(self) -> None:
        """With a word; the server closes."""
        await self._say(leave=rtc.LeaveRequest(reason="CLIENT_INITIATED"))
        if self._reading is not None:
            await asyncio.wait((self._reading,), timeout=2)
            self._reading.cancel()
        if self._socket is not None:
            self._socket._response.close()
        for wire in {id(one): one for one in (self._up, self._down)}.values():
            await wire.close()

    async def vanish(self) -> None:
        """Without a word, as when a laptop is shut."""
        await self._hang_up()
        for wire in {id(one): one for one in (self._up, self._down)}.values():
            await wire.close(silently=True)

    # --- media

    def _media(self, datagram: bytes, now: float) -> None:
        if 192 <= datagram[1] <= 223:
            return
        self.packets += 1
        if self.on_media is not None:
            self.on_media(datagram, now)
        ssrc = int.from_bytes(datagram[8:12], "big")
        if ssrc not in self.first_at:
            self.first_at[ssrc] = now

    def missing(self) -> list[str]:
        """Negotiated tracks of which no packet has come."""
        return [sid for sid, ssrc in self.negotiated.items() if ssrc not in self.first_at]

    @property
    def is_publishing(self) -> bool:
        return bool(self.senders) and self._up.connected.is_set()

    @property
    def is_announced(self) -> bool:
        """What we want to publish has its TR_ sid, and its connection is there."""
        ready = self.is_publishing and all(sender.track for sender in self.senders)
        return ready if self.senders else self._down.connected.is_set()

    def speak(self) -> None:
        """20 ms of sound."""
        for sender in self.senders:
            if sender.kind == "audio" and not sender.muted:
                payload = bytes(80)
                self._send(sender, payload, OPUS, sender.number * 960, {AUDIO_LEVEL: b"\x9e"})

    def film(self, *, key: bool, packets: int = 1, size: int = PICTURE_PACKET) -> None:
        for sender in self.senders:
            if sender.kind != "video" or sender.muted:
                continue
            sender.picture += 1
            stamp = int(self._clock() * 90_000)
            for number in range(packets):
                payload = vp8(sender.picture, key=key, start=number == 0, body=bytes(size))
                self._send(sender, payload, VP8, stamp, {}, last=number == packets - 1)

    def show_picture(self, payloads: Sequence[bytes]) -> None:
        """A picture that somebody has encoded, descriptors and all, in packets."""
        stamp = int(self._clock() * 90_000)
        for sender in self.senders:
            if sender.kind != "video" or sender.muted:
                continue
            for payload in payloads:
                self._send(sender, payload, VP8, stamp, {}, last=payload is payloads[-1])

    def _send(
        self,
        sender: Sender,
        payload: bytes,
        payload_type: int,
        stamp: int,
        elements: dict[int, bytes],
        *,
        last: bool = True,
    ) -> None:
        if not self.is_publishing or not sender.track:
            return
        sender.number += 1
        sender.stamp = stamp & 0xFFFFFFFF
        self._transport_number += 1
        packet = rtp(
            ssrc=sender.ssrc,
            sequence=sender.number & 0xFFFF,
            payload=payload,
            payload_type=payload_type,
            timestamp=sender.stamp,
            marker=last,
            elements={
                **elements,
                MID: sender.mid.encode(),
                TRANSPORT_CC: (self._transport_number & 0xFFFF).to_bytes(2, "big"),
            },
        )
        self._up.send_media(packet)

    def ask_keyframe(self, ssrc: int) -> None:
        self._down.send_control(build_pli(ssrc))


def _announcement(sender: Sender) -> rtc.AddTrackRequest:
    audio = sender.kind == "audio"
    return rtc.AddTrackRequest(
        cid=sender.cid,
        type="AUDIO" if audio else "VIDEO",
        source="MICROPHONE" if audio else "CAMERA",
        width=0 if audio else 640,
        height=0 if audio else 360,
        disable_red=True,  # what is sent is plain Opus
    )


async def until(fact: Callable[[], object], what: str, deadline_s: float) -> float:
    """Seconds until `fact()` is true, looked at every millisecond.

    Raises:
        TimeoutError: it did not become true.
    """
    began = time.monotonic()
    while not fact():
        if time.monotonic() - began > deadline_s:
            raise TimeoutError(what)
        await asyncio.sleep(0.001)
    return time.monotonic() - began
