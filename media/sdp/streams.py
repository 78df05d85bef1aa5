"""What a negotiated section means to the forwarder. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, evolve, field

from media.forwarder.api import Codec, Extensions, Kind, Layer
from media.frozen import frozen
from media.ids import TrackSid
from media.sdp.codecs import codec_of, extensions_of
from media.sdp.values import Section, SectionKind

#: Of a node: a dozen kinds of clients have two or three each.
MOST_LOOKS = 256
#: LiveKit's names, by quality; other clients' are taken in order.
_LAYERS = {"q": Layer.LOW, "h": Layer.MEDIUM, "f": Layer.HIGH}


@frozen(kw_only=True)
class Incoming:
    """A published section: the fields of `media.forwarder.api.TrackIn` that SDP decides."""

    mid: str
    kind: Kind
    payload_types: Mapping[int, Codec]
    rtx: Mapping[int, int]
    clock_rate: int
    ssrcs: Mapping[int, Layer]
    rids: Mapping[str, Layer]
    extensions: Extensions


@frozen(kw_only=True)
class Sending:
    """A section towards a client: the fields of `DownTrack` that SDP decides."""

    mid: str
    payload_types: Mapping[Codec, tuple[int, int]]
    extensions: Extensions


def incoming(offered: Section, answered: Section) -> Incoming | None:
    """What arrives in this section; None where nothing may (inactive, rejected, data)."""
    if answered.kind is SectionKind.DATA or answered.rejected or not answered.direction.receives:
        return None
    is_audio = answered.kind is SectionKind.AUDIO
    codecs = {
        line.payload_type: codec
        for line in answered.codecs
        if (codec := codec_of(line)) is not None
    }
    rtx = {
        line.payload_type: line.repairs
        for line in answered.codecs
        if line.repairs is not None and line.repairs in codecs
    }
    return Incoming(
        mid=answered.mid,
        kind=Kind.AUDIO if is_audio else Kind.VIDEO,
        payload_types=codecs,
        rtx=rtx,
        clock_rate=48000 if is_audio else 90000,
        ssrcs=_ssrcs(offered),
        rids=_layers(answered.simulcast_recv),
        extensions=extensions_of(answered.extensions),
    )


def sending(section: Section, known: Looks | None = None) -> Sending | None:
    """How packets look there: an answer of ours (v1), or a client's answer to our offer (v0).

    Pictures have transport-wide numbers where the client tells of their arrival (extension and feedback both), and no
    send times then: it makes no REMB. Voices have none: older libwebrtc tells of those of pictures only, and what is
    not told of is lost.

    `known`: is changed.
    """
    if section.kind is SectionKind.DATA or section.rejected:
        return None
    looks = None if known is None else known.of(section)
    if looks is None:
        looks = _payload_types(section), _extensions(section)
        if known is not None:
            known.keep(section, looks)
    return Sending(mid=section.mid, payload_types=looks[0], extensions=looks[1])


_Look = tuple[Mapping[Codec, tuple[int, int]], Extensions]


@define
class Looks:
    """What sections mean that have the same codecs and extensions, as which objects they are: most of one description,
    and those of clients of a kind (`parser._shape`).

    The sections are kept too, so that no other object gets an id that stands here. The oldest go.
    """

    _by_ids: dict[tuple[SectionKind, int, int], tuple[Section, _Look]] = field(factory=dict)

    def of(self, section: Section) -> _Look | None:
        known = self._by_ids.get(_ids(section))
        return None if known is None else known[1]

    def keep(self, section: Section, look: _Look) -> None:
        if len(self._by_ids) >= MOST_LOOKS:
            del self._by_ids[next(iter(self._by_ids))]
        self._by_ids[_ids(section)] = section, look


def _ids(section: Section) -> tuple[SectionKind, int, int]:
    return section.kind, id(section.codecs), id(section.extensions)


def _payload_types(section: Section) -> dict[Codec, tuple[int, int]]:
    """Of each codec and its RTX (0: none)."""
    rtx = {line.repairs: line.payload_type for line in section.codecs if line.repairs is not None}
    return {
        codec: (line.payload_type, rtx.get(line.payload_type, 0))
        for line in section.codecs
        if (codec := codec_of(line)) is not None
    }


def _extensions(section: Section) -> Extensions:
    extensions = extensions_of(section.extensions)
    told = section.kind is SectionKind.VIDEO and any(
        "transport-cc" in line.feedback for line in section.codecs
    )
    if told and extensions.transport_cc:
        return evolve(extensions, abs_send_time=0)
    return evolve(extensions, transport_cc=0)


def track_of(section: Section) -> str | None:
    """The client's name of what it publishes here: AddTrack's `cid` in Chromium and Rust, another one in Firefox."""
    return section.msid[1] or None if section.msid is not None else None


def shown_in(section: Section) -> TrackSid | None:
    """The track that a section of ours shows (`Outgoing.msid`); None: it is empty."""
    return TrackSid(section.msid[0].rpartition("|")[2]) if section.msid is not None else None


def _layers(rids: tuple[str, ...]) -> dict[str, Layer]:
    if all(rid in _LAYERS for rid in rids):
        return {rid: _LAYERS[rid] for rid in rids}
    return {rid: Layer(min(at, Layer.HIGH)) for at, rid in enumerate(rids)}


def _ssrcs(offered: Section) -> dict[int, Layer]:
    """Primary SSRCs with their layers: a SIM group from low to high, else the one that is there."""
    repairs = {
        ssrc
        for group in offered.ssrc_groups
        if group.semantics == "FID"
        for ssrc in group.ssrcs[1:]
    }
    for group in offered.ssrc_groups:
        if group.semantics == "SIM":
            return {ssrc: Layer(min(at, Layer.HIGH)) for at, ssrc in enumerate(group.ssrcs)}
    if offered.simulcast_send:
        return {}
    return {ssrc: Layer.HIGH for ssrc in offered.ssrcs if ssrc not in repairs}
