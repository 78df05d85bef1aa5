"""How one school's node proves to another that it asks: Ed25519 over who, whom, what, when, and once. Pure.

A key pair for each node and not a secret for each pair of schools: a district of 30 has 30 keys then and not 435, a
school's public key may be mailed, and whoever gets hold of a node's file of peers can pretend to be nobody. The keys
stand in the settings until there is a register of the district.
"""

from __future__ import annotations

import binascii
import enum
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field, frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

#: What else the key may sign cannot be taken for this.
_PURPOSE = "sferum fan-out 1"
#: Seconds that the clocks of two schools may differ.
LEEWAY_S = 60
#: Octets of a question; the numbers that were used once, of all nodes together: more than LEEWAY_S lets through.
MOST_BYTES, MOST_ONCE = 2_048, 20_000

#: A Matrix server's name.
NODE = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")
_BROADCAST = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODE = re.compile(r"[A-Za-z0-9_-]{22}")  # as `sharing` has it
_ONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{86}")
_FIELDS = {"node": NODE, "to": NODE, "broadcast": _BROADCAST, "code": _CODE, "once": _ONCE}
_LATEST = 2**32


class No(enum.Enum):
    """Why a node gets no pass. The values are stable: answered, counted, tested."""

    MALFORMED = "malformed"  # 400
    STRANGER = "stranger"  # 403: no such school here, or another one has signed
    NOT_FOR_US = "not_for_us"  # 403: it was meant for another node
    STALE = "stale"  # 403: too old, from the future, or used before
    OTHER_CODE = (
        "other_code"  # 403: no host here has given that, whether or not there is such a broadcast
    )
    NOT_FOUND = "not_found"  # 404: it does not run now
    OFTEN = "often"  # 429

    @property
    def status(self) -> int:
        """HTTP's."""
        return _STATUS.get(self, 403)


_STATUS = {No.MALFORMED: 400, No.NOT_FOUND: 404, No.OFTEN: 429}


@frozen
class Question:
    """Attributes:
    node: the server's name of the school that asks.
    to: of the one that is asked.
    code: what a host there has given to a host here (`sharing`).
    at: seconds since 1970.
    once: by chance, never twice.
    """

    node: str
    to: str
    broadcast: str
    code: str = field(repr=False)
    at: int
    once: str
    signature: bytes = field(default=b"", repr=False)

    def signed(self, key: Ed25519PrivateKey) -> Question:
        return evolve(self, signature=key.sign(self._text()))

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        try:
            key.verify(self.signature, self._text())
        except InvalidSignature:
            return False
        return True

    def as_json(self) -> dict[str, Any]:
        return {
            "node": self.node,
            "to": self.to,
            "broadcast": self.broadcast,
            "code": self.code,
            "at": self.at,
            "once": self.once,
            "signature": urlsafe_b64encode(self.signature).rstrip(b"=").decode(),
        }

    def _text(self) -> bytes:
        # No field can hold a line's end.
        names = (self.node, self.to, self.broadcast, self.code)
        lines = (_PURPOSE, *names, str(self.at), self.once)
        return "\n".join(lines).encode()


def read_question(given: Any) -> Question | No:
    """What a body of JSON asks; nothing of it is believed yet."""
    if not isinstance(given, dict):
        return No.MALFORMED
    texts = {}
    for name, form in _FIELDS.items():
        value = given.get(name)
        if not isinstance(value, str) or form.fullmatch(value) is None:
            return No.MALFORMED
        texts[name] = value
    at, signature = given.get("at"), given.get("signature")
    if type(at) is not int or not 0 <= at < _LATEST:
        return No.MALFORMED
    if not isinstance(signature, str) or _SIGNATURE.fullmatch(signature) is None:
        return No.MALFORMED
    return Question(**texts, at=at, signature=urlsafe_b64decode(signature + "=="))


def public_key(text: str) -> Ed25519PublicKey:
    """As it stands in settings: 43 characters of base64.

    Raises:
        ValueError: it is something else.
    """
    try:
        return Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(text + "="))
    except (binascii.Error, ValueError):
        raise ValueError("a school's key is 43 characters of A-Z, a-z, 0-9, _ and -") from None


def write_public(key: Ed25519PrivateKey) -> str:
    """For the settings of the other school."""
    return urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()


@define
class Judge:
    """Of one node, whose server's name is `name`. `key_of`: of a school in the list, as it is now."""

    name: str
    key_of: Callable[[str], Ed25519PublicKey | None]
    _used: OrderedDict[tuple[str, str], int] = field(factory=OrderedDict, init=False, repr=False)

    def judge(self, asked: Question, now: float) -> No | None:
        """Whether that school asks this now, and for the first time."""
        key = self.key_of(asked.node)
        if key is None or not asked.is_signed_by(key):
            return No.STRANGER
        if asked.to != self.name:
            return No.NOT_FOR_US
        self._forget(now)
        used = (asked.node, asked.once)
        if abs(now - asked.at) > LEEWAY_S or used in self._used or len(self._used) >= MOST_ONCE:
            return No.STALE
        self._used[used] = int(now)
        return None

    def _forget(self, now: float) -> None:
        """What is too old to be believed need not be remembered."""
        while self._used and next(iter(self._used.values())) < now - 2 * LEEWAY_S - 1:
            self._used.popitem(last=False)
