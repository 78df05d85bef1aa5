"""Which phone or e-mail a newcomer typed, and whether a code may be sent there. Pure.

The values are provisioning's `Phone` and `Email`: a number in a school's list and the same number
typed by a parent must be one value. What is added here costs money or privacy: which numbers get an
SMS, under which name a contact is looked up, and how much of it a page may show.
"""

from __future__ import annotations

import enum

import phonenumbers
from attrs import frozen
from phonenumbers import PhoneNumberType

from provisioning.contact import Email, Phone

__all__ = [
    "Contact",
    "ContactRefusal",
    "Email",
    "Medium",
    "Phone",
    "PhoneRule",
    "medium_of",
    "parse_email",
    "parse_phone",
    "prefix_of",
    "shown",
    "shown_unbroken",
    "subject",
]

Contact = Phone | Email

#: libphonenumber cannot tell the two apart in some countries (USA), so the second counts as mobile.
MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


class Medium(enum.Enum):
    """Matrix' words for kinds of third-party identifiers (CS API, `medium`)."""

    MSISDN = "msisdn"
    EMAIL = "email"


class ContactRefusal(enum.Enum):
    """Why no code goes to what was typed. The values are stable: logged, counted, tested."""

    NOT_A_PHONE = "not_a_phone"
    NOT_AN_EMAIL = "not_an_email"
    REGION = "region"
    NOT_MOBILE = "not_mobile"


@frozen(kw_only=True)
class PhoneRule:
    """Numbers that get an SMS. Toll fraud lives on foreign and premium ranges (onboarding.md §6)."""

    regions: frozenset[str] = frozenset({"RU"})  # ISO 3166-1
    mobile_only: bool = True
    #: Beginnings such as `+7500` that are taken besides: numbers that nobody has, where codes go to the screen.
    also: frozenset[str] = frozenset()

    def __attrs_post_init__(self) -> None:
        unknown = self.regions - phonenumbers.SUPPORTED_REGIONS
        if unknown or not self.regions:
            raise ValueError(f"regions: not a country code: {', '.join(sorted(unknown)) or 'none'}")

    def refusal(self, phone: Phone) -> ContactRefusal | None:
        """Why no SMS goes to `phone`; None: one may.

        Kazakhstan shares +7 with Russia and is told apart by the range. An unassigned range belongs to
        no country and is refused: those are what fraudsters rent.
        """
        if phone.e164.startswith(tuple(self.also)):
            return None
        number = phonenumbers.parse(phone.e164)
        if phonenumbers.region_code_for_number(number) not in self.regions:
            return ContactRefusal.REGION
        if self.mobile_only and phonenumbers.number_type(number) not in MOBILE:
            return ContactRefusal.NOT_MOBILE
        return None


def parse_phone(text: str, rule: PhoneRule) -> Phone | ContactRefusal:
    """The number as people type it, if it may get an SMS."""
    try:
        phone = Phone.parse(text)
    except ValueError:
        return ContactRefusal.NOT_A_PHONE
    return rule.refusal(phone) or phone


def parse_email(text: str) -> Email | ContactRefusal:
    """An address in the one form that SMTP can carry: a Cyrillic domain becomes `xn--…` (RFC 5890)."""
    try:
        email = Email.parse(text)
        local, _, domain = email.address.rpartition("@")
        return Email.parse(f"{local}@{domain.encode('idna').decode('ascii')}")
    except ValueError:  # UnicodeError, which the codec raises, is one too
        return ContactRefusal.NOT_AN_EMAIL


def medium_of(contact: Contact) -> Medium:
    return Medium.MSISDN if isinstance(contact, Phone) else Medium.EMAIL


def subject(contact: Contact) -> str:
    """The name a contact is looked up by, before it is hashed: `msisdn:7916…`, `email:anna@…`.

    E.164 without the plus and case-folded addresses, as Synapse keeps them (onboarding.md §2). Never
    to be stored or printed as it is.
    """
    if isinstance(contact, Phone):
        return f"msisdn:{contact.e164.removeprefix('+')}"
    return f"email:{contact.address.casefold()}"


def prefix_of(phone: Phone) -> str:
    """Country code and the next three digits (in Russia the DEF code of an operator's region).

    Not personal: a million people share it.
    """
    number = phonenumbers.parse(phone.e164)
    return f"{number.country_code}{str(number.national_number)[:3]}"


#: A masked number is one word to the eye: no line breaks inside it.
NO_BREAK_SPACE = "\u00a0"


def shown_unbroken(contact: Contact) -> str:
    """`shown` for a page."""
    return shown(contact).replace(" ", NO_BREAK_SPACE)


def shown(contact: Contact) -> str:
    """What a page may show of a contact that the reader has proved or typed: `+7 ••• ••67`, `a•••@e•••`.

    Enough to tell one's own two numbers apart, not enough to write to somebody else's.
    """
    if isinstance(contact, Phone):
        country = phonenumbers.parse(contact.e164).country_code
        return f"+{country} ••• ••{contact.e164[-2:]}"
    local, _, domain = contact.address.rpartition("@")
    return f"{local[:1]}•••@{domain[:1]}•••"
