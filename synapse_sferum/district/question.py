"""A question of the district's operator, how this school stands, and whether it is the operator's (ADR 33). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from synapse_sferum.district.canonical import parse_bounded
from synapse_sferum.district.refusals import BadRegister, RegisterRefusal
from synapse_sferum.district.register import operator_keys
from synapse_sferum.district.signed import check_chain, check_signature

FORMAT = "sferum.district_question.v1"
#: Bytes. Thirty-two keys, each named by the one before, take some 6,000.
LARGEST_QUESTION = 16_384
#: Seconds the operator's clock and the school's may differ; a question of before is not answered again for longer.
AWAY_S = 600

_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


@frozen(kw_only=True)
class Question:
    """One question, of the operator to this school.

    Attributes:
        nonce: the answer carries it, so that no answer of before passes for one of now.
        asked_s: the operator's clock, seconds since 1970.
    """

    nonce: str
    asked_s: int

    def is_of_now(self, now_s: int) -> bool:
        """Whether it was asked just now."""
        return abs(now_s - self.asked_s) <= AWAY_S


@frozen(kw_only=True)
class Claim:
    """A question to this school, signed by the last of the keys that it names itself: anybody can make one."""

    question: Question
    document: Mapping[str, Any] = field(repr=False)
    district: str
    keys: tuple[bytes, ...]

    def by_operator(self, anchor: bytes) -> Question:
        """The question, if the key trusted leads to the one that signed.

        Args:
            anchor: of the register held, else of homeserver.yaml; 32 octets.

        Raises:
            BadRegister: KEY_CHAIN or MALFORMED.
        """
        check_chain(self.document, self.district, self.keys, anchor)
        return self.question


def read_claim(data: bytes, *, district: str, server_name: str) -> Claim:
    """The question in `data`, if it is one of `district` to `server_name` and its signature fits the key it names.

    What costs least is looked at first, and no table: anybody may send anything.

    Raises:
        BadRegister: for the reasons that a register has.
    """
    document = parse_bounded(data)
    if document.get("format") != FORMAT or "unsigned" in document:
        raise BadRegister(RegisterRefusal.FORMAT, "format")
    if document.get("district") != district:
        raise BadRegister(RegisterRefusal.OTHER_DISTRICT)
    if document.get("server_name") != server_name:
        raise BadRegister(RegisterRefusal.MALFORMED, "server_name")
    question = Question(nonce=_nonce(document), asked_s=_asked(document))
    keys = operator_keys(document)
    check_signature(document, district, keys)
    return Claim(question=question, document=document, district=district, keys=keys)


def _nonce(document: Mapping[str, Any]) -> str:
    found = document.get("nonce")
    if not isinstance(found, str) or not _NONCE.fullmatch(found):
        raise BadRegister(RegisterRefusal.MALFORMED, "nonce")
    return found


def _asked(document: Mapping[str, Any]) -> int:
    found = document.get("asked")
    if isinstance(found, bool) or not isinstance(found, int):
        raise BadRegister(RegisterRefusal.MALFORMED, "asked")
    return found
