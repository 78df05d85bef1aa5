"""`sferum_forwarder.MediaEngine` as Python sees it: sockets and threads of Rust (`rust/io`, `rust/python`).

Every call may be made from any thread and returns at once; `close` joins the threads. Unknown ids raise KeyError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from media.forwarder.api import Copy, DownTrack, Event, Layer, SrtpKeys, Stats, Tap, TrackIn, Want
from media.transport.api import Address

#: An address of the UDP port, or the number of an adopted TCP connection.
Source = Address | int


@runtime_checkable
class TcpClosed(Protocol):
    """A connection ended, not by `close_tcp`."""

    connection: int


@runtime_checkable
class Fault(Protocol):
    """A bug of ours that cost a datagram or a command; told the 1st, 2nd, 4th, 8th… time."""

    times: int
    text: str


class Engine(Protocol):
    """One media thread for each UDP socket that it was made with; those sockets are Python's to send with only."""

    def fileno(self) -> int:
        """Readable while there is something to take."""

    def take_received(self, most: int) -> Sequence[tuple[Source, bytes, float]]:
        """STUN and DTLS, oldest first, with the second of `time.monotonic` when each came."""

    def take_events(self) -> Sequence[Event | TcpClosed | Fault]: ...

    def take_tapped(self, most: int) -> Sequence[Copy]:
        """The oldest first; 8,192 wait, those of one picture for up to 20 ms before the file is readable."""

    def bind(self, route: Source, peer: str) -> None:
        """Media and DTLS from there are this peer's, whoever it was before."""

    def unbind(self, route: Source) -> None: ...

    def set_route(self, peer: str, route: Source | None) -> None: ...

    def add_ufrag(self, ufrag: str) -> None: ...

    def remove_ufrag(self, ufrag: str) -> None: ...

    def adopt_tcp(self, fd: int) -> int:
        """The file is doubled: close yours."""

    def send_tcp(self, connection: int, packet: bytes) -> bool:
        """False: it is gone, or does not keep up."""

    def close_tcp(self, connection: int) -> None: ...

    def add_peer(self, peer: str, keys: SrtpKeys, room: str) -> None: ...

    def remove_peer(self, peer: str) -> None: ...

    def add_track(self, track: TrackIn) -> None: ...

    def remove_track(self, sid: str) -> None: ...

    def mute_track(self, sid: str, muted: bool) -> None: ...

    def add_down(self, down: DownTrack, want: Want) -> None: ...

    def add_downs(self, downs: Sequence[tuple[DownTrack, Want]]) -> None:
        """Those before one that raises are added."""

    def remove_down(self, down: str) -> None: ...

    def set_want(self, down: str, want: Want) -> None: ...

    def set_wish(self, peer: str, bitrate_bps: int) -> None: ...

    def add_tap(self, tap: Tap) -> None: ...

    def remove_tap(self, sid: str) -> None: ...

    def ask_key(self, sid: str, layer: Layer) -> None: ...

    def stats(self) -> Stats: ...

    def ignored(self) -> Mapping[str, int]:
        """By `media.transport.api.Ignored` values."""

    def held(self) -> Mapping[str, int]:
        """Entries of every table that clients can make grow; some are milliseconds old."""

    def close(self) -> None: ...
