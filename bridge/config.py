"""bridge.yaml, checked once at the start. Nothing past this file sees a dict.

Secrets are never in it: it names files, and those must be readable by the bridge's user alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from attrs import field, fields, frozen

from bridge.contact import PhoneRule
from bridge.limits import Limits, Network

LANGUAGES = ("ru", "en")
#: Settings that are taken as they are, by their kind.
KINDS: dict[type[Any], tuple[str, ...]] = {
    int: ("listen_port", "metrics_port", "email_signup_max_grade", "grace_days", "dispute_days"),
    dict: ("sms", "mail"),
    str: ("listen_host", "database", "server_name", "bot"),
}
MAY_BE_NULL = frozenset({"metrics_port"})
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class BadConfig(Exception):
    """bridge.yaml cannot be used; the message names the setting and what is wanted."""


@frozen(kw_only=True)
class Clients:
    """Where people open their chats. An empty address: that client's own public site or shop is named."""

    homeserver_url: str  # what phones and browsers connect to
    element_web: str = "https://app.element.io"
    cinny: str = "https://app.cinny.in"
    calls: str = ""  # the calls server's `public_url`, where it serves pages; "": none


@frozen(kw_only=True)
class Config:
    """Same names and same order as in bridge.yaml.example."""

    public_url: str  # of the pages, without a slash at the end
    listen_host: str = "127.0.0.1"
    listen_port: int = 8090
    metrics_port: int | None = None  # 127.0.0.1 only
    database: str = "sqlite+aiosqlite:///bridge.db"
    keys_file: Path
    homeserver_url: str = "http://127.0.0.1:8008"  # for the bridge itself
    server_name: str
    service_token_file: Path
    appservice_file: Path
    clients: Clients
    bot: str = ""  # localpart of the staff bot; "" = none
    bot_store: Path | None = None  # folder of its keys
    sms: Mapping[str, Any] = field(factory=lambda: {"console": True}, repr=False)
    mail: Mapping[str, Any] = field(factory=lambda: {"console": True}, repr=False)
    limits: Limits = field(factory=Limits)
    phones: PhoneRule = field(factory=PhoneRule)
    email_signup_max_grade: int = 4
    grace_days: int = 30  # between leaving and being erased (R29)
    dispute_days: int = 7  # until a recycled number is released when nobody says otherwise
    trusted_proxies: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    folder: Path = Path()  # of the file: relative paths start here

    @property
    def secure(self) -> bool:
        """Whether the pages are behind TLS: cookies are then for TLS only."""
        return self.public_url.startswith("https://")

    @property
    def host(self) -> str:
        return urlsplit(self.public_url).hostname or ""


def read_config(path: Path) -> Config:
    """The configuration from a YAML file.

    Raises:
        BadConfig: not readable, an unknown setting, or a value of the wrong kind.
    """
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadConfig(f"{path}: {type(error).__name__}") from None
    if not isinstance(raw, dict):
        raise BadConfig(f"{path}: want settings, one `name: value` a line")
    return config_of(raw, path.parent)


def config_of(raw: Mapping[str, Any], folder: Path) -> Config:
    """The same from what YAML gave.

    Raises:
        BadConfig: names the setting.
    """
    known = {one.name: one for one in fields(Config) if one.name != "folder"}
    for name in raw:
        if name not in known:
            raise BadConfig(f"{name}: no such setting; want one of {', '.join(known)}")
    for name in ("public_url", "keys_file", "server_name", "service_token_file", "appservice_file"):
        if not isinstance(raw.get(name), str) or not raw[name]:
            raise BadConfig(f"{name}: is missing")
    values: dict[str, Any] = dict(raw)
    for name in ("public_url", "homeserver_url"):
        if name in values:
            values[name] = _url(name, values[name])
    for name in ("keys_file", "service_token_file", "appservice_file", "bot_store"):
        if values.get(name) is not None:
            values[name] = folder / _of(str, name, values[name])
    values["clients"] = _clients(raw.get("clients") or {}, values["public_url"])
    values["limits"] = _limits(raw.get("limits") or {})
    values["phones"] = _phones(raw.get("phones") or {})
    if "trusted_proxies" in raw:
        values["trusted_proxies"] = _networks("trusted_proxies", raw["trusted_proxies"])
    _kinds(values)
    if values.get("bot") and values.get("bot_store") is None:
        raise BadConfig("bot_store: is missing; the bot keeps its keys there")
    return Config(**values, folder=folder)


def _kinds(values: Mapping[str, Any]) -> None:
    """The settings that are taken as they are."""
    for kind, names in KINDS.items():
        for name in names:
            if name in values and not (name in MAY_BE_NULL and values[name] is None):
                _of(kind, name, values[name])
    for name in KINDS[int]:
        most = 65535 if name.endswith("_port") else 3650
        if not 0 <= (values.get(name) or 0) <= most:
            raise BadConfig(f"{name}: want a number from 0 to {most}")


def _of(kind: type[Any], name: str, value: Any) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadConfig(f"{name}: want {kind.__name__}")
    return value


def _url(name: str, value: Any) -> str:
    try:
        parts = urlsplit(_of(str, name, value))
        _ = parts.port
    except ValueError:
        raise BadConfig(f"{name}: want an address such as https://school.example") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise BadConfig(f"{name}: want an address such as https://school.example, without a path")
    if parts.scheme == "http" and parts.hostname not in LOCAL:
        raise BadConfig(f"{name}: want https:// (http:// only for this machine)")
    return f"{parts.scheme}://{parts.netloc}"


def _section(name: str, raw: Any, kind: type[Any]) -> dict[str, Any]:
    section = dict(_of(dict, name, raw))
    for key in section:
        if key not in {one.name for one in fields(kind)}:
            raise BadConfig(f"{name}.{key}: no such setting")
    return section


def _clients(raw: Any, public_url: str) -> Clients:
    section = {"homeserver_url": public_url} | _section("clients", raw, Clients)
    if section.get("calls") == "":
        del section["calls"]
    return Clients(**{key: _url(f"clients.{key}", value) for key, value in section.items()})


def _limits(raw: Any) -> Limits:
    section = _section("limits", raw, Limits)
    if "own_networks" in section:
        section["own_networks"] = _networks("limits.own_networks", section["own_networks"])
    for key, value in section.items():
        if key != "own_networks" and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            raise BadConfig(f"limits.{key}: want a number")
    return Limits(**section)


def _phones(raw: Any) -> PhoneRule:
    section = _section("phones", raw, PhoneRule)
    try:
        for name in {"regions", "also"} & section.keys():
            section[name] = frozenset(_of(list, f"phones.{name}", section[name]))
        return PhoneRule(**section)
    except (ValueError, TypeError) as error:
        raise BadConfig(f"phones: {error}") from None


def _networks(name: str, raw: Any) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(one) for one in _of(list, name, raw))
    except ValueError:
        raise BadConfig(f"{name}: want networks such as 192.0.2.0/24") from None
