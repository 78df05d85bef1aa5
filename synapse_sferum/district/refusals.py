"""Why a register is not believed. Pure."""

from __future__ import annotations

import enum


class RegisterRefusal(enum.Enum):
    """The value is stable: it is counted, shown by `sferum doctor` and tested."""

    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"  # also truncated, twice the same key, a number with a fraction
    TOO_DEEP = "too_deep"
    FORMAT = "format"  # another format, or another version of it
    MALFORMED = "malformed"  # a field is missing, or its contents are not what it holds
    OTHER_DISTRICT = "other_district"
    KEY_CHAIN = (
        "key_chain"  # the key we trust is not in it, or a key was not signed by the one before
    )
    SIGNATURE = "signature"
    NOT_YET = "not_yet"  # issued in the future
    EXPIRED = "expired"
    ROLLBACK = "rollback"  # an older serial than the one held
    TWO_FACES = "two_faces"  # the serial held, with other contents
    UNREACHABLE = "unreachable"  # no answer in time, or an answer that is no register


class BadRegister(Exception):
    """A register that is not believed.

    Attributes:
        reason: why.
        where: the field, such as `schools[3].server_name`; "" when it is about the whole.
    """

    def __init__(self, reason: RegisterRefusal, where: str = "") -> None:
        super().__init__(f"{reason.value} {where}".strip())
        self.reason, self.where = reason, where
