"""Where a school finds its district's register, and whom it believes. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from attrs import frozen

from synapse_sferum.district.refusals import BadRegister
from synapse_sferum.district.register import octets

_KEY = re.compile(r"ed25519:([A-Za-z0-9+/]{43})")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@frozen(kw_only=True)
class DistrictSettings:
    """The four options `district…` of homeserver.yaml, checked.

    Attributes:
        district: its name, as in the register.
        url: where the register is; https, or http on this machine.
        key: an operator's public key, 32 octets.
        cache_path: file that keeps the last register believed.
    """

    district: str
    url: str
    key: bytes
    cache_path: str


def district_settings(
    district: str, url: str, key: str, cache_path: str
) -> DistrictSettings | None:
    """Settings of a school that is of a district; None: of none, all four are "".

    Raises:
        ValueError: only some are set, or one is of another form; names it.
    """
    given = {
        "district": district,
        "district_url": url,
        "district_key": key,
        "district_cache_path": cache_path,
    }
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return None
    if missing:
        raise ValueError(f"'{missing[0]}' is missing; set all of {', '.join(given)}, or none")
    found = _KEY.fullmatch(key)
    try:
        public = octets(found[1], 32, "district_key") if found else b""
    except BadRegister:
        public = b""
    if not public:
        raise ValueError(
            "'district_key' must be ed25519: and 43 characters, from `sferum district`"
        )
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("'district_url' must begin with https://")
    if not parts.hostname or parts.username or parts.password:
        raise ValueError("'district_url' must be an address without a user name or a password")
    return DistrictSettings(district=district, url=url, key=public, cache_path=cache_path)
