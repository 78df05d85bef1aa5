"""JSON objects of others, read field by field: what is not of the expected kind is an error, never a guess. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import field, frozen

T = TypeVar("T")


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
