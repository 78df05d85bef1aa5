"""Phones and e-mails: any usual spelling in, one form out, nothing printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.contact import Email, Phone

SPELLINGS = [
    "8-502-100-00-20", "75021000020", "+7 (502) 100-00-20", "+75021000020", "85021000020",
    "8 502 100 00 20", "5021000020", "+7 502 100‑00‑20", "\u00a08(502)1000020 ", "+7-502-100.00.20",
]  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_one_number(spelling: str) -> None:
    """8, 7, +7, brackets and dashes: the same E.164 number."""
    assert Phone.parse(spelling) == Phone("+75021000020")


def test_numbers_of_other_countries_need_a_plus() -> None:
    """A parent's foreign number is taken with its country code."""
    assert Phone.parse("+375 29 123-45-67").e164 == "+375291234567"


@pytest.mark.parametrize(
    "text", ["", "12345", "850210000", "850210000200", "+7", "+0", "тел. нет", "8 502 100-00-20 доб. 5",
             "+7500100000a", "abc", "8" * 30, "+" * 20, "()", "٣" * 11],
)  # fmt: skip
def test_what_is_no_phone_is_refused_without_quoting(text: str) -> None:
    """The error of a bad phone does not hold the phone."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 -- the message is what is looked at
        Phone.parse(text)

    assert not text or text not in str(error.value)


@pytest.mark.parametrize(
    "address", ["a@b.example", "i.ivanov+school@mail.school.example", "A.b@пример.рф"]
)
def test_ordinary_addresses_are_taken(address: str) -> None:
    """Dots, plus signs, subdomains and Cyrillic domains are ordinary."""
    assert Email.parse(address).address.casefold() == address.casefold()


def test_the_domain_is_lower_case() -> None:
    """Domains do not know case, local parts may."""
    assert Email.parse(" Ivan@School.Example ").address == "Ivan@school.example"


@pytest.mark.parametrize(
    "text", ["", "@", "a@b", "a b@c.example", "a@b..example", ".a@b.example", "a.@b.example", "иван@b.example",
             "a@-b.example", "a@b.example,", "a@b.example;c@d.example", "x" * 65 + "@b.example", "a@b.1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    """Syntax only, but that strictly."""
    with pytest.raises(ValueError, match="not an e-mail"):
        Email.parse(text)


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r}".format])
def test_contacts_print_masked(show: object) -> None:
    """However a contact reaches a log, it is masked."""
    assert callable(show)
    assert "02100002" not in show(Phone("+75021000020"))
    assert "ivanov" not in show(Email("ivanov@school.example"))


@given(st.text(max_size=40))
def test_any_text_is_a_contact_or_a_value_error(text: str) -> None:
    """Nothing but ValueError is ever raised."""
    for parse in (Phone.parse, Email.parse):
        try:
            parse(text)
        except ValueError:
            continue


@given(st.integers(10**9, 10**10 - 1))
def test_ten_digits_are_a_russian_number(digits: int) -> None:
    """Every number of the Russian length is possible, assigned or not."""
    assert Phone.parse(f"8{digits}") == Phone.parse(f"+7{digits}") == Phone(f"+7{digits}")
