"""Messages between the process of calls and a coder's own: a head of 13 bytes, and what it announces. Pure; bounded."""

from __future__ import annotations

from struct import Struct

from attrs import define, field, frozen

from media.broadcast.ladder.values import LARGEST
from media.forwarder.plain.rtp import Malformed

#: Kind, ticks, bytes that follow.
_HEAD = Struct("!BqI")
#: Kinds to the coder: three bits together.
KEY, MAKE, FORCE = 1, 2, 4  # a key frame; pictures are made of it; as key frames
#: Kinds from the coder: the number of the rung that a picture is of, and these.
MOST_RUNGS = 8
DONE, KEY_WANTED = 254, 255
_EMPTY = frozenset({DONE, KEY_WANTED})


@frozen
class Message:
    kind: int
    ticks: int
    data: bytes = field(default=b"", repr=False)


def write(message: Message) -> bytes:
    """As it goes through the pipe."""
    return _HEAD.pack(message.kind, message.ticks, len(message.data)) + message.data


@define
class Reader:
    """Bytes as they come to messages; what is left waits for the rest.

    Attributes:
        kinds: what this end may be told.
    """

    kinds: frozenset[int]
    _waiting: bytearray = field(factory=bytearray, repr=False)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete.

        Raises:
            Malformed: a kind that there is not, or more bytes than a picture has. Nothing can be read afterwards.
        """
        self._waiting += data
        found = []
        at = 0
        while len(self._waiting) - at >= _HEAD.size:
            kind, ticks, size = _HEAD.unpack_from(self._waiting, at)
            if kind not in self.kinds or size > (0 if kind in _EMPTY else LARGEST):
                raise Malformed("not a message of a coder")
            if len(self._waiting) - at < _HEAD.size + size:
                break
            at += _HEAD.size
            found.append(Message(kind, ticks, bytes(self._waiting[at : at + size])))
            at += size
        del self._waiting[:at]
        return found


TO_CODER = frozenset(range((KEY | MAKE | FORCE) + 1))
FROM_CODER = frozenset(range(MOST_RUNGS)) | _EMPTY
