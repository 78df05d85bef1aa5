"""homeserver.yaml.example → the configuration of this machine, comments kept. Pure.

Only the lines in `_changes` differ, so whoever reads var/homeserver.yaml reads the example.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from provisioning.run.place import SERVER_NAME, Place, url_of

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
"""


class ExampleChanged(Exception):
    """homeserver.yaml.example no longer has a line that we fill in."""

    def __init__(self, name: str, found: int) -> None:
        super().__init__(f"homeserver.yaml.example: want one line {name!r}, found {found}")
        self.name = name


def homeserver_yaml(example: str, place: Place, port: int) -> str:
    """The example with this machine's name, port and paths.

    Raises:
        ExampleChanged: a line to fill in is missing, or there are several.
    """
    text = example
    for name, pattern, value in _changes(place, port):
        text, found = re.subn(pattern, _filled(value), text, flags=re.M)
        if found != 1:
            raise ExampleChanged(name, found)
    return HEAD + text + TAIL.format(registration_secret=_quoted(place.registration_secret))


def _filled(value: str) -> Callable[[re.Match[str]], str]:
    """A function, because a backslash in a replacement text would mean something."""
    return lambda match: str(match[1]) + value


def _changes(place: Place, port: int) -> list[tuple[str, str, str]]:
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
        *((name, rf"^({name}: ).*$", _quoted(path)) for name, path in paths.items()),
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
