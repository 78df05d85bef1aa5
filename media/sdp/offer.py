"""Our own offers: to subscribers with a connection of their own (v0). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from attrs import define, field

from media.forwarder.api import Codec
from media.sdp.answer import MAX_MESSAGE_SIZE, SCTP_PORT, Local, sources
from media.sdp.codecs import offered_extensions, offered_lines
from media.sdp.slots import Slot
from media.sdp.values import CodecLine, Description, Direction, Section, SectionKind, Setup

DATA_PROTOCOL = "UDP/DTLS/SCTP"
MEDIA_PROTOCOL = "UDP/TLS/RTP/SAVPF"

#: What an empty section shows, so that it stays acceptable to the client.
_IDLE = {SectionKind.AUDIO: Codec.OPUS, SectionKind.VIDEO: Codec.VP8}


_DATA = Section(
    kind=SectionKind.DATA,
    mid="0",
    protocol=DATA_PROTOCOL,
    sctp_port=SCTP_PORT,
    max_message_size=MAX_MESSAGE_SIZE,
)


@define
class Built:
    """Sections of one connection's last offer. In a room of a hundred one of 200 is new each time (calls.md §4)."""

    _sections: dict[str, tuple[Slot, Section]] = field(factory=dict)

    def section(self, slot: Slot) -> Section:
        known = self._sections.get(slot.mid)
        if known is None or known[0] is not slot:
            known = self._sections[slot.mid] = slot, _section(slot)
        return known[1]


def build_offer(
    slots: Iterable[Slot], local: Local, *, version: int, built: Built | None = None
) -> Description:
    """Data channels first, then one section for each of `slots`, in order; their mids are their numbers.

    `version` must grow with every offer (RFC 8829 5.2.2). `built`: of this connection, and changed.
    """
    slots = tuple(slots)
    make = _section if built is None else built.section
    sections = [_DATA, *(make(slot) for slot in slots)]
    return Description(
        session_id=local.session_id,
        session_version=version,
        transport=local.transport(Setup.ACTPASS),
        bundle=tuple(section.mid for section in sections),
        extmap_allow_mixed=True,
        extensions=offered_extensions({_codec(slot) for slot in slots}) if slots else (),
        sections=tuple(sections),
    )


def _codec(slot: Slot) -> Codec:
    return slot.track.codec if slot.track is not None else _IDLE[slot.kind]


def _section(slot: Slot) -> Section:
    track = slot.track
    if track is None:
        return Section(
            kind=slot.kind,
            mid=slot.mid,
            protocol=MEDIA_PROTOCOL,
            direction=Direction.INACTIVE,
            codecs=_lines(_IDLE[slot.kind], stereo=False),
            rtcp_mux=True,
            rtcp_rsize=True,
        )
    ssrcs, groups = sources(track)
    return Section(
        kind=slot.kind,
        mid=slot.mid,
        protocol=MEDIA_PROTOCOL,
        direction=Direction.SENDONLY,
        codecs=_lines(track.codec, stereo=track.stereo),
        msid=track.msid,
        ssrcs=ssrcs,
        ssrc_groups=groups,
        rtcp_mux=True,
        rtcp_rsize=True,
    )


@cache
def _lines(codec: Codec, *, stereo: bool) -> tuple[CodecLine, ...]:
    """One object for all sections that carry the same: `writer` writes it once."""
    return offered_lines([codec], stereo=stereo)
