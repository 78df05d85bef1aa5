"""Hosts' pages as text; their words; their scripts."""

from __future__ import annotations

import html
import re

import pytest
from attrs import evolve

from media.broadcast.desk import endpoints, floor, listing, render
from media.broadcast.desk.shown import Floor, Led, Listed, Place, Recording, Speaker, Unable
from media.broadcast.desk.wishing import BadWish
from media.broadcast.desk.words import EN, RU
from media.broadcast.pages.shown import Broadcast, Phase
from media.broadcast.pages.words import LANGUAGES
from tests.media.broadcast.desk.world import FLOOR, LED, OVER, PLACES, RUNNING
from tests.media.broadcast.pages.world import NOW
from tests.media.pages.test_static import NEWER, NEWER_CALLS

HOSTILE = """"><script>alert('x')</script>&$title ${w_play}"""
TEXTS = {name: path.read_text("utf-8") for name, path in render.FILES.items()}
SCRIPTS = "\n".join(text for name, text in TEXTS.items() if name.endswith(".js"))
TEMPLATES = "\n".join(one.template for one in render.TEMPLATES.values())


def named(text: str, broadcast: Broadcast) -> Floor:
    """Hands, questions and lines of people with this name, who say this."""
    return evolve(
        FLOOR,
        broadcast=broadcast,
        hands=tuple(evolve(one, name=text) for one in FLOOR.hands),
        questions=tuple(evolve(one, name=text, text=text) for one in FLOOR.questions),
        said=tuple(evolve(one, text=text) for one in FLOOR.said),
    )


def every_page(language: str, text: str = "Концерт") -> list[str]:
    """Each page there is, with this title, place, name and key."""
    found: list[str] = [render.message(why, language) for why in Unable]
    for one in (LED, RUNNING, OVER):
        led = evolve(
            one,
            broadcast=evolve(one.broadcast, title=text),
            place=text,
            recording_url=text,
            speakers=tuple(evolve(speaker, name=text) for speaker in one.speakers),
        )
        listed = Listed(broadcast=led.broadcast, place=text, leads=True)
        typed = {"title": text, "place": text, "date": text, "time": text}
        places = (Place(text, text), *PLACES)
        found += [
            render.led(led, language, NOW, key=text, word="begun"),
            *(render.led(led, language, NOW, unsure=act) for act in ("start", "stop", "drop")),
            render.led(evolve(led, captions=True, captions_code="0123456789"), language, NOW),
            floor.floor(evolve(FLOOR, broadcast=led.broadcast), language),
            floor.floor(named(text, led.broadcast), language, word="hand_invited"),
            render.camera(led, language, whip=text, token=text),
            listing.listing([listed], None, language, NOW, word="not_done"),
            listing.listing([listed], places, language, NOW, bad=BadWish.PAST, typed=typed),
        ]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_whole(language: str) -> None:
    """A title, a heading, one main, the language; every id once; labels and descriptions point at something."""
    for page in every_page(language):
        assert f'<html lang="{language}">' in page
        assert page.count("<h1>") == page.count("<main") == page.count("</html>") == 1
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        pointed = re.findall(r'(?:for|aria-labelledby|aria-describedby)="([^"]+)"', page)
        assert {one for group in pointed for one in group.split()} <= set(ids)
        assert "$" not in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_gets_out_of_its_place(language: str) -> None:
    """A title, a name, a room's name are text and nothing else."""
    for page in every_page(language, HOSTILE):
        assert "<script>alert" not in page
        assert '"><script' not in html.unescape(page).replace(HOSTILE, "")


def test_a_host_sees_what_there_is_to_press() -> None:
    """Waiting: start and remove; on air: stop and figures; over: the recording, deleted by whoever may."""

    def acts(one: Led) -> list[str]:
        return re.findall(r'action="/broadcasts/concert/(\w+)"', render.led(one, "ru", NOW))

    assert acts(LED) == ["key", "start", "captions", "drop"]
    assert acts(RUNNING) == ["key", "show", "show", "show", "stop", "captions"]
    assert acts(OVER) == ["delete"]
    assert acts(evolve(OVER, may_delete=False)) == []
    assert acts(evolve(OVER, recording=Recording.NONE)) == []
    running = render.led(RUNNING, "ru", NOW)
    assert "321" in running
    assert "2,4 с" in running
    assert "Звука нет." in running
    assert "Камера: Иванова Анна — показывается" in running
    for phase in (Phase.WAITING, Phase.LIVE):
        page = render.led(evolve(LED, broadcast=evolve(LED.broadcast, phase=phase)), "ru", NOW)
        assert "не зашифрована" in page


def test_hands_and_questions() -> None:
    """Each has its buttons; nobody is invited where no call is shown; the pace that holds is chosen."""

    def acts(one: Floor) -> list[str]:
        return re.findall(r'/floor/(\w+)"', floor.floor(one, "ru"))

    assert acts(FLOOR) == [
        *("invite", "lower", "invite", "lower"),
        *("show", "putaway", "slow", "say", "takeback", "takeback"),
    ]
    assert "invite" not in acts(evolve(FLOOR, calls=False))
    assert acts(Floor(broadcast=FLOOR.broadcast)) == ["slow", "say"]
    page = floor.floor(FLOOR, "ru")
    assert "Петров Иван — уже позвали" in page
    assert '<option value="30" selected>Раз в 30 с' in page
    assert "<b>Ведущий:</b> Начинаем" in page


def test_the_code_of_captions() -> None:
    """In two groups, as it is dictated; before there are captions there is none."""
    page = render.led(evolve(LED, captions=True, captions_code="0123456789"), "ru", NOW)
    assert "01234 56789" in page
    assert "Сменить код" in page
    assert 'id="code"' not in render.led(LED, "ru", NOW)


def test_a_key_is_shown_where_it_was_made() -> None:
    """And on no other page."""
    assert "the-key" in render.led(LED, "ru", NOW, key="the-key")
    assert 'id="key"' not in render.led(LED, "ru", NOW)


def test_viewers_see_the_list_without_the_form() -> None:
    """Who leads nothing is told who may, and finds what there is to watch."""
    page = listing.listing([Listed(broadcast=LED.broadcast, place="")], None, "ru", NOW)
    assert "<form" not in page
    assert 'href="/watch/concert"' in page
    assert "Вся школа" in page
    assert 'href="/broadcasts/concert"' not in page
    assert "на другом её сервере" not in page
    both = listing.listing([], None, "ru", NOW, elsewhere=("https://rtc2.test",))
    assert 'href="https://rtc2.test/broadcasts">rtc2.test' in both
    assert "Сейчас трансляций нет." in listing.listing([], PLACES, "ru", NOW)


def test_both_languages_have_the_same_words() -> None:
    """No key is missing in one; a text has the same places for names in both; English has no Russian letters."""
    assert RU.keys() == EN.keys()
    for key, text in RU.items():
        places = [sorted(re.findall(r"\{\w+\}", one)) for one in (text, EN[key])]
        assert places[0] == places[1], key
        assert EN[key].strip()
    wrong = {key for key, text in EN.items() if re.search("[а-яё]", text, re.IGNORECASE)}
    foreign = {key for key, text in RU.items() if not re.search("[а-яё]", text, re.IGNORECASE)}
    assert wrong == foreign == set()


def test_every_word_is_known_and_used() -> None:
    """What pages and scripts ask for is there, and nothing is translated that nobody says."""
    python = "\n".join(
        (render.HERE / name).read_text("utf-8")
        for name in ("render.py", "listing.py", "floor.py", "endpoints.py", "leading.py")
    )
    asked = set(re.findall(r"\$w_(\w+)", TEMPLATES)) | render.SAID
    asked |= {one.value for one in BadWish} | {one.value for one in Recording}
    asked |= {f"state_{one.value}" for one in Phase}
    assert asked <= RU.keys()
    for key in RU.keys() - asked:
        bare = key.removeprefix("js_")
        used = re.search(rf"['\"._]{bare}\b", python + SCRIPTS)
        assert used or key.endswith(("_sure", "_unsure")), key
    for word in re.findall(r"(?:say|tell)\('(\w+)'", SCRIPTS):
        assert f"js_{word}" in RU, word
    assert endpoints.ROOT in render.STATIC


@pytest.mark.parametrize("name", sorted(name for name in TEXTS if name.endswith(".js")))
def test_no_syntax_that_old_browsers_do_not_know(name: str) -> None:
    """ES2017 and modules, as everywhere; every element that a script asks for is in the page."""
    found = [one for one in NEWER if re.search(one, TEXTS[name])]
    assert not found + [one for one in NEWER_CALLS if one in TEXTS[name]]
    ids = set(re.findall(r'\bid="([\w-]+)"', TEMPLATES))
    assert set(re.findall(r"\$\('([\w-]+)'\)", TEXTS[name])) <= ids


def test_speakers_are_told_apart() -> None:
    """A camera and a screen of one person are two buttons."""
    assert Speaker("a", "x") != Speaker("a", "x", screen=True)
    page = render.led(RUNNING, "en", NOW)
    assert "Camera: Иванова Анна" in page
    assert "Screen: Иванова Анна" in page
