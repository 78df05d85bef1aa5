"""What was typed becomes one value, gets an SMS or a named refusal, and is never printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contact import (
    Contact,
    ContactRefusal,
    Email,
    Medium,
    Phone,
    PhoneRule,
    medium_of,
    parse_email,
    parse_phone,
    prefix_of,
    shown,
    subject,
)

RUSSIA = PhoneRule()
MOBILE = Phone("+79161234567")
ANNA = Email("Anna@example.org")


@pytest.mark.parametrize("typed", ["8 916 123-45-67", "+7 (916) 123-45-67", "79161234567"])
def test_any_spelling_of_a_mobile_number_is_one_number(typed: str) -> None:
    """A parent types as they like; the school's list spells it in its own way."""
    assert parse_phone(typed, RUSSIA) == MOBILE


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("тел. 5", ContactRefusal.NOT_A_PHONE),
        ("8 (495) 123-45-67", ContactRefusal.NOT_MOBILE),  # Moscow, a landline
        ("8 800 555-35-35", ContactRefusal.NOT_MOBILE),  # toll-free
        ("+7 701 123-45-67", ContactRefusal.REGION),  # Kazakhstan shares +7
        ("+375 29 123-45-67", ContactRefusal.REGION),
        ("+7 200 123-45-67", ContactRefusal.REGION),  # a range that nobody has
    ],
)
def test_numbers_that_get_no_sms(typed: str, refusal: ContactRefusal) -> None:
    """Only mobile numbers of allowed countries: everything else is how gateways are robbed."""
    assert parse_phone(typed, RUSSIA) is refusal


def test_a_school_near_the_border_allows_its_neighbours() -> None:
    """The allow-list is a setting."""
    both = PhoneRule(regions=frozenset({"RU", "KZ"}))

    assert parse_phone("+7 701 123-45-67", both) == Phone("+77011234567")


def test_landlines_can_be_allowed() -> None:
    """A gateway that speaks the code to a landline is no fraud."""
    assert PhoneRule(mobile_only=False).refusal(Phone("+74951234567")) is None


@pytest.mark.parametrize("regions", [frozenset(), frozenset({"Россия"}), frozenset({"ru"})])
def test_a_wrong_country_code_stops_the_start(regions: frozenset[str]) -> None:
    """A typing mistake must not silently lock everybody out."""
    with pytest.raises(ValueError, match="regions: not a country code"):
        PhoneRule(regions=regions)


def test_a_cyrillic_domain_is_the_address_that_smtp_carries() -> None:
    """Both spellings of one mailbox are one contact."""
    typed, wired = parse_email("anna@ШКОЛА.рф"), parse_email("anna@xn--80aa1agjdchjh2p.xn--p1ai")

    assert isinstance(typed, Email)
    assert typed.address.isascii()
    assert isinstance(wired, Email)


@pytest.mark.parametrize(
    "typed",
    ["", "anna", "anna@", "a b@example.org", "anna@example.org\nBcc: all@example.org", "@" * 9],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    """Also when it tries to add a header."""
    assert parse_email(typed) is ContactRefusal.NOT_AN_EMAIL


def test_the_subject_of_a_contact_is_synapses_form() -> None:
    """The hashed name is made of E.164 without plus, and of the case-folded address."""
    assert subject(MOBILE) == "msisdn:79161234567"
    assert subject(ANNA) == "email:anna@example.org"
    assert (medium_of(MOBILE), medium_of(ANNA)) == (Medium.MSISDN, Medium.EMAIL)


def test_a_prefix_is_the_operators_range() -> None:
    """The spike breaker counts by it."""
    assert prefix_of(MOBILE) == "7916"


@pytest.mark.parametrize("contact", [MOBILE, ANNA])
@pytest.mark.parametrize("show", [str, repr, shown])
def test_a_contact_never_prints_itself(contact: Contact, show: object) -> None:
    """However it ends up in a log or on a page, most of it is hidden."""
    assert callable(show)
    assert "123" not in show(contact)
    assert "nna" not in show(contact)
    assert "xample" not in show(contact)


@given(st.text(max_size=60))
def test_fuzz_whatever_is_typed_is_a_value_or_a_named_refusal(text: str) -> None:
    """Nothing typed breaks the form."""
    assert isinstance(parse_phone(text, RUSSIA), Phone | ContactRefusal)
    assert isinstance(parse_email(text), Email | ContactRefusal)


@given(st.from_regex(r"[a-z]{1,9}@[а-яa-z]{1,20}\.(рф|org)", fullmatch=True))
def test_fuzz_a_mailbox_has_one_form(text: str) -> None:
    """Parsing what was parsed changes nothing, or two profiles would share one mailbox."""
    once = parse_email(text)

    assert isinstance(once, Email)
    assert parse_email(once.address) == once


def test_numbers_that_nobody_has_are_taken_where_the_school_says_so() -> None:
    """A range of no country is refused, unless `also` names its beginning; other ranges stay refused."""
    trial = PhoneRule(also=frozenset({"+7500"}))
    assert RUSSIA.refusal(Phone("+75001234567")) is ContactRefusal.REGION
    assert trial.refusal(Phone("+75001234567")) is None
    assert trial.refusal(Phone("+75031234567")) is ContactRefusal.REGION
