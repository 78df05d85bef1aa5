"""A gateway from the bridge's configuration: a preset by name, or a description of one's own.

Any string may be `{"file": "/etc/sferum/sms.key"}` instead: the secret is read from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.gateway import BadGateway, Gateway
from bridge.sms_presets import preset
from serving.secret_files import BadSecret, read_secret

#: What each field of a description must be.
FIELDS: dict[str, type | tuple[type, ...]] = {
    "url": str,
    "method": str,
    "params": dict,
    "data": dict,
    "json": dict,
    "headers": dict,
    "basic": list,
    "vars": dict,
    "ok_status": list,
    "ok_regex": str,
    "ok_json": dict,
    "bad_json": list,
    "id_json": str,
    "timeout_s": (int, float),
}


def read_gateway(settings: Mapping[str, Any], folder: Path) -> Gateway:
    """The gateway; paths of secrets are relative to `folder`.

    Raises:
        BadGateway: the message names the field and quotes no value.
    """
    known = {key: _with_secrets(value, folder) for key, value in settings.items()}
    if "preset" in known:
        name = known.pop("preset")
        if not all(isinstance(value, str) for value in (name, *known.values())):
            raise BadGateway("preset: its settings are text")
        return preset(name, **known)
    for key, value in known.items():
        if key not in FIELDS:
            raise BadGateway(f"{key}: no such field; want one of {', '.join(FIELDS)}")
        if not isinstance(value, FIELDS[key]) or isinstance(value, bool):
            raise BadGateway(f"{key}: of the wrong kind")
    if "url" not in known:
        raise BadGateway("url: missing")
    if "ok_status" in known:
        known["ok_status"] = frozenset(known["ok_status"])
    if "basic" in known:
        known["basic"] = _pair(known["basic"])
    return Gateway(**known)


def _pair(given: list[Any]) -> tuple[str, str]:
    match given:
        case [str() as user, str() as password]:
            return user, password
        case _:
            raise BadGateway("basic: want two texts, user and password")


def _with_secrets(value: Any, folder: Path) -> Any:
    match value:
        case {"file": str() as name} if len(value) == 1:
            # As a variable only: in a template, a secret with {{ would be a template itself.
            return _secret(folder / name)
        case Mapping():
            return {str(key): _with_secrets(one, folder) for key, one in value.items()}
        case list():
            return [_with_secrets(one, folder) for one in value]
        case _:
            return value


def _secret(path: Path) -> str:
    try:
        return read_secret(path)
    except BadSecret as error:
        raise BadGateway(str(error)) from None
