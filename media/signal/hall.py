"""A room with its clients: gives the room what happens, carries out what it says."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import singledispatchmethod

from attrs import define, evolve, field
from livekit.protocol import models, rtc, webhook

from media.forwarder.api import Codec, Kind
from media.ids import Identity, ParticipantSid, RoomName, TrackSid
from media.room import commands, events, messages
from media.room.model import SCREENS, LeaveReason, Participant, Refusal, State, Track
from media.room.operations import Operation
from media.room.room import Room
from media.signal import data
from media.signal import messages as wire
from media.signal.client import Client
from media.signal.frames import Encoded
from media.signal.joining import Version
from media.signal.news import News
from media.signal.people import People
from media.signal.services import Services

logger = logging.getLogger(__name__)


@define(eq=False)
class Hall:
    """`ended` is called when the room is over."""

    name: RoomName
    room: Room
    services: Services
    ended: Callable[[Hall], None]
    clients: dict[ParticipantSid, Client] = field(factory=dict)
    tracks: dict[TrackSid, Track] = field(factory=dict)
    _subscribed: set[TrackSid] = field(factory=set)
    _codecs: dict[TrackSid, Codec] = field(factory=dict)
    _waiting: deque[events.Event] = field(factory=deque)
    _busy: bool = False
    _touched: bool = True  # something has happened since `_wakeup` was asked for
    _wakeup: float | None = None
    _to_flush: set[ParticipantSid] = field(factory=set)
    _answers: dict[str, Refusal | None] = field(factory=dict)
    _asked: int = 0
    _people: People = field(factory=People)
    _news: News = field(factory=News)
    _gone_meanwhile: dict[ParticipantSid, tuple[Participant, ...]] = field(factory=dict)

    def enter(self, client: Client) -> None:
        """Before the room is told: it answers with commands about this client."""
        self.clients[client.sid] = client

    def identities(self) -> Mapping[ParticipantSid, Identity]:
        return {sid: client.identity for sid, client in self.clients.items()}

    @property
    def people(self) -> int:
        return len(self.clients)

    def published(self, track: TrackSid, codec: Codec, mid: str) -> None:
        known = self.tracks.get(track)
        is_new = track not in self._codecs
        self._codecs[track] = codec
        if known is None or (client := self.clients.get(known.publisher)) is None:
            return
        self.tracks[track] = evolve(known, mime_type=codec.value, mid=mid)
        if is_new:
            self.post("track_published", client, self.tracks[track])

    def group(self, track: TrackSid) -> str:
        """Microphones of a call compete for the ears of its people; a screen's sound does not."""
        known = self.tracks.get(track)
        competes = known is not None and known.kind is Kind.AUDIO and known.source not in SCREENS
        return self.name if competes else ""

    def handle(self, event: events.Event) -> None:
        """What carrying out one event brings about is handled after it, in order."""
        self._waiting.append(event)
        if self._busy:
            return
        self._busy = self._touched = True
        try:
            while self._waiting:
                now = self.services.clock()
                self._carry_out(self.room.handle(self._waiting.popleft(), now))
                for sid in sorted(self._to_flush):
                    if (client := self.clients.get(sid)) is not None:
                        client.negotiation.flush(now)
                self._to_flush.clear()
        finally:
            self._busy = False

    def _carry_out(self, following: Sequence[commands.Command]) -> None:
        leaving = {one.sid for one in following if isinstance(one, commands.Gone)}
        for command in following:
            if isinstance(command, commands.StopForwarding) and command.to in leaving:
                continue  # it ends with their connections
            _method_for(type(command))(self, command)

    def ask(self, operation: Operation) -> Refusal | None:
        """A service with the room's admin right asks (Twirp); None: done."""
        self._asked += 1
        request = f"service-{self._asked}"
        self.handle(events.HostAsked(by=None, operation=operation, request=request))
        return self._answers.pop(request, None)

    def send_data(
        self, topic: str | None, payload: bytes, to: frozenset[str], *, reliable: bool
    ) -> None:
        """A service's packet, to identities or sids, or to everyone who is not waiting (R44)."""
        packet = data.server_packet(topic, payload, reliable=reliable)
        waiting = {one.sid for one in self.room.view(self.services.clock()).waiting}
        for client in self.clients.values():
            named = client.identity in to or client.sid in to
            if named if to else client.sid not in waiting:
                client.send_data(data.RELIABLE if reliable else data.LOSSY, packet)

    def tick(self, now: float) -> None:
        """Many times a second: what the room does by the clock, and news that have waited."""
        if self._touched:  # a look at everybody, for which nothing changes unless something happens
            self._touched, self._wakeup = False, self.room.next_wakeup()
        if self._wakeup is not None and self._wakeup <= now:
            self.handle(events.Ticked())
        if self._news.is_due(now):
            self._tell_news()

    def check(self, now: float) -> None:
        """About once a second: who lost their way begins anew."""
        for client in list(self.clients.values()):
            if (reason := client.check(now)) is not None:
                self.services.wrong[f"begins_anew_{reason.name.lower()}"] += 1
                client.tell(wire.response(messages.Goodbye(reason, messages.LeaveAction.RECONNECT)))
                self.handle(events.Left(client.sid, reason))

    # --- commands

    @singledispatchmethod
    def _do(self, command: object) -> None:
        raise TypeError(f"no such command: {command!r}")

    @_do.register
    def _(self, command: commands.Tell) -> None:
        message = command.message
        if isinstance(message, messages.ParticipantsChanged):
            self._changed(message.participants, command.to)
            return
        to = [one for sid in command.to if (one := self.clients.get(sid)) is not None]
        if isinstance(message, messages.ServerData):
            self._count(message.refusal)
            packet = data.server_packet(message.topic, message.payload)
            for client in to:
                client.send_data(data.RELIABLE, packet)
        elif isinstance(message, messages.Welcome | messages.Reconnected):
            for client in to:
                self._greet(client, message)
        else:
            self._signal(message, to)

    def _greet(self, client: Client, message: messages.Welcome | messages.Reconnected) -> None:
        facts = self.services.facts
        if isinstance(message, messages.Welcome):
            others = self._people.others(message.others)
            primary = client.joining.version is Version.V0
            client.tell(wire.welcome(message, facts, others=others, subscriber_primary=primary))
            return
        client.tell(wire.reconnected(message, facts))
        if gone := self._gone_meanwhile.pop(client.sid, ()):
            client.tell(self._people.news(gone))

    def _signal(self, message: messages.Message, to: list[Client]) -> None:
        if isinstance(message, messages.LayersWanted):
            codec = self._codecs.get(message.track, Codec.VP8)
            encoded = Encoded(wire.layers_wanted(message, [codec.value]))
        else:
            encoded = Encoded(wire.response(message))
        for client in to:
            client.say(encoded)
        if isinstance(message, messages.RequestAnswered) and message.refusal is not None:
            self._count(message.refusal)
            for client in to:
                client.negotiation.publications.refuse(message.cid)

    def _changed(
        self, participants: tuple[Participant, ...], to: tuple[ParticipantSid, ...]
    ) -> None:
        """People hear of themselves and of tracks at once, of who else comes and goes now and then."""
        if not self._news.may_wait(participants):
            self._tell_news()
            self._say(participants, to)
            return
        (one,) = participants
        if one.sid in to:
            self._say(participants, (one.sid,))
            to = tuple([sid for sid in to if sid != one.sid])
        if to:
            self._news.hold(one, to)
        if self._news.is_due(self.services.clock()):
            self._tell_news()

    def _tell_news(self) -> None:
        """What is held. Who is away by now, and was not when it happened, learns on their return who has gone."""
        for told in self._news.take(self.services.clock()):
            self._say(told.participants, told.to)
            gone = tuple(one for one in told.participants if one.state is State.DISCONNECTED)
            for sid in told.to if gone else ():
                client = self.clients.get(sid)
                if client is not None and client.connection is None:
                    self._gone_meanwhile[sid] = self._gone_meanwhile.get(sid, ()) + gone

    def _say(self, participants: tuple[Participant, ...], to: tuple[ParticipantSid, ...]) -> None:
        encoded = Encoded(self._people.news(participants))
        for sid in to:
            if (client := self.clients.get(sid)) is not None:
                client.say(encoded)

    def _count(self, refusal: Refusal | None) -> None:
        if refusal is not None:
            self.services.wrong[f"refused_{refusal.value}"] += 1

    @_do.register
    def _(self, command: commands.RefuseJoin) -> None:
        if (client := self.clients.get(command.sid)) is not None:
            self._count(command.refusal)
            mismatch = command.refusal is Refusal.STATE_MISMATCH
            client.tell(wire.response(goodbye(command.refusal)))
            logger.info("join refused participant=%s why=%s", command.sid, command.refusal.value)
            if not mismatch:
                del self.clients[command.sid]
            client.close()

    @_do.register
    def _(self, command: commands.Publish) -> None:
        self.tracks[command.track.sid] = command.track
        self.clients[command.track.publisher].publish(command.track)

    @_do.register
    def _(self, command: commands.StopPublishing) -> None:
        track = self.tracks.pop(command.track, None)
        self._codecs.pop(command.track, None)
        self._subscribed.discard(command.track)
        if (client := self.clients.get(command.publisher)) is not None:
            client.stop_publishing(command.track)
            if track is not None:
                self.post("track_unpublished", client, track)

    @_do.register
    def _(self, command: commands.StartForwarding) -> None:
        track, client = self.tracks.get(command.track), self.clients.get(command.to)
        codec = self._codecs.get(command.track)
        if track is not None and client is not None and codec is not None:
            client.start_forwarding(track, codec, command.want)
            self._to_flush.add(command.to)

    @_do.register
    def _(self, command: commands.SetWant) -> None:
        if (client := self.clients.get(command.to)) is not None:
            client.set_want(command.track, command.want)

    @_do.register
    def _(self, command: commands.SetWish) -> None:
        if (client := self.clients.get(command.to)) is not None:
            client.set_wish(command.bitrate_bps)

    @_do.register
    def _(self, command: commands.StopForwarding) -> None:
        if (client := self.clients.get(command.to)) is not None:
            client.stop_forwarding(command.track)
            self._to_flush.add(command.to)

    @_do.register
    def _(self, command: commands.MuteAtServer) -> None:
        self.services.wiring.mute(command.track, command.muted)

    @_do.register
    def _(self, command: commands.Pin) -> None:
        self.services.wiring.pin(command.track, command.pinned)

    @_do.register
    def _(self, command: commands.SetTap) -> None:
        self.services.wiring.tap(command.tap)

    @_do.register
    def _(self, command: commands.SendData) -> None:
        if self._news.holds(command.sender_sid):  # they were here before they spoke
            self._tell_news()
        packet = data.write_packet(command)
        label = data.RELIABLE if command.reliable else data.LOSSY
        for sid in command.to:
            if (client := self.clients.get(sid)) is not None:
                client.send_data(label, packet)

    @_do.register
    def _(self, command: commands.Gone) -> None:
        self._people.forget(command.sid)
        self._news.forget(command.sid)
        self._gone_meanwhile.pop(command.sid, None)
        if (client := self.clients.pop(command.sid, None)) is None:
            return
        left = "participant_left" if client.is_connected else "participant_connection_aborted"
        self.post(left, client)
        if self.services.leaves is not None:
            self.services.leaves.disconnected(self.name, client.identity, client.sid)
        client.close()

    @_do.register
    def _(self, command: commands.HostAnswered) -> None:
        self._answers[command.request] = command.refusal

    @_do.register
    def _(self, command: commands.EndRoom) -> None:
        self.ended(self)

    # --- news

    def entered(self, client: Client) -> None:
        """In, though nothing is heard of it yet: on a bad network that takes longer than the grace of its leave."""
        member = client.claims.member
        if self.services.leaves is not None:
            leave = member.leave if member is not None else None
            self.services.leaves.connected(self.name, client.identity, client.sid, leave)

    def connected(self, client: Client) -> None:
        self.post("participant_joined", client)

    def subscribed(self, track: TrackSid) -> None:
        """Its publisher is told once: SDKs wait for it before they speak to a newcomer."""
        known = self.tracks.get(track)
        if known is None or track in self._subscribed:
            return
        self._subscribed.add(track)
        if (publisher := self.clients.get(known.publisher)) is not None:
            told = rtc.TrackSubscribed(track_sid=track)
            publisher.tell(rtc.SignalResponse(track_subscribed=told))

    def post(self, event: str, client: Client | None = None, track: Track | None = None) -> None:
        if not self.services.hooks:
            return
        view = self.room.view(self.services.clock())
        sid = client.sid if client is not None else None
        here = view.participants + view.waiting
        who = next((one for one in here if one.sid == sid), None)
        self.services.post(
            webhook.WebhookEvent(
                event=event,
                room=wire.room(view.info),
                participant=self._as_told(client, who) if client is not None else None,
                track=wire.track(track) if track is not None else None,
                id=self.services.sid("EV_"),
                created_at=int(self.services.wall()),
            )
        )

    def _as_told(self, client: Client, who: Participant | None) -> models.ParticipantInfo:
        """Who has left already is named by sid and identity alone."""
        if who is not None:
            return wire.participant(who)
        return models.ParticipantInfo(
            sid=client.sid, identity=client.identity, state="DISCONNECTED"
        )


_METHODS: dict[type[object], Callable[[Hall, object], None]] = {}


def _method_for(kind: type[object]) -> Callable[[Hall, object], None]:
    """Of a class of commands; `singledispatchmethod` would make a function anew for each command."""
    known = _METHODS.get(kind)
    if known is None:
        known = _METHODS[kind] = vars(Hall)["_do"].dispatcher.dispatch(kind)
    return known


def goodbye(refusal: Refusal) -> messages.Goodbye:
    """To whoever may not come in; a resume of nobody begins anew."""
    if refusal is Refusal.STATE_MISMATCH:
        return messages.Goodbye(LeaveReason.STATE_MISMATCH, messages.LeaveAction.RECONNECT)
    return messages.Goodbye(LeaveReason.JOIN_FAILURE, messages.LeaveAction.DISCONNECT)
