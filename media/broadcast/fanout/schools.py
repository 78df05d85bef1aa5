"""Which schools there are besides ours: a file of the settings, until there is a register of the district. Pure.

- name: other.example                 # of their homeserver
  url: https://rtc.other.example      # of their calls server
  key: hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo   # what `python -m media.broadcast.fanout` printed there

A school that is taken out of the file is shown nothing any more within half a minute, without a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from attrs import field, frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from media.broadcast.fanout.asking import NODE, public_key
from serving.settings import BadConfig, of, only_known, parse, url_of

#: Schools of a district: Moscow's largest has 160.
MOST = 1_000
_EXAMPLE = "https://rtc.other.example"


@frozen
class School:
    """Attributes:
    name: of their homeserver.
    url: of their calls server, without a slash at the end.
    """

    name: str
    url: str
    key: Ed25519PublicKey = field(repr=False, eq=False)


Schools = Mapping[str, School]
"""By the name of their homeserver."""


def schools_of(text: str) -> dict[str, School]:
    """What the file says.

    Raises:
        BadConfig: names the entry and what is wanted.
    """
    try:
        raw = parse(text)
    except (ValueError, yaml.YAMLError):
        raise BadConfig("schools: no YAML") from None
    entries = of(list, "schools", raw or [])
    if len(entries) > MOST:
        raise BadConfig(f"schools: {MOST} at most")
    found: dict[str, School] = {}
    for number, entry in enumerate(entries, 1):
        one = _school(f"schools, entry {number}", entry)
        if one.name in found:
            raise BadConfig(f"schools, entry {number}: {one.name} is there already")
        found[one.name] = one
    return found


def _school(where: str, entry: Any) -> School:
    only_known(of(dict, where, entry), ("name", "url", "key"))
    for field_ in ("name", "url", "key"):
        of(str, f"{where}: {field_}", entry.get(field_))
    if NODE.fullmatch(entry["name"]) is None:
        raise BadConfig(f"{where}: name: want a homeserver's name such as other.example")
    try:
        key = public_key(entry["key"])
    except ValueError as error:
        raise BadConfig(f"{where}: key: {error}") from None
    return School(entry["name"], url_of(f"{where}: url", entry["url"], _EXAMPLE), key)
