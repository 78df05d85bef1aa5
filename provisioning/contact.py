"""Phones and e-mails that do not leak. Pure.

Contacts stay in memory, for onboarding to match a newcomer with the school's list. They are not
on the wire (`docs/contracts.md` §1) and not in any log or message.
"""

from __future__ import annotations

import re

import phonenumbers
from attrs import field, frozen

E164 = re.compile(r"\+[1-9]\d{6,14}")
REGION = "RU"  # how a number without a country code is read
MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3 with the erratum on RFC 3696
LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
DOMAIN = re.compile(r"(?:[\w](?:[\w-]{0,61}[\w])?\.)+[^\W\d_](?:[\w-]{0,61}[\w])", re.UNICODE)
PHONE_CHARACTERS = re.compile(r"[\d\s()+.\-‐‑–—−]+")


@frozen(order=True)
class Phone:
    """An E.164 number (ITU-T). Prints masked; `.e164` is the only way to the digits."""

    e164: str = field(repr=False)

    def __attrs_post_init__(self) -> None:
        if not E164.fullmatch(self.e164):
            # Not attrs' matches_re: its message would quote the number.
            raise ValueError("not an E.164 phone number: want + and 7 to 15 digits")

    def __str__(self) -> str:
        return f"+…{self.e164[-2:]}"

    @classmethod
    def parse(cls, text: str) -> Phone:
        """A phone as people type it: `8-502-100-00-20`, `75021000013`, `+7 (502) …` → E.164.

        Possible numbers are accepted, not only assigned ones (libphonenumber's words): number
        ranges are assigned faster than the library is updated.

        Raises:
            ValueError: not a phone number; the message does not quote it.
        """
        stripped = text.strip()
        if not PHONE_CHARACTERS.fullmatch(stripped):
            raise ValueError("holds signs that no phone number has")
        digits = re.sub(r"\D", "", stripped)
        if not stripped.startswith("+") and len(digits) == 11 and digits[0] in "78":
            stripped = "+7" + digits[1:]  # libphonenumber would look for an area "75…" or "8…"
        try:
            number = phonenumbers.parse(stripped, REGION)
        except phonenumbers.NumberParseException as error:
            # Without the cause: its message may hold the number.
            raise ValueError(f"not a phone number: {error.error_type}") from None
        if not phonenumbers.is_possible_number(number):
            raise ValueError("too short or too long for its country")
        return cls(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@frozen(order=True)
class Email:
    """An e-mail address, domain in lower case. Prints masked."""

    address: str = field(repr=False)

    def __str__(self) -> str:
        return "…@…"

    @classmethod
    def parse(cls, text: str) -> Email:
        """Syntax only (RFC 5321 dot-atom, no quoted local parts); domains in Cyrillic allowed.

        Raises:
            ValueError: not an e-mail address; the message does not quote it.
        """
        stripped = text.strip()
        local, at, domain = stripped.rpartition("@")
        dots = local.startswith(".") or local.endswith(".") or ".." in local
        if not at or dots or len(stripped) > MAX_EMAIL or not LOCAL_PART.fullmatch(local):
            raise ValueError("not an e-mail address")
        if not DOMAIN.fullmatch(domain):
            raise ValueError("not an e-mail address: the part after @")
        return cls(f"{local}@{domain.lower()}")
