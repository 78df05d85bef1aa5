"""Other servers: which this one speaks with, with which keys, and what of theirs is taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from signedjson.key import decode_verify_key_bytes
from synapse.crypto.keyring import KeyFetcher
from synapse.module_api import ModuleApi
from synapse.storage.keys import FetchKeyResult
from unpaddedbase64 import decode_base64

#: A key that the register names is good while it is in the register; Synapse wants a time (milliseconds since 1970).
_FOREVER_MS = 2**53


def wrap_edu(
    api: ModuleApi,
    edu_type: str,
    narrow: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any] | None]],
) -> bool:
    """Put `narrow` before the handler of an EDU of other servers; None from it drops the EDU.

    A transaction is signed as a whole, so its parts cannot be filtered over HTTP. Returns whether this process handles
    the EDU at all.
    """
    hs = api._hs
    hs.get_device_message_handler()  # registers the handler on the process that writes to-device messages
    handlers = hs.get_federation_registry().edu_handlers
    handler = handlers.get(edu_type)
    if handler is None:
        return False

    async def narrowed(origin: str, content: dict[str, Any]) -> None:
        kept = await narrow(origin, content)
        if kept is not None:
            await handler(origin, kept)

    handlers[edu_type] = narrowed
    return True


def federation_whitelist(api: ModuleApi) -> dict[str, bool] | None:
    """Servers that Synapse itself talks to, as this process holds them: one dict, which all its parts look at.

    None when homeserver.yaml has no list. What is put into the dict holds from then on.
    """
    return api._hs.config.federation.federation_domain_whitelist


class PinnedKeys:
    """Matrix signing keys of listed servers, as the district's register names them; Synapse's `KeyFetcher` interface.

    Without a `fetcher` it answers with the register's keys. Around one of Synapse's it keeps that one from being
    asked for a server that the register gives keys: not the database, not a notary, not the server itself.
    """

    def __init__(
        self, fetcher: KeyFetcher | None, pinned: Callable[[str], Awaitable[Mapping[str, str]]]
    ) -> None:
        self._fetcher, self._pinned = fetcher, pinned

    async def get_keys(
        self, server_name: str, key_ids: list[str], minimum_valid_until_ts: int
    ) -> dict[str, FetchKeyResult]:
        """For requests and events alike."""
        pins = await self._pinned(server_name)
        if self._fetcher is not None:
            if pins:
                return {}
            return await self._fetcher.get_keys(server_name, key_ids, minimum_valid_until_ts)
        return {
            key_id: FetchKeyResult(
                decode_verify_key_bytes(key_id, decode_base64(pins[key_id])), _FOREVER_MS
            )
            for key_id in key_ids
            if key_id in pins
        }

    def shutdown(self) -> None:
        """When the server stops."""
        if self._fetcher is not None:
            self._fetcher.shutdown()


def pin_keys(api: ModuleApi, pinned: Callable[[str], Awaitable[Mapping[str, str]]]) -> None:
    """From now on a server for which `pinned` names keys (key id → base64) speaks with those, and with no other."""
    fetchers = api._hs.get_keyring()._key_fetchers
    guarded: list[Any] = [PinnedKeys(fetcher, pinned) for fetcher in (None, *fetchers)]
    fetchers[:] = guarded
