"""Files of an installation: written when they differ, secrets once and for their owner only."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioning.run import trouble
from provisioning.run.place import Place
from provisioning.run.settings import (
    Calls,
    ExampleChanged,
    bridge_yaml,
    homeserver_yaml,
    log_yaml,
    media_yaml,
    registration,
)

#: Beside the packages, in the checkout.
EXAMPLE = Path(__file__).resolve().parents[2] / "homeserver.yaml.example"
BRIDGE_EXAMPLE = EXAMPLE.with_name("bridge.yaml.example")
MEDIA_EXAMPLE = EXAMPLE.with_name("media.yaml.example")
#: Where `make run` puts Element Call (scripts/install-clients); without it calls work in clients only.
CALL_PAGES = EXAMPLE.with_name("var") / "npm" / "element-call-0.26.1"
#: hls.js for broadcasts, from the same script.
PLAYER = EXAMPLE.with_name("var") / "npm" / "hls-1.7.4"


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """The folder, made if absent, for us alone. The lock goes with the process, however it ends.

    Raises:
        Trouble: another `sferum run` holds it, or the folder cannot be written.
    """
    try:
        place.root.mkdir(parents=True, exist_ok=True)
        place.root.chmod(0o700)  # the database holds names
        place.log.parent.mkdir(exist_ok=True)
        lock = place.lock.open("a")
    except OSError as error:
        raise trouble.not_writable(place.root, error.strerror or "?") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise trouble.already_runs(place.root) from None
        yield


def write_configuration(
    place: Place,
    port: int,
    pages_port: int,
    calls: Calls,
    example: Path = EXAMPLE,
    bridge_example: Path = BRIDGE_EXAMPLE,
    media_example: Path = MEDIA_EXAMPLE,
) -> None:
    """Configurations of the three programs, log configuration, keys and secrets.

    Raises:
        Trouble: no example or a changed one, or a file cannot be written.
    """
    text, bridge_text, media_text = map(_read, (example, bridge_example, media_example))
    source = example
    try:
        write(place.homeserver_yaml, homeserver_yaml(text, place, port, pages_port, calls))
        source = bridge_example
        write(place.bridge_yaml, bridge_yaml(bridge_text, place, port, pages_port, calls))
        source = media_example
        write(place.media_yaml, media_yaml(media_text, place, port, pages_port, calls))
        write(place.log_config, log_yaml(place))
        once(place.service_token, lambda: secrets.token_hex(32) + "\n")
        once(place.registration_secret, lambda: secrets.token_hex(32) + "\n")
        once(place.signing_key, _signing_key)
        once(place.secrets_yaml, _secrets_yaml)
        once(place.registration, _registration)
        once(place.media_keys, lambda: f"sferum: {secrets.token_urlsafe(48)}\n")
    except OSError as error:
        raise trouble.not_writable(place.root, error.strerror or "?") from error
    except ExampleChanged as changed:
        raise trouble.example_changed(source, changed.name) from None


def _read(example: Path) -> str:
    try:
        return example.read_text("utf-8")
    except OSError:
        raise trouble.no_example(example) from None


def write(path: Path, text: str) -> None:
    """Replace the file in one step, if it differs."""
    if path.exists() and path.read_text("utf-8") == text:
        return
    fresh = path.with_name(f"{path.name}.new")
    _create(fresh, text)
    fresh.replace(path)


def once(path: Path, make: Callable[[], str]) -> None:
    """Make a secret if there is none; never change it. A half-written one cannot appear."""
    if not path.exists():
        write(path, make())


def _create(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _signing_key() -> str:
    """A fresh key in Synapse's format: algorithm, version, 32 random bytes in unpadded base64."""
    seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return f"ed25519 a_{secrets.token_hex(2)} {seed}\n"


def _registration() -> str:
    return registration(secrets.token_hex(32), secrets.token_hex(32))


def _secrets_yaml() -> str:
    names = ("macaroon_secret_key", "form_secret")
    lines = [f"{name}: {json.dumps(secrets.token_urlsafe(32))}\n" for name in names]
    return "# Made once by `sferum run`. Changing these signs everybody out.\n" + "".join(lines)
