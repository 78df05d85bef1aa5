"""How a host lets another school's host show a broadcast: a link, which only hosts see and which they send. Pure.

Nothing has to be remembered of it: the code in it is sealed with the key of passes. It opens nothing by itself; a node
must be that of a school in the list, too.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from attrs import field, frozen

from media.broadcast.fanout.schools import School, Schools
from media.broadcast.passes import LEAST_KEY

#: What else the key may seal cannot be taken for it.
_PURPOSE = b"sferum broadcast for another school 1\n"
#: Octets of a code: 128 bits.
_OCTETS = 16
#: Characters of a link.
MOST_CHARS = 512

_LINK = re.compile(r"(https?://[^/?#\s]{1,300})/share/([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_-]{22})")


@frozen
class Shared:
    """What a link is to. `broadcast`: its id there."""

    school: School
    broadcast: str
    code: str = field(repr=False)


def code_of(broadcast: str, key: bytes) -> str:
    """What opens it, beside a school's own key."""
    if len(key) < LEAST_KEY:
        raise ValueError(f"a key has {LEAST_KEY} octets at least")
    seal = hmac.new(key, _PURPOSE + broadcast.encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(seal[:_OCTETS]).rstrip(b"=").decode()


def is_code(code: str, broadcast: str, keys: Sequence[bytes]) -> bool:
    """All keys are tried, whichever fits: the time says nothing."""
    fits = [hmac.compare_digest(code_of(broadcast, key).encode(), code.encode()) for key in keys]
    return any(fits)


def link_of(url: str, broadcast: str, key: bytes) -> str:
    """`url`: of this calls server, without a slash at the end."""
    return f"{url}/share/{broadcast}/{code_of(broadcast, key)}"


def read_link(text: str, schools: Schools) -> Shared | None:
    """None: no link, or not of a school in the list."""
    if len(text) > MOST_CHARS:
        return None
    found = _LINK.fullmatch(text.strip())
    if found is None:
        return None
    school = next((one for one in schools.values() if one.url == found[1]), None)
    return None if school is None else Shared(school, found[2], found[3])
