"""Who publishes what, and the lines in which `rust/load` is told. Pure.

A mix is what one subscriber gets of it; everybody is in one call and gets everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import field, frozen

from bench.light_wire import Handed
from media.sdp.codecs import TRANSPORT_CC as TRANSPORT_CC_URI
from tests.media.forwarder.ends import AUDIO_LEVEL, MID, TRANSPORT_CC

OPUS, VP8 = 111, 96


@frozen
class Sound:
    """50 packets a second of 120 bytes, 48 kbit/s."""

    kind = "audio"
    period_us = 20_000
    packets = 1
    size = 120


@frozen
class Picture:
    """A burst of packets for each picture, as encoders make it. `size`: bytes of a packet's payload."""

    kind = "video"
    per_s: int
    packets: int
    size: int

    @property
    def period_us(self) -> int:
        return 1_000_000 // self.per_s


#: forwarder.md §4: the load of each figure there. With 27 bytes of header and extensions, 1,100 bytes make 1,127.
MAIN = Picture(30, 6, 1_100)
THUMBNAIL = Picture(25, 1, 740)
SOUND = Sound()

Stream = Sound | Picture


@frozen
class Mix:
    """Attributes:

    publishers: what each of them sends.
    """

    name: str
    publishers: tuple[tuple[Stream, ...], ...]

    @property
    def streams(self) -> int:
        return sum(map(len, self.publishers))

    @property
    def packets_s(self) -> float:
        """To one subscriber who publishes nothing."""
        streams = [one for each in self.publishers for one in each]
        return sum(one.packets * 1e6 / one.period_us for one in streams)

    def heard(self, people: int) -> int:
        """Pairs of a stream and somebody who gets it: nobody gets their own."""
        return self.streams * (people - 1)


#: One camera at 720p, and nothing else.
ONE = Mix("one", ((MAIN,),))
#: A teacher who shows and speaks: the load of forwarder.md §4, where other servers were measured too.
SPEAKER = Mix("speaker", ((SOUND, MAIN),))
#: A class: one large picture, nine small ones, three who speak; 555 packets a second to each.
HUNDRED = Mix("hundred", ((SOUND, MAIN), *((SOUND, THUMBNAIL),) * 2, *((THUMBNAIL,),) * 7))


@frozen
class Reading:
    """How what comes is read: extension id of transport-wide numbers (0: none), RTX payload types."""

    transport_cc: int = 0
    rtx: Mapping[int, int] = field(factory=dict)


def reading(sections: Iterable[str]) -> Reading:
    """Of the sections of a server's description."""
    text = "".join(sections)
    found = re.search(
        rf"^a=extmap:(\d+)(?:/\w+)? {re.escape(TRANSPORT_CC_URI)}", text, re.MULTILINE
    )
    pairs = re.findall(r"^a=fmtp:(\d+) apt=(\d+)", text, re.MULTILINE)
    return Reading(int(found[1]) if found else 0, {int(rtx): int(of) for rtx, of in pairs})


@frozen
class Begun:
    """Numbers of the last packet that was sent of a stream before it went to the native part."""

    sequence: int = 0
    timestamp: int = 0
    picture: int = 0


FRESH = Begun()


def wire_line(handed: Handed, how: Reading, sent: int = 0) -> str:
    """`sent`: transport-wide number of the last packet sent on it."""
    keys = handed.keys
    rtx = ",".join(f"{one}:{of}" for one, of in how.rtx.items())
    return (
        f"wire fd={handed.fd} profile={keys.profile.value} rx_key={keys.rx_key.hex()} rx_salt={keys.rx_salt.hex()}"
        f" tx_key={keys.tx_key.hex()} tx_salt={keys.tx_salt.hex()} check={handed.check.hex()} pwd={handed.pwd}"
        f" transport_cc={how.transport_cc} sent={sent} rtx={rtx}"
    )


def stream_line(
    stream: Stream, *, wire: int, ssrc: int, mid: str, offset_us: int, begun: Begun = FRESH
) -> str:
    """The ids of header extensions are those of our own offers (`light_sdp`)."""
    return (
        f"stream kind={stream.kind} wire={wire} ssrc={ssrc} payload_type={OPUS if stream.kind == 'audio' else VP8}"
        f" mid={mid} mid_id={MID} cc_id={TRANSPORT_CC} level_id={AUDIO_LEVEL} period_us={stream.period_us}"
        f" offset_us={offset_us} packets={stream.packets} size={stream.size}"
        f" sequence={begun.sequence & 0xFFFF} timestamp={begun.timestamp} picture={begun.picture & 0x7FFF}"
    )


def offset_us(number: int, stream: Stream) -> int:
    """Publishers are not in step: each begins at another part of the period, by the golden ratio."""
    return int(number * 0.618034 % 1.0 * stream.period_us)
