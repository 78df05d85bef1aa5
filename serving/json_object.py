"""JSON objects of others, read field by field: what is not of the expected kind is an error, never a guess. Pure."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from attrs import field, frozen

T = TypeVar("T")
E = TypeVar("E", bound=enum.Enum)


class BadJson(Exception):
    """Not of the shape that was agreed. Names the field and quotes no value: it may be a child's name."""


@frozen
class JsonObject:
    """One object. Fields that nobody asks for are ignored: the other side may be newer."""

    raw: Mapping[str, Any] = field(repr=False)

    def text(self, name: str) -> str:
        return self._of(str, name)

    def text_or_none(self, name: str) -> str | None:
        return None if self.raw.get(name) is None else self._of(str, name)

    def number(self, name: str) -> int:
        value = self._of(int, name)
        if isinstance(value, bool):
            raise BadJson(name)
        return value

    def number_or_none(self, name: str) -> int | None:
        return None if self.raw.get(name) is None else self.number(name)

    def flag(self, name: str) -> bool:
        return self._of(bool, name)

    def texts(self, name: str) -> list[str]:
        values = self._of(list, name)
        if not all(isinstance(value, str) for value in values):
            raise BadJson(name)
        return values

    def texts_or_none(self, name: str) -> list[str] | None:
        return None if self.raw.get(name) is None else self.texts(name)

    def numbers(self, name: str) -> list[int]:
        values = self._of(list, name)
        if not all(type(value) is int for value in values):
            raise BadJson(name)
        return values

    def word(self, name: str, kind: type[E]) -> E:
        """One of these words."""
        return _member(kind, self.text(name), name)

    def words(self, name: str, kind: type[E]) -> list[E]:
        return [_member(kind, word, name) for word in self.texts(name)]

    def day(self, name: str) -> date:
        return _date(self.text(name), name)

    def day_or_none(self, name: str) -> date | None:
        return None if self.raw.get(name) is None else self.day(name)

    def days(self, name: str) -> list[date]:
        return [_date(text, name) for text in self.texts(name)]

    def instant(self, name: str) -> datetime:
        """Milliseconds since 1970."""
        try:
            return datetime.fromtimestamp(self.number(name) / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            raise BadJson(name) from None

    def instant_or_none(self, name: str) -> datetime | None:
        return None if self.raw.get(name) is None else self.instant(name)

    def object(self, name: str) -> JsonObject:
        return JsonObject(self._of(dict, name))

    def objects(self, name: str) -> list[JsonObject]:
        values = self._of(list, name)
        if not all(isinstance(value, dict) for value in values):
            raise BadJson(name)
        return [JsonObject(value) for value in values]

    def only(self, *names: str) -> None:
        """For what we have written ourselves: these fields and no other."""
        if set(self.raw) != set(names):
            raise BadJson("fields")

    def _of(self, kind: type[T], name: str) -> T:
        value = self.raw.get(name)
        if not isinstance(value, kind):
            raise BadJson(name)
        return value


def parse_object(raw: bytes) -> JsonObject:
    """A JSON object.

    Raises:
        BadJson: something else.
    """
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadJson("not JSON") from None
    if not isinstance(value, dict):
        raise BadJson("not an object")
    return JsonObject(value)


def _member(kind: type[E], word: str, name: str) -> E:
    try:
        return kind(word)
    except ValueError:
        raise BadJson(name) from None


def _date(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadJson(name) from None
