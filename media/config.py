"""media.yaml, checked once at the start. Nothing past this file sees a dict.

Secrets are never in it: it names files, and those must be readable by the calls server's user alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import field, fields, frozen

from media.broadcast.settings import Broadcasts, broadcasts_of
from serving import settings
from serving.addresses import LOOPBACK, Network
from serving.settings import LOCAL, BadConfig, of

#: Of a number that is no port.
MOST = 100_000
EXAMPLE = "https://rtc.school.example"
#: What passes packets on: in Python (plain), or built from Rust; auto: native where a build fits this version.
FORWARDERS = ("auto", "native", "plain")
NODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
#: Media threads of one node: each has a socket with buffers of its own.
MOST_THREADS = 64
#: Settings that are taken as they are, by their kind.
KINDS: dict[type[Any], tuple[str, ...]] = {
    int: (
        "listen_port",
        "metrics_port",
        "udp_port",
        "tcp_port",
        "media_threads",
        "max_rooms",
        "drain_s",
    ),
    str: ("listen_host", "media_host", "server_name", "node", "redis", "forwarder"),
}
MAY_BE_NULL = frozenset({"metrics_port", "tcp_port", "media_threads", "redis"})
FILES = ("service_token_file", "keys_file", "pages", "redis_password_file")
NEEDED = (
    "public_url",
    "server_name",
    "client_url",
    "service_token_file",
    "keys_file",
    "addresses",
)


@frozen(kw_only=True)
class Turn:
    """A relay for networks that let nothing else through: coturn with `use-auth-secret`."""

    urls: tuple[str, ...]
    secret_file: Path


@frozen(kw_only=True)
class Config:
    """Same names and same order as in media.yaml.example."""

    public_url: str  # of the calls server, without a slash at the end
    listen_host: str = "127.0.0.1"
    listen_port: int = 7880
    metrics_port: int | None = None  # 127.0.0.1 only
    homeserver_url: str = "http://127.0.0.1:8008"  # for the calls server itself
    server_name: str
    client_url: str  # of the homeserver, as phones and browsers know it
    service_token_file: Path
    keys_file: Path
    media_host: str = "0.0.0.0"  # noqa: S104 -- calls are reached from outside
    udp_port: int = 7882
    tcp_port: int | None = 7881
    addresses: tuple[str, ...] = field(repr=False)  # that clients can reach
    turn: Turn | None = None
    servers: Mapping[str, str] = field(factory=dict)  # of a district: server name → address
    webhooks: tuple[str, ...] = field(default=(), repr=False)
    pages: Path | None = None  # folder of Element Call's files
    broadcasts: Broadcasts | None = None
    forwarder: str = "auto"  # one of FORWARDERS
    media_threads: int | None = None  # of the native forwarder; None: one for each core but one
    max_rooms: int = 1000
    drain_s: int = 20  # seconds that clients have to go elsewhere
    redis: str | None = None  # several nodes meet there
    redis_password_file: Path | None = None
    node: str = "sferum"
    node_url: str  # this node's own address, for the other nodes
    trusted_proxies: tuple[Network, ...] = LOOPBACK
    folder: Path = Path()  # of the file: relative paths start here

    @property
    def broadcasts_url(self) -> str:
        """Where viewers and hosts of this node's broadcasts come; "": it has none."""
        return "" if self.broadcasts is None else self.broadcasts.url or self.public_url

    @property
    def sfu_url(self) -> str:
        """What clients are told; they append `/rtc`."""
        return "ws" + self.public_url.removeprefix("http") + "/livekit/sfu"


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
    for name in NEEDED:
        if not raw.get(name):
            raise BadConfig(f"{name}: is missing")
    values: dict[str, Any] = dict(raw)
    for name in ("public_url", "homeserver_url", "client_url", "node_url"):
        if values.get(name) is not None:
            values[name] = settings.url_of(
                name, values[name], EXAMPLE, in_the_open=name == "node_url"
            )
    values["node_url"] = values.get("node_url") or values["public_url"]
    for name in FILES:
        if values.get(name) is not None:
            values[name] = folder / of(str, name, values[name])
    values["addresses"] = _addresses(values["addresses"])
    values["turn"] = _turn(raw.get("turn"), folder)
    values["broadcasts"] = broadcasts_of(raw.get("broadcasts"), folder)
    values["servers"] = {
        str(name): settings.url_of(f"servers.{name}", url, EXAMPLE)
        for name, url in of(dict, "servers", raw.get("servers") or {}).items()
    }
    values["webhooks"] = tuple(
        _webhook(one) for one in of(list, "webhooks", raw.get("webhooks") or [])
    )
    if "trusted_proxies" in raw:
        values["trusted_proxies"] = settings.networks_of("trusted_proxies", raw["trusted_proxies"])
    settings.check_kinds(values, KINDS, MAY_BE_NULL, MOST)
    if any(":" in one for one in values["addresses"]) and ":" not in values.get("media_host", ""):
        raise BadConfig('addresses: for an IPv6 address want media_host: "::"')
    if not NODE.fullmatch(values.get("node", "sferum")):
        raise BadConfig("node: want 1 to 64 letters, digits, dots or dashes")
    if values.get("forwarder", "auto") not in FORWARDERS:
        raise BadConfig(f"forwarder: want {', '.join(FORWARDERS)}")
    threads = values.get("media_threads")
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise BadConfig(f"media_threads: want a number from 1 to {MOST_THREADS}, or null")
    return Config(**values, folder=folder)


def _webhook(value: Any) -> str:
    parts = urlsplit(of(str, "webhooks", value))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadConfig("webhooks: want addresses such as https://journal.school.example/calls")
    if parts.scheme == "http" and parts.hostname not in LOCAL:
        raise BadConfig("webhooks: want https:// (http:// only for this machine)")
    return str(value)


def _addresses(raw: Any) -> tuple[str, ...]:
    try:
        return tuple(str(ip_address(one)) for one in of(list, "addresses", raw))
    except ValueError:
        raise BadConfig("addresses: want IP addresses such as 198.51.100.7") from None


def _turn(raw: Any, folder: Path) -> Turn | None:
    if raw is None:
        return None
    section = of(dict, "turn", raw)
    for key in section:
        if key not in {"urls", "secret_file"}:
            raise BadConfig(f"turn.{key}: no such setting")
    urls = of(list, "turn.urls", section.get("urls"))
    if not urls or not all(str(one).startswith(("turn:", "turns:")) for one in urls):
        raise BadConfig("turn.urls: want addresses such as turns:turn.school.example:443")
    secret = of(str, "turn.secret_file", section.get("secret_file"))
    return Turn(urls=tuple(map(str, urls)), secret_file=folder / secret)
