"""Passes: who may watch a broadcast, written into the address `/live/<pass>/<broadcast>/…`. Pure; bounded.

Widgets in frames cannot rely on cookies and CDNs drop them (broadcast.md §8). `now` is in seconds since 1970. A pass
names the account, so it is not for logs: edges keep no addresses.
"""

from __future__ import annotations

import binascii
import enum
import hashlib
import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeVar

from attrs import define, field, frozen

K = TypeVar("K")

#: Seconds; the page fetches another one before that. A school evening fits in.
LIVES_S = 4 * 3600
#: Seconds that the clocks of two machines may differ.
LEEWAY_S = 60
#: Octets of HMAC-SHA256's answer.
_SEAL = 32
#: Kind, issued at, expires at, length of the broadcast's name.
_HEAD = struct.Struct(">BIIB")
#: Octets of a Matrix id at most; of the longest name of a broadcast.
MOST_ACCOUNT, MOST_BROADCAST = 255, 64
#: Characters of the longest pass.
MOST_CHARS = -(-(_HEAD.size + MOST_BROADCAST + MOST_ACCOUNT + _SEAL) * 4 // 3)
#: What else the key may seal cannot be taken for a pass.
_PURPOSE = b"sferum broadcast pass 1\n"
#: Octets of a key at least: HMAC-SHA256's own size.
LEAST_KEY = 32

_BROADCAST = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LATEST = 2**32 - 1


class Kind(enum.Enum):
    """What the bearer is; the value is written into the pass."""

    VIEWER = 1
    HOST = 2
    NODE = 3  # another school's media node, which serves its own people (R47)


class NoPass(enum.Enum):
    """Why a pass opens nothing. The values are stable: counted, tested."""

    ABSENT = "absent"
    BAD = "bad"
    OTHER_BROADCAST = "other_broadcast"
    REVOKED = "revoked"
    EXPIRED = "expired"

    @property
    def status(self) -> int:
        """HTTP's."""
        return _STATUS[self]


_STATUS = {
    NoPass.ABSENT: 401,
    NoPass.BAD: 403,
    NoPass.OTHER_BROADCAST: 403,
    NoPass.REVOKED: 403,
    NoPass.EXPIRED: 410,
}


def is_broadcast(text: str) -> bool:
    """Whether a broadcast may be called so: it is a folder of addresses and of the disk."""
    return _BROADCAST.fullmatch(text) is not None


def _second(_: object, attribute: object, value: int) -> None:
    if not 0 <= value <= _LATEST:
        raise ValueError("a time of a pass is seconds since 1970, until 2106")


@frozen
class Pass:
    """Attributes:
    account: a Matrix id; of a node, its server's name.
    """

    broadcast: str
    account: str = field(repr=False)
    kind: Kind
    issued_at: int = field(validator=_second)
    expires_at: int = field(validator=_second)

    def __attrs_post_init__(self) -> None:
        if _BROADCAST.fullmatch(self.broadcast) is None:
            raise ValueError("a broadcast's name is 1 to 64 of A-Z, a-z, 0-9, _ and -")
        if not 1 <= len(self.account.encode()) <= MOST_ACCOUNT:
            raise ValueError(f"an account's name has 1 to {MOST_ACCOUNT} octets")


def issue(
    broadcast: str,
    account: str,
    kind: Kind,
    keys: Sequence[bytes],
    now: float,
    lives_s: int = LIVES_S,
) -> str:
    """A pass sealed with the first key."""
    return write(Pass(broadcast, account, kind, int(now), int(now) + lives_s), keys[0])


def write(given: Pass, key: bytes) -> str:
    """As it stands in an address."""
    name = given.broadcast.encode()
    head = _HEAD.pack(given.kind.value, given.issued_at, given.expires_at, len(name))
    body = head + name + given.account.encode()
    return urlsafe_b64encode(body + _seal(body, key)).rstrip(b"=").decode()


def check(
    text: str, broadcast: str, keys: Sequence[bytes], now: float, revoked: Revoked | None = None
) -> Pass | NoPass:
    """Whose pass it is, if it opens this broadcast now.

    Nothing that it says is believed, or answered differently, before one of the keys has sealed it.
    """
    if not text:
        return NoPass.ABSENT
    found = _read(text, keys)
    if found is None:
        return NoPass.BAD
    if found.broadcast != broadcast:
        return NoPass.OTHER_BROADCAST
    if found.issued_at > now + LEEWAY_S:
        return NoPass.BAD
    if not now < found.expires_at:
        return NoPass.EXPIRED
    if revoked is not None and revoked.has(found):
        return NoPass.REVOKED
    return found


def _read(text: str, keys: Sequence[bytes]) -> Pass | None:
    if len(text) > MOST_CHARS or not text.isascii():
        return None
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    # One spelling for each pass: the auth cache of an edge counts by spelling.
    if len(sealed) < _HEAD.size + _SEAL or urlsafe_b64encode(sealed).rstrip(b"=") != text.encode():
        return None
    body, seal = sealed[:-_SEAL], sealed[-_SEAL:]
    # All keys are tried, whichever fits: the time says nothing.
    fits = [hmac.compare_digest(_seal(body, key), seal) for key in keys]
    if not any(fits):
        return None
    try:
        kind, issued_at, expires_at, length = _HEAD.unpack_from(body)
        names = body[_HEAD.size :]
        return Pass(
            names[:length].decode(), names[length:].decode(), Kind(kind), issued_at, expires_at
        )
    except ValueError:  # sealed by a newer version of ours
        return None


def _seal(body: bytes, key: bytes) -> bytes:
    if len(key) < LEAST_KEY:
        raise ValueError(f"a key has {LEAST_KEY} octets at least")
    return hmac.new(key, _PURPOSE + body, hashlib.sha256).digest()


@define
class Revoked:
    """Passes that hold no longer: what an account, or everybody, was given until some moment.

    A pass that is issued later holds: whoever may watch again asks again. Where too many are remembered, the oldest
    ones become a moment for everybody of that broadcast, and in the end of all: pages fetch a fresh pass by themselves.

    Attributes:
        most: accounts that are remembered, and broadcasts.
        lives_s: no pass lives longer; what is older is forgotten.
    """

    most: int = 20_000
    most_broadcasts: int = 1_000
    lives_s: int = LIVES_S
    _accounts: OrderedDict[tuple[str, str], int] = field(
        factory=OrderedDict, init=False, repr=False
    )
    _broadcasts: OrderedDict[str, int] = field(factory=OrderedDict, init=False)
    _everything: int = field(default=-1, init=False)

    def __len__(self) -> int:
        return len(self._accounts) + len(self._broadcasts)

    def account(self, broadcast: str, account: str, now: float) -> None:
        """What this account was given for this broadcast until now."""
        self._forget(now)
        _put(self._accounts, (broadcast, account), int(now))
        while len(self._accounts) > self.most:
            (older, _), at = self._accounts.popitem(last=False)
            self._whole(older, at)

    def broadcast(self, broadcast: str, now: float) -> None:
        """What anybody was given for this broadcast until now."""
        self._forget(now)
        self._whole(broadcast, int(now))

    def has(self, given: Pass) -> bool:
        """Whether this pass was revoked."""
        moments = (
            self._everything,
            self._broadcasts.get(given.broadcast, -1),
            self._accounts.get((given.broadcast, given.account), -1),
        )
        return given.issued_at <= max(moments)

    def _whole(self, broadcast: str, at: int) -> None:
        _put(self._broadcasts, broadcast, at)
        while len(self._broadcasts) > self.most_broadcasts:
            _, older = self._broadcasts.popitem(last=False)
            self._everything = max(self._everything, older)

    def _forget(self, now: float) -> None:
        too_old = now - self.lives_s - LEEWAY_S
        _drop(self._accounts, too_old)
        _drop(self._broadcasts, too_old)


def _put(some: OrderedDict[K, int], key: K, at: int) -> None:
    """The newest last."""
    some[key] = max(at, some.pop(key, -1))


def _drop(some: OrderedDict[K, int], before: float) -> None:
    while some and next(iter(some.values())) < before:
        some.popitem(last=False)
