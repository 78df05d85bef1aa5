"""What people type into "user name": every spelling of one person is one value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synapse.util.threepids import canonicalise_email

from synapse_sferum.login_name import (
    LONGEST,
    LoginName,
    Medium,
    read_email,
    read_name,
    read_phone,
    read_threepid,
)

SERVER = "school.test"
PHONE = LoginName(Medium.MSISDN, "75001000001")
EMAIL = LoginName(Medium.EMAIL, "anna@example.org")
ID = LoginName(Medium.USER, "@u7f3k2ab:school.test")


@pytest.mark.parametrize(
    "text",
    [
        "75001000001", "+75001000001", "85001000001", "5001000001",
        "8 500 100-00-01", "8 (500) 100-00-01", "+7 500 100 00 01", "+7-500-100-00-01", "7.500.100.00.01",
        "  +7 500 100-00-01\n", "tel:+75001000001", "8 500 100\u00a000\u201001",
        "\u202a+7 500 100-00-01\u202c",  # copied from a phone book
        "８５００１０００００１", "٨٥٠٠١٠٠٠٠٠١",  # digits of other keyboards
        "@75001000001:school.test", "@+75001000001:school.test", "@85001000001:SCHOOL.test",  # Nheko
        "85001000001:school.test", "@85001000001",
    ],
)  # fmt: skip
def test_a_phone_in_any_spelling(text: str) -> None:
    """One number, however it is typed, is the msisdn that Synapse keeps."""
    assert read_name(text, SERVER, "RU") == PHONE


@pytest.mark.parametrize(
    "text", ["anna@example.org", " Anna@Example.ORG ", "@anna@example.org:school.test"]
)
def test_an_email_in_any_case(text: str) -> None:
    """Case and spaces do not count; a full id made of an e-mail is an e-mail."""
    assert read_name(text, SERVER, "RU") == EMAIL


@pytest.mark.parametrize(
    "text",
    [
        "u7f3k2ab", "U7F3K2AB", "@u7f3k2ab:school.test", "@U7f3k2ab:School.Test",
        "@u7f3k2ab", "u7f3k2ab:school.test", " u7f3k2ab ",
    ],
)  # fmt: skip
def test_an_id_in_any_case(text: str) -> None:
    """A localpart or a full id, in any case."""
    assert read_name(text, SERVER, "RU") == ID


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "@", "@:school.test", "@u7f3k2ab:other.test", "@75001000001:other.test",
        "a\x00b", "a\ud800", "7" * (LONGEST + 1), "\u200b", None, 7, ["u"], {},
    ],
)  # fmt: skip
def test_nobody(text: object) -> None:
    """Empty, too long, another server's, or not text: nobody."""
    assert read_name(text, SERVER, "RU") is None


@pytest.mark.parametrize(
    ("medium", "address", "name"),
    [
        ("msisdn", "75001000001", PHONE),
        ("msisdn", "+7 500 100 00 01", PHONE),
        ("msisdn", "85001000001", PHONE),
        ("msisdn", "anna@example.org", None),
        ("msisdn", "123", None),
        ("email", "ANNA@example.org", EMAIL),
        ("email", "75001000001", None),
        ("email", "a@b@c", None),
        ("user", "u7f3k2ab", None),
        (None, "u7f3k2ab", None),
        ("msisdn", 75001000001, None),
    ],
)
def test_a_threepid(medium: object, address: object, name: LoginName | None) -> None:
    """An address is read as what its medium says, and as nothing else."""
    assert read_threepid(medium, address, "RU") == name


@pytest.mark.parametrize(
    ("text", "region", "digits"),
    [
        ("020 7946 0018", "GB", "442079460018"),
        ("+44 20 7946 0018", "RU", "442079460018"),
        ("8 029 491-19-11", "BY", "375294911911"),
        ("8 500 100-00-01", "KZ", "75001000001"),
        ("12345", "RU", None),
        ("+7500", "RU", None),
        ("8" * 20, "RU", None),
        ("u8500100", "RU", None),
        ("1-800-FLOWERS", "US", None),  # letters of a dial plate would make ids phones
    ],
)
def test_a_phone_by_region(text: str, region: str, digits: str | None) -> None:
    """The region says whose number it is when there is no country code; letters are never digits."""
    assert read_phone(text, region) == digits


def test_a_name_prints_no_address() -> None:
    """A value that gets into a message by mistake tells what kind of name it was, not which (design.md §4)."""
    assert "7500" not in f"{PHONE} {PHONE!r}"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cf"]), max_size=40))
def test_an_email_is_what_synapse_makes_of_it(text: str) -> None:
    """Whatever we take for an e-mail has the form in which Synapse has stored it."""
    found = read_email(text)
    if found is not None:
        assert found == canonicalise_email(text)


@given(st.text(max_size=60) | st.text(alphabet="+@:.-() 0123456789abAB", max_size=30))
def test_fuzz_any_text_is_read_or_nobody(text: str) -> None:
    """No text makes the reader fail, and reading its own result again gives the same (R7: one person, one name)."""
    name = read_name(text, SERVER, "RU")
    if name is None:
        return
    assert name.address
    if name.medium is Medium.MSISDN:
        assert name.address.isascii()
        assert name.address.isdigit()
        assert read_name(f"+{name.address}", SERVER, "RU") == name
        assert read_threepid("msisdn", f"+{name.address}", "RU") == name
    elif name.medium is Medium.EMAIL:
        assert read_threepid("email", name.address, "RU") == name


@given(
    st.from_regex(r"50[012][0-9]{7}", fullmatch=True),
    st.sampled_from(["+7", "7", "8", "+7 ", "8 ", "+7-", "8-", ""]),
    st.sampled_from([("", "", ""), (" ", "-", "-"), ("-", "-", "-"), (" ", " ", " "), (".", ".", ".")]),
    st.booleans(),
)  # fmt: skip
def test_fuzz_all_spellings_of_a_number_are_one(
    number: str, prefix: str, gaps: tuple[str, str, str], brackets: bool
) -> None:
    """Prefix, gaps and brackets do not make another person of a number."""
    area = f"({number[:3]})" if brackets else number[:3]
    a, b, c = gaps
    text = f"{prefix}{area}{a}{number[3:6]}{b}{number[6:8]}{c}{number[8:]}"
    assert read_name(text, SERVER, "RU") == LoginName(Medium.MSISDN, f"7{number}")
