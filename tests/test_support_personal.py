"""The searcher for personal data finds it and leaves ordinary log lines alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import personal


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("code sent to +79120000001", "phone"),
        ("login phone=89120000001", "phone"),
        ("login phone=79120000001", "phone"),
        ("number +7 (912) 000-00-01 is taken", "phone"),
        ("number 8 912 000 00 01 is taken", "phone"),
        ("mail to ivanov@school.example", "e-mail"),
        ("GET /find?address=ivanov%40school.example", "e-mail"),
    ],
)
def test_personal_data_is_found(text: str, kind: str) -> None:
    """Phones in every usual spelling and e-mails, plain or quoted, are found."""
    assert personal.kind_of(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "GET /_matrix/client/v3/rooms/!abc:school.test/messages?ts=1763920000000",
        "user @u7ab2cd3e:school.example joined",
        "2026-11-23 17:54:00,123 INFO PUT-12 took 0.012345678901 s on 127.0.0.1:48123",
        "event $79120000001aBcD accepted",
        "GET /profile/%40anna:school.test",
    ],
)
def test_ordinary_lines_are_left_alone(text: str) -> None:
    """Milliseconds, Matrix ids and durations are not personal data."""
    assert personal.kind_of(text) is None


PIECES = st.sampled_from(
    [
        "+7",
        "8",
        "79120000001",
        "@school.example",
        "ivanov",
        "%40",
        ".",
        " ",
        "(912) 000-00-01",
        "\n",
        "Никтова",
        "1",
    ]
)


@given(st.lists(st.lists(PIECES, max_size=4).map("".join), max_size=4))
def test_many_are_searched_at_once_with_the_same_answer(texts: list[str]) -> None:
    """What stands in one text is found among others; what only two of them together would make is not."""
    personal.watch("Никтова")
    alone = [personal.kind_of(text) or personal.watched(text) for text in texts]
    assert personal.clean(texts) is not any(alone)


def test_a_leak_is_named_without_repeating_it(tmp_path: Path) -> None:
    """The report of a leak has the file and the line, never the phone."""
    log = tmp_path / "homeserver.log"
    log.write_text("fine\ncode sent to +79120000001\n")
    assert list(personal.leaks_in_file(log)) == [f"{log}:2: phone"]


def test_links_codes_and_known_secrets_are_found_in_a_log(tmp_path: Path) -> None:
    """An invite's link, an SMS's last line, and whatever the test names; patterns of routes are no links."""
    log = tmp_path / "bridge.log"
    log.write_text(
        "GET /i/{token} 200 12 ms\n"
        "GET /i/N071XGf3hVcvl36u_0CV1g 200\n"
        "@school.example #482913\n"
        "signed in name=Маслова\n"
        "took 482913 ms\n"
    )
    found = list(personal.leaks_in_file(log, ["", "Маслова"]))
    assert found == [f"{log}:2: invite", f"{log}:3: code", f"{log}:4: secret"]


def test_what_a_run_has_used_is_watched_for() -> None:
    """Names and tokens wherever they stand, codes where they stand alone: ids and times are full of digits."""
    personal.watch("Тестов-Тестовский", "", "N171XGf3hVcvl36u_0CV1g", "482913507")
    personal.watch_codes("739182")
    assert personal.watched("hello said account=Тестов-Тестовский")
    assert personal.watched("GET /i/xN171XGf3hVcvl36u_0CV1gy?back=/")
    assert personal.watched("invite=482913507")
    assert not personal.watched("GET /i/xN171XGf3hVcvl36u_0CV1?back=/N171XGf3hVcvl36u_0CV1")
    assert personal.watched("code 739182 sent")
    assert not personal.watched("code 739182 sent", codes=False)
    assert not personal.watched("id=a739182b took 0.739182 s, 7391823")
