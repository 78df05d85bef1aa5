"""Data channels of one peer, by label: the client's own (v1, publishers) or ours (v0's subscribers)."""

from __future__ import annotations

from collections.abc import Callable

from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import RTCSctpCapabilities

from media.sdp.answer import MAX_MESSAGE_SIZE
from media.transport.api import Ignored, Sent
from media.transport.dtls import Dtls, run_through
from media.transport.sctp import BoundedSctp

RELIABLE = "_reliable"
LOSSY = "_lossy"
#: Bytes that may wait for one client: whoever is further behind is cut off from data, not the node from memory.
BACKLOG = {RELIABLE: 1024 * 1024, LOSSY: 64 * 1024}


class Channels:
    """Only LiveKit's two channels are served; on others (`_data_track`) messages are counted and dropped."""

    def __init__(
        self,
        dtls: Dtls,
        *,
        opened: Callable[[str], None],
        message: Callable[[str, bytes], None],
        refused: Callable[[Ignored], None],
    ) -> None:
        self._sctp = BoundedSctp(dtls, refused)
        self._opened = opened
        self._message = message
        self._refused = refused
        self._by_label: dict[str, RTCDataChannel] = {}
        self._longest = MAX_MESSAGE_SIZE
        self._sctp.on("datachannel", self._take)

    def start(self, remote_port: int, max_message_size: int) -> None:
        """After DTLS; whoever is its client begins the association."""
        self._longest = min(max_message_size or MAX_MESSAGE_SIZE, MAX_MESSAGE_SIZE)
        theirs = RTCSctpCapabilities(maxMessageSize=self._longest)
        run_through(self._sctp.start(theirs, remote_port))

    def stop(self) -> None:
        self._by_label.clear()
        run_through(self._sctp.stop())

    def open(self, label: str, ordered: bool, max_retransmits: int | None) -> None:
        """Ours; it is open when the client says so."""
        parameters = RTCDataChannelParameters(
            label=label, ordered=ordered, maxRetransmits=max_retransmits
        )
        channel = RTCDataChannel(self._sctp, parameters)
        channel.on("open", lambda: self._opened(label))
        self._take(channel)

    def send(self, label: str, data: bytes) -> Sent:
        channel = self._by_label.get(label)
        if channel is None or channel.readyState != "open":
            return Sent.NO_CHANNEL
        if len(data) > self._longest:
            return Sent.TOO_LONG
        if channel.bufferedAmount + len(data) > BACKLOG[label]:
            return Sent.FULL
        channel.send(data)
        return Sent.QUEUED

    def buffered(self, label: str) -> int:
        channel = self._by_label.get(label)
        return 0 if channel is None else channel.bufferedAmount

    def _take(self, channel: RTCDataChannel) -> None:
        """The first channel of each label is the one that counts."""
        label = channel.label
        if label not in BACKLOG or label in self._by_label:
            channel.on("message", lambda _: self._refused(Ignored.MESSAGE_IGNORED))
            return
        self._by_label[label] = channel
        channel.on("message", lambda data: self._message(label, data))
        channel.on("close", lambda: self._by_label.pop(label, None))
        if channel.readyState == "open":
            self._opened(label)
