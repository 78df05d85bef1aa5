"""Texts of the broadcast pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from media.broadcast.pages import captioning, captions, endpoints, render
from media.broadcast.pages.asking import BadAsking, BadLine
from media.broadcast.pages.shown import Phase, Refusal
from media.broadcast.pages.words import EN, RU, language_of, seconds, when
from tests.media.broadcast.pages.world import MOSCOW

HERE = Path(render.__file__).parent
SCRIPTS = "\n".join(path.read_text("utf-8") for path in (HERE / "static").glob("*.js"))
TEMPLATES = "\n".join(path.read_text("utf-8") for path in (HERE / "templates").glob("*.html"))
PYTHON = "\n".join(
    Path(str(one.__file__)).read_text("utf-8") for one in (render, endpoints, captions, captioning)
)


def test_both_languages_have_the_same_words() -> None:
    """No key is missing in one, and a text has the same places for names and numbers in both."""
    assert len(RU) > 80
    assert RU.keys() == EN.keys()
    for key, said in RU.items():
        places = [sorted(re.findall(r"\{\w+\}", one)) for one in (said, EN[key])]
        assert places[0] == places[1], key
        assert said.strip()
        assert EN[key].strip()


def test_each_is_in_its_language() -> None:
    """English has no Russian letters, and Russian sentences have some."""
    wrong = {key for key, text in EN.items() if re.search("[а-яё]", text, re.IGNORECASE)}
    assert wrong == {"other_language"}
    foreign = {key for key, text in RU.items() if not re.search("[а-яё]", text)}
    assert foreign == {"other_language", "js_lines"}  # 720p is 720p everywhere


def test_every_word_is_known_and_used() -> None:
    """What templates, pages and scripts ask for is there, and nothing is translated that nobody says."""
    asked = set(re.findall(r"\$w_(\w+)", TEMPLATES))
    asked |= set(re.findall(r"\bwords\[[^\]]*?\"(\w+)\"", PYTHON))
    asked |= {one.value for one in BadAsking} | render.SAID | render.PANEL_SAID
    asked |= {one.value for one in BadLine} | {captions.SAID}
    asked |= {f"{one.value}_title" for one in Refusal} | {one.value for one in Refusal}
    asked |= {f"state_{one.value}" for one in Phase} | {"seconds"}
    assert asked <= RU.keys()
    everything = TEMPLATES + PYTHON + SCRIPTS
    for key in RU.keys() - asked:
        bare = key.removeprefix("js_")
        assert re.search(rf"['\"._]{bare}\b", everything) or key.endswith(
            ("_title", "_sure", "_unsure")
        ), key


def test_the_player_knows_its_words() -> None:
    """Each word that a script says is among those it is given."""
    given = {key.removeprefix("js_") for key in RU if key.startswith("js_")}
    for word in re.findall(r"say\('(\w+)'", SCRIPTS) + re.findall(r"words\.(\w+)", SCRIPTS):
        assert word in given | {"not_sent"}, word


def test_when_it_begins() -> None:
    """Today by the school's clock, else the day in the genitive; the server's own zone does not matter."""
    at = datetime(2026, 11, 28, 0, 30, tzinfo=MOSCOW)
    same_day = datetime(2026, 11, 27, 21, 5, tzinfo=UTC)
    assert when(at, same_day, "ru") == "сегодня в 00:30"
    assert when(at, same_day - timedelta(hours=1), "ru") == "28 ноября в 00:30"
    assert when(at, same_day - timedelta(hours=1), "en") == "on 28 November at 00:30"
    assert (seconds(2.44, "ru"), seconds(2.44, "en")) == ("2,4 с", "2.4 s")


@pytest.mark.parametrize(
    ("asked", "chosen", "accept", "language"),
    [
        ("", "", "", "ru"),
        ("", "", "de, en;q=0.5", "en"),
        ("", "", "EN-gb", "en"),
        ("", "ru", "en", "ru"),
        ("en", "ru", "ru", "en"),
        ("<x>", "?", ",;,,-", "ru"),
    ],
)
def test_the_language(asked: str, chosen: str, accept: str, language: str) -> None:
    """What was asked for now, then what was chosen before, then the browser's, then Russian."""
    assert language_of(asked, chosen, accept) == language
