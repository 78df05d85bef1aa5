"""The bot's device is signed by the bot's own identity: clients read nothing from devices that are not (MSC4153).

nio knows devices only (matrix-nio #229), so the three keys of cross-signing (Matrix client-server API,
"Cross-signing") are made here, from seeds that the folder keeps.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from attrs import field, frozen
from signedjson.key import decode_signing_key_base64
from signedjson.sign import sign_json
from unpaddedbase64 import encode_base64

from serving.json_http import Answer, JsonHttp
from serving.json_object import BadJson

logger = logging.getLogger(__name__)

KEYS = "/_matrix/client/v3/keys"


class CannotSign(Exception):
    """The server refused, or knows other keys of this device; the message is a word of ours or Matrix' code."""


@frozen
class Identity:
    """Who the bot is, whatever its device."""

    user_id: str
    _master: Any = field(repr=False)
    _self_signing: Any = field(repr=False)
    _user_signing: Any = field(repr=False)

    @classmethod
    def of(cls, user_id: str, seeds: Sequence[bytes]) -> Identity:
        """The same seeds, the same identity. A key's name is its public half."""
        return cls(user_id, *(_key(seed) for seed in seeds))

    @property
    def master_key(self) -> str:
        return str(self._master.version)

    @property
    def self_signing_name(self) -> str:
        return f"ed25519:{self._self_signing.version}"

    def public_keys(self) -> dict[str, Any]:
        """Body of keys/device_signing/upload: the other two signed by the first."""
        return {
            "master_key": self._public(self._master, "master"),
            "self_signing_key": self._signed(self._public(self._self_signing, "self_signing")),
            "user_signing_key": self._signed(self._public(self._user_signing, "user_signing")),
        }

    def sign_device(self, device_keys: dict[str, Any]) -> dict[str, Any]:
        """The device's keys with the identity's signature only."""
        bare = {k: v for k, v in device_keys.items() if k not in {"signatures", "unsigned"}}
        return dict(sign_json(bare, self.user_id, self._self_signing))

    def has_signed(self, device_keys: dict[str, Any]) -> bool:
        signatures = device_keys.get("signatures", {}).get(self.user_id, {})
        return self.self_signing_name in signatures

    def _public(self, key: Any, usage: str) -> dict[str, Any]:
        named = {f"ed25519:{key.version}": key.version}
        return {"user_id": self.user_id, "usage": [usage], "keys": named}

    def _signed(self, public: dict[str, Any]) -> dict[str, Any]:
        return dict(sign_json(public, self.user_id, self._master))


async def sign(
    http: JsonHttp, as_token: str, identity: Identity, device_id: str, device_key: str
) -> None:
    """Make the server know the identity and its signature of this device. Changes nothing when it does already.

    Args:
        http: as the bot's own device.
        as_token: the application service's: it may replace an identity without a password (MSC4190).
        device_key: the device's own Ed25519 key; nothing else is signed.

    Raises:
        CannotSign: see there.
        NoAnswer: the server is away.
    """
    user_id = identity.user_id
    known = _ok(await http.ask("POST", f"{KEYS}/query", {"device_keys": {user_id: []}}))
    device = known.get("device_keys", {}).get(user_id, {}).get(device_id)
    if device is None or device.get("keys", {}).get(f"ed25519:{device_id}") != device_key:
        raise CannotSign("other device keys")
    master = known.get("master_keys", {}).get(user_id, {}).get("keys", {})
    if identity.master_key not in master.values():
        _ok(
            await http.ask(
                "POST",
                f"{KEYS}/device_signing/upload",
                identity.public_keys(),
                params={"user_id": user_id},
                token=as_token,
            )
        )
        logger.info("bot has an identity now replaced=%s", bool(master))
    elif identity.has_signed(device):
        return
    body = {user_id: {device_id: identity.sign_device(device)}}
    if _ok(await http.ask("POST", f"{KEYS}/signatures/upload", body)).get("failures"):
        raise CannotSign("signature refused")
    logger.info("bot has signed its device device=%s", device_id)


def _ok(answer: Answer) -> dict[str, Any]:
    if not answer.ok:
        raise CannotSign(answer.errcode or str(answer.status))
    raw = dict(answer.json.raw)
    if not all(isinstance(raw.get(key, {}), dict) for key in ("device_keys", "master_keys")):
        raise BadJson("device_keys")
    return raw


def _key(seed: bytes) -> Any:
    bare = decode_signing_key_base64("ed25519", "unnamed", encode_base64(seed))
    public = encode_base64(bare.verify_key.encode())
    return decode_signing_key_base64("ed25519", public, encode_base64(seed))
