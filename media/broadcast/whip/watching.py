"""A viewer's offer (WHEP, draft-ietf-wish-whep) and our answer, for the few who need less than half a second. Pure.

Unlike a publisher, a viewer may get a part: sound only, where the broadcast has no picture.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, field, frozen

from media.broadcast.whip.descriptions import media_of, read, remote_of
from media.broadcast.whip.publishing import H264_ONLY
from media.broadcast.whip.refusals import Refused, Why
from media.ids import TrackSid
from media.sdp.answer import can_carry
from media.sdp.api import (
    Description,
    Direction,
    Local,
    Outgoing,
    Policy,
    Section,
    SectionKind,
    Sending,
    build_answer,
    sending,
    shown_in,
    write,
)
from media.transport.api import RemoteParameters


@frozen(kw_only=True)
class ViewerAnswer:
    """Attributes:
    sending: how the packets of each track that is shown look there.
    """

    text: str = field(repr=False)
    sending: Mapping[TrackSid, Sending]


@frozen(kw_only=True)
class ViewerOffer:
    """What a viewer can receive. `mids` and `kind` as a publisher's."""

    remote: RemoteParameters
    mids: tuple[str, ...]
    kind: SectionKind
    _offer: Description = field(repr=False)

    def placed(self, tracks: tuple[Outgoing, ...]) -> Mapping[str, Outgoing] | Refused:
        """Which section shows which track, by mid: the first that can."""
        free = [one for one in media_of(self._offer) if one.direction.receives]
        shown: dict[str, Outgoing] = {}
        for track in tracks:
            section = next((one for one in free if can_carry(one, track)), None)
            if section is not None:
                free.remove(section)
                shown[section.mid] = track
        return shown or Refused(Why.CANNOT_PLAY)

    def answer(self, local: Local, shown: Mapping[str, Outgoing]) -> ViewerAnswer:
        """With our end; sections without a track are inactive."""
        answer = build_answer(self._offer, local, Policy(video=H264_ONLY), outgoing=shown)
        sent = (
            (shown_in(section), sending(section))
            for section in answer.sections
            if section.mid in shown
        )
        return ViewerAnswer(
            text=write(answer),
            sending={sid: how for sid, how in sent if sid is not None and how is not None},
        )


def read_viewer(raw: bytes) -> ViewerOffer | Refused:
    """What the client offers to receive, or why nothing can be sent to it."""
    offer = read(raw)
    if isinstance(offer, Refused):
        return offer
    wanted = [one for one in media_of(offer) if one.direction.receives]
    if not wanted:
        return Refused(Why.NOTHING if not media_of(offer) else Why.CANNOT_PLAY)
    return ViewerOffer(
        remote=remote_of(offer),
        mids=tuple(section.mid for section in media_of(offer)),
        kind=media_of(offer)[0].kind,
        offer=evolve(offer, sections=tuple(map(_only_received, offer.sections))),
    )


def _only_received(section: Section) -> Section:
    """A viewer sends nothing, whatever it offers; data channels are declined."""
    if section.kind is SectionKind.DATA:
        return evolve(section, port=0)
    receives = section.direction.receives
    return evolve(section, direction=Direction.RECVONLY if receives else Direction.INACTIVE)
