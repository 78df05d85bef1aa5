"""Names of broadcasts and of sessions in them. Pure."""

from __future__ import annotations

from typing import NewType

#: One broadcast, in its address: `[A-Za-z0-9_-]`, at most 64.
BroadcastId = NewType("BroadcastId", str)
#: One client of WHIP or WHEP, in its address; random.
SessionId = NewType("SessionId", str)
