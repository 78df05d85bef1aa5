"""Answers that are a no, as clients of MSC4195 read them. Pure."""

from __future__ import annotations

import enum
from typing import Any

from attrs import frozen


class Why(enum.Enum):
    """The values are stable: counted, tested."""

    NOT_JSON = "not_json"
    BAD_FIELD = "bad_field"
    TOO_LARGE = "too_large"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    LIMITED = "limited"
    DOWN = "down"


#: Status, Matrix' code, words for whoever reads a client's log. An unknown room and one that somebody is not in are the
#: same answer. 401, not 403, where a fresh OpenID token would help.
_ANSWERS = {
    Why.NOT_JSON: (400, "M_NOT_JSON", "the body is not a JSON object"),
    Why.BAD_FIELD: (400, "M_BAD_JSON", "a field is missing or not of the expected form"),
    Why.TOO_LARGE: (413, "M_TOO_LARGE", "the body is too large"),
    Why.UNAUTHORIZED: (401, "M_UNAUTHORIZED", "the OpenID token does not prove who is asking"),
    Why.FORBIDDEN: (403, "M_FORBIDDEN", "no call for you in this room"),
    Why.LIMITED: (429, "M_LIMIT_EXCEEDED", "too many requests"),
    Why.DOWN: (503, "M_UNKNOWN", "the homeserver does not answer; try again"),
}


@frozen
class Refused:
    """One no.

    Attributes:
        at: the field, for BAD_FIELD; its contents are never repeated.
        retry_after_s: for LIMITED.
    """

    why: Why
    at: str = ""
    retry_after_s: float = 0.0

    @property
    def status(self) -> int:
        return _ANSWERS[self.why][0]

    @property
    def body(self) -> dict[str, Any]:
        """Matrix' error object."""
        _, errcode, error = _ANSWERS[self.why]
        found: dict[str, Any] = {"errcode": errcode, "error": error}
        if self.at:
            found |= {"error": f"{self.at}: {error}", "field": self.at}
        if self.why is Why.LIMITED:
            found["retry_after_ms"] = int(self.retry_after_s * 1000) + 1
        return found
