"""What clients measure themselves: getStats of pages, and of the Python SDK."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from tests.media.signal.browser import Viewer
from tests.media.world import Guest

#: Everything that a page of livekit-client receives of somebody: the sum is over what it is subscribed to.
_RECEIVED = """async who => {
  const rows = {};
  for (const one of room.remoteParticipants.get(who).trackPublications.values()) {
    if (!one.track) continue;
    const report = await one.track.receiver.getStats();
    for (const s of report.values()) if (s.type === 'inbound-rtp') rows[s.kind] = {
      packets: s.packetsReceived, lost: s.packetsLost, width: s.frameWidth ?? 0, frames: s.framesDecoded ?? 0,
      freezes: s.freezeCount ?? 0, frozen_s: s.totalFreezesDuration ?? 0, again: s.retransmittedPacketsReceived ?? 0,
      nacks: s.nackCount ?? 0, plis: s.pliCount ?? 0,
      concealed: (s.concealedSamples ?? 0) - (s.silentConcealedSamples ?? 0), samples: s.totalSamplesReceived ?? 0,
    };
  }
  return rows;
}"""


@frozen(kw_only=True)
class Received:
    """Of one track, since it began. `frozen_s` and silence as the client itself counts them."""

    packets: int = 0
    lost: int = 0
    width: int = 0
    frames: int = 0
    freezes: int = 0
    frozen_s: float = 0.0
    again: int = 0
    nacks: int = 0
    plis: int = 0
    concealed: int = 0
    samples: int = 0

    def concealed_since(self, before: Received) -> float:
        """Share of the sound that the client made up."""
        return (self.concealed - before.concealed) / max(1, self.samples - before.samples)


@frozen(kw_only=True)
class Sent:
    """By a publisher of the Python SDK: frames of each layer, and what it was asked for."""

    frames: dict[str, int]
    nacks: int
    again: int
    plis: int


async def page_received(viewer: Viewer, who: str) -> dict[str, Received]:
    """By kind, `video` and `audio`."""
    rows: dict[str, dict[str, Any]] = await viewer.page.evaluate(_RECEIVED, who)
    return {kind: Received(**row) for kind, row in rows.items()}


async def guest_received(guest: Guest, who: str) -> dict[str, Received]:
    rows: dict[str, Received] = {}
    for publication in guest.room.remote_participants[who].track_publications.values():
        if publication.track is None:
            continue
        for one in await publication.track.get_stats():
            if one.WhichOneof("stats") != "inbound_rtp":
                continue
            at, more = one.inbound_rtp.inbound, one.inbound_rtp.received
            rows[one.inbound_rtp.stream.kind] = Received(
                packets=more.packets_received,
                lost=more.packets_lost,
                width=at.frame_width,
                frames=at.frames_decoded,
                freezes=at.freeze_count,
                frozen_s=at.total_freeze_duration,
                again=at.retransmitted_packets_received,
                nacks=at.nack_count,
                plis=at.pli_count,
                concealed=at.concealed_samples - at.silent_concealed_samples,
                samples=at.total_samples_received,
            )
    return rows


async def guest_sent(guest: Guest) -> Sent:
    """Pictures only."""
    frames: dict[str, int] = {}
    nacks = again = plis = 0
    for publication in guest.room.local_participant.track_publications.values():
        if publication.track is None:
            continue
        for one in await publication.track.get_stats():
            if one.WhichOneof("stats") == "outbound_rtp":
                at = one.outbound_rtp.outbound
                nacks += at.nack_count
                again += at.retransmitted_packets_sent
                plis += at.pli_count
                if one.outbound_rtp.stream.kind == "video":
                    frames[at.rid] = at.frames_sent
    return Sent(frames=frames, nacks=nacks, again=again, plis=plis)
