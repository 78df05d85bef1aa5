"""SCTP of one peer: aiortc's association, with bounds on what a client can make it do.

Uses private names of aiortc 1.16; `tests/media/transport/test_aiortc_private.py` pins them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import cast

from aiortc.exceptions import InvalidStateError
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import (
    DATA_CHANNEL_OPEN,
    SCTP_RTO_MAX,
    WEBRTC_BINARY,
    WEBRTC_BINARY_EMPTY,
    WEBRTC_DCEP,
    Chunk,
    DataChunk,
    InboundStream,
    InitChunk,
    RTCSctpTransport,
    SackChunk,
)
from aiortc.utils import uint32_gt

from media.sdp.answer import MAX_MESSAGE_SIZE, SCTP_PORT
from media.transport import parameters
from media.transport.api import Ignored
from media.transport.dtls import Dtls

#: Bytes that may wait for a missing piece, of all streams: four messages of the greatest size.
RECEIVE_WINDOW = 4 * MAX_MESSAGE_SIZE
#: LiveKit's clients open three.
MAX_CHANNELS = 16
MAX_STREAMS = 64
#: Chunks in one packet, each of which may cause an answer. Browsers bundle a handful.
MAX_CHUNKS = 64
#: Transmission sequence numbers ahead of the first missing one; a window of full packets needs 230.
MAX_AHEAD = 2048
MAX_GAPS = 64
MAX_LABEL = 64  # bytes
#: Seconds; aiortc has RFC 9260's 3 and 1, browsers (dcsctp) 0.5 and 0.4: a lost packet should not stop a lesson's chat.
#: Aiortc gives up after nine INITs and does not slow down, hence not 0.5.
RTO_INITIAL_S = 1.0
RTO_MIN_S = 0.4


class BoundedSctp(RTCSctpTransport):
    """`refused` is told of everything that was not taken; nothing that a client sends raises."""

    def __init__(self, dtls: Dtls, refused: Callable[[Ignored], None]) -> None:
        super().__init__(cast(RTCDtlsTransport, dtls), SCTP_PORT)
        self._advertised_rwnd = RECEIVE_WINDOW
        self._rto = RTO_INITIAL_S
        self._refused = refused
        self._chunks_left = 0

    async def _handle_data(self, data: bytes) -> None:
        """aiortc asserts and unpacks without asking; an association that a client confused is that client's loss."""
        self._chunks_left = MAX_CHUNKS
        if not parameters.ends(data):
            self._refused(Ignored.SCTP_MALFORMED)
            return
        try:
            await super()._handle_data(data)
        except (
            AssertionError,
            ArithmeticError,
            AttributeError,
            InvalidStateError,
            LookupError,
            TypeError,
            ValueError,
            struct.error,
        ):
            self._refused(Ignored.SCTP_MALFORMED)

    async def _receive_chunk(self, chunk: Chunk) -> None:
        self._chunks_left -= 1
        if self._chunks_left < 0:
            self._refused(Ignored.SCTP_LIMIT)
            return
        established = self._association_state is self.State.ESTABLISHED
        if isinstance(chunk, InitChunk) and established:
            await self._answer_init(chunk)
        else:
            await super()._receive_chunk(chunk)

    async def _init(self) -> None:
        """As DTLS server we wait for the client's INIT, which browsers always send: no collision, a packet less."""
        if not self.is_server:
            await super()._init()

    async def _answer_init(self, chunk: InitChunk) -> None:
        """RFC 9260 5.2.2: a late INIT is answered and changes nothing.

        aiortc would begin to count received pieces anew, wait for what came long ago, and the channels stand still.
        """
        if chunk.initiate_tag != self._remote_verification_tag:
            self._refused(Ignored.SCTP_MALFORMED)
            return
        received, reset = self._last_received_tsn, self._reconfig_response_seq
        await super()._receive_chunk(chunk)
        self._last_received_tsn, self._reconfig_response_seq = received, reset

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        first_missing = self._last_received_tsn is not None and (
            (chunk.tsn - self._last_received_tsn) % 2**32 == 1
        )
        too_far = self._last_received_tsn is not None and uint32_gt(
            chunk.tsn, (self._last_received_tsn + MAX_AHEAD) % 2**32
        )
        # The first missing piece frees the window: it is taken even when that is full, but not without an end.
        room = self._advertised_rwnd + (MAX_MESSAGE_SIZE if first_missing else 0)
        if too_far or len(chunk.user_data) > room:
            self._sack_needed = self._last_received_tsn is not None
            self._refused(Ignored.SCTP_LIMIT)
            return
        await super()._receive_data_chunk(chunk)

    async def _receive_sack_chunk(self, chunk: SackChunk) -> None:
        """aiortc counts through every gap, 65,535 steps each: a packet of 290 wide ones would cost seconds."""
        sent = len(self._sent_queue)
        gaps = [(low, min(high, sent)) for low, high in chunk.gaps[:MAX_GAPS]]
        chunk.gaps = [(low, high) for low, high in gaps if low <= high]
        await super()._receive_sack_chunk(chunk)

    def _update_rto(self, R: float) -> None:  # noqa: N803 -- aiortc's name, of RFC 9260 6.3.1
        super()._update_rto(R)
        if self._srtt is not None and self._rttvar is not None:
            self._rto = min(max(self._srtt + 4 * self._rttvar, RTO_MIN_S), SCTP_RTO_MAX)

    def _get_inbound_stream(self, stream_id: int) -> InboundStream:
        if stream_id not in self._inbound_streams and len(self._inbound_streams) >= MAX_STREAMS:
            raise ValueError("too many streams")
        return super()._get_inbound_stream(stream_id)

    async def _data_channel_receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        if len(data) > MAX_MESSAGE_SIZE:
            self._refused(Ignored.MESSAGE_TOO_LONG)
        elif pp_id == WEBRTC_DCEP and data[:1] == bytes([DATA_CHANNEL_OPEN]):
            if len(self._data_channels) >= MAX_CHANNELS or len(data) > 12 + 2 * MAX_LABEL:
                self._refused(Ignored.SCTP_LIMIT)
            else:
                await super()._data_channel_receive(stream_id, pp_id, data)
        elif pp_id in (WEBRTC_DCEP, WEBRTC_BINARY, WEBRTC_BINARY_EMPTY):
            await super()._data_channel_receive(stream_id, pp_id, data)
        else:
            self._refused(Ignored.MESSAGE_IGNORED)  # LiveKit's messages are binary
