"""bridge.yaml, checked once at the start. Nothing past this file sees a dict.

Secrets are never in it: it names files, and those must be readable by the bridge's user alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import field, fields, frozen

from bridge.contact import PhoneRule
from bridge.limits import Limits
from bridge.material_files import MaterialFiles
from serving import settings
from serving.addresses import LOOPBACK, Network
from serving.settings import BadConfig, of

LANGUAGES = ("ru", "en")
#: Settings that are taken as they are, by their kind.
KINDS: dict[type[Any], tuple[str, ...]] = {
    int: ("listen_port", "metrics_port", "email_signup_max_grade", "grace_days", "dispute_days"),
    dict: ("sms", "mail"),
    str: ("listen_host", "database", "server_name", "bot"),
}
MAY_BE_NULL = frozenset({"metrics_port"})
#: Days, of a setting that is no port.
MOST = 3650
EXAMPLE = "https://school.example"


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
    materials_folder: Path | None = None  # files that are published; None: beside this file
    sms: Mapping[str, Any] = field(factory=lambda: {"console": True}, repr=False)
    mail: Mapping[str, Any] = field(factory=lambda: {"console": True}, repr=False)
    limits: Limits = field(factory=Limits)
    phones: PhoneRule = field(factory=PhoneRule)
    email_signup_max_grade: int = 4
    grace_days: int = 30  # between leaving and being erased (R29)
    dispute_days: int = 7  # until a recycled number is released when nobody says otherwise
    trusted_proxies: tuple[Network, ...] = LOOPBACK
    folder: Path = Path()  # of the file: relative paths start here

    @property
    def material_files(self) -> MaterialFiles:
        return MaterialFiles(self.materials_folder or self.folder / "materials")

    @property
    def posted_files(self) -> MaterialFiles:
        """Copies of what was posted with chat clients, in a folder of their own."""
        return MaterialFiles(self.material_files.folder / "posted")

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
    return config_of(settings.read(path), path.parent)


def config_of(raw: Mapping[str, Any], folder: Path) -> Config:
    """The same from what YAML gave.

    Raises:
        BadConfig: names the setting.
    """
    settings.only_known(raw, [one.name for one in fields(Config) if one.name != "folder"])
    for name in ("public_url", "keys_file", "server_name", "service_token_file", "appservice_file"):
        if not isinstance(raw.get(name), str) or not raw[name]:
            raise BadConfig(f"{name}: is missing")
    values: dict[str, Any] = dict(raw)
    for name in ("public_url", "homeserver_url"):
        if name in values:
            values[name] = settings.url_of(name, values[name], EXAMPLE)
    for name in (
        "keys_file",
        "service_token_file",
        "appservice_file",
        "bot_store",
        "materials_folder",
    ):
        if values.get(name) is not None:
            values[name] = folder / of(str, name, values[name])
    values["clients"] = _clients(raw.get("clients") or {}, values["public_url"])
    values["limits"] = _limits(raw.get("limits") or {})
    values["phones"] = _phones(raw.get("phones") or {})
    if "trusted_proxies" in raw:
        values["trusted_proxies"] = settings.networks_of("trusted_proxies", raw["trusted_proxies"])
    settings.check_kinds(values, KINDS, MAY_BE_NULL, MOST)
    if values.get("bot") and values.get("bot_store") is None:
        raise BadConfig("bot_store: is missing; the bot keeps its keys there")
    return Config(**values, folder=folder)


def _clients(raw: Any, public_url: str) -> Clients:
    section = {"homeserver_url": public_url} | settings.section_of("clients", raw, Clients)
    if section.get("calls") == "":
        del section["calls"]
    return Clients(
        **{key: settings.url_of(f"clients.{key}", value, EXAMPLE) for key, value in section.items()}
    )


def _limits(raw: Any) -> Limits:
    section = settings.section_of("limits", raw, Limits)
    if "own_networks" in section:
        section["own_networks"] = settings.networks_of(
            "limits.own_networks", section["own_networks"]
        )
    for key, value in section.items():
        if key != "own_networks" and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            raise BadConfig(f"limits.{key}: want a number")
    return Limits(**section)


def _phones(raw: Any) -> PhoneRule:
    section = settings.section_of("phones", raw, PhoneRule)
    try:
        for name in {"regions", "also"} & section.keys():
            section[name] = frozenset(of(list, f"phones.{name}", section[name]))
        return PhoneRule(**section)
    except (ValueError, TypeError) as error:
        raise BadConfig(f"phones: {error}") from None
