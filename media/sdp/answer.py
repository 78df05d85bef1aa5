"""Answers to clients' offers: what they publish we receive, into their free sections we put what they watch. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from attrs import define, evolve, field

from media.forwarder.api import Codec
from media.frozen import frozen
from media.ids import ParticipantSid, TrackSid
from media.sdp.codecs import (
    AUDIO_FEEDBACK_DOWN,
    AUDIO_FEEDBACK_UP,
    SENDS_STEREO,
    VIDEO_FEEDBACK_DOWN,
    VIDEO_FEEDBACK_UP,
    accepted_extensions,
    known_codecs,
    sent_extensions,
    with_feedback,
    without_remb,
)
from media.sdp.values import (
    Candidate,
    CodecLine,
    Description,
    Direction,
    Fingerprint,
    Rid,
    Section,
    SectionKind,
    Setup,
    SsrcGroup,
    Transport,
)

#: Bytes. LiveKit's clients split above 64 kB less headers (calls.md §3).
MAX_MESSAGE_SIZE = 65536
SCTP_PORT = 5000


@frozen(kw_only=True)
class Local:
    """Our end of the connection."""

    ufrag: str
    pwd: str = field(repr=False)
    fingerprint: Fingerprint
    candidates: tuple[Candidate, ...]
    session_id: int = 1

    def transport(self, setup: Setup) -> Transport:
        return Transport(
            ufrag=self.ufrag,
            pwd=self.pwd,
            fingerprints=(self.fingerprint,),
            setup=setup,
            ice_lite=True,
            candidates=self.candidates,
        )


@frozen(kw_only=True)
class Policy:
    """What a node lets through. The first video codec is what clients send when nobody asks for another."""

    video: tuple[Codec, ...] = (Codec.VP8, Codec.H264, Codec.VP9, Codec.AV1)
    red: bool = (
        False  # redundant audio costs bandwidth, and with encryption nobody can look into it
    )


@frozen(kw_only=True)
class Wish:
    """How a publisher's section should be answered, from its AddTrack: the codec first, opus with pauses or stereo."""

    codec: Codec | None = None
    dtx: bool = False
    stereo: bool = False


@frozen(kw_only=True)
class Outgoing:
    """A track towards one subscriber, as its section shows it. `msid` is `PA|TR`: see `msid`."""

    sid: TrackSid
    publisher: ParticipantSid
    kind: SectionKind
    codec: Codec
    ssrc: int
    rtx_ssrc: int  # 0: without
    cname: str
    stereo: bool = False

    @property
    def msid(self) -> tuple[str, str]:
        """The stream names publisher and track, so that a reused section is a new stream (calls.md §2.5).

        No second word: it named the track and means nothing any more (RFC 8829 5.2.1). Clients split the first.
        """
        return f"{self.publisher}|{self.sid}", ""


DEFAULT_POLICY = Policy()
NO_WISH = Wish()


@frozen
class _Asked:
    """What a section of an answer depends on. `offered` and `track` are compared by which objects they are.

    Attributes:
        leads: the first of its kind. Chromium 156 offers in new sections the extensions that it took from us in the
            oldest one (`RtpTransmissionManager::CreateAndAddTransceiver`), and cannot publish layers without theirs.
    """

    offered: Section
    track: Outgoing | None
    wish: Wish
    all_mixed: bool
    leads: bool

    def is_as(self, other: _Asked) -> bool:
        return (
            self.offered is other.offered
            and self.track is other.track
            and self.wish == other.wish
            and self.all_mixed == other.all_mixed
            and self.leads == other.leads
        )


@define
class Answers:
    """Sections of one connection's last answer, for an offer that repeats most of the last (`parser.Cache`)."""

    _sections: dict[str, tuple[_Asked, Section]] = field(factory=dict)

    def section(self, asked: _Asked, policy: Policy) -> Section:
        known = self._sections.get(asked.offered.mid)
        if known is None or not known[0].is_as(asked):
            known = asked, _section(asked, policy)
            self._sections[asked.offered.mid] = known
        return known[1]

    def keep_only(self, mids: Collection[str]) -> None:
        """A client that names its sections anew each time would fill the memory."""
        if len(self._sections) > len(mids):
            self._sections = {mid: self._sections[mid] for mid in mids}


def build_answer(
    offer: Description,
    local: Local,
    policy: Policy = DEFAULT_POLICY,
    *,
    outgoing: Mapping[str, Outgoing] | None = None,
    wishes: Mapping[str, Wish] | None = None,
    answers: Answers | None = None,
) -> Description:
    """The answer to a client's `offer`, section by section in its order.

    Args:
        outgoing: by mid, what goes into sections where the client only receives (v1). Others of those are inactive.
        wishes: by mid, for sections where the client sends.
        answers: of this connection under one policy, and changed.
    """
    make = _section if answers is None else answers.section
    leading = {one.kind: one.mid for one in reversed(offer.sections) if not one.rejected}
    sections = tuple(
        make(
            _Asked(
                section,
                (outgoing or {}).get(section.mid),
                (wishes or {}).get(section.mid, NO_WISH),
                offer.extmap_allow_mixed,
                section.mid == leading.get(section.kind),
            ),
            policy,
        )
        for section in offer.sections
    )
    if answers is not None:
        answers.keep_only({section.mid for section in offer.sections})
    return Description(
        session_id=local.session_id,
        session_version=offer.session_version,
        transport=local.transport(Setup.PASSIVE),
        bundle=tuple(s.mid for s in sections if not s.rejected and s.mid),
        extmap_allow_mixed=offer.extmap_allow_mixed,
        sections=sections,
    )


def _section(asked: _Asked, policy: Policy) -> Section:
    offered, track = asked.offered, asked.track
    if offered.kind is SectionKind.DATA:
        return Section(
            kind=offered.kind,
            mid=offered.mid,
            protocol=offered.protocol,
            port=0 if offered.rejected or offered.sctp_port is None else 9,
            sctp_port=SCTP_PORT,
            max_message_size=MAX_MESSAGE_SIZE,
        )
    sends_here = (
        track is not None and offered.direction.receives and can_carry(offered, track)
    )  # an allocator asks the same first
    codecs = _codecs(offered, policy, asked.wish, track if sends_here else None)
    if offered.rejected or not codecs:
        return _rejected(offered)
    answer = Section(
        kind=offered.kind,
        mid=offered.mid,
        protocol=offered.protocol,
        direction=Direction.INACTIVE,
        codecs=codecs,
        extensions=accepted_extensions(offered.extensions, sound=offered.kind is SectionKind.AUDIO),
        extmap_allow_mixed=offered.extmap_allow_mixed and not asked.all_mixed,
        rtcp_mux=True,
        rtcp_rsize=offered.rtcp_rsize,
    )
    if sends_here and track is not None:
        answer = put_track(evolve(answer, direction=Direction.SENDONLY), track)
        if not asked.leads:
            answer = evolve(answer, extensions=sent_extensions(answer.extensions, track.codec))
    elif offered.direction.sends:
        answer = _receive(evolve(answer, direction=Direction.RECVONLY), offered)
    else:
        answer = evolve(answer, codecs=codecs[:2])  # one and its RTX are enough to keep it alive
    return answer


def can_carry(section: Section, track: Outgoing) -> bool:
    """Whether the client of this section decodes the track."""
    return track.kind is section.kind and track.codec in known_codecs(section.codecs)


def _rejected(offered: Section) -> Section:
    return Section(
        kind=offered.kind,
        mid=offered.mid,
        protocol=offered.protocol,
        port=0,
        direction=Direction.INACTIVE,
        codecs=offered.codecs[:1],
    )


def _receive(answer: Section, offered: Section) -> Section:
    """Every layer that the client offers to send, in its order."""
    rids = tuple(Rid(rid, "recv") for rid in offered.simulcast_send)
    return evolve(answer, rids=rids, simulcast_recv=offered.simulcast_send)


def put_track(section: Section, track: Outgoing) -> Section:
    """`section` with the track's msid and SSRCs."""
    ssrcs, groups = sources(track)
    return evolve(section, msid=track.msid, ssrcs=ssrcs, ssrc_groups=groups)


def sources(track: Outgoing) -> tuple[dict[int, str], tuple[SsrcGroup, ...]]:
    """Its SSRCs with their cname, and which of them repeats the other."""
    if not track.rtx_ssrc:
        return {track.ssrc: track.cname}, ()
    pair = SsrcGroup("FID", (track.ssrc, track.rtx_ssrc))
    return {track.ssrc: track.cname, track.rtx_ssrc: track.cname}, (pair,)


def _codecs(
    offered: Section, policy: Policy, wish: Wish, track: Outgoing | None
) -> tuple[CodecLine, ...]:
    known = known_codecs(offered.codecs)
    is_audio = offered.kind is SectionKind.AUDIO
    wanted: tuple[Codec, ...]
    if is_audio:
        wanted = (Codec.OPUS, Codec.RED) if policy.red else (Codec.OPUS,)
    elif wish.codec in policy.video:
        wanted = (wish.codec, *(codec for codec in policy.video if codec is not wish.codec))
    else:
        wanted = policy.video
    if track is not None:
        wanted = (track.codec,)
    down = track is not None or not offered.direction.sends
    feedback: tuple[str, ...]
    if is_audio:
        feedback = AUDIO_FEEDBACK_DOWN if down else AUDIO_FEEDBACK_UP
    else:
        feedback = VIDEO_FEEDBACK_DOWN if down else VIDEO_FEEDBACK_UP
    lines: list[CodecLine] = []
    for codec in wanted:
        if codec not in known:
            continue
        line, rtx = known[codec]
        line = with_feedback(line, feedback)
        if down:
            line = without_remb(line, offered.extensions)
        lines.append(_as_answered(line, codec, wish, track))
        if rtx is not None:
            lines.append(rtx)
    return tuple(lines)


def _as_answered(line: CodecLine, codec: Codec, wish: Wish, track: Outgoing | None) -> CodecLine:
    """The parameters that both sides must agree on, and of opus what we want to be sent."""
    if codec is not Codec.OPUS:
        private = ("x-google-",)  # a sender's own hints to itself
        kept = {k: v for k, v in line.parameters.items() if not k.startswith(private)}
        return evolve(line, parameters=kept)
    if track is not None:  # nothing is sent to us there
        return evolve(line, parameters=SENDS_STEREO if track.stereo else {})
    parameters = {"minptime": "10", "useinbandfec": "1"}
    if wish.dtx or line.parameters.get("usedtx") == "1":
        parameters["usedtx"] = "1"
    if wish.stereo:  # not because the client can play it: Firefox always says so
        parameters["stereo"] = "1"
    return evolve(line, parameters=parameters)
