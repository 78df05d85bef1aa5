"""Milliseconds that the node adds to a packet: from the publisher's sending to each subscriber's socket.

    .venv/bin/python -m bench.latency [--subscribers 12 50] [--seconds 10]

A camera of 30 pictures of six packets a second, AES-128-GCM, through the plain forwarder on one loop, which takes and
polls as the process does; publisher and subscribers are another process. A packet's time begins just before the
publisher sends it and ends with the kernel's stamp of its arrival (SO_TIMESTAMPNS); packets are matched by the sequence
number in the clear, a repeated one counts from the first. Three rows for each
number of subscribers: `bare` (the loop sends the datagram on as it is), `good`, and `bad`: 5 % lost, reordered,
repeated, up to 10 ms apart (tests/media/lossy). Prints one JSON line; on a busy machine trust the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import socket
import statistics
import struct
import time
from typing import Any

from media.forwarder.api import Layer, Want
from media.forwarder.plain.forwarder import PlainForwarder
from tests.media.forwarder.ends import End
from tests.media.forwarder.histories import CAMERA_IN, TEACHER, camera_down, frame, pupil
from tests.media.lossy.wire import BAD, GOOD, Condition, Wire

PACKETS_A_PICTURE, PICTURES_S = 6, 30
SIZE = 1_100
LONGEST = 2_048
POLL_S = 0.02
SO_TIMESTAMPNS = 35  # of Linux; Python does not name it
_STAMP = struct.Struct("qq")


def _world(condition: Condition, seconds: float, to: Any, sink: socket.socket, result: Any) -> None:
    """Publisher and subscribers: send the camera, take everything, answer with the latencies in ms."""
    teacher = End(TEACHER)
    wire = Wire(random.Random(1).random, condition)
    due: list[tuple[float, int, bytes]] = []
    for picture in range(int(seconds * PICTURES_S)):
        for step in frame(picture, Layer.HIGH, key=picture == 0, packets=PACKETS_A_PICTURE):
            packet = step.packet.ljust(SIZE, b".")
            number, at = int.from_bytes(packet[2:4], "big"), picture / PICTURES_S
            datagram = teacher.protect(packet)
            times = wire.arrivals(SIZE, at) if picture else (at,)
            due += [(arrival, number, datagram) for arrival in times]
    due.sort()
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
    sink.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sent: dict[int, float] = {}
    came: list[tuple[int, float]] = []
    first = due[0][1]
    began = time.time()
    for at, number, datagram in due:
        while (left := began + at - time.time()) > 0:
            _take(sink, came, left)
        sent.setdefault((number - first) & 0xFFFF, time.time())
        sender.sendto(datagram, to)
    end = time.time() + 1.0
    while (left := end - time.time()) > 0:
        _take(sink, came, left)
    base = came[0][0]
    numbered = [((number - base) & 0xFFFF, at) for number, at in came]
    found = [(at - sent[n]) * 1000 for n, at in numbered if n in sent]
    cuts = statistics.quantiles(found, n=100)
    result.put({"p50": round(cuts[49], 3), "p99": round(cuts[98], 3), "packets": len(found)})


def _take(sink: socket.socket, came: list[tuple[int, float]], wait_s: float) -> None:
    sink.settimeout(max(0.0005, wait_s))
    try:
        data, told, _, _ = sink.recvmsg(LONGEST, 100)
    except TimeoutError:
        return
    seconds, nanoseconds = _STAMP.unpack(told[0][2][:16])
    if data[0] & 0xC0 == 0x80 and not 192 <= data[1] <= 223:
        came.append((int.from_bytes(data[2:4], "big"), seconds + nanoseconds / 1e9))


async def _node(port: socket.socket, sink: Any, subscribers: int, bare: bool, world: Any) -> None:
    """The loop of the process: datagrams in batches, polls, datagrams out; until the world has ended."""
    loop = asyncio.get_running_loop()
    forwarder = PlainForwarder()
    forwarder.add_peer(TEACHER, End(TEACHER).keys)
    forwarder.add_track(CAMERA_IN)
    for number in range(subscribers):
        forwarder.add_peer(pupil(number), End(pupil(number)).keys)
        forwarder.add_down(camera_down(number), Want())

    def flush() -> None:
        for out in forwarder.take_output():
            if out.peer != TEACHER:
                port.sendto(out.data, sink)
        forwarder.take_events()

    def readable() -> None:
        for _ in range(64):
            try:
                datagram = port.recv(LONGEST)
            except BlockingIOError:
                break
            if bare:
                for _ in range(subscribers):
                    port.sendto(datagram, sink)
            else:
                forwarder.receive(TEACHER, datagram, loop.time())
        flush()

    loop.add_reader(port, readable)
    while world.is_alive():
        if not bare:
            forwarder.poll(loop.time())
            flush()
        await asyncio.sleep(POLL_S)
    loop.remove_reader(port)


def measure(subscribers: int, seconds: float, condition: Condition, bare: bool) -> dict[str, float]:
    context = multiprocessing.get_context("fork")
    port, sink = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for one in (port, sink):
        one.bind(("127.0.0.1", 0))
    port.setblocking(False)
    result = context.Queue()
    arguments = (condition, seconds, port.getsockname(), sink, result)
    world = context.Process(target=_world, args=arguments)
    world.start()
    asyncio.run(_node(port, sink.getsockname(), subscribers, bare, world))
    found: dict[str, float] = result.get(timeout=10)
    port.close()
    sink.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--subscribers", type=int, nargs="+", default=[12, 50])
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    rows: dict[str, Any] = {"bench": "latency", "size": SIZE, "profile": "GCM128"}
    for subscribers in options.subscribers:
        bare = measure(subscribers, options.seconds, GOOD, bare=True)
        good = measure(subscribers, options.seconds, GOOD, bare=False)
        bad = measure(subscribers, options.seconds, BAD, bare=False)
        rows[f"subscribers_{subscribers}"] = {
            "added_latency_ms": {"bare": bare, "good": good, "bad": bad},
            "good_to_bare_p50": round(good["p50"] / bare["p50"], 2),
            "bad_to_good_p50": round(bad["p50"] / good["p50"], 2),
            "bad_to_good_p99": round(bad["p99"] / good["p99"], 2),
        }
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
