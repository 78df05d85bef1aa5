"""How one SMS gateway wants to be asked, and what its answers mean: data, not code.

Gateways differ in names of fields and in how they say no: half of them with HTTP 200. A preset
(`sms_presets.py`) or the school's own configuration fills this in; `sms_http.py` carries it out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

METHODS = frozenset({"GET", "POST"})

_templates = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,  # values of a form or of JSON, encoded by aiohttp; never HTML
)


class BadGateway(Exception):
    """The configuration cannot work; the message names the field and quotes no value."""


@frozen(kw_only=True)
class Gateway:
    """Strings are Jinja templates over `vars` and, except in `url`, over `to`, `digits`, `text`, `id`.

    `to` is `+7916…`, `digits` the same without plus, `id` ours for the message.
    """

    url: str
    method: str = "POST"
    params: Mapping[str, str] = field(factory=dict)
    data: Mapping[str, str] | None = None  # a form
    json: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    vars: Mapping[str, str] = field(factory=dict, repr=False)  # secrets among them
    ok_status: frozenset[int] = frozenset({200})
    ok_regex: str | None = None  # must be found in the body
    ok_json: Mapping[str, Any] = field(factory=dict)  # dotted path → value that must stand there
    bad_json: Sequence[str] = ()  # dotted paths that must not be there
    id_json: str | None = None  # where the gateway's own id stands
    timeout_s: float = 10.0

    def __attrs_post_init__(self) -> None:
        if self.method not in METHODS:
            raise BadGateway("method: GET or POST")
        if self.data is not None and self.json is not None:
            raise BadGateway("data and json: one of them")
        if self.ok_regex is not None:
            try:
                re.compile(self.ok_regex)
            except re.error:
                raise BadGateway("ok_regex: not a regular expression") from None
        sample = {"to": "+70000000000", "digits": "70000000000", "text": "text", "id": "id"}
        self.request(**sample)  # an unknown name or a broken template stops the start, not a Monday

    def request(self, *, to: str, digits: str, text: str, id: str) -> Request:  # noqa: A002
        """The request for one message.

        Raises:
            BadGateway: a template uses a name that nobody gives.
        """
        names = {**self.vars, "to": to, "digits": digits, "text": text, "id": id}
        url = _render(self.url, self.vars, "url")  # without the message: nobody chooses the host
        if not url.startswith(("http://", "https://")):
            raise BadGateway("url: must begin with https:// (or http:// for this machine)")
        return Request(
            method=self.method,
            url=url,
            params=_render(dict(self.params), names, "params"),
            data=None if self.data is None else _render(dict(self.data), names, "data"),
            json=None if self.json is None else _render(dict(self.json), names, "json"),
            headers=_render(dict(self.headers), self.vars, "headers"),
            basic=None if self.basic is None else tuple(_render(list(self.basic), names, "basic")),
        )

    def accepts(self, status: int, body: str, digits: str = "") -> bool:
        """Whether an answer means that the message was taken."""
        if status not in self.ok_status:
            return False
        if self.ok_regex is not None and not re.search(self.ok_regex, body):
            return False
        if not self.ok_json and not self.bad_json:
            return True
        answer = _parsed(body)
        if answer is None:
            return False
        names = {**self.vars, "digits": digits}
        return all(
            at(answer, _render(path, names, "ok_json")) == want
            for path, want in self.ok_json.items()
        ) and all(at(answer, path) is None for path in self.bad_json)

    def reference(self, body: str, digits: str = "") -> str:
        """The gateway's id for the message; "" if it gives none."""
        if self.id_json is None:
            return ""
        path = _render(self.id_json, {**self.vars, "digits": digits}, "id_json")
        found = at(_parsed(body), path)
        return str(found)[:100] if isinstance(found, str | int) else ""


@frozen(kw_only=True)
class Request:
    """What goes over the wire. Holds a number and a code: never printed."""

    method: str
    url: str = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    data: Mapping[str, str] | None = field(repr=False)
    json: Mapping[str, Any] | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    basic: tuple[str, ...] | None = field(repr=False)


def at(answer: Any, path: str) -> Any:
    """What stands at `sms.79161234567.status_code` in parsed JSON; None if nothing does."""
    for step in path.split("."):
        if isinstance(answer, Mapping):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdecimal() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
    return answer


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _render(value: Any, names: Mapping[str, str], where: str) -> Any:
    """Every string inside `value` as a template; the error names the field, not the text."""
    if isinstance(value, str):
        try:
            return _templates.from_string(value).render(names)
        except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise BadGateway(f"{where}: {type(error).__name__}") from None
    if isinstance(value, Mapping):
        return {key: _render(one, names, f"{where}.{key}") for key, one in value.items()}
    if isinstance(value, list):
        return [_render(one, names, where) for one in value]
    return value
