"""A publisher's offer (WHIP) and our answer: one picture in H.264, one sound in Opus, all of it or nothing. Pure.

H.264 goes to the viewers as it comes (broadcast.md §4), so that it must be a profile that every phone decodes. B-frames
cannot be seen in a description; the packager finds them.
"""

from __future__ import annotations

from attrs import evolve, field, frozen

from media.broadcast.whip.descriptions import NOWHERE, media_of, read, remote_of
from media.broadcast.whip.refusals import Refused, Why
from media.forwarder.api import Codec
from media.sdp.api import (
    Description,
    Incoming,
    Local,
    Policy,
    Section,
    SectionKind,
    Setup,
    Wish,
    build_answer,
    incoming,
    write,
)
from media.sdp.codecs import MID, RID
from media.transport.api import RemoteParameters

#: What is taken; a node that transcodes may add VP8 behind.
H264_ONLY = (Codec.H264,)
#: Layers of a picture: the ladder of the viewers.
MOST_LAYERS = 3
#: A concert is stereo where the microphones are; a mono sender stays what it is.
_MUSIC = Wish(stereo=True)


@frozen(kw_only=True)
class PublisherOffer:
    """What a publisher will send.

    Attributes:
        incoming: for the forwarder, at most one of each kind.
        mids: of every section of the answer, in order.
        kind: of the first one.
    """

    remote: RemoteParameters
    incoming: tuple[Incoming, ...]
    mids: tuple[str, ...]
    kind: SectionKind
    _answer: Description = field(repr=False)

    def answer(self, local: Local) -> str:
        """The answer's text, with our end."""
        return write(
            evolve(
                self._answer,
                session_id=local.session_id,
                transport=local.transport(Setup.PASSIVE),
            )
        )


def read_publisher(raw: bytes, video: tuple[Codec, ...] = H264_ONLY) -> PublisherOffer | Refused:
    """What the client offers to send, or why that is no broadcast.

    Args:
        video: codecs that are taken, the best first; one of them is answered.
    """
    offer = read(raw)
    if isinstance(offer, Refused):
        return offer
    if (why := _fault(offer)) is not None:
        return Refused(why)
    offer = evolve(offer, sections=tuple(map(_with_layers, offer.sections)))
    built = build_answer(
        offer,
        NOWHERE,
        Policy(video=video),
        wishes={section.mid: _MUSIC for section in media_of(offer)},
    )
    for offered, ours in zip(offer.sections, built.sections, strict=True):
        if ours.rejected and not offered.rejected:
            is_video = offered.kind is SectionKind.VIDEO
            return Refused(Why.NO_H264 if is_video else Why.NO_OPUS)
    answer = evolve(built, sections=tuple(map(_one_codec, built.sections)))
    arriving = (
        incoming(offered, ours)
        for offered, ours in zip(offer.sections, answer.sections, strict=True)
    )
    return PublisherOffer(
        remote=remote_of(offer),
        incoming=tuple(one for one in arriving if one is not None),
        mids=tuple(section.mid for section in media_of(offer)),
        kind=media_of(offer)[0].kind,
        answer=answer,
    )


def _fault(offer: Description) -> Why | None:
    if any(one.kind is SectionKind.DATA and not one.rejected for one in offer.sections):
        return Why.DATA
    sections = media_of(offer)
    if not sections:
        return Why.NOTHING
    if not all(one.direction.sends for one in sections):  # RFC 9725 4.2
        return Why.DIRECTION
    kinds = [one.kind for one in sections]
    return Why.TOO_MANY if len(set(kinds)) != len(kinds) else None


def _with_layers(section: Section) -> Section:
    """Its layers as we take them: named by rid lines, told apart by extensions, `MOST_LAYERS` of them; else none.

    A subset may be answered, and a client that gets no simulcast sends one picture (RFC 8853 5.3.2).
    """
    declared = {rid.id for rid in section.rids if rid.direction == "send"}
    named = {extension.uri for extension in section.extensions}
    layers = tuple(rid for rid in dict.fromkeys(section.simulcast_send) if rid in declared)
    if section.kind is not SectionKind.VIDEO or not {MID, RID} <= named or len(layers) < 2:
        layers = ()
    return evolve(section, simulcast_send=layers[:MOST_LAYERS])


def _one_codec(section: Section) -> Section:
    """The first with its RTX: nobody may change to another in the middle."""
    if not section.codecs or section.rejected:
        return section
    first = section.codecs[0]
    kept = tuple(one for one in section.codecs if one.repairs == first.payload_type)
    return evolve(section, codecs=(first, *kept))
