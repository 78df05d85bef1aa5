"""Hosts' pages as text, from values. Pure: the templates are read at import, everything put into them is escaped."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from string import Template

from media.broadcast.desk.leading import FLOOR_DONE
from media.broadcast.desk.shown import Led, Recording, Speaker, Unable
from media.broadcast.desk.words import WORDS
from media.broadcast.pages import render as watch
from media.broadcast.pages.filling import Html, filled, link, paragraph, said, wrong
from media.broadcast.pages.shown import Broadcast, Figures, Phase
from media.broadcast.pages.words import LANGUAGES, seconds, when

HERE = Path(__file__).parent
TEMPLATES = {
    path.stem: Template(path.read_text("utf-8")) for path in (HERE / "templates").glob("*.html")
}
FILES = {path.name: path for path in (HERE / "static").iterdir() if path.suffix in {".js", ".css"}}
#: Browsers keep files for a year under the address of their version.
OURS = blake2b(b"".join(FILES[name].read_bytes() for name in sorted(FILES)), digest_size=6)
STATIC = f"/broadcasts/static/{OURS.hexdigest()}"
#: What a page says afterwards was done, by the word in the address; what is not in SAID says nothing.
GOOD = frozenset(
    {"begun", "stopped", "deleted", "switched", "followed", "captions_on"}
) | frozenset(FLOOR_DONE.values())
#: And what was not.
SAID = GOOD | {"too_often", "form"} | {one.value for one in Unable}
#: How another school's broadcast is that is shown here.
FOLLOWED = {
    "joining": "schools_joining",
    "live": "schools_live",
    "away": "schools_away",
    "cut_off": "schools_refused",
}


def fill(name: str, language: str, /, **values: str) -> Html:
    return filled(TEMPLATES[name], WORDS[language], values)


def led(
    one: Led,
    language: str,
    now: datetime,
    *,
    word: str = "",
    unsure: str = "",
    key: str = "",
) -> Html:
    """The page of one broadcast for its host.

    Args:
        unsure: the act whose tick was missing: start, stop, delete, drop.
        key: a new key, shown this once.
    """
    broadcast = one.broadcast
    phase = broadcast.phase
    sections: list[str] = []
    if phase is not Phase.ENDED:
        sections.append(_sources(one, language, key))
    if phase is Phase.WAITING:
        sections.append(_act(one, "start", "go", "main", language, unsure))
    elif phase is not Phase.ENDED:
        figures = _figures(broadcast.id, one.figures, language)
        floor = fill(
            "to_floor",
            language,
            id=broadcast.id,
            hands=str(one.figures.hands),
            questions=str(one.questions),
        )
        above = Html(figures + floor)
        sections.append(_act(one, "stop", "running", "danger", language, unsure, above=above))
    if one.recording is Recording.READY:
        words = WORDS[language]
        sections.append(link(one.recording_url, words["to_recording"]))
        if one.may_delete:
            sections.append(_act(one, "delete", "delete", "danger", language, unsure))
    if phase is not Phase.ENDED:
        sections.append(_captions(one, language))
        sections.append(fill("viewers", language, watch_url=one.watch_url))
    if phase is Phase.WAITING:
        sections.append(_act(one, "drop", "drop", "danger", language, unsure))
    main = fill(
        "led",
        language,
        title=broadcast.title,
        said=said_of(word, language),
        state_kind=phase.value,
        state=WORDS[language][f"state_{phase.value}"],
        sees=sees(one.place, language),
        begins=begins(broadcast, language, now),
        notices=joined(paragraph(pair[LANGUAGES.index(language)], "wrong") for pair in one.notices),
        recording=_recording(one, language),
        sections=Html("\n".join(sections)),
    )
    return page(broadcast.title, language, main, here=f"/broadcasts/{broadcast.id}")


def camera(one: Led, language: str, *, whip: str, token: str) -> Html:
    """The page that shows this computer's camera or screen.

    Args:
        whip: address of the publication. token: opens it, for as long as this page is good.
    """
    broadcast = one.broadcast
    settings = {
        "whip": whip,
        "token": token,
        "words": {
            key.removeprefix("js_"): text
            for key, text in WORDS[language].items()
            if key.startswith("js_")
        },
    }
    main = fill(
        "camera",
        language,
        id=broadcast.id,
        title=broadcast.title,
        settings=json.dumps(settings, ensure_ascii=False),
    )
    title = f"{broadcast.title} — {WORDS[language]['camera_title']}"
    head = f'<script type="module" src="{STATIC}/camera.js"></script>\n'
    return page(title, language, main, head=head, here=f"/broadcasts/{broadcast.id}/camera")


def message(why: Unable, language: str) -> Html:
    """The page of words for whoever may not lead this one."""
    words = WORDS[language]
    main = f"<h1>{html.escape(words['list_title'])}</h1>\n{paragraph(words[why.value])}"
    main += link("/broadcasts", words["all"])
    return page(words["list_title"], language, Html(main), here="/broadcasts")


def page(title: str, language: str, main: Html, *, here: str, head: str = "") -> Html:
    styles = (f"{STATIC}/desk.css",)
    return watch.framed(title, language, main, head=head, here=here, styles=styles)


def _sources(one: Led, language: str, key: str) -> Html:
    words = WORDS[language]
    ready = Html()
    if one.published:
        ready = said(words["ready_spare" if one.spare else "ready"])
    return fill(
        "sources",
        language,
        id=one.broadcast.id,
        ready=ready,
        key_open=" open" if key else "",
        whip_url=one.whip_url,
        key=fill("key", language, key=key) if key else Html(),
        call=Html(_call(one, language) + _schools(one, language)),
    )


def _schools(one: Led, language: str) -> Html:
    """Other schools' broadcasts here, and this one there."""
    if not one.schools:
        return Html()
    words = WORDS[language]
    state = FOLLOWED.get(one.followed)
    given = Html()
    if one.share_link:
        given = fill("share", language, link=one.share_link)
    return fill(
        "schools",
        language,
        id=one.broadcast.id,
        open=" open" if state else "",
        state=said(words[state]) if state else Html(),
        give=given,
    )


def _captions(one: Led, language: str) -> Html:
    """Who types captions: the code that a host gives them."""
    words = WORDS[language]
    code = one.captions_code
    shown = f"{code[:5]} {code[5:]}"
    return fill(
        "captions",
        language,
        id=one.broadcast.id,
        open=" open" if one.captions else "",
        code=fill("code", language, code=shown) if one.captions else Html(),
        press=words["captions_new_code" if one.captions else "captions_let"],
    )


def _call(one: Led, language: str) -> Html:
    words = WORDS[language]
    rows = joined(_speaker(one, speaker, language) for speaker in one.speakers)
    if one.speaker:
        none = {"key": "", "name": words["no_call_shown"], "pressed": ""}
        rows = Html(rows + fill("speaker", language, id=one.broadcast.id, **none))
    return fill(
        "call",
        language,
        open=" open" if one.speakers else "",
        hint=words["call_hint" if one.speakers else "call_none"],
        speakers=rows,
    )


def _speaker(one: Led, speaker: Speaker, language: str) -> Html:
    words = WORDS[language]
    name = words["screen_of" if speaker.screen else "camera_of"].format(name=speaker.name)
    shown = speaker.key == one.speaker
    return fill(
        "speaker",
        language,
        id=one.broadcast.id,
        key=speaker.key,
        pressed=Html(' aria-pressed="true"') if shown else "",
        name=f"{name} — {words['shown']}" if shown else name,
    )


def _act(
    one: Led,
    act: str,
    heading: str,
    kind: str,
    language: str,
    unsure: str,
    above: str = "",
) -> Html:
    words = WORDS[language]
    missed = unsure == act
    return fill(
        "act",
        language,
        id=one.broadcast.id,
        name=f"act-{act}",
        heading=words[heading],
        above=Html(above),
        action=act,
        wrong=wrong(words[f"{act}_unsure"]) if missed else Html(),
        wrong_id=Html(' aria-describedby="wrong"') if missed else "",
        sure=words[f"{act}_sure"],
        kind=kind,
        press=words[act],
    )


def _figures(broadcast: str, figures: Figures, language: str) -> Html:
    delay = figures.delay_s
    return fill(
        "figures",
        language,
        id=broadcast,
        viewers=str(figures.viewers),
        delay=WORDS[language]["delay_unknown"] if delay is None else seconds(delay, language),
        stalled=f"{figures.stalled:.0%}",
        hands=str(figures.hands),
    )


def _recording(one: Led, language: str) -> str:
    return WORDS[language][one.recording.value]


def sees(place: str, language: str) -> str:
    words = WORDS[language]
    return words["sees"].format(place=place or words["whole_school"])


def begins(one: Broadcast, language: str, now: datetime) -> str:
    if one.begins_at is None or one.phase is not Phase.WAITING:
        return ""
    return WORDS[language]["begins"].format(when=when(one.begins_at, now, language))


def said_of(word: str, language: str) -> Html:
    """What was done is said calmly, what was not as a fault."""
    if word not in SAID:
        return Html()
    text = WORDS[language][word]
    return said(text) if word in GOOD else paragraph(text, "wrong")


def joined(some: Iterable[str]) -> Html:
    """Pieces that are HTML already."""
    return Html("".join(some))
