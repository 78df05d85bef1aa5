"""Configurations of test servers: homeserver.yaml.example, with only paths, ports and test secrets replaced."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from signedjson.key import generate_signing_key, write_signing_keys

from tests.support.accounts import SHARED_SECRET
from tests.support.process import ROOT

EXAMPLE = ROOT / "homeserver.yaml.example"

#: Overrides for tests that are in a hurry and not about limits.
NO_RATE_LIMITS: dict[str, Any] = {
    name: {"per_second": 10_000, "burst_count": 10_000}
    for name in (
        "rc_message",
        "rc_room_creation",
        "rc_user_directory",
        "rc_profile",
        "rc_registration",
    )
} | {
    "rc_login": {
        kind: {"per_second": 10_000, "burst_count": 10_000}
        for kind in ("address", "account", "failed_attempts")
    },
}


def example() -> dict[str, Any]:
    """homeserver.yaml.example as Synapse reads it."""
    loaded: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    return loaded


def listener(port: int, *names: str, tls: bool = False) -> dict[str, Any]:
    """One HTTP listener on loopback."""
    return {
        "port": port,
        "type": "http",
        "tls": tls,
        "x_forwarded": not tls,  # as in the example: the bridge says whose sign-in it checks
        "bind_addresses": ["127.0.0.1"],
        "resources": [{"names": list(names), "compress": False}],
    }


def write_log_config(path: Path, log: Path) -> Path:
    """A log configuration that writes everything but SQL to `log`, ours at DEBUG."""
    handler = {
        "class": "logging.FileHandler",
        "filename": str(log),
        "formatter": "line",
        "encoding": "utf-8",
    }
    path.write_text(
        json.dumps(
            {
                "version": 1,
                "formatters": {
                    "line": {
                        "format": "%(asctime)s %(levelname)s %(name)s %(request)s %(message)s"
                    },
                },
                "handlers": {"file": handler},
                "loggers": {"synapse_sferum": {"level": "DEBUG"}},
                "root": {"level": "INFO", "handlers": ["file"]},
                "disable_existing_loggers": False,
            }
        )
    )
    return path


def write_signing_key(path: Path) -> Path:
    """A fresh server signing key, in Synapse's file format."""
    key = generate_signing_key("a_" + secrets.token_hex(2))
    with path.open("w") as file:
        write_signing_keys(file, [key])
    return path


def build(
    directory: Path,
    *,
    server_name: str,
    port: int,
    module: Mapping[str, Any] | None,
    overrides: Mapping[str, Any],
) -> tuple[dict[str, Any], str]:
    """The example with our paths and ports, and the service token written for the module.

    Args:
        module: options of the module that differ from the example; None leaves the module out.
        overrides: whole top-level settings; the value None removes one.

    Returns:
        The configuration, and the service token.
    """
    config = example()
    token = secrets.token_hex(32)
    (directory / "service-token").write_text(token + "\n")
    config |= {
        "server_name": server_name,
        "public_baseurl": f"http://127.0.0.1:{port}/",
        "pid_file": str(directory / "synapse.pid"),
        "listeners": [listener(port, "client", "openid")],
        "database": {"name": "sqlite3", "args": {"database": str(directory / "homeserver.db")}},
        "signing_key_path": str(write_signing_key(directory / "signing.key")),
        "log_config": str(write_log_config(directory / "log.yaml", directory / "homeserver.log")),
        "media_store_path": str(directory / "media"),
        # Only in tests: accounts without the bridge, and cheap passwords.
        "registration_shared_secret": SHARED_SECRET,
        "bcrypt_rounds": 4,
    }
    if module is None:
        del config["modules"]
    else:
        section = config["modules"][0]["config"]
        section |= {"service_token_path": str(directory / "service-token"), **module}
    config |= overrides
    return {name: value for name, value in config.items() if value is not None}, token


def write(path: Path, config: Mapping[str, Any]) -> Path:
    """Write a configuration; JSON is YAML too, and faster to write and read."""
    path.write_text(json.dumps(config, ensure_ascii=False, indent=1), "utf-8")
    return path
