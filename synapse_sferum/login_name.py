"""Who is meant by what a person typed into "user name": a phone, an e-mail or an id. Pure.

Every client sends something else for the same person (reference/onboarding.md §1, §4). All of it becomes one of three
things here, so that there is one lookup and one count of failed attempts per person, however the name is spelled.
"""

from __future__ import annotations

import enum
import re
import unicodedata

import phonenumbers
from attrs import field, frozen

#: Longest text looked at. An e-mail has at most 254 characters (RFC 5321), a user id 255.
LONGEST = 320
#: Country code of Russia and Kazakhstan, where people dial 8 in front of their own numbers.
_DIALS_8 = 7
_PHONE_SIGNS = re.compile(r"(?:tel:)?\+?[\d\s().\-‐‑–—−/]+", re.IGNORECASE)  # dashes of phone books


class Medium(enum.Enum):
    """What kind of name it is. The first two are Matrix's words for a threepid."""

    MSISDN = "msisdn"
    EMAIL = "email"
    USER = "user"


@frozen
class LoginName:
    """A name in its one form: `79…` without a plus, an e-mail in lower case, a full user id.

    Prints without the address: it is somebody's phone or e-mail.
    """

    medium: Medium
    address: str = field(repr=False)


def read_name(text: object, server_name: str, region: str) -> LoginName | None:
    """The text of an `m.id.user`: a phone in any spelling, an e-mail, a localpart or a full id, in any case.

    Some clients insist on a full id, so `@8916…:server` is a phone too (Nheko). None when it can be nobody here: empty,
    too long, another server's.

    Args:
        region: whose numbers are meant when there is no country code, such as `RU`.
    """
    name = _readable(text)
    if name is None:
        return None
    inner = name.removeprefix("@")
    local, colon, server = inner.partition(":")
    if inner != name or server.lower() == server_name.lower():
        if colon and server.lower() != server_name.lower():
            return None
        inner = local
    if not inner:
        return None
    phone = read_phone(inner, region)
    if phone is not None:
        return LoginName(Medium.MSISDN, phone)
    email = read_email(inner)
    if email is not None:
        return LoginName(Medium.EMAIL, email)
    return LoginName(Medium.USER, f"@{inner.lower()}:{server_name}")


def read_threepid(medium: object, address: object, region: str) -> LoginName | None:
    """The same for an `m.id.thirdparty`, whose address may be as raw as any other text (FluffyChat)."""
    text = _readable(address)
    if text is None:
        return None
    if medium == Medium.MSISDN.value:
        phone = read_phone(text, region)
        return None if phone is None else LoginName(Medium.MSISDN, phone)
    if medium == Medium.EMAIL.value:
        email = read_email(text)
        return None if email is None else LoginName(Medium.EMAIL, email)
    return None


def read_phone(text: str, region: str) -> str | None:
    """Digits of the international number without the plus, as Synapse keeps a msisdn; None when it is no phone.

    Possible numbers are enough: ranges are assigned faster than the library is updated. `8…` and `7…` with eleven
    digits are `+7…` where one dials 8: the library would look for an area "75…".
    """
    plain = "".join(_plain_digit(character) for character in unicodedata.normalize("NFKC", text))
    plain = plain.strip()
    if not _PHONE_SIGNS.fullmatch(plain):
        return None
    digits = re.sub(r"\D", "", plain)
    has_plus = "+" in plain
    dials_8 = phonenumbers.country_code_for_region(region) == _DIALS_8
    if not has_plus and dials_8 and len(digits) == 11 and digits[0] in "78":
        digits, has_plus = "7" + digits[1:], True
    try:
        number = phonenumbers.parse(f"+{digits}" if has_plus else digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


def read_email(text: str) -> str | None:
    """The form in which Synapse keeps an e-mail (`canonicalise_email`, MSC2265); None when it is none."""
    local, at, domain = text.strip().partition("@")
    if not at or not local or not domain or "@" in domain:
        return None
    return f"{local.casefold()}@{domain.lower()}"


def _plain_digit(character: str) -> str:
    return str(unicodedata.decimal(character)) if character.isdecimal() else character


def _readable(text: object) -> str | None:
    """Without spaces around it and the invisible signs that phone books put around numbers (U+202A, U+200B)."""
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    visible = "".join(sign for sign in text if unicodedata.category(sign) != "Cf").strip()
    if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in visible):
        return None  # databases take neither NUL nor half a surrogate pair
    return visible or None
