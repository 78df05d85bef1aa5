"""Event types and names other programs know (docs/contracts.md §3, §4)."""

from __future__ import annotations

#: State event that marks a managed room (R5).
ROOM = "org.sferum.room"
#: Profile field with the role badge.
ROLE_FIELD = "org.sferum.role"
#: Key of invitations to other servers: what the inviter is at school, in the school's own words.
VOUCHED = "org.sferum.vouched"
#: Key of the invitation of one service user by another: which room of the register it is to (ADR 30); and the state
#: event by which the room's maker ties it together for all servers.
SHARED = "org.sferum.shared"
#: Localpart of the one service user, creator of every managed room.
SERVICE_LOCALPART = "sferum"
#: Where our HTTP API lives.
API_PREFIX = "/_synapse/client/sferum/v1"
#: Where a school answers its district's operator (ADR 33).
STATUS_PATH = "/_synapse/client/sferum/district/status"
#: Key in messages about a broadcast: what they say, for programs.
BROADCAST = "org.sferum.broadcast"
#: Key in messages about what is planned: what they say, for programs.
GATHERING = "org.sferum.gathering"
#: Key in messages about a material that was published on the pages.
MATERIAL = "org.sferum.material"
