"""One WebSocket's frames: protobuf or JSON, in the mode the client last spoke (calls.md §2.1). Pure."""

from __future__ import annotations

import struct
import zlib
from collections import Counter

from attrs import define, field
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from livekit.protocol import rtc

#: Bytes of one frame, after inflating. A v1 offer of 100 audio and 100 video sections is 579 kB (calls.md §4).
MAX_FRAME = 1_500_000
#: Bytes of the shortest message that is deflated: what is in one packet anyway is not worth it.
LEAST_DEFLATED = 600
#: Requests a client may send at once, and in a second on average. Chosen by us: a grid of 100 tiles that is
#: scrolled sends one track_setting a tile.
BURST, PER_SECOND = 400, 60
#: What everyone in the room is told of costs more: of these 36 at once and 5 a second.
TOLD_TO_ALL = frozenset({"add_track", "mute", "update_metadata", "subscription_permission"})
TOLD_COST = 10.0
#: Characters of metadata, name and attributes that count; more is refused (media/room/profile.py), and told to nobody.
MOST_TOLD = 50_000


class BadFrame(Exception):
    """A frame that is no SignalRequest. The connection ends: nothing after it can be trusted."""


_TEXT, _BINARY = 1, 2  # opcodes, RFC 6455 5.2
_WHOLE, _DEFLATED = 0x80, 0x40
#: What a flush ends with and a message leaves out (RFC 7692 7.2.1).
_FLUSHED = b"\x00\x00\xff\xff"


def framed(message: bytes, opcode: int, *, deflated: bool) -> bytes:
    """A server's frame that holds the whole message (RFC 6455 5.2), deflated by itself where that makes it shorter."""
    first = _WHOLE | opcode
    if deflated and len(message) >= LEAST_DEFLATED:
        compressor = zlib.compressobj(level=zlib.Z_BEST_SPEED, wbits=-zlib.MAX_WBITS)
        shorter = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
        shorter = shorter.removesuffix(_FLUSHED)
        if len(shorter) < len(message):
            first, message = first | _DEFLATED, shorter
    size = len(message)
    if size < 126:
        return bytes((first, size)) + message
    if size < 1 << 16:
        return struct.pack("!BBH", first, 126, size) + message
    return struct.pack("!BBQ", first, 127, size) + message


@define(eq=False)
class Encoded:
    """A response, encoded and framed once for everyone who is told the same."""

    response: rtc.SignalResponse
    _bytes: bytes | None = None
    _text: str | None = None
    _frames: dict[tuple[bool, bool], tuple[bytes, int]] = field(factory=dict)

    def as_bytes(self) -> bytes:
        if self._bytes is None:
            self._bytes = self.response.SerializeToString()
        return self._bytes

    def as_text(self) -> str:
        if self._text is None:
            self._text = json_format.MessageToJson(self.response, indent=None)
        return self._text

    def frame(self, *, text: bool, deflated: bool) -> tuple[bytes, int]:
        """The frame, and bytes of the message in it before compression."""
        known = self._frames.get((text, deflated))
        if known is None:
            message = self.as_text().encode() if text else self.as_bytes()
            frame = framed(message, _TEXT if text else _BINARY, deflated=deflated)
            known = self._frames[text, deflated] = frame, len(message)
        return known


@define
class Frames:
    """Reads and writes frames of one connection; counts what it does not know.

    Attributes:
        text: the client speaks JSON.
        unknown: messages without a known `message` member, by what was said of them.
    """

    text: bool = False
    unknown: Counter[str] = field(factory=Counter)

    def read(self, frame: bytes | str) -> rtc.SignalRequest | None:
        """The request in a frame; None when it holds nothing we know (a newer client's message)."""
        self.text = isinstance(frame, str)
        if len(frame) > MAX_FRAME:
            raise BadFrame(f"frame of {len(frame)} bytes, over the limit of {MAX_FRAME}")
        request = rtc.SignalRequest()
        try:
            if isinstance(frame, str):
                json_format.Parse(
                    frame, request, ignore_unknown_fields=True, max_recursion_depth=20
                )
            else:
                request.ParseFromString(frame)
        except (DecodeError, json_format.ParseError, ValueError, RecursionError) as wrong:
            raise BadFrame(f"no SignalRequest: {type(wrong).__name__}") from None
        if request.WhichOneof("message") is None:
            self.unknown["request"] += 1
            return None
        return request

    @staticmethod
    def cost(request: rtc.SignalRequest) -> float:
        """On top of one for the frame."""
        kind = request.WhichOneof("message")
        if kind == "update_metadata":  # a hundred people are sent it
            told = request.update_metadata
            words = sum(map(len, (told.metadata, told.name, *told.attributes.values())))
            return TOLD_COST + min(words, MOST_TOLD) / 1000
        return TOLD_COST if kind in TOLD_TO_ALL else 0.0

    def write(self, response: Encoded, *, deflated: bool) -> tuple[bytes, int]:
        return response.frame(text=self.text, deflated=deflated)
