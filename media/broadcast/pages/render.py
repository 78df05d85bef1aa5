"""A page as text, from values. Pure: the templates are read at import, everything put into them is escaped."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from string import Template

from media.broadcast.pages import filling
from media.broadcast.pages.asking import BadAsking
from media.broadcast.pages.filling import Html, filled
from media.broadcast.pages.filling import link as _link
from media.broadcast.pages.filling import paragraph as _paragraph
from media.broadcast.pages.heartbeat import EVERY_S
from media.broadcast.pages.shown import Broadcast, Figures, Phase, Refusal, Said, Seat
from media.broadcast.pages.words import LANGUAGES, WORDS, seconds, when

TEMPLATES = {
    path.stem: Template(path.read_text("utf-8"))
    for path in (Path(__file__).parent / "templates").glob("*.html")
}
#: Our scripts and styles, and the one that the host page of calls has too.
FILES = {
    path.name: path
    for path in (
        *(Path(__file__).parent / "static").iterdir(),
        Path(__file__).parents[2] / "pages" / "static" / "matrix.js",
    )
    if path.suffix in {".js", ".css"}
}
#: Browsers keep files for a year under the address of their version: a new one has another address.
OURS = blake2b(
    b"".join(FILES[name].read_bytes() for name in sorted(FILES)), digest_size=6
).hexdigest()
#: hls.js, as scripts/install-clients fetches it.
HLS = "1.7.4"
STATIC = f"/watch/static/{OURS}"
#: What watch.js imports, fetched beside it and not after it.
BESIDE = (
    *("beats.js", "chat.js", "keys.js", "place.js", "player.js"),
    *("quality.js", "resume.js", "rewind.js", "taking.js"),
)
#: What a form says afterwards, by the word in the address; anything else says nothing.
SAID = frozenset({"asked", "raised", "lowered", "too_often", "too_soon", "not_sent"})
PANEL_SAID = frozenset({"begun", "stopped", "not_done", "too_often"})
#: Seconds between heartbeats of whoever has a hand up: the answer may be an invitation into the call.
HAND_S = 12
#: Said by enter.js; the others that begin with `js_` are the player's.
SIGNING = ("js_wrong_password", "js_wait_signin", "js_no_connection", "js_signing_in")


def fill(name: str, language: str, /, **values: str) -> Html:
    """One template.

    Raises:
        KeyError: it has a name that nobody gave.
    """
    return filled(TEMPLATES[name], WORDS[language], values)


def watch(
    seat: Seat,
    language: str,
    *,
    figures: Figures | None = None,
    said: str = "",
    wrong: str = "",
    text: str = "",
) -> Html:
    """The page with the video.

    Args:
        said: a word of SAID, what a form did.
        wrong: a word of `BadAsking`, with `text` as it was typed.
    """
    one = seat.broadcast
    words = WORDS[language]
    main = fill(
        "watch",
        language,
        title=one.title,
        said=_said(said if said in SAID else "", language),
        settings=json.dumps(player_settings(seat, language), ensure_ascii=False),
        native=f"{one.sources[0]}{one.playlist}",
        figures=Html() if figures is None else _figures(figures, language, panel=True),
        recorded=_paragraph(words["recorded"]) if one.recorded else Html(),
        chat=Html("\n".join(_line(line, language) for line in one.chat)),
        chat_hidden=_hidden(not one.chat),
        part=_part(seat, language, wrong, text) if seat.may_ask else Html(),
    )
    head = Html(
        f'<script src="{_build(one)}" defer></script>\n'
        + "".join(f'<link rel="modulepreload" href="{STATIC}/{name}">\n' for name in BESIDE)
        + f'<script type="module" src="{STATIC}/watch.js"></script>\n'
    )
    return page(one, language, main, head=head, here="watch")


def _line(one: Said, language: str) -> Html:
    who = f"<b>{html.escape(WORDS[language]['js_chat_host'])}</b> " if one.host else ""
    return Html(f'<li id="said-{one.id}">{who}{html.escape(one.text)}</li>')


def _hidden(hidden: bool) -> Html:
    return Html(" hidden" if hidden else "")


def _part(seat: Seat, language: str, wrong: str, text: str) -> Html:
    """Raising a hand and asking."""
    words = WORDS[language]
    return fill(
        "part",
        language,
        hand_said=_paragraph(words["hand_is_up"], "hint") if seat.hand else Html(),
        hand_next="0" if seat.hand else "1",
        hand_word=words["lower_hand" if seat.hand else "raise_hand"],
        invited_hidden=_hidden(not seat.call),
        call=seat.call or "#",
        slow=_slow(seat.broadcast, language),
        typing=_link("captions", words["type_captions"]) if seat.broadcast.typists else Html(),
        wrong=_wrong(wrong, language),
        wrong_id=" wrong" if wrong else "",
        text=text,
    )


def _slow(one: Broadcast, language: str) -> Html:
    if not one.slow_s:
        return Html()
    return _paragraph(WORDS[language]["slow"].format(seconds=one.slow_s), "hint")


def player_settings(seat: Seat, language: str) -> Mapping[str, object]:
    """What the player reads from its element: no script stands in the page (CSP)."""
    one = seat.broadcast
    said = {"play", "pause", "mute", "unmute", "raise_hand", "lower_hand", *SAID}
    said |= {one.value for one in BadAsking}
    return {
        "sources": list(one.sources),
        "playlist": one.playlist,
        "sound": one.sound,
        "back": one.back,
        "sound_back": one.sound_back,
        "captions": one.captions,
        "chat": bool(one.chat),
        "live_sync_s": one.live_sync_s,
        "every_s": EVERY_S,
        "hand_s": HAND_S,
        "host": seat.host,
        "words": {
            key.removeprefix("js_"): text
            for key, text in WORDS[language].items()
            if (key.startswith("js_") and key not in SIGNING) or key in said
        },
    }


def not_now(one: Broadcast, language: str, now: datetime, *, host: bool = False) -> Html:
    """The page while there is nothing to play: not begun, interrupted, over."""
    words = WORDS[language]
    match one.phase:
        case Phase.ENDED:
            lines = [words["ended_recorded" if one.recorded else "ended"]]
        case Phase.PAUSED:
            lines = [words["paused"]]
        case _:
            at = one.begins_at
            begins = words["begins_unknown"]
            if at is not None:
                begins = words["begins_at"].format(when=when(at, now, language))
            lines = [begins, words["waiting"]]
    kind = Phase.PAUSED if one.phase is Phase.LIVE else one.phase
    paragraphs = [_paragraph(line) for line in lines]
    if one.phase is Phase.ENDED and one.recording:
        file, track = one.recording, one.recorded_captions
        captions = fill("track", language, captions=track) if track else Html()
        paragraphs = [fill("recording", language, recording=file, captions=captions)]
    elif one.phase is Phase.ENDED and one.recorded and one.materials_url:
        paragraphs.append(_link(one.materials_url, words["to_materials"]))
    if host:
        paragraphs.append(_link("host", words["to_panel"]))
    main = fill(
        "message",
        language,
        above=_paragraph(one.title, "above"),
        title=words[f"{kind.value}_title"],
        paragraphs=Html("\n".join(paragraphs)),
    )
    ready = one.phase is not Phase.ENDED  # the player is there when the broadcast begins
    head = f'<link rel="preload" as="script" href="{_build(one)}">\n' if ready else ""
    return page(one, language, main, head=head, here="watch")


def refused(why: Refusal, language: str) -> Html:
    """The page of words for whoever may not watch. It names neither the broadcast nor the school."""
    words = WORDS[language]
    main = fill(
        "message",
        language,
        above=Html(),
        title=words[f"{why.value}_title"],
        paragraphs=_paragraph(words[why.value]),
    )
    return page(None, language, main, title=words[f"{why.value}_title"])


def sign_in(enter: str, language: str, *, sign_in_url: str = "") -> Html:
    """The page of a 401: with the session of this browser it goes on by itself, else it asks for a password.

    Args:
        enter: where the OpenID token goes.
    """
    words = WORDS[language]
    said = {key.removeprefix("js_"): words[key] for key in SIGNING}
    said |= {
        one.value: words[one.value]
        for one in Refusal
        if one is not Refusal.SIGNED_OUT  # what entering may answer
    }
    settings = {"enter": enter, "words": said}
    main = fill(
        "signin",
        language,
        settings=json.dumps(settings, ensure_ascii=False),
        link=_link(sign_in_url, words["signin_page"]) if sign_in_url else Html(),
    )
    head = Html(f'<script type="module" src="{STATIC}/enter.js"></script>\n')
    return page(None, language, main, head=head, title=words["signed_out_title"])


def panel(
    seat: Seat, language: str, figures: Figures, *, said: str = "", wrong: bool = False
) -> Html:
    """What a host presses: start, after they have said that they know who sees it; stop, likewise."""
    one = seat.broadcast
    words = WORDS[language]
    act = {Phase.WAITING: "start", Phase.LIVE: "stop", Phase.PAUSED: "stop"}.get(one.phase)
    form = Html()
    if act is not None:
        form = fill(
            "act",
            language,
            action=act,
            wrong=_wrong(f"{act}_unsure" if wrong else "", language),
            wrong_id=Html(' aria-describedby="wrong"' if wrong else ""),
            sure=words[f"{act}_sure"],
            press=words[act],
            kind="main" if act == "start" else "danger",
        )
    main = fill(
        "panel",
        language,
        title=one.title,
        said=_said(said if said in PANEL_SAID else "", language),
        state=words[f"state_{one.phase.value}"],
        figures=_link("watch", words["back_to_watch"])
        if one.phase is Phase.WAITING
        else _figures(figures, language, panel=False),
        floor=Html() if act != "stop" else _link(f"/broadcasts/{one.id}/floor", words["to_floor"]),
        recorded=words["panel_recorded" if one.recorded else "panel_not_recorded"],
        form=form,
    )
    title = f"{one.title} — {words['panel_title']}"
    return page(one, language, main, title=title, here="host")


def page(
    one: Broadcast | None,
    language: str,
    main: Html,
    *,
    head: str = "",
    title: str = "",
    here: str = "",
) -> Html:
    """`here`: the page's own address below its folder, where a form may have been sent to another one."""
    if not title:
        title = WORDS[language]["title"] if one is None else f"{one.title} — {one.school}"
    return framed(title, language, main, head=head, here=here)


def framed(
    title: str,
    language: str,
    main: Html,
    *,
    head: str = "",
    here: str = "",
    styles: Iterable[str] = (),
) -> Html:
    """What every page of broadcasts has around it. `styles`: addresses of style sheets besides the common one."""
    other = next(code for code in LANGUAGES if code != language)
    more = (f'<link rel="stylesheet" href="{html.escape(one)}">\n' for one in styles)
    return fill(
        "base",
        language,
        language=language,
        static=STATIC,
        page_title=title,
        styles=Html("".join(more)),
        head=Html(head),
        main=main,
        other_code=other,
        there=f"{here}{'&' if '?' in here else '?'}lang={other}",
    )


def _build(one: Broadcast) -> str:
    """120 kB without captions, 190 kB with (gzipped)."""
    return f"/watch/static/{HLS}/{'hls.min.js' if one.captions else 'hls.light.min.js'}"


def _figures(figures: Figures, language: str, *, panel: bool) -> Html:
    words = WORDS[language]
    delay = figures.delay_s
    link = ("host", words["to_panel"]) if panel else ("watch", words["back_to_watch"])
    return fill(
        "figures",
        language,
        viewers=str(figures.viewers),
        delay=words["delay_unknown"] if delay is None else seconds(delay, language),
        stalled=f"{figures.stalled:.0%}",
        hands=str(figures.hands),
        link=_link(*link),
    )


def figures_json(figures: Figures, language: str) -> Mapping[str, str]:
    """The same as texts, for a page that is open."""
    delay = figures.delay_s
    words = WORDS[language]
    return {
        "viewers": str(figures.viewers),
        "delay": words["delay_unknown"] if delay is None else seconds(delay, language),
        "stalled": f"{figures.stalled:.0%}",
        "hands": str(figures.hands),
    }


def _said(word: str, language: str) -> Html:
    if not word:
        return Html()
    return filling.said(WORDS[language][word])


def _wrong(word: str, language: str) -> Html:
    if not word:
        return Html()
    return filling.wrong(WORDS[language][word])
