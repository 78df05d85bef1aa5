"""The only part of `sferum doctor` that touches files, sockets and the clock: it looks, and judges nothing."""

from __future__ import annotations

import importlib
import importlib.metadata
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import yaml
from attrs import frozen

from provisioning.doctor_machine import DatabaseFacts, DiskFacts, FileFacts
from provisioning.doctor_server import PublicFacts, ServerFacts
from provisioning.doctor_settings import (
    APP_SERVICES,
    Settings,
    appservice_files,
    module_options,
    value_of,
)
from provisioning.homeserver import PREFIX
from provisioning.language import say
from provisioning.problem_texts import Language

EXAMPLE = Path(__file__).resolve().parents[1] / "homeserver.yaml.example"
TIMEOUT = httpx.Timeout(5.0, read=30.0)
CONNECT_S = 5
#: In a folder, in the order in which they win.
NAMES = ("homeserver.yaml", "secrets.yaml", "local.yaml")
#: Settings that are secrets themselves: the file that has one must be closed.
INLINE = (
    "macaroon_secret_key",
    "form_secret",
    "registration_shared_secret",
    "turn_shared_secret",
    "worker_replication_secret",
    "database.args.password",
)
#: Settings that name files with secrets.
SECRET_FILES = (
    "signing_key_path",
    "macaroon_secret_key_path",
    "form_secret_path",
    "registration_shared_secret_path",
    "turn_shared_secret_path",
    "worker_replication_secret_path",
    "tls_private_key_path",
)


class Unreadable(Exception):
    """A configuration that cannot be read, in a sentence for a person; nothing of its content is in it."""

    def __init__(self, ru: str, en: str) -> None:
        super().__init__(en)
        self._ru, self._en = ru, en

    def sentence(self, language: Language) -> str:
        return say(language, self._ru, self._en)


@frozen
class Configuration:
    """Files in the order Synapse reads them, and their settings merged as Synapse does: by whole sections."""

    files: Mapping[Path, Settings]

    @property
    def settings(self) -> Settings:
        merged: dict[str, Any] = {}
        for settings in self.files.values():
            merged |= settings
        return merged


def read_configuration(named: Sequence[Path]) -> Configuration:
    """Files as named; of a folder its homeserver.yaml and what belongs to it.

    Raises:
        Unreadable: nothing there, or not YAML.
    """
    paths: list[Path] = []
    for path in named:
        if path.is_dir():
            paths += [path / name for name in NAMES if (path / name).exists()]
            paths += sorted((path / "conf.d").glob("*.yaml"))
        else:
            paths.append(path)
    if not paths:
        folders = ", ".join(map(str, named))
        raise Unreadable(
            f"в папке {folders} нет homeserver.yaml; укажите файл: sferum doctor ПУТЬ",
            f"there is no homeserver.yaml in {folders}; name the file: sferum doctor PATH",
        )
    return Configuration({path: read_yaml(path) for path in paths})


def find_beside(paths: Sequence[Path], name: str, installed: Path) -> Path | None:
    """A service's file of settings: in the folders of Synapse's, else where it is installed; None: nowhere."""
    folders = [path if path.is_dir() else path.parent for path in paths]
    for candidate in (*(folder / name for folder in folders), installed):
        if candidate.is_file():
            return candidate
    return None


def read_yaml(path: Path) -> Settings:
    """One file.

    Raises:
        Unreadable: cannot be opened, or is not a YAML mapping.
    """
    try:
        loaded = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise Unreadable(
            f"{path} не открывается ({error.strerror}); укажите файл: sferum doctor ПУТЬ",
            f"{path} cannot be opened ({error.strerror}); name the file: sferum doctor PATH",
        ) from None
    except UnicodeDecodeError:
        raise Unreadable(f"{path}: не UTF-8", f"{path}: not UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else "?"
        raise Unreadable(
            f"{path}, строка {line}: не YAML", f"{path}, line {line}: not YAML"
        ) from None
    if not isinstance(loaded, dict):
        raise Unreadable(f"{path}: нет настроек", f"{path}: holds no settings")
    return loaded


def token_path(settings: Settings) -> Path | None:
    """Where the module's service token is."""
    path = module_options(settings).get("service_token_path")
    return Path(path) if isinstance(path, str) else None


def read_token(path: Path | None) -> str:
    """The token; "" when it cannot be read."""
    try:
        return path.read_text("ascii").strip() if path is not None else ""
    except (OSError, UnicodeDecodeError):
        return ""


def secret_files(configuration: Configuration) -> Iterator[FileFacts]:
    """Every file that must be closed."""
    settings = configuration.settings
    for path, own in configuration.files.items():
        inline = [name for name in INLINE if value_of(own, name)]
        if inline:
            yield FileFacts(path=str(path), setting=inline[0], mode=_mode(path))
    for name in SECRET_FILES:
        if isinstance(found := settings.get(name), str):
            yield FileFacts(path=found, setting=name, mode=_mode(Path(found)))
    for found in appservice_files(settings):
        yield FileFacts(path=found, setting=APP_SERVICES, mode=_mode(Path(found)))
    token = token_path(settings)
    if token is not None:
        length = len(read_token(token)) if _mode(token) is not None else None
        yield FileFacts(
            path=str(token), setting="service_token_path", mode=_mode(token), length=length
        )


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except OSError:
        return None


def disk_of(settings: Settings) -> DiskFacts:
    """Space where the school's files are."""
    path = Path(str(settings.get("media_store_path", "."))).absolute()
    there = next(place for place in (path, *path.parents) if place.exists())
    usage = shutil.disk_usage(there)
    return DiskFacts(path=str(path), free_b=usage.free, total_b=usage.total)


def try_database(settings: Settings) -> DatabaseFacts:
    """One look into Synapse's database."""
    kind = str(value_of(settings, "database.name", "sqlite3"))
    args = value_of(settings, "database.args", {})
    args = dict(args) if isinstance(args, Mapping) else {}
    if kind == "sqlite3":
        return DatabaseFacts(kind=kind, problem=_sqlite_problem(str(args.get("database", ""))))
    try:
        driver = importlib.import_module(kind)
    except ImportError:
        return DatabaseFacts(kind=kind, problem=None)
    known = {name: value for name, value in args.items() if not name.startswith("cp_")}
    try:
        driver.connect(**{**known, "connect_timeout": CONNECT_S}).close()
    except Exception as error:
        return DatabaseFacts(kind=kind, problem=type(error).__name__)
    return DatabaseFacts(kind=kind, problem="")


def _sqlite_problem(path: str) -> str:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            database.execute("SELECT 1 FROM schema_version").fetchone()
    except sqlite3.Error as error:
        return type(error).__name__
    return ""


def versions() -> tuple[tuple[int, int], str, str]:
    """Python, Synapse ("" when not in this environment), and our own distribution."""
    return (
        (sys.version_info.major, sys.version_info.minor),
        _version("matrix-synapse"),
        _version("sferum"),
    )


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def ask_server(url: str, token: str) -> ServerFacts:
    """The module's /health, and every school's progress."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False) as client:
        before = time.time()  # noqa: TID251 - compared with the server's clock
        status, health = _get(client, f"{PREFIX}/health")
        after = time.time()  # noqa: TID251 - as above
        progress = {}
        if status == 200:
            for org in _get(client, f"{PREFIX}/orgs")[1].get("orgs", []):
                org_id = str(org["org_id"])
                progress[org_id] = _get(client, f"{PREFIX}/orgs/{org_id}/progress")[1]
    return ServerFacts(
        url=url,
        status=status,
        health=health,
        local_ms=round((before + after) / 2 * 1000),
        progress=progress,
        module_version=versions()[2],
    )


def ask_public(url: str) -> PublicFacts:
    """What anybody gets, without a token."""
    with httpx.Client(base_url=url, timeout=TIMEOUT) as client:
        found, _ = _get(client, "/_matrix/client/versions")
        if found <= 0:
            return PublicFacts(url=url, versions=found)
        admin, answer = _get(client, "/_synapse/admin/v1/server_version")
        federation, _ = _get(client, "/_matrix/federation/v1/version")
    return PublicFacts(
        url=url,
        versions=found,
        admin=admin,
        admin_errcode=str(answer.get("errcode", "")),
        federation=federation,
    )


def _get(client: httpx.Client, path: str) -> tuple[int, dict[str, Any]]:
    """(status, JSON object or {}); status 0: nobody listens, -1: no proper answer."""
    try:
        answer = client.get(path)
    except httpx.ConnectError:
        return 0, {}
    except (httpx.HTTPError, httpx.InvalidURL):
        return -1, {}
    try:
        content = answer.json()
    except ValueError:
        content = {}
    return answer.status_code, content if isinstance(content, dict) else {}
