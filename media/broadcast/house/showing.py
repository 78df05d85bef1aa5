"""A broadcast of the register as pages are told of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import evolve

from media.broadcast.desk.shown import Place, Recording
from media.broadcast.hls.events import Event
from media.broadcast.hls.multivariant import Captions
from media.broadcast.origin.publication import Opening
from media.broadcast.pages import shown
from media.broadcast.pages.shown import Phase
from media.broadcast.register.values import Audience, Broadcast, State

PHASE: Mapping[State, Phase] = {
    State.WAITING: Phase.WAITING,
    State.LIVE: Phase.LIVE,
    State.PAUSED: Phase.PAUSED,
    State.ENDED: Phase.ENDED,
    State.DELETED: Phase.ENDED,
}
#: In the folder of a pass (origin).
RECORDING, RECORDED_CAPTIONS = "recording.mp4", "recording.vtt"
#: Seconds behind the live edge: 2.2 parts (broadcast.md §3).
SYNC_S, LOW_SYNC_S = 2.2, 1.2
#: Seconds that a recording takes to be made after the end, at most; after that it is said to be lost.
MAKING_S = 3600.0


def broadcast(
    one: Broadcast,
) -> shown.Broadcast:
    """Without the addresses of edges, which are each viewer's own."""
    begins_at = None
    if one.begins_at is not None:
        begins_at = datetime.fromtimestamp(one.begins_at, zone(one.audience.timezone))
    return shown.Broadcast(
        id=one.id,
        title=one.title,
        school=one.audience.school,
        phase=PHASE[one.state],
        begins_at=begins_at,
        recorded=one.recorded and not one.recording_deleted,
        recording=RECORDING if one.recording is not None else "",
        recorded_captions=RECORDED_CAPTIONS if one.recording and one.recording.captions else "",
        captions=one.captions > 0,
        typists=one.captions > 0,
        live_sync_s=LOW_SYNC_S if one.low_latency else SYNC_S,
    )


def event(said: shown.Said) -> Event:
    """A line that all see, as players are told it."""
    return Event(said.id, said.text, said.host)


def captioned(opening: Opening, one: Broadcast | None) -> Opening:
    """With captions, where a host has let somebody type them before anything was shown."""
    return evolve(opening, captions=Captions()) if one is not None and one.captions else opening


def sources(
    edges: Sequence[str], token: str, one: str, viewer: str, last_resort: str = ""
) -> tuple[str, ...]:
    """Folders of playlists: edges in an order of each viewer's own, so that they share the load; then this server.

    A viewer whose edges are all away is served by it, as far as it bears; then by the storage, if there is one.
    """
    ours = ("", last_resort) if last_resort else ("",)
    if not edges:
        return ours
    begin = int.from_bytes(hashlib.blake2b(viewer.encode(), digest_size=4).digest(), "big")
    turned = [edges[(begin + step) % len(edges)] for step in range(len(edges))]
    return (*(f"{edge}/live/{token}/{one}/" for edge in turned), *ours)


def recording(one: Broadcast, now: float) -> Recording:
    """What has become of it."""
    if one.recording_deleted:
        return Recording.DELETED
    if one.recording is not None:
        return Recording.READY
    if not one.recorded:
        return Recording.NONE
    if one.ended_at is None:
        return Recording.RUNNING if one.on_air else Recording.WANTED
    return Recording.MAKING if now - one.ended_at < MAKING_S else Recording.LOST


def place(one: Audience) -> Place:
    """The whole school has no name of its own here: the pages say so in their language."""
    return Place(one.room_id, one.name if one.room_id else "", one.timezone)


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
