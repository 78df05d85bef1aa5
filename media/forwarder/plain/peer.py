"""One transport: its keys, what it publishes, what it gets."""

from __future__ import annotations

from attrs import define, field

from media.forwarder.plain.bandwidth import Downlink
from media.forwarder.plain.demux import MOST_SSRCS, Demux
from media.forwarder.plain.down import Down, Numbering
from media.forwarder.plain.feedback import TransportFeedback
from media.forwarder.plain.pacer import Pacer
from media.forwarder.plain.sending import SendSide
from media.forwarder.plain.srtp import SrtpSession
from media.ids import PeerId

#: SSRCs of one peer that SRTP keeps a context for: what can be in use, and as many that its reports have (Firefox and
#: aiortc report in another name about each stream that they get).
MOST_CONTEXTS = 2 * MOST_SSRCS
#: SSRCs that a peer can have used up in its life. A screen that is shared again takes six.
MOST_RETIRED = 20_000
#: RTCP packets of one peer that are looked at in `RTCP_WINDOW_S`: each may ask about a hundred streams. Chosen by us;
#: feedback every 50 ms and a NACK for each of a hundred losses a second are 120.
MOST_RTCP = 5_000
RTCP_WINDOW_S = 1.0
#: Packets sent again to one peer in `RESEND_WINDOW_S`; whoever asks for more is not mended by it.
MOST_RESENT = 200
RESEND_WINDOW_S = 0.1
#: Of what a link carries, the share that may be packets sent again, and seconds of it at once. A full link loses most
#: of them too, and asks for all of them again: without a limit 0.4 Mbit/s were sent 13 (tests/media/lossy).
RESENT_SHARE, RESENT_AT_ONCE_S = 0.25, 2.0
#: SSRCs of down tracks that are gone, whose numbers are remembered, here and by SRTP (which looks through all of them
#: for every packet); whoever subscribes anew gets a new SSRC.
MOST_LEFT = 1_024
#: Sender reports whose answers are waited for.
MOST_REPORTS = 256


@define
class LinkCounters:
    """Since the last `Quality` event."""

    expected_up: int = 0
    lost_up: int = 0
    lost_down: float = 0.0  # sum of shares
    reports_down: int = 0
    jitter_s: float = 0.0
    rtt_s: float | None = None


@define(eq=False)
class Peer:
    """Attributes:
    budget_bps: what its encoders may use in all; None: nobody said.
    reports_due, quality_due: when the next are to be made; None before the first `poll`.
    """

    id: PeerId
    srtp: SrtpSession
    demux: Demux = field(factory=Demux)
    downs: dict[int, Down] = field(factory=dict)  # by our SSRC
    _left: dict[int, Numbering] = field(factory=dict)  # by SSRC, oldest first
    feedback: TransportFeedback = field(factory=TransportFeedback)
    downlink: Downlink = field(factory=Downlink)
    sending: SendSide = field(factory=SendSide)
    pacer: Pacer = field(factory=Pacer)
    counters: LinkCounters = field(factory=LinkCounters)
    budget_bps: int | None = None
    budget_changed: bool = False
    reports_due: float | None = None
    quality_due: float | None = None
    heard: bool = False  # it reported about what it gets
    rtt_s: float | None = None
    sent_bps: int = 0
    bytes_sent: int = 0  # since the last reports
    audio_bps: int = 0  # of those
    audio_bytes: int = 0
    _accepted: dict[int, None] = field(
        factory=dict
    )  # SSRCs that SRTP has a context for, oldest first
    _retired: set[int] = field(factory=set)  # SSRCs whose context is gone
    _reports: dict[int, float] = field(factory=dict)  # middle of NTP → when sent
    _rtcp: int = 0
    _rtcp_since: float = float("-inf")
    _resent: int = 0
    _resent_since: float = float("-inf")
    _resend_left: float = 0.0  # bytes
    _resend_at: float = float("-inf")

    @property
    def recent_bps(self) -> int:
        """What was sent in the last whole second, or already in this one."""
        return max(self.sent_bps, self.bytes_sent * 8)

    @property
    def recent_audio_bps(self) -> int:
        """Of `recent_bps`."""
        return max(self.audio_bps, self.audio_bytes * 8)

    @property
    def estimate_bps(self) -> int:
        """What its link carries: by transport-wide feedback where that comes, else by reports and REMB."""
        if self.sending.is_heard:
            return self.sending.estimate_bps
        return self.downlink.estimate_bps

    def sent(self, number: int | None, size: int, now: float, probe: int = 0) -> None:
        """A datagram of so many bytes went out; `number` is its transport-wide one, if it has one."""
        self.bytes_sent += size
        if number is not None:
            self.sending.outstanding.sent(number, size, now, probe)

    def pictures_went(self, size: int, now: float) -> None:
        """A datagram of pictures, the first time or again."""
        self.pacer.went(size, self.sending.estimate_bps if self.sending.is_heard else 0, now)

    def add_down(self, down: Down) -> None:
        before = self._left.pop(down.spec.ssrc, None)
        if before is not None:
            down.go_on(before)
        self.downs[down.spec.ssrc] = down

    def remove_down(self, down: Down) -> None:
        del self.downs[down.spec.ssrc]
        self.pacer.forget(down.spec.ssrc)
        self._left[down.spec.ssrc] = down.left()
        if len(self._left) > MOST_LEFT:
            oldest = next(iter(self._left))
            self.srtp.forget_sent(oldest, self._left.pop(oldest).rtx_ssrc)

    def may_use(self, ssrc: int) -> bool:
        """A peer cannot make us keep any number of SSRCs, nor use one whose replay list is forgotten."""
        if ssrc in self._accepted:
            return True
        return ssrc not in self._retired and len(self._retired) < MOST_RETIRED

    def accepted(self, ssrc: int) -> None:
        """An authentic packet came: SRTP has a context for its SSRC now. The oldest that is no track's goes."""
        if ssrc in self._accepted:
            return
        self._accepted[ssrc] = None
        if len(self._accepted) > MOST_CONTEXTS:
            routes = self.demux.routes
            oldest = next(each for each in self._accepted if each not in routes)
            del self._accepted[oldest]
            self._retired.add(oldest)
            self.srtp.forget(oldest)

    def reported(self, ssrc: int) -> None:
        """Authentic RTCP came in this name. Who goes on reporting is not forgotten for others' sake."""
        if ssrc in self._accepted:
            del self._accepted[ssrc]
            self._accepted[ssrc] = None
        else:
            self.accepted(ssrc)

    def may_control(self, now: float) -> bool:
        """Whether one more authentic RTCP packet is looked at."""
        if now - self._rtcp_since >= RTCP_WINDOW_S:
            self._rtcp_since, self._rtcp = now, 0
        self._rtcp += 1
        return self._rtcp <= MOST_RTCP

    def may_resend(self, size: int, now: float) -> bool:
        """`size`: bytes of a packet that was asked for."""
        rate = RESENT_SHARE * max(self.estimate_bps, self.sent_bps) / 8
        self._resend_left = min(
            rate * RESENT_AT_ONCE_S, self._resend_left + rate * (now - self._resend_at)
        )
        self._resend_at = now
        if now - self._resent_since >= RESEND_WINDOW_S:
            self._resent_since, self._resent = now, 0
        if self._resent >= MOST_RESENT or self._resend_left < size:
            return False
        self._resent += 1
        self._resend_left -= size
        return True

    def report_sent(self, ntp: int, now: float) -> None:
        if len(self._reports) >= MOST_REPORTS:
            del self._reports[next(iter(self._reports))]
        self._reports[ntp >> 16 & 0xFFFFFFFF] = now

    def report_answered(self, last_sr: int, delay: int, now: float) -> None:
        """RFC 3550 6.4.1: the round trip, from a report of ours that came back."""
        sent = self._reports.get(last_sr)
        if sent is None:
            return
        rtt = now - sent - delay / 65536
        if 0 <= rtt < 10:
            self.downlink.round_trip(rtt, now)
            self.rtt_s = rtt if self.rtt_s is None else self.rtt_s + (rtt - self.rtt_s) / 8
