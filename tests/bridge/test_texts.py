"""One SMS, with the line that phones read, when it fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.console import Console
from bridge.contact import Email
from bridge.ports_sending import Message, Sent
from bridge.texts import LANGUAGES, SMS_LENGTH, length, mail_text, sms_text
from bridge.verification import Code
from tests.bridge.values import PHONE

CODE = Code("482913")


def test_the_phone_fills_the_code_in() -> None:
    """The last line names the site (WebOTP)."""
    assert sms_text(CODE, "school.ru") == (
        "Код: 482913. Никому его не сообщайте.\n@school.ru #482913"
    )
    assert sms_text(CODE, "school.ru", "en").endswith("\n@school.ru #482913")


@pytest.mark.parametrize(
    ("host", "last"),
    [("matrix.school-86.krasnoyarsk.example", "#482913"), ("x" * 60 + ".ru", "сообщайте.")],
)
def test_a_long_host_shortens_the_words_and_then_goes(host: str, last: str) -> None:
    """Two messages cost twice as much."""
    text = sms_text(CODE, host)

    assert text.endswith(last)
    assert length(text) <= SMS_LENGTH


@given(st.from_regex(r"[a-z0-9.-]{1,253}", fullmatch=True), st.sampled_from([*LANGUAGES, "de"]))
def test_it_is_always_one_sms_with_the_code(host: str, language: str) -> None:
    """Whatever the school's address is."""
    text = sms_text(CODE, host, language)

    assert "482913" in text
    assert length(text) <= SMS_LENGTH


def test_a_mail_says_how_long_the_code_lives() -> None:
    """And that nobody will ask for it."""
    assert "30 минут" in mail_text(CODE).text
    assert mail_text(CODE, "de") == mail_text(CODE, "ru")


async def test_make_run_shows_codes_on_the_screen() -> None:
    """With the code, without the whole number."""
    screen: list[str] = []
    console = Console(screen.append)

    for to in (PHONE, Email("anna@example.org")):
        assert await console.send(Message(id="m1", to=to, text="Код: 482913")) == Sent()
    assert all("482913" in shown for shown in screen)
    assert not any(PHONE.e164 in shown or "anna@" in shown for shown in screen)
