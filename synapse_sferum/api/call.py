"""One request to our API, checked as it is read: who asks, for which school, with what in the body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from attrs import frozen
from synapse.module_api.errors import Codes, SynapseError

from synapse_sferum.account import Account
from synapse_sferum.directory import Actor
from synapse_sferum.edits import not_found

#: Bytes of a body. A roster of 50,000 people fits in the first.
LARGE_BODY = 12 * 1024 * 1024
SMALL_BODY = 64 * 1024
#: Rows of one page.
PAGE = 100
MOST_ROWS = 1000


class BadField(SynapseError):
    """400 with the field's name and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(
            HTTPStatus.BAD_REQUEST,
            f"{field}: {message}",
            Codes.INVALID_PARAM,
            additional_fields={"field": field},
        )


@frozen(kw_only=True)
class Call:
    """A request that has passed authentication.

    Attributes:
        account: who asks, None for the bridge's service token.
        on_behalf_of: the person for whom the bridge asks (`X-Sferum-Actor`), "" for nobody; only for the log.
        params: the parts of the path.
        query: the first value of each query argument.
        body: the JSON object, {} when the method has none.
    """

    account: Account | None
    on_behalf_of: str = ""
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def is_service(self) -> bool:
        """Whether the bridge asks."""
        return self.account is None

    @property
    def is_leader(self) -> bool:
        """Whether a director, a deputy or the bridge asks."""
        return self.account is None or self.account.is_leader

    @property
    def actor(self) -> Actor:
        """For rights and for the log."""
        if self.account is None:
            return Actor(self.on_behalf_of or "service", None)
        return Actor(self.account.user_id, self.account.roles)

    @property
    def org_id(self) -> str:
        """The school of the path."""
        return self.params["org_id"]

    def text(self, field: str, *, default: str | None = None, longest: int = 300) -> str:
        """A text field of the body.

        Raises:
            BadField: missing without a default, not text, or too long.
        """
        value = self.body.get(field, default)
        if not isinstance(value, str):
            raise BadField(field, "must be text")
        if len(value) > longest:
            raise BadField(field, f"must be at most {longest} characters, has {len(value)}")
        if unwritable(value):
            raise BadField(field, "holds a character that cannot be stored")
        return value

    def flag(self, field: str, *, default: bool | None = None) -> bool:
        """A true/false field of the body."""
        value = self.body.get(field, default)
        if not isinstance(value, bool):
            raise BadField(field, "must be true or false")
        return value

    def texts(self, field: str, *, most: int = 100) -> list[str]:
        """A list of text of the body."""
        value = self.body.get(field)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise BadField(field, "must be a list of text")
        if len(value) > most:
            raise BadField(field, f"must have at most {most} entries, has {len(value)}")
        if any(unwritable(v) for v in value):
            raise BadField(field, "holds a character that cannot be stored")
        return value

    def whole(self, field: str, *, default: int | None = None, most: int = 2**53 - 1) -> int:
        """A whole number of the body, 0 to `most`.

        Raises:
            BadField: missing without a default, no number, a fraction, or out of these bounds.
        """
        value = self.body.get(field, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise BadField(field, "must be a whole number that is not too large")
        return value

    def number(self, field: str, *, default: int, most: int) -> int:
        """A number of the query, 0 to `most`."""
        raw = self.query.get(field)
        if raw is None:
            return default
        if not raw.isascii() or not raw.isdigit() or len(raw) > 9 or int(raw) > most:
            raise BadField(field, f"must be a number from 0 to {most}")
        return int(raw)

    def only(self, *fields: str) -> None:
        """Refuse a body with any other field: a misspelt one must not be ignored in silence."""
        for field in self.body:
            if field not in fields:
                raise BadField(str(field)[:60], f"unknown field; known: {', '.join(fields)}")

    def require_leader(self) -> None:
        """Directors, deputies and the service only; to others the thing does not exist."""
        if not self.is_leader:
            raise not_found()


def unwritable(text: str) -> bool:
    """Whether PostgreSQL (NUL) or UTF-8 (half a surrogate pair, which JSON can write) would refuse the text."""
    return any(ch == "\0" or "\ud800" <= ch <= "\udfff" for ch in text)


def parse_body(raw: bytes, limit: int) -> Mapping[str, Any]:
    """A JSON object of at most `limit` bytes.

    Raises:
        SynapseError: 413 or 400, saying which.
    """
    if len(raw) > limit:
        raise SynapseError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body is over the limit of {limit} bytes",
            Codes.TOO_LARGE,
            additional_fields={"limit": limit},
        )
    if not raw:
        return {}
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise SynapseError(HTTPStatus.BAD_REQUEST, "the body is not JSON", Codes.NOT_JSON) from None
    if not isinstance(value, dict):
        raise SynapseError(HTTPStatus.BAD_REQUEST, "the body must be a JSON object", Codes.BAD_JSON)
    return value


def _refuse_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")
