"""`POST /fanout/pass`: another school's node gets a pass for one broadcast, and its address works for ten minutes.

What it fetches with it is the origin's: a node is judged like a viewer, every 15 s (`origin.judging`). Where the school
is not in the list any more, that says no.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence

from aiohttp import hdrs, web
from attrs import define, field

from media.access.limits import Buckets
from media.broadcast import passes
from media.broadcast.fanout.asking import MOST_BYTES, Judge, No, read_question
from media.broadcast.fanout.sharing import is_code
from media.broadcast.passes import Kind

PATH = "/fanout/pass"
#: Seconds that a node's pass lives; it asks anew at half of that.
LIVES_S = 600
#: Questions of one address, before anything is believed; of one school. A second, and at once.
ADDRESS_PER_SECOND, ADDRESS_BURST = 2.0, 100.0
SCHOOL_PER_SECOND, SCHOOL_BURST = 1.0, 100.0


@define(eq=False, kw_only=True)
class NodeDoor:
    """Attributes:
    on_air: whether there is such a broadcast now.
    keys: of passes; the first one seals.
    address_of: whom a request is counted for.
    wall: seconds since 1970; `clock`: seconds, never going back.
    counted: answers by word.
    """

    judge: Judge
    on_air: Callable[[str], bool]
    keys: Sequence[bytes] = field(repr=False)
    address_of: Callable[[web.Request], str]
    wall: Callable[[], float]
    clock: Callable[[], float]
    counted: Counter[str] = field(factory=Counter, init=False)
    _addresses: Buckets = field(init=False)
    _schools: Buckets = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._addresses = Buckets(ADDRESS_PER_SECOND, ADDRESS_BURST)
        self._schools = Buckets(SCHOOL_PER_SECOND, SCHOOL_BURST)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post(PATH, self.answer)

    async def answer(self, request: web.Request) -> web.Response:
        answer = await self._judged(request)
        if isinstance(answer, No):
            self.counted[answer.value] += 1
            return _json(answer.status, {"why": answer.value})
        self.counted["given"] += 1
        return _json(200, {"pass": answer, "lives_s": LIVES_S})

    async def _judged(self, request: web.Request) -> str | No:
        if self._addresses.wait_s(self.address_of(request), self.clock()):
            return No.OFTEN
        raw = await _body(request)
        if raw is None:
            return No.MALFORMED
        try:
            given = json.loads(raw)
        except (ValueError, RecursionError):
            return No.MALFORMED
        asked = read_question(given)
        if isinstance(asked, No):
            return asked
        now = self.wall()
        refusal = self.judge.judge(asked, now)
        if refusal is not None:
            return refusal
        if self._schools.wait_s(asked.node, self.clock()):
            return No.OFTEN
        if not is_code(asked.code, asked.broadcast, self.keys):
            return No.OTHER_CODE
        if not self.on_air(asked.broadcast):
            return No.NOT_FOUND
        return passes.issue(asked.broadcast, asked.node, Kind.NODE, self.keys, now, LIVES_S)


async def _body(request: web.Request) -> bytes | None:
    """None: more than a question has."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def _json(status: int, body: dict[str, object]) -> web.Response:
    headers = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}
    return web.json_response(body, status=status, headers=headers)
