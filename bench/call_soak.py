"""A call that goes on for hours while people come, go, mute and lose their connection: `make soak` (CALL_MINUTES=30,
FORWARDER=native or plain).

Twelve light guests (`light`), by a seed; sound and pictures flow all the time. Now and then a roll call: whoever is
away comes back, each has every other's tracks and gets packets of them. Memory, files, threads and lateness are
sampled after a garbage collection; after the warm-up their least-squares slopes must be flat. At the end everybody
leaves, and every table of the node must be empty. Ends with one JSON line; anything else ends it at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from attrs import define, field, fields, frozen

from bench.call_node import NodeProcess, call_node
from bench.light import Light, until

ROOM = "lesson"
#: Seconds between two pictures of a camera, and pictures from one keyframe to the next.
PICTURE_S, KEYFRAME = 0.1, 10
#: Packets of a picture, and their bytes.
PACKETS, SIZE = 2, 500
#: Seconds a roll call may take on a busy machine.
ROLL_CALL_S = 60.0
#: Every so-many-th guest only listens.
LISTENER = 5
#: What may stay when everybody has left: the room waits for somebody to come back.
STAYS = frozenset({"rooms", "tasks"})


@frozen(kw_only=True)
class Plan:
    """Attributes:

    forwarder: as in media.yaml.
    warm_up_s: not looked at: caches fill, the allocator takes its pages.
    roll_call_s: seconds between two roll calls; each is a sample.
    rss_kb_per_hour, files_per_hour, threads_per_hour, late_ms_per_hour: the steepest slopes that count as flat.
    """

    seconds: float
    warm_up_s: float
    forwarder: str = "native"
    guests: int = 12
    roll_call_s: float = 20.0
    action_s: float = 0.5
    rss_kb_per_hour: float = 4_096.0
    files_per_hour: float = 4.0
    threads_per_hour: float = 4.0
    late_ms_per_hour: float = 200.0
    seed: int = 86


@frozen
class Sample:
    at_s: float
    rss_kb: float
    files: float
    threads: float
    late_p50_ms: float
    late_p99_ms: float


class Timed(Protocol):
    """Seen at a moment."""

    @property
    def at_s(self) -> float: ...


def slope_per_hour(samples: Sequence[Timed], what: str) -> float:
    """Least squares; 0 for fewer than three samples, which show no direction."""
    if len(samples) < 3:
        return 0.0
    times = [one.at_s / 3600 for one in samples]
    values = [float(getattr(one, what)) for one in samples]
    middle, level = sum(times) / len(times), sum(values) / len(values)
    spread = sum((at - middle) ** 2 for at in times)
    pairs = zip(times, values, strict=True)
    return sum((at - middle) * (value - level) for at, value in pairs) / spread


def not_flat(samples: Sequence[Sample], plan: Plan) -> dict[str, float]:
    """The slopes that are too steep, by what grows."""
    bounds = {
        "rss_kb": plan.rss_kb_per_hour,
        "files": plan.files_per_hour,
        "threads": plan.threads_per_hour,
        "late_p50_ms": plan.late_ms_per_hour,
    }
    slopes = {what: slope_per_hour(samples, what) for what in bounds}
    return {what: slope for what, slope in slopes.items() if slope > bounds[what]}


@define(eq=False)
class Lesson:
    """The guests of a call, and what they do."""

    node: NodeProcess
    plan: Plan
    chance: random.Random
    inside: dict[str, Light] = field(factory=dict)
    done: Counter[str] = field(factory=Counter)
    _sent: int = 0

    @property
    def names(self) -> list[str]:
        return [f"guest{number}" for number in range(self.plan.guests)]

    async def act(self) -> None:
        """One thing that one of them does."""
        name = self.chance.choice(self.names)
        light = self.inside.get(name)
        if light is None:
            await self.come(name)
            return
        deeds = ("mute", "mute", "show", "keyframe", "resume", "leave", "vanish", "again")
        deed = self.chance.choice(deeds)
        self.done[deed] += 1
        if deed == "mute" and light.senders:
            sender = self.chance.choice(light.senders)
            await light.mute(sender, not sender.muted)
        elif deed == "show" and light.negotiated:
            track = self.chance.choice(sorted(light.negotiated))
            await light.show(track, disabled=self.chance.random() < 0.3)
        elif deed == "keyframe" and light.negotiated:
            light.ask_keyframe(self.chance.choice(sorted(light.negotiated.values())))
        elif deed == "resume" and light.sid and light.is_announced:
            await (
                light.resume()
            )  # earlier, a request may be lost with the WebSocket: SDKs begin anew then
        elif deed == "leave":
            await self.inside.pop(name).leave()
        elif deed == "vanish":
            await self.inside.pop(name).vanish()
        elif deed == "again":  # the same identity once more: the first is sent away
            await self.come(name)
            await light.vanish()

    async def come(self, name: str) -> None:
        self.done["come"] += 1
        v1 = self.chance.random() < 0.5
        publishes = self.names.index(name) % LISTENER != LISTENER - 1
        light = await Light.join(self.node, ROOM, name, v1=v1, watch=True, publish=v1 and publishes)
        if publishes and not v1:
            await light.publish()
        self.inside[name] = light

    async def send(self) -> None:
        """For ever: everybody's sound and pictures."""
        while True:
            self._sent += 1
            for light in list(self.inside.values()):
                light.speak()
                light.film(key=self._sent % KEYFRAME == 0, packets=PACKETS, size=SIZE)
            await asyncio.sleep(PICTURE_S)

    async def roll_call(self) -> None:
        """All are there, have each other's tracks, and packets go on coming: samples are of the same full call.

        Raises:
            TimeoutError: names who lacks what.
        """
        for name in self.names:
            if name not in self.inside:
                await self.come(name)
        for name, light in self.inside.items():
            await until(lambda: light.is_announced, f"{name} publishes", ROLL_CALL_S)  # noqa: B023 (awaited before the next turn)
        for name, light in self.inside.items():
            others = [one for one in self.inside.values() if one is not light]
            tracks = {sender.track for one in others for sender in one.senders}
            what = f"{name}: {light.state()}, lacks {sorted(tracks - set(light.negotiated))}"
            await until(lambda: tracks <= set(light.negotiated), what, ROLL_CALL_S)  # noqa: B023 (awaited before the next turn)
            if any(not sender.muted for one in others for sender in one.senders):
                before = light.packets
                await until(lambda: light.packets > before, f"packets for {name}", ROLL_CALL_S)  # noqa: B023 (awaited before the next turn)

    async def empty(self) -> None:
        await asyncio.gather(*(light.leave() for light in self.inside.values()))
        self.inside.clear()


async def soak(plan: Plan) -> dict[str, Any]:
    """Raises:
    AssertionError: something grows, or something stayed.
    TimeoutError: somebody lacked something for too long.
    """
    clock = asyncio.get_running_loop().time
    async with call_node(plan.forwarder) as node:
        fresh = await node.figures(collect=True)
        lesson = Lesson(node, plan, random.Random(plan.seed))
        began, samples = clock(), list[Sample]()
        sending = asyncio.ensure_future(lesson.send())
        try:
            await asyncio.gather(*map(lesson.come, lesson.names))
            await lesson.inside.pop("guest0").vanish()
            called = clock()
            while clock() - began < plan.seconds:
                await lesson.act()
                await asyncio.sleep(lesson.chance.random() * 2 * plan.action_s)
                if clock() - called >= plan.roll_call_s:
                    await lesson.roll_call()
                    samples.append(await sample(node, clock() - began))
                    called = clock()
            await lesson.roll_call()
        finally:
            sending.cancel()
            await lesson.empty()
        warm = [one for one in samples if one.at_s >= plan.warm_up_s]
        steep = not_flat(warm, plan)
        assert not steep, f"grows in an hour by {steep}: {warm}"
        await emptied(node, fresh)
        last = await node.figures()
        return {
            "soak": "calls",
            "forwarder": plan.forwarder,
            "minutes": round(plan.seconds / 60, 1),
            "seed": plan.seed,
            "done": dict(lesson.done),
            "samples": len(warm),
            "rss_kb": [warm[0].rss_kb, warm[-1].rss_kb] if warm else [],
            **{
                f"{what}_per_hour": round(slope_per_hour(warm, what), 1)
                for what in ("rss_kb", "files", "threads", "late_p50_ms")
            },
            "late_p99_ms": max((one.late_p99_ms for one in warm), default=0.0),
            "packets_out": last["packets_out"],
            "drops": last["drops"],
            "wrong": last["wrong"],
            "node_cpu_share": round(last["cpu_s"] / (clock() - began), 3),
        }


async def sample(node: NodeProcess, at_s: float) -> Sample:
    figures = await node.figures(collect=True)
    return Sample(at_s, *(figures[one.name] for one in fields(Sample) if one.name != "at_s"))


async def emptied(node: NodeProcess, fresh: dict[str, Any], deadline_s: float = 60.0) -> None:
    """Every table is empty, and files are closed: who vanished is waited for (15 s without signalling, calls.md §2.6).

    Raises:
        AssertionError: what stayed.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + deadline_s
    while True:
        now = await node.figures(collect=True)
        stayed = {name: size for name, size in now["tables"].items() if size and name not in STAYS}
        more_files = now["files"] - fresh["files"]
        more_tasks = now["tables"]["tasks"] - fresh["tables"]["tasks"]
        if not stayed and more_files <= 1 and more_tasks <= 2:  # the connection that asks is one
            return
        assert clock() < end, f"stayed: {stayed}, files {more_files:+}, tasks {more_tasks:+}"
        await asyncio.sleep(0.2)


def planned(minutes: float, seed: int, forwarder: str = "native") -> Plan:
    """Warm after a third, at most five minutes. In less than an hour growth of 4 MB is still noise."""
    warm_up_s = min(300.0, minutes * 20)
    hours = min(1.0, (minutes * 60 - warm_up_s) / 3600)
    return Plan(
        seconds=minutes * 60,
        warm_up_s=warm_up_s,
        forwarder=forwarder,
        rss_kb_per_hour=4_096 / hours,
        files_per_hour=2 / hours,
        threads_per_hour=2 / hours,
        late_ms_per_hour=100 / hours,
        seed=seed,
    )


async def main() -> int:
    minutes = float(os.environ.get("CALL_MINUTES", "30"))
    seed = int(os.environ.get("SEED", "86"))
    plan = planned(minutes, seed, os.environ.get("FORWARDER", "native"))
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(await soak(plan)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
