"""What must now be done: imperative, out. Carried out in order by media/signal, which knows transports. Pure."""

from __future__ import annotations

from attrs import field

from media.forwarder.api import Tap, Want
from media.frozen import frozen
from media.ids import Identity, ParticipantSid, TrackSid
from media.room.messages import Message
from media.room.model import LeaveReason, Refusal, Track


@frozen
class Tell:
    """One message to each of these, encoded once. Those whose socket is closed miss it; a resume tells them again."""

    to: tuple[ParticipantSid, ...]
    message: Message


@frozen
class RefuseJoin:
    """Instead of a Welcome. The socket is closed with HTTP's words for it (503 for `full`)."""

    sid: ParticipantSid
    refusal: Refusal


@frozen
class Publish:
    """AddTrack is accepted: from now on a section of this publisher may carry it. `Tell(TrackPublished)` follows."""

    track: Track


@frozen
class StopPublishing:
    """The forwarder forgets the track, the transport its section. Its StopForwardings came before."""

    track: TrackSid
    publisher: ParticipantSid


@frozen
class StartForwarding:
    """Offer the track to `to`; once negotiated, forward it with the latest want.

    All of one list of commands belong into one negotiation: batching has been done here.
    """

    track: TrackSid
    to: ParticipantSid
    want: Want


@frozen
class SetWant:
    track: TrackSid
    to: ParticipantSid
    want: Want


@frozen
class SetWish:
    """What would be sent to `to` were their link wide enough, bits a second; 0: all of it is. It is probed for."""

    to: ParticipantSid
    bitrate_bps: int


@frozen
class StopForwarding:
    """At once. The section it had may be freed with the next negotiation: nobody waits for that."""

    track: TrackSid
    to: ParticipantSid


@frozen
class MuteAtServer:
    """R43: nothing of this track goes on while muted, whatever the client sends."""

    track: TrackSid
    muted: bool


@frozen
class Pin:
    """This voice is heard whoever else speaks; not pinned, it is when it is among the three loudest of the call."""

    track: TrackSid
    pinned: bool


@frozen
class SetTap:
    """Copies of these layers go to what is broadcast; of none: no more."""

    tap: Tap


@frozen(kw_only=True)
class SendData:
    """A data packet onwards: signalling writes sender, sid and sequence into `body`."""

    to: tuple[ParticipantSid, ...]
    reliable: bool
    sender: Identity
    sender_sid: ParticipantSid
    sequence: int  # of the sender; 0: not counted
    body: bytes = field(repr=False)


@frozen
class Gone:
    """Somebody is out, whatever the cause: their transport is freed; webhook `participant_left`. Comes last."""

    sid: ParticipantSid
    identity: Identity
    reason: LeaveReason


@frozen
class HostAnswered:
    """To HostAsked with this `request`; None: done."""

    request: str
    refusal: Refusal | None


@frozen
class EndRoom:
    """The room is over and may be forgotten; nobody is in it."""

    reason: LeaveReason


Command = (
    Tell
    | RefuseJoin
    | Publish
    | StopPublishing
    | StartForwarding
    | SetWant
    | SetWish
    | StopForwarding
    | MuteAtServer
    | Pin
    | SetTap
    | SendData
    | Gone
    | HostAnswered
    | EndRoom
)
