"""The page of hands and questions, for hosts, as text. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable

from media.broadcast.desk import render
from media.broadcast.desk.leading import FloorAct
from media.broadcast.desk.shown import Floor
from media.broadcast.desk.words import WORDS
from media.broadcast.pages.filling import Html, paragraph


def floor(one: Floor, language: str, *, word: str = "") -> Html:
    """What viewers want to say, what all see, and how often they may ask. `word`: of `render.SAID`."""
    words = WORDS[language]
    broadcast = one.broadcast.id
    main = render.fill(
        "floor",
        language,
        id=broadcast,
        title=one.broadcast.title,
        newest=str(one.newest),
        said=render.said_of(word, language),
        all_hands=str(one.all_hands),
        call_hint=words["hands_call" if one.calls else "hands_no_call"],
        hands=_hands(one, language),
        all_questions=str(one.all_questions),
        questions=_questions(one, language),
        paces=_paces(one, language),
        shown=_shown(one, language),
    )
    here = f"/broadcasts/{broadcast}/floor"
    head = f'<script type="module" src="{render.STATIC}/floor.js"></script>\n'
    title = f"{one.broadcast.title} — {words['floor']}"
    return render.page(title, language, main, head=head, here=here)


def _hands(one: Floor, language: str) -> Html:
    words = WORDS[language]
    rows = []
    for hand in one.hands:
        name = f"{hand.name} — {words['invited_already']}" if hand.invited else hand.name
        acts = [(FloorAct.LOWER, words["lower"], False)]
        if one.calls:
            acts.insert(0, (FloorAct.INVITE, words["invite"], True))
        rows.append(_row(one, html.escape(name), acts, hand.number, "hand", language))
    return _list(rows, words["hands_none"])


def _questions(one: Floor, language: str) -> Html:
    words = WORDS[language]
    acts = (
        (FloorAct.SHOW, words["show_to_all"], True),
        (FloorAct.PUT_AWAY, words["put_away_press"], False),
    )
    rows = []
    for each in one.questions:
        said = f"<b>{html.escape(each.name)}</b>: {html.escape(each.text)}"
        rows.append(_row(one, said, acts, each.number, "question", language))
    return _list(rows, words["questions_none"])


def _shown(one: Floor, language: str) -> Html:
    words = WORDS[language]
    rows = []
    for each in one.said:
        who = f"<b>{html.escape(words['from_host'])}</b> " if each.host else ""
        acts = [(FloorAct.TAKE_BACK, words["take_back"], False)]
        said = f"{who}{html.escape(each.text)}"
        rows.append(_row(one, said, acts, each.id, "said", language))
    return _list(rows, words["nothing_shown"])


def _paces(one: Floor, language: str) -> Html:
    words = WORDS[language]
    options = (
        f'<option value="{pace}"{" selected" if pace == one.slow_s else ""}>'
        f"{html.escape(words['pace_of'].format(seconds=pace) if pace else words['pace_none'])}</option>"
        for pace in one.paces
    )
    return Html("".join(options))


def _row(
    one: Floor,
    text: str,
    acts: Iterable[tuple[FloorAct, str, bool]],
    number: int,
    kind: str,
    language: str,
) -> Html:
    """`text` is HTML; each button is described by it, for whoever hears the page."""
    row = f"{kind}-{number}"
    buttons = "".join(
        render.fill(
            "floor_button",
            language,
            id=one.broadcast.id,
            act=act.value,
            number=str(number),
            main=Html(' class="main"' if main else ""),
            press=press,
            row=row,
        )
        for act, press, main in acts
    )
    return render.fill("floor_row", language, row=row, text=Html(text), buttons=Html(buttons))


def _list(rows: list[Html], nothing: str) -> Html:
    if not rows:
        return paragraph(nothing)
    return Html('<ul class="list">\n' + "".join(rows) + "</ul>\n")
