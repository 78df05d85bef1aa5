"""The pages of whoever types captions, as text. Pure."""

from __future__ import annotations

import html
from collections.abc import Sequence
from urllib.parse import urlencode

from media.broadcast.pages import filling, render
from media.broadcast.pages.asking import BadLine
from media.broadcast.pages.filling import Html
from media.broadcast.pages.shown import Seat
from media.broadcast.pages.words import WORDS

#: What the page says after a line.
SAID = "line_shown"


def code(seat: Seat, language: str, *, wrong: str = "") -> Html:
    """Where somebody types the code that a host gave them. `wrong`: a word; "": nothing is wrong yet."""
    words = WORDS[language]
    main = render.fill(
        "code",
        language,
        title=seat.broadcast.title,
        wrong=filling.wrong(words[wrong]) if wrong else Html(),
        wrong_id=Html(' aria-describedby="wrong"') if wrong else Html(),
    )
    return _page(seat, language, main, "captions")


def typing(
    seat: Seat,
    language: str,
    before: Sequence[str],
    *,
    code: str = "",
    said: str = "",
    bad: BadLine | None = None,
    line: str = "",
) -> Html:
    """Where somebody types a line.

    Args:
        before: the last lines, the oldest first.
        bad: why the last line was not shown, with `line` as it was typed.
    """
    words = WORDS[language]
    here = f"captions?{urlencode({'code': code})}" if code else "captions"
    lines = Html("\n".join(f"<li>{html.escape(one)}</li>" for one in before))
    main = render.fill(
        "captions",
        language,
        title=seat.broadcast.title,
        said=filling.said(words[SAID]) if said == SAID else Html(),
        action=here,
        wrong=Html() if bad is None else filling.wrong(words[bad.value]),
        wrong_id="" if bad is None else " wrong",
        line=line[:1_000],
        before=render.fill("lines", language, lines=lines) if before else Html(),
    )
    return _page(seat, language, main, here)


def _page(seat: Seat, language: str, main: Html, here: str) -> Html:
    title = f"{seat.broadcast.title} — {WORDS[language]['captions_title']}"
    return render.page(seat.broadcast, language, main, title=title, here=here)
