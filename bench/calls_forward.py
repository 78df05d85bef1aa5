"""What a packet costs and how late it comes through a whole node: socket, decryption, forwarder, encryption, socket.

One camera of 30 pictures a second, six packets each, to N light participants, on both planes in one run. CPU of the
node by packets sent, its CPU at rest taken off; `sendto` alone on the same machine beside it. Added latency: from the
publisher's `sendto` to the subscriber's event loop, of every packet and subscriber, N sockets in one process;
`loopback_…`: one socket, no node.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import time
from collections.abc import Sequence
from typing import Any

from attrs import define, field

from bench.call_node import NodeProcess, call_node
from bench.light import Light, until

ROOM = "lesson"
PICTURE_S, PACKETS, SIZE = 1 / 30, 6, 1_100
#: Seconds of pictures that are measured, and that come before.
MEASURED_S, BEFORE_S = 10.0, 1.0
DEADLINE_S = 60.0


@define
class Watcher:
    """Remembers when packets came; a packet is known by how far its number is from the last one before."""

    light: Light
    ssrc: int = 0
    last: int = 0
    base: int = 0
    arrived: dict[int, float] = field(factory=dict)

    def hear(self, datagram: bytes, now: float) -> None:
        if int.from_bytes(datagram[8:12], "big") == self.ssrc:
            self.last = int.from_bytes(datagram[2:4], "big")
            self.arrived[(self.last - self.base - 1) & 0xFFFF] = now


async def forwarding(subscribers: int) -> dict[str, Any]:
    """Both planes one after the other, and how much cheaper and sooner the native one is."""
    plain, native = await _through(subscribers, "plain"), await _through(subscribers, "native")
    return {
        "bench": "calls.forward",
        "subscribers": subscribers,
        "plain_over_native_cpu": _over(plain, native, "node_cpu_us_per_packet"),
        "plain_over_native_p50": _over(plain, native, "added_p50_ms"),
        "plain_over_native_p99": _over(plain, native, "added_p99_ms"),
        "plain": plain,
        "native": native,
    }


def _over(plain: dict[str, Any], native: dict[str, Any], name: str) -> float:
    return round(float(plain[name]) / float(native[name]), 2)


async def _through(subscribers: int, forwarder: str) -> dict[str, Any]:
    clock = asyncio.get_running_loop().time
    async with call_node(forwarder) as node:
        teacher = await Light.join(node, ROOM, "teacher", v1=False, watch=False)
        await teacher.publish()
        await until(lambda: teacher.is_announced, "the teacher publishes", DEADLINE_S)
        camera = next(one.track for one in teacher.senders if one.kind == "video")
        watchers = [await _watcher(node, number, camera) for number in range(subscribers)]
        idle = await _cpu_share(node)
        await _film(teacher, BEFORE_S, first_is_key=True)
        await _quiet(watchers)
        for one in watchers:
            one.base, one.arrived = one.last, {}
        before, began = await node.figures(), clock()
        sent = await _film(teacher, MEASURED_S, first_is_key=False)
        await _quiet(watchers)
        after, span = await node.figures(), clock() - began
        late = [
            now - sent[number]
            for one in watchers
            for number, now in one.arrived.items()
            if number < len(sent)
        ]
        out = after["packets_out"] - before["packets_out"]
        cpu_us = (after["cpu_s"] - before["cpu_s"] - idle * span) / out * 1e6
        bare_us, loopback = _sendto_us(SIZE), await _loopback(SIZE)
        await asyncio.gather(teacher.leave(), *(one.light.leave() for one in watchers))
        return {
            "packets": out,
            "arrived_share": round(len(late) / (len(sent) * subscribers), 4),
            "node_cpu_us_per_packet": round(cpu_us, 1),
            "sendto_us": round(bare_us, 2),
            "ratio": round(cpu_us / bare_us, 2),
            **_latency("added", late),
            **_latency("loopback", loopback),
            "node_late_p99_ms": after["late_p99_ms"],
            "load": round(os.getloadavg()[0], 1),
        }


async def _watcher(node: NodeProcess, number: int, camera: str) -> Watcher:
    light = await Light.join(node, ROOM, f"pupil{number}", v1=False, watch=True)
    watcher = Watcher(light)
    light.on_media = watcher.hear
    await until(lambda: camera in light.negotiated, "the camera", DEADLINE_S)
    await asyncio.wait_for(light.connected(), DEADLINE_S)
    watcher.ssrc = light.negotiated[camera]
    return watcher


async def _film(teacher: Light, seconds: float, *, first_is_key: bool) -> list[float]:
    """When each packet was sent."""
    clock = asyncio.get_running_loop().time
    sent: list[float] = []
    due = clock()
    for number in range(round(seconds / PICTURE_S)):
        await asyncio.sleep(max(0.0, due - clock()))
        due += PICTURE_S
        at = clock()
        teacher.film(key=first_is_key and number % 10 == 0, packets=PACKETS, size=SIZE)
        sent += [at] * PACKETS
    return sent


async def _quiet(watchers: Sequence[Watcher]) -> None:
    """Until nothing comes any more."""
    seen = -1
    while seen != (now := sum(one.light.packets for one in watchers)):
        seen = now
        await asyncio.sleep(0.3)


async def _cpu_share(node: NodeProcess) -> float:
    clock = asyncio.get_running_loop().time
    before, began = await node.figures(), clock()
    await asyncio.sleep(2.0)
    after = await node.figures()
    return float((after["cpu_s"] - before["cpu_s"]) / (clock() - began))


def _sendto_us(size: int, count: int = 20_000) -> float:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        address, data = receiver.getsockname(), bytes(size)
        begun = time.thread_time()
        for _ in range(count):
            sender.sendto(data, address)
        return (time.thread_time() - begun) / count * 1e6


async def _loopback(size: int, count: int = 300) -> list[float]:
    """Seconds from `sendto` to the event loop's callback in this process, packets one by one."""
    loop = asyncio.get_running_loop()
    came: asyncio.Queue[float] = asyncio.Queue()

    class Ear(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            came.put_nowait(loop.time())

    transport, _ = await loop.create_datagram_endpoint(Ear, local_addr=("127.0.0.1", 0))
    address = transport.get_extra_info("sockname")
    took = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            begun = loop.time()
            sender.sendto(bytes(size), address)
            took.append(await came.get() - begun)
    transport.close()
    return took


def _latency(name: str, seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        f"{name}_p50_ms": round(statistics.median(ordered) * 1000, 3),
        f"{name}_p99_ms": round(ordered[round((len(ordered) - 1) * 0.99)] * 1000, 3),
    }
