"""Looks at the bridge of this machine for `sferum doctor`: files, Synapse's copies, its answer. Judges nothing."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from provisioning.doctor_bridge import BridgeFacts, local_url
from provisioning.doctor_machine import FileFacts
from provisioning.doctor_probe import TIMEOUT, Unreadable, find_beside, read_token, read_yaml
from provisioning.doctor_settings import LOOPBACK, Settings, appservice_files
from provisioning.homeserver import PREFIX

#: Beside homeserver.yaml as `sferum run` has it; else where docs/operations.md puts it.
NAME, INSTALLED = "bridge.yaml", Path("/etc/sferum/bridge.yaml")
#: Settings that name files of secrets.
FILES = ("keys_file", "service_token_file", "appservice_file")


def find_bridge(stated: Path | None, paths: Sequence[Path]) -> Path | None:
    """bridge.yaml as stated, or where it usually is; None: there is none."""
    return stated or find_beside(paths, NAME, INSTALLED)


def look_at_bridge(
    path: Path, homeserver: Settings, service_token: str, synapse_url: str | None
) -> BridgeFacts:
    """Everything that can be seen without changing anything.

    Raises:
        Unreadable: bridge.yaml is missing, or not YAML.
    """
    settings = read_yaml(path)
    named = {name: path.parent / str(settings[name]) for name in FILES if settings.get(name)}
    files = [FileFacts(path=str(at), setting=name, mode=_mode(at)) for name, at in named.items()]
    files += [
        FileFacts(path=str(at), setting=name, mode=_mode(at))
        for name, at in _passwords(settings, path)
    ]
    own_token = read_token(named.get("service_token_file"))
    public = str(settings.get("public_url", ""))
    outside = urlsplit(public).hostname not in LOOPBACK and urlsplit(public).scheme == "https"
    return BridgeFacts(
        path=str(path),
        settings=settings,
        files=tuple(files),
        registration=_registration(named.get("appservice_file")),
        synapse_registrations=_registered(homeserver),
        same_service_token=(
            hmac.compare_digest(own_token, service_token) if own_token and service_token else None
        ),
        people=_people(synapse_url, service_token),
        status=_status(f"{local_url(settings)}/health"),
        public_status=_status(f"{public.rstrip('/')}/health") if outside else None,
    )


def _passwords(settings: Settings, path: Path) -> Iterator[tuple[str, Path]]:
    """Files of gateways' and mail's passwords, wherever in their sections they are named."""
    for name in ("sms", "mail"):
        for key, value in _leaves(settings.get(name)):
            if key in {"file", "password_file"} and isinstance(value, str):
                yield f"{name}.{key}", path.parent / value


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key), inner
            yield from _leaves(inner)


def _registered(homeserver: Settings) -> dict[str, str]:
    found = [_registration(Path(name)) for name in appservice_files(homeserver)]
    return {
        str(one.get("as_token", "")): str(one.get("sender_localpart", ""))
        for one in found
        if one is not None
    }


def _registration(path: Path | None) -> Mapping[str, Any] | None:
    if path is None:
        return None
    try:
        return read_yaml(path)
    except Unreadable:
        return None


def _people(url: str | None, token: str) -> int | None:
    """How many people all schools have; None: nobody answers."""
    if url is None or not token:
        return None
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(
            base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False
        ) as client:
            orgs = client.get(f"{PREFIX}/orgs").raise_for_status().json()["orgs"]
            counts = [
                client.get(f"{PREFIX}/orgs/{org['org_id']}/people?limit=1").json()["total"]
                for org in orgs
            ]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None
    return sum(int(count) for count in counts)


def _status(url: str) -> int:
    """0: nobody listens, -1: no proper answer."""
    try:
        return httpx.get(url, timeout=TIMEOUT, trust_env=False).status_code
    except httpx.ConnectError:
        return 0
    except (httpx.HTTPError, httpx.InvalidURL):
        return -1


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except OSError:
        return None
