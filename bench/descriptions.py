"""Descriptions: their bytes, and what they cost a client. `make bench B=descriptions`; needs Debian's Chromium.

N people with a microphone and a camera each, whom one client watches (calls.md §4). One JSON line for each size:

`v0`: the server offers; the client applies the offer, makes an answer and applies that, at first and again when one
track more comes. `v1`: the client makes an offer with a section for each track, applies it, and applies the answer.
Milliseconds are CPU of the page's process, of `ROUNDS` connections each; nothing is connected and nothing flows.

    .venv/bin/python -m bench.descriptions [--lines] [10 50 100]

`--lines` also prints how many bytes each kind of line takes; no browser is needed for that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import define, evolve, field
from playwright.async_api import CDPSession, Page

from media.ids import ParticipantSid, TrackSid
from media.sdp.api import (
    Outgoing,
    SectionAllocator,
    SectionTable,
    build_answer,
    build_offer,
    parse,
    write,
)
from media.signal.subscriptions import CNAME_CHARACTERS
from tests.media.sdp.goldens import LOCAL, camera, microphone
from tests.media.sdp.test_repeats import chromium
from tests.media.transport.chromium import chromium_page

SIZES = (10, 50, 100)
ROUNDS = 5
_LINE = re.compile(r"(m=|a=(?:extmap|rtcp-fb|rtpmap|fmtp|[a-z-]+)|[a-z]=)")
#: Functions for the page.
SCRIPT = """
globalThis.make_free = people => {
  make();
  for (let n = 0; n < people; n++)
    for (const kind of ['audio', 'video']) pc.addTransceiver(kind, {direction: 'recvonly'});
  channels();
};
"""


def people(count: int) -> list[Outgoing]:
    """Tracks with names and SSRCs as long as a call's."""
    tracks = [make(number) for number in range(count) for make in (microphone, camera)]
    return [
        evolve(
            track,
            sid=TrackSid(f"TR_{track.sid[3:]:0>16}"),
            publisher=ParticipantSid(f"PA_{number // 2:0>16}"),
            ssrc=3_000_000_000 + track.ssrc,
            rtx_ssrc=track.rtx_ssrc and 3_000_000_000 + track.rtx_ssrc,
            cname=f"{number // 2:0>{CNAME_CHARACTERS}}",
        )
        for number, track in enumerate(tracks)
    ]


def offer_of(tracks: Sequence[Outgoing], version: int = 1) -> str:
    """v0: ours."""
    table = SectionTable()
    for track in tracks:
        table.put(track)
    return write(build_offer(table.sections(), LOCAL, version=version))


def answer_to(text: str, tracks: Sequence[Outgoing]) -> str:
    """v1: ours to an offer that has a section for each of `tracks`."""
    allocator, offer = SectionAllocator(), parse(text)
    for track in tracks:
        allocator.put(track)
    return write(build_answer(offer, LOCAL, outgoing=allocator.fill(offer)))


def by_line(text: str) -> Mapping[str, int]:
    """Bytes of each kind of line, the dearest first."""
    kinds: Counter[str] = Counter()
    for line in text.splitlines(keepends=True):
        kind = _LINE.match(line)
        kinds[kind[1] if kind is not None else "?"] += len(line)
    return dict(kinds.most_common())


@define
class Client:
    """A page of Chromium, and the CPU that each kind of work has cost it, in seconds."""

    page: Page
    _session: CDPSession
    spent: dict[str, float] = field(factory=dict)

    async def do(self, kind: str, expression: str, argument: str) -> str:
        before = await self._cpu_s()
        answer = await self.page.evaluate(expression, argument)
        self.spent[kind] = self.spent.get(kind, 0.0) + await self._cpu_s() - before
        return answer or ""

    async def _cpu_s(self) -> float:
        metrics = (await self._session.send("Performance.getMetrics"))["metrics"]
        return next(float(one["value"]) for one in metrics if one["name"] == "ProcessTime")


async def measured(page: Page, size: int) -> dict[str, object]:
    tracks = people(size)
    first, more = offer_of(tracks), offer_of(people(size + 1)[:-1], version=2)
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    client = Client(page, session)
    v0_answer = v1_offer = v1_answer = ""
    for _ in range(ROUNDS):
        await page.evaluate("make()")
        v0_answer = await client.do("v0", "offered", first)
        await client.do("v0_one_more", "offered", more)
        await page.evaluate(f"pc.close(); make_free({size})")
        v1_offer = await client.do("v1", "() => offer()", "")
        v1_answer = answer_to(v1_offer, tracks)
        await client.do("v1", "answered", v1_answer)
        await page.evaluate("pc.close()")
    return {
        "bench": "descriptions",
        "people": size,
        "v0_offer_bytes": len(first),
        "v0_answer_bytes_of_client": len(v0_answer),
        "v1_answer_bytes": len(v1_answer),
        "v1_offer_bytes_of_client": len(v1_offer),
        **{f"{kind}_cpu_ms": round(s / ROUNDS * 1000) for kind, s in client.spent.items()},
        "load": round(os.getloadavg()[0], 1),
    }


def lines(size: int) -> dict[str, object]:
    tracks = people(size)
    offer, answer = offer_of(tracks), answer_to(chromium(size), tracks)
    return {
        "people": size,
        "v0_offer": {"all": len(offer), **by_line(offer)},
        "v1_answer": {"all": len(answer), **by_line(answer)},
    }


async def main(options: argparse.Namespace) -> None:
    if options.lines:
        for size in options.sizes or SIZES:
            print(json.dumps(lines(size)))
        return
    async with chromium_page() as page:
        await page.evaluate(f"() => {{ {SCRIPT} }}")
        for size in options.sizes or SIZES:
            print(json.dumps(await measured(page, size)), flush=True)
            print(f"{size} people done", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lines", action="store_true")
    parser.add_argument("sizes", type=int, nargs="*")
    asyncio.run(main(parser.parse_args()))
