"""Names of the things in a call. LiveKit's prefixes, because its clients show and compare them. Pure."""

from __future__ import annotations

from typing import NewType

RoomName = NewType(
    "RoomName", str
)  # of the token: base64(SHA-256(["!room","m.call#ROOM"])) for Matrix calls
RoomSid = NewType("RoomSid", str)  # RM_…
Identity = NewType("Identity", str)  # JWT `sub`: `@user:server:DEVICE`, or its hash (MSC4195)
ParticipantSid = NewType(
    "ParticipantSid", str
)  # PA_…, one connection's; another one after a full reconnect
TrackSid = NewType("TrackSid", str)  # TR_…
#: One transport (ICE + DTLS): a client has one (v1) or two (v0: publisher, subscriber).
PeerId = NewType("PeerId", str)
#: One track on its way to one subscriber.
DownId = NewType("DownId", str)
