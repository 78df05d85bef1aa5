"""The three examples → the configurations of this machine, comments kept. Pure.

Only the lines in `_changes` and its like differ: whoever reads a file in var/ reads the example.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from provisioning.run.place import BRIDGE_USER, HOST, SERVER_NAME, STAFF_BOT, Place, url_of

HEAD = """\
# Written by `sferum run` at every start, from homeserver.yaml.example: changes made here are lost.
# Your own settings go into local.yaml beside this file; they win.

"""
#: Only for one machine with a fresh database; a school's server must not have these.
TAIL = """
# --- Only on this machine -----------------------------------------------------------------------------------------

# Demo accounts are made with this secret, over 127.0.0.1.
registration_shared_secret_path: {registration_secret}
# Synapse tidies a fresh database for a minute; without pauses it is done in seconds.
background_updates:
  sleep_enabled: false
# The onboarding pages, on this machine too.
app_service_config_files: [{registration}]
"""
BRIDGE_HEAD = """\
# Written by `sferum run` at every start, from bridge.yaml.example: changes made here are lost.

"""
MEDIA_HEAD = """\
# Written by `sferum run` at every start, from media.yaml.example: changes made here are lost.

"""
#: Beginnings of the sample school's phones: nobody has such numbers (provisioning/sample.py).
SAMPLE_PHONES = ("+7500", "+7501", "+7502")


@frozen(kw_only=True)
class Calls:
    """Of the calls server on this machine.

    Attributes:
        port: of tokens, signalling and the call page.
        media_port: of sound and pictures, UDP and TCP.
        address: of this machine in its network.
        pages: folder of Element Call; None: not fetched.
        player: folder of hls.js, without which there are no broadcasts; None: not fetched.
    """

    port: int
    media_port: int
    address: str
    pages: Path | None
    player: Path | None = None

    @property
    def url(self) -> str:
        return url_of(self.port)


class ExampleChanged(Exception):
    """An example no longer has a line that we fill in."""

    def __init__(self, name: str, found: int) -> None:
        super().__init__(f"want one line {name!r}, found {found}")
        self.name = name


def homeserver_yaml(example: str, place: Place, port: int, pages_port: int, calls: Calls) -> str:
    """The example with this machine's name, port and paths.

    Raises:
        ExampleChanged: a line to fill in is missing, or there are several.
    """
    tail = TAIL.format(
        registration_secret=_quoted(place.registration_secret),
        registration=_quoted(place.registration),
    )
    text, found = re.subn(
        r"^(\s+(?:- )?livekit_service_url: ).*$",
        _filled(f"{calls.url}/livekit/jwt"),
        example,
        flags=re.M,
    )
    if found != 2:
        raise ExampleChanged("livekit_service_url", found)
    return HEAD + _changed(text, _changes(place, port, pages_port)) + tail


def bridge_yaml(example: str, place: Place, port: int, pages_port: int, calls: Calls) -> str:
    """bridge.yaml.example with this machine's addresses and paths; codes go to the screen.

    Raises:
        ExampleChanged: as above.
    """
    return BRIDGE_HEAD + _changed(example, _bridge_changes(place, port, pages_port, calls))


def media_yaml(example: str, place: Place, port: int, pages_port: int, calls: Calls) -> str:
    """media.yaml.example with this machine's addresses and paths.

    Raises:
        ExampleChanged: as above.
    """
    values = {
        "public_url": calls.url,
        "listen_port": str(calls.port),
        "metrics_port": "null",
        "homeserver_url": url_of(port),
        "server_name": SERVER_NAME,
        "client_url": url_of(port),
        "service_token_file": _quoted(place.service_token),
        "keys_file": _quoted(place.media_keys),
        "udp_port": str(calls.media_port),
        "tcp_port": str(calls.media_port),
        "addresses": json.dumps(list(dict.fromkeys((calls.address, HOST)))),
        "pages": "null" if calls.pages is None else _quoted(calls.pages),
        "drain_s": "2",
    }
    changes = [(name, rf"^({name}: ).*$", value) for name, value in values.items()]
    if calls.player is None:
        changes.append(("broadcasts", r"^(broadcasts:)\n(?:  .*\n)+", " null\n"))
    else:
        section = {
            "folder": _quoted(place.broadcasts),
            "player": _quoted(calls.player),
            "sign_in_url": url_of(pages_port),
        }
        changes += [(f"broadcasts.{name}", rf"^(  {name}: ).*$", section[name]) for name in section]
    return MEDIA_HEAD + _changed(example, changes)


def registration(as_token: str, hs_token: str) -> str:
    """The bridge as an application service (docs/operations.md): Synapse sends it nothing. JSON is YAML too."""
    bot = {"regex": f"@{STAFF_BOT}:.*", "exclusive": False}
    return json.dumps(
        {
            "id": "sferum-bridge",
            "url": None,
            "as_token": as_token,
            "hs_token": hs_token,
            "sender_localpart": BRIDGE_USER,
            "rate_limited": False,
            "namespaces": {"users": [bot]},
        },
        indent=1,
    )


def _changed(text: str, changes: list[tuple[str, str, str]]) -> str:
    for name, pattern, value in changes:
        text, found = re.subn(pattern, _filled(value), text, flags=re.M)
        if found != 1:
            raise ExampleChanged(name, found)
    return text


def _filled(value: str) -> Callable[[re.Match[str]], str]:
    """A function, because a backslash in a replacement text would mean something."""
    return lambda match: str(match[1]) + value


def _changes(place: Place, port: int, pages_port: int) -> list[tuple[str, str, str]]:
    """(name, pattern whose first group stays, value) for every line that is this machine's own."""
    paths = {
        "pid_file": place.root / "unused.pid",  # Synapse writes it as a daemon only
        "signing_key_path": place.signing_key,
        "log_config": place.log_config,
        "media_store_path": place.media,
    }
    return [
        ("server_name", r"^(server_name: ).*$", SERVER_NAME),
        ("public_baseurl", r"^(public_baseurl: ).*$", f"{url_of(port)}/"),
        ("port", r"^(  - port: )8008$", str(port)),
        ("database", r"^(    database: ).*$", _quoted(place.database)),
        ("service_token_path", r"^(      service_token_path: ).*$", _quoted(place.service_token)),
        ("pages_url", r"^(      pages_url: ).*$", url_of(pages_port)),
        ("bridge_user", r"^(      bridge_user: ).*$", BRIDGE_USER),
        ("staff_bot", r"^(      staff_bot: ).*$", STAFF_BOT),
        *((name, rf"^({name}: ).*$", _quoted(path)) for name, path in paths.items()),
    ]


def _bridge_changes(
    place: Place, port: int, pages_port: int, calls: Calls
) -> list[tuple[str, str, str]]:
    paths = {
        "keys_file": place.bridge_keys,
        "service_token_file": place.service_token,
        "appservice_file": place.registration,
        "bot_store": place.bot_store,
        "materials_folder": place.materials,
    }
    values = {
        "public_url": url_of(pages_port),
        "listen_port": str(pages_port),
        "metrics_port": "null",
        "database": json.dumps(f"sqlite+aiosqlite:///{place.bridge_database}", ensure_ascii=False),
        "homeserver_url": url_of(port),
        "server_name": SERVER_NAME,
        "bot": STAFF_BOT,
    }
    phones = json.dumps(list(SAMPLE_PHONES))
    return [
        *((name, rf"^({name}: ).*$", value) for name, value in values.items()),
        *((name, rf"^({name}: ).*$", _quoted(path)) for name, path in paths.items()),
        ("clients.homeserver_url", r"^(  homeserver_url: ).*$", url_of(port)),
        ("clients.calls", r"^(  calls: ).*$", '""' if calls.pages is None else calls.url),
        ("limits.own_networks", r"^(  own_networks: ).*$", "[127.0.0.0/8]"),
        ("phones.also", r"^(  also: ).*$", phones),
    ]


def _quoted(path: Path) -> str:
    """A JSON string is a YAML string, whatever is in the path."""
    return json.dumps(str(path), ensure_ascii=False)


def log_yaml(place: Place) -> str:
    """Everything into a file; to the output only warnings and our module's decisions."""
    rotating = {
        "class": "logging.handlers.RotatingFileHandler",
        "filename": str(place.log),
        "maxBytes": 10_000_000,
        "backupCount": 9,
        "formatter": "full",
        "encoding": "utf-8",
    }
    output = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "brief"}
    return json.dumps(
        {
            "version": 1,
            "formatters": {
                "full": {"format": "%(asctime)s %(levelname)s %(name)s %(request)s %(message)s"},
                "brief": {"format": "%(asctime)s %(levelname)s %(message)s", "datefmt": "%H:%M:%S"},
            },
            "handlers": {
                "file": rotating,
                "warnings": {**output, "level": "WARNING"},
                "decisions": output,
            },
            "loggers": {
                # Not handed up: the root would print its warnings a second time.
                "synapse_sferum": {
                    "level": "INFO",
                    "handlers": ["file", "decisions"],
                    "propagate": False,
                },
            },
            "root": {"level": "INFO", "handlers": ["file", "warnings"]},
            "disable_existing_loggers": False,
        },
        indent=1,
    )
