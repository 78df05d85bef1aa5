"""What forwarding one packet costs: CPU µs of the plain forwarder, beside a bare sendto in the same run.

    .venv/bin/python -m bench.forward [--size 1100] [--packets 20000]

A 720p camera (30 pictures of six packets a second) to 1, 20 and 100 subscribers, AES-128-GCM, VP8 with picture ids,
abs-send-time, mid and a history for NACKs. Forwarded means: chosen, renumbered, encrypted, and handed to the socket.
Prints one JSON line. Figures are medians of five windows; on a busy machine trust the ratios.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import time

from media.forwarder.api import Layer, Want
from media.forwarder.plain.forwarder import PlainForwarder
from media.ids import PeerId
from tests.media.forwarder.ends import End
from tests.media.forwarder.histories import (
    CAMERA_IN,
    TEACHER,
    camera_down,
    frame,
    pupil,
)

WINDOWS = 5
PACKETS_A_PICTURE = 6


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


def _forward_us(subscribers: int, size: int, pictures: int) -> tuple[float, float]:
    """CPU µs per forwarded packet: of the forwarder alone, and with sendto."""
    forwarder = PlainForwarder()
    publisher = End(TEACHER)
    forwarder.add_peer(TEACHER, publisher.keys)
    forwarder.add_track(CAMERA_IN)
    for number in range(subscribers):
        peer: PeerId = pupil(number)
        forwarder.add_peer(peer, End(peer).keys)
        forwarder.add_down(camera_down(number), Want())
    sender, receiver = _sink()
    address = receiver.getsockname()
    alone, both, first = [], [], 0
    for _ in range(WINDOWS):
        datagrams = _datagrams(publisher, first, pictures, size)
        first += pictures
        forwarding = sending = 0.0
        sent = 0
        for datagram, at in datagrams:
            begun = time.thread_time()
            forwarder.receive(TEACHER, datagram, at)
            output = forwarder.take_output()
            middle = time.thread_time()
            for transmit in output:
                sender.sendto(transmit.data, address)
            sending += time.thread_time() - middle
            forwarding += middle - begun
            sent += len(output)
        assert sent == len(datagrams) * subscribers
        alone.append(forwarding / sent * 1e6)
        both.append((forwarding + sending) / sent * 1e6)
    sender.close()
    receiver.close()
    return statistics.median(alone), statistics.median(both)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=1100, help="bytes of an RTP packet")
    parser.add_argument("--packets", type=int, default=20_000, help="forwarded in each window")
    options = parser.parse_args()
    result: dict[str, object] = {"bench": "forward", "size": options.size, "profile": "GCM128"}
    for subscribers in (1, 20, 100):
        pictures = max(5, options.packets // subscribers // PACKETS_A_PICTURE)
        bare = _sendto_us(options.size, options.packets)
        alone, both = _forward_us(subscribers, options.size, pictures)
        result[f"subscribers_{subscribers}"] = {
            "forward_us": round(alone, 2),
            "forward_and_send_us": round(both, 2),
            "sendto_us": round(bare, 2),
            "ratio": round(both / bare, 2),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
