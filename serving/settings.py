"""A file of settings in YAML, read strictly: what is unknown, or of another kind than is wanted, is named.

Each service has its own list of settings; here is what a number, an address or a list of networks must look like.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from attrs import fields

#: Hosts that plain http may go to: this machine.
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
HIGHEST_PORT = 65535
#: Lists and mappings inside one another. Settings have three levels; what PyYAML reads costs the square of them.
MOST_LEVELS = 20


class BadConfig(Exception):
    """The file of settings cannot be used; the message names the setting and what is wanted."""


class TooDeep(yaml.YAMLError):
    """More than `MOST_LEVELS` inside one another."""


class _Shallow(yaml.SafeLoader):
    """Raises TooDeep."""

    _level = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._level += 1
        if self._level > MOST_LEVELS:
            raise TooDeep
        try:
            return super().compose_node(parent, index)
        finally:
            self._level -= 1


def parse(text: str) -> Any:
    """What a YAML text says.

    Raises:
        yaml.YAMLError, ValueError: it is none. TooDeep is one of them.
    """
    return yaml.load(text, _Shallow)  # noqa: S506 - a safe loader


def read(path: Path) -> dict[str, Any]:
    """What the file says.

    Raises:
        BadConfig: not readable, or no settings.
    """
    try:
        raw = parse(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadConfig(f"{path}: {type(error).__name__}") from None
    if not isinstance(raw, dict):
        raise BadConfig(f"{path}: want settings, one `name: value` a line")
    return raw


def only_known(raw: Mapping[str, Any], known: Collection[str]) -> None:
    """A name that is misspelt would be a setting that does nothing.

    Raises:
        BadConfig: names it, and what there is.
    """
    for name in raw:
        if name not in known:
            raise BadConfig(f"{name}: no such setting; want one of {', '.join(known)}")


def of(kind: type[Any], name: str, value: Any) -> Any:
    """The value, if it is of that kind; True is no number."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadConfig(f"{name}: want {kind.__name__}")
    return value


def check_kinds(
    values: Mapping[str, Any],
    kinds: Mapping[type[Any], Collection[str]],
    may_be_null: Collection[str],
    most: int,
) -> None:
    """The settings that are taken as they are.

    Args:
        kinds: their names, by kind.
        most: of a number that is no port.
    """
    for kind, names in kinds.items():
        for name in names:
            if name in values and not (name in may_be_null and values[name] is None):
                of(kind, name, values[name])
    for name in kinds[int]:
        highest = HIGHEST_PORT if name.endswith("_port") else most
        if not 0 <= (values.get(name) or 0) <= highest:
            raise BadConfig(f"{name}: want a number from 0 to {highest}")


def url_of(name: str, value: Any, example: str, *, in_the_open: bool = False) -> str:
    """An address of a server, without a slash at the end.

    Args:
        example: for the message.
        in_the_open: http may go to another machine.
    """
    try:
        parts = urlsplit(of(str, name, value))
        _ = parts.port
    except ValueError:
        raise BadConfig(f"{name}: want an address such as {example}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise BadConfig(f"{name}: want an address such as {example}, without a path")
    if parts.scheme == "http" and not in_the_open and parts.hostname not in LOCAL:
        raise BadConfig(f"{name}: want https:// (http:// only for this machine)")
    return f"{parts.scheme}://{parts.netloc}"


def section_of(name: str, raw: Any, kind: type[Any]) -> dict[str, Any]:
    """The settings below one name; `kind`: the attrs class whose fields they are."""
    section = dict(of(dict, name, raw))
    known = {one.name for one in fields(kind)}
    for key in section:
        if key not in known:
            raise BadConfig(f"{name}.{key}: no such setting")
    return section


def networks_of(name: str, raw: Any) -> tuple[IPv4Network | IPv6Network, ...]:
    words = [one if isinstance(one, str) else "" for one in of(list, name, raw)]  # 0 is no 0.0.0.0
    try:
        return tuple(ip_network(word) for word in words)
    except ValueError:
        raise BadConfig(f"{name}: want networks such as 192.0.2.0/24") from None
