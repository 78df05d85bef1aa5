"""The page with the list of broadcasts, for hosts, as text. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from media.broadcast.desk.render import begins, fill, joined, page, said_of, sees
from media.broadcast.desk.shown import Listed, Place
from media.broadcast.desk.wishing import BadWish
from media.broadcast.desk.words import WORDS
from media.broadcast.pages.filling import Html, link, paragraph, wrong
from media.broadcast.pages.shown import Phase

#: A form with this much of a wish in it, to be typed no second time.
KEPT = ("title", "date", "time")


def listing(
    some: Sequence[Listed],
    places: Sequence[Place] | None,
    language: str,
    now: datetime,
    *,
    word: str = "",
    elsewhere: Sequence[str] = (),
    bad: BadWish | None = None,
    typed: Mapping[str, str] | None = None,
) -> Html:
    """The list, with the form of a new one.

    Args:
        places: for whom this visitor may broadcast; None: they may not.
        word: of SAID.
        elsewhere: addresses of other nodes with broadcasts.
        typed: the form as it was sent, where `bad` says what is wrong with it.
    """
    words = WORDS[language]
    ahead = [one for one in some if one.broadcast.phase is not Phase.ENDED]
    past = [one for one in some if one.broadcast.phase is Phase.ENDED]
    before = Html()
    if past:
        before = fill("past", language, rows=_rows(past, language, now))
    main = fill(
        "list",
        language,
        said=said_of(word, language),
        elsewhere=_elsewhere(elsewhere, language),
        now=_rows(ahead, language, now) if ahead else paragraph(words["nothing_now"]),
        new=paragraph(words["may_not"], "hint")
        if places is None
        else _new(places, language, bad, typed),
        before=before,
    )
    return page(words["list_title"], language, main, here="/broadcasts")


def _rows(some: Iterable[Listed], language: str, now: datetime) -> Html:
    words = WORDS[language]
    rows = []
    for one in some:
        broadcast = one.broadcast
        where = [(f"/watch/{broadcast.id}", words["watch"])]
        if one.leads:
            where.insert(0, (f"/broadcasts/{broadcast.id}", words["lead"]))
        links = "".join(
            f'<a href="{html.escape(url)}">{html.escape(text)}'
            f'<span class="unseen"> {html.escape(broadcast.title)}</span></a>'
            for url, text in where
        )
        rows.append(
            fill(
                "row",
                language,
                title=broadcast.title,
                state_kind=broadcast.phase.value,
                state=words[f"state_{broadcast.phase.value}"],
                sees=sees(one.place, language),
                begins=begins(broadcast, language, now),
                links=Html(links),
            )
        )
    return Html('<ul class="list">\n' + "".join(rows) + "</ul>\n")


def _elsewhere(some: Sequence[str], language: str) -> Html:
    """Lists of other nodes: each has its own."""
    if not some:
        return Html()
    words = WORDS[language]
    links = joined(link(f"{one}/broadcasts", one.partition("://")[2]) for one in some)
    return Html(paragraph(words["elsewhere"]) + links)


def _new(
    places: Sequence[Place],
    language: str,
    bad: BadWish | None,
    typed: Mapping[str, str] | None,
) -> Html:
    given = typed or {}
    chosen = given.get("place", places[0].key if places else "")
    options = "".join(
        f'<option value="{html.escape(one.key)}"{" selected" if one.key == chosen else ""}>'
        f"{html.escape(one.name or WORDS[language]['whole_school'])}</option>"
        for one in places
    )
    recorded = typed is None or given.get("recorded") == "1"
    return fill(
        "new",
        language,
        wrong=Html() if bad is None else wrong(WORDS[language][bad.value]),
        wrong_id="" if bad is None else " wrong",
        places=Html(options),
        recorded=" checked" if recorded else "",
        low=" checked" if given.get("low_latency") == "1" else "",
        **{name: given.get(name, "")[:200] for name in KEPT},
    )
