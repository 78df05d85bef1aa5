"""Pages of a broadcast as text."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.pages import captions, render
from media.broadcast.pages.asking import BadLine
from media.broadcast.pages.shown import (
    LATEST_S,
    Broadcast,
    Figures,
    Phase,
    Refusal,
    Said,
    Seat,
    look_again_s,
)
from media.broadcast.pages.words import LANGUAGES
from tests.media.broadcast.pages.world import CONCERT, HOST, NOW, VIEWER

HOSTILE = """"><script>alert('x')</script>&$title ${w_play}"""
EVIL = evolve(
    CONCERT, title=HOSTILE, school=HOSTILE, materials_url='"onclick="', sources=(HOSTILE,)
)


def every_page(one: Broadcast, language: str) -> list[str]:
    """Each page there is, of one broadcast."""
    seat, host = evolve(VIEWER, broadcast=one, hand=True), evolve(HOST, broadcast=one)
    figures = Figures(viewers=7)
    chat = (Said(17, one.title), Said(18, one.title, host=True))
    talking = evolve(one, chat=chat, slow_s=30, captions=True, typists=True)
    found: list[str] = [
        render.watch(seat, language, wrong="question_long", text=one.title, said="asked"),
        render.watch(host, language, figures=figures),
        render.watch(evolve(seat, call=one.title, broadcast=talking), language, said="too_soon"),
        captions.code(seat, language),
        captions.code(seat, language, wrong="code_wrong"),
        captions.typing(host, language, ()),
        captions.typing(
            seat, language, (one.title,), code=one.title, bad=BadLine.LONG, line=one.title
        ),
        captions.typing(seat, language, (), code="0123456789", said="line_shown"),
        render.panel(host, language, figures, said="begun", wrong=True),
        render.sign_in(f"/watch/{one.id}/enter", language, sign_in_url="https://school.test/"),
        *(render.refused(why, language) for why in Refusal),
    ]
    for phase in Phase:
        now = evolve(one, phase=phase)
        found.append(render.not_now(now, language, NOW, host=True))
        found.append(render.panel(evolve(host, broadcast=now), language, figures))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_whole(language: str) -> None:
    """A title, a heading, one main, the language; every id once; labels and descriptions point at something."""
    for page in every_page(CONCERT, language):
        assert f'<html lang="{language}">' in page
        assert page.count("<h1>") == page.count("<main") == page.count("</html>") == 1
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        pointed = re.findall(r'(?:for|aria-labelledby|aria-describedby)="([^"]+)"', page)
        assert {one for name in pointed for one in name.split()} <= set(ids)
        assert "$" not in page
        assert "{when}" not in page
        if language == "en":
            spoken = re.sub(r'lang="ru">Русский|Школьный концерт|Школа № 1', "", page)
            assert not re.search("[а-яё]", spoken)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_typed_becomes_markup(language: str) -> None:
    """A title, a question and an address are text wherever they stand; no script or style is in a page (CSP)."""
    for page in every_page(EVIL, language):
        assert "<script>" not in page
        assert not re.search(r"<style|\sstyle=|<[^>]*\son\w+=", page)
        assert "alert('x')" not in page
        assert not re.search(r"<script(?![^>]* src=\"/watch/static/[0-9a-f.]+/)", page)


@given(st.text(max_size=60))
def test_any_title_is_shown_as_it_is(title: str) -> None:
    """Whatever the title, the heading holds exactly that text, and the player's settings are JSON."""
    page = render.watch(evolve(VIEWER, broadcast=evolve(CONCERT, title=title)), "ru")
    heading = page.partition("<h1>")[2].partition("</h1>")[0]
    assert html.unescape(html.escape(heading, quote=False)) == html.escape(title)
    raw = page.partition('data-settings="')[2].partition('"')[0]
    assert json.loads(html.unescape(raw))["playlist"] == "main.m3u8"


def test_figures_are_for_hosts() -> None:
    """A viewer's page has neither figures nor the way to the panel."""
    page = render.watch(VIEWER, "ru")
    assert 'id="figures"' not in page
    assert 'href="host"' not in page
    hosts = render.watch(HOST, "ru", figures=Figures(viewers=321, delay_s=2.44))
    assert '<dd id="viewers">321</dd>' in hosts
    assert "2,4 с" in hosts


def test_what_is_said_before_anybody_watches() -> None:
    """That it is not encrypted and who sees it stands on the page and before the start; recording too (R48)."""
    for page in (render.watch(VIEWER, "ru"), render.panel(HOST, "ru", Figures())):
        assert "не зашифрована: её видят все, кому она предназначена" in page
        assert "Трансляция записывается" in page
    silent = evolve(VIEWER, broadcast=evolve(CONCERT, recorded=False))
    assert "Трансляция записывается" not in render.watch(silent, "ru")


def test_the_panel_asks_for_what_can_be_done() -> None:
    """Start before it has begun, stop while it runs, nothing when it is over."""

    def forms(phase: Phase) -> list[str]:
        seat: Seat = evolve(HOST, broadcast=evolve(CONCERT, phase=phase))
        return re.findall(r'action="(\w+)"', render.panel(seat, "ru", Figures()))

    assert [forms(phase) for phase in Phase] == [["start"], ["stop"], ["stop"], []]


def test_a_refusal_names_nothing() -> None:
    """Whoever may not watch learns neither what it is nor of which school."""
    for language in LANGUAGES:
        for why in Refusal:
            assert "онцерт" not in render.refused(why, language)
        assert "онцерт" not in render.sign_in("concert", language)


def test_the_end_says_where_the_recording_is() -> None:
    """With a link if there is one; without a recording, that there is none."""
    ended = evolve(CONCERT, phase=Phase.ENDED, materials_url="https://school.test/materials")
    page = render.not_now(ended, "ru", NOW)
    assert "Запись появится на этой странице" in page
    assert 'href="https://school.test/materials"' in page
    assert "Запись не велась" in render.not_now(evolve(ended, recorded=False), "ru", NOW)


def test_captions_need_the_larger_player() -> None:
    """Without captions the browser fetches the light build, with them the one that reads WebVTT."""
    assert "hls.light.min.js" in render.watch(VIEWER, "ru")
    captioned = evolve(VIEWER, broadcast=evolve(CONCERT, captions=True))
    assert f"/{render.HLS}/hls.min.js" in render.watch(captioned, "ru")
    assert 'href="captions"' not in render.watch(captioned, "ru")  # they come from another school
    typed = evolve(VIEWER, broadcast=evolve(CONCERT, captions=True, typists=True))
    assert 'href="captions"' in render.watch(typed, "ru")


def test_captions_of_a_recording() -> None:
    """Shown with it where somebody typed some: the browser's own player has the button."""
    over = evolve(CONCERT, phase=Phase.ENDED, recording="recording.mp4")
    assert "<track" not in render.not_now(over, "ru", NOW)
    captioned = render.not_now(evolve(over, recorded_captions="recording.vtt"), "ru", NOW)
    assert '<track kind="captions" src="recording.vtt" srclang="ru"' in captioned
    assert captioned.index("<video") < captioned.index("<track") < captioned.index("</video>")


def test_what_hosts_show_to_all() -> None:
    """Lines stand in the page, with those of hosts marked; without any the section is hidden, for scripts to show."""
    assert '<section id="chatting" aria-labelledby="chat-title" hidden>' in render.watch(
        VIEWER, "ru"
    )
    chat = (Said(17, "Когда конец?"), Said(18, "В восемь", host=True))
    talking = evolve(VIEWER, broadcast=evolve(CONCERT, chat=chat, slow_s=120))
    page = render.watch(talking, "ru")
    assert '<section id="chatting" aria-labelledby="chat-title">' in page
    assert '<li id="said-17">Когда конец?</li>' in page
    assert '<li id="said-18"><b>Ведущий:</b> В восемь</li>' in page
    assert "Один вопрос в 120 с" in page


def test_the_way_into_the_call() -> None:
    """Hidden until a host invites; then a link, without JavaScript too."""
    assert re.search(r'<div id="invited"[^>]* hidden>', render.watch(VIEWER, "ru"))
    page = render.watch(evolve(VIEWER, call="/room#?roomId=x"), "ru")
    assert not re.search(r'<div id="invited"[^>]* hidden>', page)
    assert 'href="/room#?roomId=x">Войти в звонок' in page


@given(st.floats(0, 1), st.integers(-7200, 10**6))
def test_waiting_pages_come_again_but_not_together(spread: float, left_s: int) -> None:
    """Before the beginning rarely, at it within half a minute, each viewer at their own time; after the end never."""
    waiting = evolve(CONCERT, phase=Phase.WAITING, begins_at=NOW + timedelta(seconds=left_s))
    wait = look_again_s(waiting, NOW, spread)
    assert wait is not None
    assert 7 <= wait <= LATEST_S * 1.5 + 23
    if left_s <= 0:
        assert wait <= 23
    else:
        assert wait <= left_s + 23
    over = evolve(waiting, phase=Phase.ENDED)
    assert look_again_s(evolve(over, recorded=False), NOW, spread) is None
    assert look_again_s(evolve(over, recorded=True, recording="x.mp4"), NOW, spread) is None
    making = look_again_s(evolve(over, recorded=True), NOW, spread)
    assert making is not None
    assert 30 <= making <= 90  # while the recording is being made
    assert look_again_s(evolve(waiting, phase=Phase.LIVE), NOW, spread) is None
    assert look_again_s(evolve(waiting, begins_at=None), NOW, spread) is not None
