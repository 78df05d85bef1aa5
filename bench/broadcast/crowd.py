"""Viewers: `rust/viewers`, in as many processes as wanted, a pass for each viewer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define, frozen

from bench.broadcast.edge import NAME
from bench.broadcast.stage import BROADCAST
from bench.native import answer_of, end, say
from media.broadcast import passes
from media.broadcast.passes import Kind

PACKAGE = "sferum-viewers"
#: Handshakes of TLS 1.3 that one process and one worker of nginx manage beside all else.
JOINS_PER_S = 500


@frozen(kw_only=True)
class Where:
    """Attributes:
    port: on this machine. certificate: None: plain HTTP.
    key: that the origin reads passes with. now: seconds since 1970.
    """

    port: int
    certificate: Path | None
    key: bytes
    now: float

    def pass_(self, number: int) -> str:
        account = f"@viewer{number}:school.test"
        return passes.issue(BROADCAST, account, Kind.VIEWER, [self.key], self.now)

    def path(self, number: int) -> str:
        return f"/live/{self.pass_(number)}/{BROADCAST}/"


@define(eq=False)
class Crowd:
    """All of them. Each answer is the sum of what its processes say."""

    _children: Sequence[asyncio.subprocess.Process]

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in self._children]

    async def look(self) -> dict[str, Any]:
        """What was seen since the last answer."""
        for child in self._children:
            say(child, "look")
        return await self.answer()

    async def answer(self) -> dict[str, Any]:
        return added([await answer_of(child) for child in self._children])


@asynccontextmanager
async def crowd(
    program: Path, where: Sequence[Where], viewers: int, *, processes: int, deadline_s: float = 60.0
) -> AsyncIterator[tuple[Crowd, dict[str, Any]]]:
    """All have come when this is entered; with what was seen until then. `where`: they share these among them."""
    children: list[asyncio.subprocess.Process] = []
    seconds = max(0.5, viewers / JOINS_PER_S)
    try:
        for process in range(processes):
            child = await asyncio.create_subprocess_exec(
                program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**22
            )
            children.append(child)
            at = where[process % len(where)]
            tls = "" if at.certificate is None else f" tls={at.certificate}"
            lines = [f"to address=127.0.0.1:{at.port} name={NAME}{tls}"]
            lines += [f"viewer path={at.path(one)}" for one in range(process, viewers, processes)]
            lines += [f"join seconds={seconds} deadline={seconds + deadline_s}"]
            say(child, *lines)
        whole = Crowd(children)
        yield whole, await whole.answer()
    finally:
        for child in children:
            await end(child)


def added(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of several processes: counts are added, histograms too; the longest gap is anybody's."""
    counts = ("viewers", "parts", "bytes", "requests", "errors", "reconnects")
    late, statuses = dict[int, int](), dict[str, int]()
    for answer in answers:
        for ms, count in answer["late"]:
            late[ms] = late.get(ms, 0) + count
        for status, count in answer["statuses"].items():
            statuses[status] = statuses.get(status, 0) + count
    return {
        **{name: sum(answer[name] for answer in answers) for name in counts},
        "longest_gap_ms": max(answer["longest_gap_ms"] for answer in answers),
        "statuses": statuses,
        "late": sorted(late.items()),
    }
