"""The calls server: rooms by name, the doors they are entered by, and the loops that keep them alive.

::

    async with open_node(transport, certificate, plane=…, keys=…, …) as node:
        add_routes(app, node)                # media.signal.http
        twirp.add_routes(app, node)
        …
        await node.drain(now + 60)           # on SIGTERM
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from attrs import define, field
from livekit.protocol import rtc

from media.access.api import Leaves
from media.access.claims import Claims
from media.access.limits import Buckets
from media.access.tokens import BadToken, Key, verify
from media.forwarder import api as forwarder_api
from media.ids import ParticipantSid, PeerId, RoomName, RoomSid, TrackSid
from media.plane.api import Plane
from media.room import events, messages
from media.room.model import LeaveReason, Refusal, Settings
from media.room.room import Room, View
from media.sdp.api import Policy
from media.signal import messages as wire
from media.signal import requests
from media.signal.client import Client
from media.signal.connection import Connection
from media.signal.frames import Encoded
from media.signal.hall import Hall, goodbye
from media.signal.http import Shut
from media.signal.joining import Joining
from media.signal.messages import NodeFacts
from media.signal.services import Connected, Services, untimed
from media.signal.socket import Socket
from media.signal.webhooks import Hook
from media.signal.wiring import Wiring
from media.transport.api import TransportSettings
from media.transport.dtls import Certificate
from media.transport.listener import listen

logger = logging.getLogger(__name__)

#: Rooms of one node, unless its settings say otherwise. A school of a thousand has forty lessons at once.
MAX_ROOMS = 1000
#: WebSockets of one person: a bad network makes one every few seconds, on two devices.
ENTRIES_PER_SECOND, ENTRIES_BURST = 0.5, 30.0
#: Seconds between looks at the rooms' clocks; the shortest of their own times is a batch of 250 ms.
TICK_S = 0.05
CHECK_S = 1.0

#: HTTP's words for a refusal. Element Call: 503 is "the call is full", 404 "you may not start a call".
_STATUS: Mapping[Refusal, int] = {
    Refusal.FULL: 503,
    Refusal.NOT_STARTED: 404,
    Refusal.LOCKED: 403,
    Refusal.ENDED: 503,
}
_NOT_STARTED = Shut(404, "requested room does not exist", Refusal.NOT_STARTED.value)


#: A call is over; the view is its last.
Finished = Callable[[RoomName, View], None]


def _forget(_room: RoomName, _view: View) -> None:
    """A call that nobody asks about once it is over."""


@define(eq=False)
class Node:
    """`joins`: who came in, by `entered` and `resumed`; doors that stayed shut are in `services.wrong`."""

    services: Services
    halls: dict[RoomName, Hall] = field(factory=dict)
    draining: bool = False
    max_rooms: int = MAX_ROOMS
    finished: Finished = field(default=_forget)
    joins: Counter[str] = field(factory=Counter)
    _entries: Buckets = field(factory=lambda: Buckets(ENTRIES_PER_SECOND, ENTRIES_BURST))
    _connections: int = 0
    _quiet: asyncio.Event = field(factory=asyncio.Event)

    # --- doors of media/signal/http.py

    def look(self, joining: Joining) -> Claims | Shut:
        """Check the token, the room and its places. Changes nothing."""
        claims = verify(joining.token, self.services.keys, self.services.wall())
        if isinstance(claims, BadToken):
            return Shut(401, f"invalid token: {claims.value}", f"token_{claims.value}")
        if not claims.may_join:
            return Shut(401, "permissions denied", "token_of_no_participant")
        if self.draining:
            return Shut(503, "this node is going down", "draining")
        if joining.reconnect_sid:
            return claims
        hall = self.halls.get(claims.room)
        if hall is None:
            if self.is_full:
                return Shut(503, "too many rooms", "too_many_rooms")
            member = claims.member
            return claims if member is None or member.may_start else _NOT_STARTED
        refusal = hall.room.refusal(_joined(ParticipantSid(""), claims, joining))
        if refusal is None:
            return claims
        return Shut(_STATUS.get(refusal, 403), refusal.value, refusal.value)

    def greet(self, claims: Claims) -> Shut | None:
        """Every entry is told to everyone in the room: one person cannot make a hundred of them a second."""
        person = claims.member.user_id if claims.member is not None else claims.identity
        if self._entries.wait_s(person, self.services.clock()):
            return Shut(429, "too many connections")
        return None

    def count(self, why: str) -> None:
        self.services.wrong[why] += 1

    async def serve(self, socket: Socket, joining: Joining, claims: Claims) -> None:
        """One client from its first message to its last."""
        connection = Connection(socket, self.services.clock, self.services.wrong)
        client = self._enter(connection, joining, claims)
        self._connections += 1
        try:
            await connection.run(client.hear if client is not None else _deaf)
        finally:
            self._connections -= 1
            if not self._connections:
                self._quiet.set()
            if client is not None and client.connection is connection:
                client.connection = None
                client.place.handle(events.SignalLost(client.sid))

    def _enter(self, connection: Connection, joining: Joining, claims: Claims) -> Client | None:
        """Whose connection it is; None: it was told to go."""
        if joining.reconnect_sid:
            return self._resume(connection, joining, claims)
        if self.draining:  # since the door was opened
            elsewhere = messages.Goodbye(
                LeaveReason.SERVER_SHUTDOWN, messages.LeaveAction.RECONNECT
            )
            connection.send(Encoded(wire.response(elsewhere)))
            connection.close()
            return None
        hall = self.halls.get(claims.room)
        if hall is None:
            hall = self.open_hall(claims.room, _settings(claims))
        client = Client(
            sid=ParticipantSid(self.services.sid("PA_")),
            claims=claims,
            joining=joining,
            place=hall,
            services=self.services,
            joined_at=self.services.clock(),
        )
        client.connection = connection
        hall.enter(client)
        hall.handle(_joined(client.sid, claims, joining))
        if client.sid in hall.clients:
            self.joins["entered"] += 1
            hall.entered(client)
            client.begin()
        return client

    def _resume(self, connection: Connection, joining: Joining, claims: Claims) -> Client | None:
        """An unknown sid, or somebody else's, begins anew: so does a client of a node that has restarted."""
        hall = self.halls.get(claims.room)
        client = hall.clients.get(ParticipantSid(joining.reconnect_sid)) if hall else None
        same = client is not None and client.identity == claims.identity
        if client is None or not same or client.joining.version is not joining.version:
            self.services.wrong["resume_of_nobody"] += 1
            connection.send(Encoded(wire.response(goodbye(Refusal.STATE_MISMATCH))))
            connection.close()
            return None
        self.joins["resumed"] += 1
        client.resume(connection, joining)
        return client

    # --- rooms

    @property
    def is_full(self) -> bool:
        """Takes no more rooms."""
        return len(self.halls) >= self.max_rooms

    def open_hall(self, name: RoomName, settings: Settings, metadata: str = "") -> Hall:
        services = self.services
        room = Room.open(
            name,
            RoomSid(services.sid("RM_")),
            settings,
            now=services.clock(),
            wall=services.wall(),
            metadata=metadata,
        )
        hall = self.halls[name] = Hall(name=name, room=room, services=services, ended=self._ended)
        logger.info("room opened room=%s", room.view(services.clock()).info.sid)
        hall.post("room_started")
        return hall

    def _ended(self, hall: Hall) -> None:
        if self.halls.get(hall.name) is hall:
            del self.halls[hall.name]
            hall.post("room_finished")
            view = hall.room.view(self.services.clock())
            self.finished(hall.name, view)
            logger.info("room ended room=%s", view.info.sid)

    # --- what the forwarder says

    def hear(self, event: forwarder_api.Event) -> None:
        match event:
            case forwarder_api.LayersSeen(track, layers):
                if (hall := self._hall_of(track)) is not None:
                    hall.handle(events.LayersSeen(track, layers))
            case forwarder_api.Rates(track, rates):
                if (hall := self._hall_of(track)) is not None:
                    hall.handle(events.TrackRates(track, rates))
            case forwarder_api.Loudness(levels):
                for hall in list(self.halls.values()):
                    here = {sid: level for sid, level in levels.items() if sid in hall.tracks}
                    if here:  # who falls silent is told of, with 0.0
                        hall.handle(events.Loud(here))
            case forwarder_api.Quality():
                if (found := self._of_peer(event.peer)) is not None:
                    found[0].handle(found[1].quality(event))
            case forwarder_api.Estimate():
                if (found := self._of_peer(event.peer)) is not None:
                    found[0].handle(
                        events.Estimated(
                            found[1].sid, event.bitrate_bps, event.sent_bps, event.measured
                        )
                    )
            case forwarder_api.Forwarding():
                """What is really sent: figures of the forwarder; the room decides by estimates."""

    def _hall_of(self, track: TrackSid) -> Hall | None:
        return next((one for one in self.halls.values() if track in one.tracks), None)

    def _of_peer(self, peer: PeerId) -> tuple[Hall, Client] | None:
        sid = ParticipantSid(peer.partition(":")[0])
        for hall in self.halls.values():
            if (client := hall.clients.get(sid)) is not None:
                return hall, client
        return None

    # --- time

    async def tick(self) -> None:
        """For ever: what the rooms do by the clock."""
        checked = self.services.clock()
        while True:
            await asyncio.sleep(TICK_S)
            now = self.services.clock()
            due = now - checked >= CHECK_S
            checked = now if due else checked
            for hall in list(self.halls.values()):
                try:
                    hall.tick(now)
                    if due:
                        hall.check(now)
                except Exception:  # one room's bug is not every room's end
                    self.services.wrong["bug"] += 1
                    logger.exception("a room met a bug")

    async def drain(self, deadline: float) -> None:
        """No newcomers; everyone is told to go to another node, and at `deadline` those who stayed are cut off."""
        self.draining = True
        for hall in list(self.halls.values()):
            hall.handle(events.Closing(LeaveReason.SERVER_SHUTDOWN))
        if self._connections:
            self._quiet.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self._quiet.wait()


@asynccontextmanager
async def open_node(
    transport: TransportSettings,
    certificate: Certificate,
    *,
    plane: Plane,
    keys: Sequence[Key],
    wall: Callable[[], float],
    bits: Callable[[int], int],
    facts: NodeFacts | None = None,
    hooks: Sequence[Hook] = (),
    policy: Policy | None = None,
    leaves: Leaves | None = None,
    max_rooms: int = MAX_ROOMS,
    connected: Connected = untimed,
) -> AsyncIterator[Node]:
    """Open the ports and start the loops; at the end everything is closed.

    Raises:
        OSError: a port is taken.
    """
    clock = asyncio.get_running_loop().time
    async with listen(transport, certificate, plane) as listener:
        node = Node(
            Services(
                listener=listener,
                wiring=Wiring(plane),
                plane=plane,
                facts=facts or NodeFacts(sif_trailer=bits(128).to_bytes(16, "big")),
                keys=keys,
                clock=clock,
                wall=wall,
                bits=bits,
                policy=policy or Policy(),
                hooks=hooks,
                leaves=leaves,
                connected=connected,
            ),
            max_rooms=max_rooms,
        )
        plane.hear = node.hear
        async with asyncio.TaskGroup() as group:
            loops = [group.create_task(node.tick())]
            loops += [group.create_task(hook.run()) for hook in hooks]
            try:
                yield node
            finally:
                for loop in loops:
                    loop.cancel()


def _joined(sid: ParticipantSid, claims: Claims, joining: Joining) -> events.Joined:
    return requests.joined(
        sid,
        claims,
        auto_subscribe=joining.auto_subscribe,
        adaptive_stream=joining.adaptive_stream,
    )


def _settings(claims: Claims) -> Settings:
    """Of a call that this one starts, from what the module said of the room."""
    member = claims.member
    if member is None:
        return Settings()
    return Settings(limit=member.limit, one_share=member.one_share)


def _deaf(_request: rtc.SignalRequest) -> None:
    """Whoever was told to go says nothing more that counts."""
