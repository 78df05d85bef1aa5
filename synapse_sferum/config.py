"""The module's section of homeserver.yaml, checked once, at start-up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import Attribute, field, fields, frozen
from attrs.validators import and_, deep_iterable, ge, gt, instance_of, le, matches_re
from phonenumbers import SUPPORTED_REGIONS

from synapse_sferum.district.settings import DistrictSettings, district_settings
from synapse_sferum.events import SERVICE_LOCALPART
from synapse_sferum.model import checked, is_list, is_number
from synapse_sferum.plan import TOGETHER_FROM


def is_region(_: object, attribute: Attribute[Any], value: object) -> None:
    """Validator: a region that has a numbering plan; the error names the field."""
    if value not in SUPPORTED_REGIONS:
        raise ValueError(f"'{attribute.name}' must be two capital letters of a country, such as RU")


#: Starts with a letter, so that it is no phone; not `u` and eight characters, which are people's (contracts.md §4).
_OWN_LOCALPART = re.compile(r"(?!u[a-z2-7]{8}$)[a-z][a-z0-9._=-]{0,59}")


def is_own_localpart(_: object, attribute: Attribute[Any], value: str) -> None:
    """Validator: "" or the localpart of an account that is nobody's at school; the error names the field."""
    if value and (value == SERVICE_LOCALPART or not _OWN_LOCALPART.fullmatch(value)):
        raise ValueError(
            f"'{attribute.name}' must be the part of a user id before the colon, such as sferum-bot,"
            " and no person's"
        )


def is_address(_: object, attribute: Attribute[Any], value: str) -> None:
    """Validator: "" or where pages are; the error names the field."""
    if value and not re.fullmatch(r"https?://[^\s/?#<>\"]+(/[^\s?#<>\"]*[^\s/?#<>\"])?", value):
        raise ValueError(
            f"'{attribute.name}' must be an address such as https://school.example,"
            " without a slash at the end"
        )


@frozen(kw_only=True)
class Config:
    """Same names and same order as in homeserver.yaml.example."""

    #: File with the bridge's service token: one line of at least 32 characters, readable by Synapse only.
    service_token_path: str = field(validator=instance_of(str))
    #: Membership changes a second while rooms are being filled (1..1000).
    apply_rate: float = field(default=40.0, validator=[is_number, gt(0.0), le(1000.0)])
    #: From so many newcomers on, a room takes them in together: one event each; fewer are invited, two each
    #: (2..1000000).
    together_from: int = field(
        default=TOGETHER_FROM, validator=[is_number, instance_of(int), ge(2), le(1_000_000)]
    )
    #: Tries of one job before it becomes a dead letter (1..20).
    job_tries: int = field(default=6, validator=[is_number, instance_of(int), ge(1), le(20)])
    #: Seconds between two looks for new work (0.05..60).
    poll_interval_s: float = field(default=0.5, validator=[is_number, ge(0.05), le(60.0)])
    #: Members of a room that people make themselves (2..500).
    group_limit: int = field(default=100, validator=[is_number, instance_of(int), ge(2), le(500)])
    #: Accounts of the machine's operator that belong to no school and may still sign in.
    operator_users: tuple[str, ...] = field(
        default=(),
        validator=deep_iterable(and_(instance_of(str), matches_re(r"@[^:\s]+:\S+")), is_list),
    )
    #: Push gateways that clients may use (full URL); empty means none.
    push_gateways: tuple[str, ...] = field(
        default=("https://matrix.org/_matrix/push/v1/notify",),
        validator=deep_iterable(and_(instance_of(str), matches_re(r"https?://\S+")), is_list),
    )

    #: Whose phone numbers are meant when somebody signs in without a country code (ISO 3166: RU, KZ, BY, …).
    phone_region: str = field(default="RU", validator=[instance_of(str), is_region])

    #: Where the onboarding pages are (`public_url` of bridge.yaml), for links in messages; "" means no links.
    pages_url: str = field(default="", validator=[instance_of(str), is_address])

    #: The server administrator that the bridge's application service speaks for (a localpart); "" means none.
    bridge_user: str = field(default="", validator=[instance_of(str), is_own_localpart])
    #: The bot in every school's administration room (a localpart); "" means none.
    staff_bot: str = field(default="", validator=[instance_of(str), is_own_localpart])

    @staff_bot.validator
    def _is_another(self, attribute: Attribute[Any], value: str) -> None:
        """A bot that were a server administrator could do everything to everybody."""
        if value and value == self.bridge_user:
            raise ValueError(f"'{attribute.name}' must be another account than 'bridge_user'")

    #: The district this school is of, as its register spells it; "" means none, and no other server is let in.
    district: str = field(default="", validator=instance_of(str))
    #: Where the register is (https).
    district_url: str = field(default="", validator=instance_of(str))
    #: The operator's public key, as `sferum district init` printed it.
    district_key: str = field(default="", validator=instance_of(str))
    #: File that keeps the last register; Synapse writes it and its folder.
    district_cache_path: str = field(default="", validator=instance_of(str))

    @district_cache_path.validator
    def _is_whole(self, attribute: Attribute[Any], value: str) -> None:
        """All four options of the district, or none of them."""
        district_settings(self.district, self.district_url, self.district_key, value)

    #: Most seconds between two questions to the district (5..480); with the answer's two minutes R4's ten.
    district_interval_s: float = field(default=450.0, validator=[is_number, ge(5.0), le(480.0)])

    @property
    def of_district(self) -> DistrictSettings | None:
        """Where the register is and whose; None: this school is of no district."""
        return district_settings(
            self.district, self.district_url, self.district_key, self.district_cache_path
        )

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Config:
        """Check the section.

        Raises:
            ValueError: an option is unknown, missing or out of range; the message names it.
        """
        known = [attribute.name for attribute in fields(cls)]
        for key in raw:
            if key not in known:
                raise ValueError(f"unknown option {key!r}; known options: {', '.join(known)}")
        if "service_token_path" not in raw:
            raise ValueError("option 'service_token_path' is missing")
        return checked(cls, raw)
