"""The page of whoever types captions: a line at a time, without JavaScript. The code of a host stands in its address.

That address holds the typist's token too, which opens more than the code does: neither is in a log or told to others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlencode

from aiohttp import web
from attrs import field, frozen

from media.access.limits import Buckets
from media.broadcast.pages import captions
from media.broadcast.pages.asking import BadLine
from media.broadcast.pages.headers import policy
from media.broadcast.pages.house import House
from media.broadcast.pages.requests import form_of, html_page, language, see_other
from media.broadcast.pages.shown import Seat

#: Lines of one typist; codes that one viewer tries, and all viewers of a broadcast. A second, and at once.
LINES, TRIES, ALL_TRIES = (1.0, 5.0), (0.1, 6.0), (2.0, 60.0)
#: Typists who are remembered.
MOST_TYPISTS = 1_000


@frozen
class Captioning:
    """Attributes:

    clock: seconds, never going back.
    """

    house: House
    clock: Callable[[], float]
    _lines: Buckets = field(factory=lambda: Buckets(*LINES), init=False)
    _tries: Buckets = field(factory=lambda: Buckets(*TRIES), init=False)
    _all_tries: Buckets = field(factory=lambda: Buckets(*ALL_TRIES), init=False)
    _good: OrderedDict[tuple[str, str], str] = field(factory=OrderedDict, init=False, repr=False)

    async def page(self, request: web.Request, seat: Seat) -> web.StreamResponse:
        """The field for a line; without a code that is good, the field for it."""
        may = self._may(seat, _code(request))
        if may is None:
            return self._ask_code(request, seat, "too_often", 429)
        if not may:
            return self._ask_code(
                request, seat, "code_wrong" if "code" in request.query else "", 403
            )
        return self._typing(request, seat, request.query.get("said", ""))

    async def type(self, request: web.Request, seat: Seat) -> web.StreamResponse:
        code = _code(request)
        line = (await form_of(request)).get("line", "")
        may = self._may(seat, code)
        if may is None:
            return self._ask_code(request, seat, "too_often", 429)
        if not may:
            return self._ask_code(request, seat, BadLine.NOT_YOURS.value, 403)
        if self._lines.wait_s(seat.viewer, self.clock()):
            return self._typing(request, seat, "", BadLine.FAST, line)
        bad = self.house.type(seat, code, line)
        if bad is BadLine.NOT_YOURS:
            return self._ask_code(request, seat, bad.value, 403)
        if bad is not None:
            return self._typing(request, seat, "", bad, line)
        query = {"code": code, "said": "line_shown"} if code else {"said": "line_shown"}
        return see_other(f"captions?{urlencode(query)}")

    def _may(self, seat: Seat, code: str) -> bool | None:
        """None: too many codes were tried. One that has been good costs its typist nothing more."""
        key = (seat.broadcast.id, seat.viewer)
        if not code or self._good.get(key) == code:
            return self.house.may_type(seat, code)
        now = self.clock()
        waits = self._tries.wait_s(seat.viewer, now)
        if waits or self._all_tries.wait_s(seat.broadcast.id, now):
            return None
        if not self.house.may_type(seat, code):
            return False
        self._good[key] = code
        while len(self._good) > MOST_TYPISTS:
            self._good.popitem(last=False)
        return True

    def _ask_code(
        self, request: web.Request, seat: Seat, wrong: str, status: int
    ) -> web.StreamResponse:
        shown = captions.code(seat, language(request), wrong=wrong)
        return html_page(request, shown, status, policy(), {})

    def _typing(
        self,
        request: web.Request,
        seat: Seat,
        said: str,
        bad: BadLine | None = None,
        line: str = "",
    ) -> web.StreamResponse:
        shown = captions.typing(
            seat,
            language(request),
            self.house.typed(seat),
            code=_code(request),
            said=said,
            bad=bad,
            line=line,
        )
        return html_page(request, shown, 200 if bad is None else 400, policy(), {})


def _code(request: web.Request) -> str:
    """As it was copied or dictated: its digits, whatever stands between them."""
    typed = request.query.get("code", "")[:40]
    return "".join(one for one in typed if one.isascii() and one.isdigit())
