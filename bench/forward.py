"""What forwarding one packet costs: CPU µs of the plain and the native forwarder, beside a bare sendto in the same run.

    .venv/bin/python -m bench.forward [--size 1100] [--packets 20000]

A 720p camera (30 pictures of six packets a second) to 1, 20 and 100 subscribers, AES-128-GCM, VP8 with picture ids,
abs-send-time, mid and a history for NACKs. Forwarded means: chosen, renumbered, encrypted, and handed to the socket.
Prints one JSON line. Figures are medians of five windows; on a busy machine trust the ratios. `python_over_native` is
of `receive` and `take_output` alone. `taps`: CPU µs for a packet that nobody subscribes to, with its copy for a
broadcast (`Tap`) and without. `engine`: a media thread of the native plane from socket to socket, to 100, with and
without segments that the kernel cuts, by `K`, a bare `sendto` in Rust (`rust/io/examples/forward_cost.rs`).
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import time

from attrs import define, field

from media.forwarder.api import Forwarder, Layer, Tap, Want
from media.forwarder.choose import NoForwarder, choose
from media.forwarder.native.sources import RUST
from media.ids import PeerId
from tests.media.forwarder.ends import End
from tests.media.forwarder.histories import (
    CAMERA,
    CAMERA_IN,
    TEACHER,
    camera_down,
    frame,
    pupil,
)

WINDOWS = 5
PACKETS_A_PICTURE = 6
WITH_RUST = RUST.parent / "scripts" / "with-rust"


def _sink() -> tuple[socket.socket, socket.socket]:
    """Where to send from, and where it arrives. Nobody reads there: a full buffer drops, and costs the sender less."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return sender, receiver


def _sendto_us(size: int, count: int) -> float:
    sender, receiver = _sink()
    address, data = receiver.getsockname(), bytes(size)
    begun = time.thread_time()
    for _ in range(count):
        sender.sendto(data, address)
    spent = time.thread_time() - begun
    sender.close()
    receiver.close()
    return spent / count * 1e6


def _datagrams(end: End, first: int, pictures: int, size: int) -> list[tuple[bytes, float]]:
    made = []
    for number in range(first, first + pictures):
        for receive in frame(number, Layer.HIGH, key=number == 0, packets=PACKETS_A_PICTURE):
            packet = receive.packet.ljust(size, b".")
            made.append((end.protect(packet), receive.at))
    return made


@define
class _Lesson:
    """One forwarder with its publisher; `alone` and `both` get a figure for each window."""

    forwarder: Forwarder
    subscribers: int
    publisher: End = field(factory=lambda: End(TEACHER))
    alone: list[float] = field(factory=list)
    both: list[float] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.forwarder.add_peer(TEACHER, self.publisher.keys)
        self.forwarder.add_track(CAMERA_IN)
        for number in range(self.subscribers):
            peer: PeerId = pupil(number)
            self.forwarder.add_peer(peer, End(peer).keys)
            self.forwarder.add_down(camera_down(number), Want())

    def window(
        self, size: int, pictures: int, sender: socket.socket, address: tuple[str, int]
    ) -> None:
        """CPU µs per forwarded packet: of the forwarder alone, and with sendto."""
        datagrams = _datagrams(self.publisher, len(self.alone) * pictures, pictures, size)
        forwarding = sending = 0.0
        sent = 0
        for datagram, at in datagrams:
            begun = time.thread_time()
            self.forwarder.receive(TEACHER, datagram, at)
            output = self.forwarder.take_output()
            middle = time.thread_time()
            for transmit in output:
                sender.sendto(transmit.data, address)
            sending += time.thread_time() - middle
            forwarding += middle - begun
            sent += len(output)
        assert sent == len(datagrams) * self.subscribers
        self.alone.append(forwarding / sent * 1e6)
        self.both.append((forwarding + sending) / sent * 1e6)


def _figures(subscribers: int, size: int, packets: int) -> dict[str, float]:
    """Both forwarders, window by window in turn."""
    pictures = max(5, packets // subscribers // PACKETS_A_PICTURE)
    bare = _sendto_us(size, packets)
    plain = _Lesson(choose("plain").make(), subscribers)
    native = _native(subscribers)
    sender, receiver = _sink()
    for _ in range(WINDOWS):
        for lesson in filter(None, (plain, native)):
            lesson.window(size, pictures, sender, receiver.getsockname())
    sender.close()
    receiver.close()
    alone, both = statistics.median(plain.alone), statistics.median(plain.both)
    figures = {
        "forward_us": round(alone, 2),
        "forward_and_send_us": round(both, 2),
        "sendto_us": round(bare, 2),
        "ratio": round(both / bare, 2),
    }
    if native is not None:
        ratios = [one / other for one, other in zip(plain.alone, native.alone, strict=True)]
        figures["native_forward_us"] = round(statistics.median(native.alone), 2)
        figures["python_over_native"] = round(statistics.median(ratios), 2)
    return figures


def _native(subscribers: int) -> _Lesson | None:
    try:
        return _Lesson(choose("native").make(), subscribers)
    except NoForwarder as error:
        print(error, file=sys.stderr)
        return None


def _taken_us(forwarder: Forwarder, size: int, pictures: int, *, tapped: bool) -> float:
    """CPU µs of a packet that nobody subscribes to."""
    end = End(TEACHER)
    forwarder.add_peer(TEACHER, end.keys)
    forwarder.add_track(CAMERA_IN)
    if tapped:
        forwarder.add_tap(Tap(CAMERA))
    windows = []
    for window in range(WINDOWS):
        datagrams = _datagrams(end, window * pictures, pictures, size)
        copies = 0
        begun = time.thread_time()
        for datagram, at in datagrams:
            forwarder.receive(TEACHER, datagram, at)
            copies += len(forwarder.take_tapped())
        windows.append((time.thread_time() - begun) / len(datagrams) * 1e6)
        assert copies == tapped * len(datagrams)
    return round(statistics.median(windows), 2)


def _taps(size: int, packets: int) -> dict[str, float]:
    figures = {}
    for word in ("plain", "native"):
        prefix = "" if word == "plain" else "native_"
        try:
            make = choose(word).make
        except NoForwarder:
            continue
        pictures = packets // PACKETS_A_PICTURE
        figures[f"{prefix}tap_us"] = _taken_us(make(), size, pictures, tapped=True)
        figures[f"{prefix}untapped_us"] = _taken_us(make(), size, pictures, tapped=False)
    return figures


def _engine() -> dict[str, float] | None:
    """None without Rust."""
    example = "--package sferum-forwarder-io --example forward_cost"
    done = subprocess.run(
        [WITH_RUST, *f"cargo run --quiet --release --locked {example}".split()],
        cwd=RUST,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print("bench: the engine was not measured", file=sys.stderr)
        return None
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=1100, help="bytes of an RTP packet")
    parser.add_argument("--packets", type=int, default=20_000, help="forwarded in each window")
    options = parser.parse_args()
    result: dict[str, object] = {"bench": "forward", "size": options.size, "profile": "GCM128"}
    for subscribers in (1, 20, 100):
        result[f"subscribers_{subscribers}"] = _figures(subscribers, options.size, options.packets)
    result["taps"] = _taps(options.size, options.packets)
    if (engine := _engine()) is not None:
        result["engine"] = engine
    print(json.dumps(result))


if __name__ == "__main__":
    main()
