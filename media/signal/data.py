"""Data packets on the channels `_reliable` and `_lossy`, both ways (calls.md §2.6). Pure."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from livekit.protocol import models

from media.ids import ParticipantSid
from media.room.commands import SendData
from media.room.events import DataSent

RELIABLE, LOSSY = "_reliable", "_lossy"
#: Identities a packet may name; more are cut off: nobody else is in the room anyway (R41).
MAX_DESTINATIONS = 200
#: Receivers of a packet that count as one packet: each costs the node some 50 µs (calls.md §3.1, a message of SCTP).
RECEIVERS = 10
#: Bytes that count as one packet: LiveKit's SDKs send files in chunks of 15 kB.
PACKET = 16_000
#: Kinds of packets that clients may send each other. `speaker` is the server's word, SIP and agents are not ours.
KINDS = frozenset(
    {
        "user",
        "chat_message",
        "rpc_request",
        "rpc_ack",
        "rpc_response",
        "stream_header",
        "stream_chunk",
        "stream_trailer",
        "transcription",
        "encrypted_packet",
    }
)


def read_packet(by: ParticipantSid, label: str, data: bytes) -> DataSent | None:
    """What somebody sent; None: no packet, or none of a kind that participants send."""
    packet = models.DataPacket()
    try:
        packet.ParseFromString(data)
    except DecodeError:
        return None
    if packet.WhichOneof("value") not in KINDS:
        return None
    user = packet.user
    named = packet.destination_identities or user.destination_identities or user.destination_sids
    return DataSent(
        by=by,
        reliable=label == RELIABLE,
        body=data,
        topic=user.topic,
        payload=user.payload,
        destinations=tuple(named[:MAX_DESTINATIONS]),
        sequence=packet.sequence if label == RELIABLE else 0,
    )


def cost_of(packet: DataSent, people: int) -> float:
    """How many packets it counts as, among so many people: one for a few, ten for everyone in a room of a hundred.

    A message of 64 kB counts four times as much: what the node sends is bounded in bytes too.
    """
    receivers = min(len(packet.destinations) or people, people)
    return max(1.0, len(packet.body) / PACKET) * max(1.0, receivers / RECEIVERS)


def write_packet(command: SendData) -> bytes:
    """The packet as its receivers get it: the sender is who we know it is, whatever the packet said."""
    packet = models.DataPacket()
    packet.ParseFromString(command.body)
    packet.kind = models.DataPacket.RELIABLE if command.reliable else models.DataPacket.LOSSY
    packet.participant_identity = command.sender
    packet.participant_sid = command.sender_sid
    packet.sequence = command.sequence
    packet.ClearField("destination_identities")
    if packet.WhichOneof("value") == "user":
        packet.user.participant_identity = command.sender
        packet.user.participant_sid = command.sender_sid
        packet.user.ClearField("destination_identities")
        packet.user.ClearField("destination_sids")
    written: bytes = packet.SerializeToString()
    return written


def server_packet(topic: str | None, payload: bytes, *, reliable: bool = True) -> bytes:
    """From the server itself: without a sender."""
    packet = models.DataPacket(
        kind="RELIABLE" if reliable else "LOSSY",
        user=models.UserPacket(payload=payload, topic=topic),
    )
    written: bytes = packet.SerializeToString()
    return written
