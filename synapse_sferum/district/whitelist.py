"""Synapse's own list of servers (design §3, layer 1) follows the register, on every process and without a restart."""

from __future__ import annotations

from collections.abc import Collection

from synapse_sferum.facts import Facts

#: Milliseconds between two looks at the table; a removal has ten minutes (R4).
FOLLOW_MS = 15_000


class FollowedWhitelist:
    """Keeps one process's list equal to the servers that are let in, and this server itself."""

    def __init__(self, whitelist: dict[str, bool] | None, own: str, facts: Facts) -> None:
        self._whitelist, self._own, self._facts = whitelist, own, facts

    async def follow(self) -> None:
        """One look. Without a list in homeserver.yaml there is nothing to keep: the guard alone decides."""
        if self._whitelist is not None:
            keep_equal(self._whitelist, {self._own, *await self._facts.peer_names()})


def keep_equal(whitelist: dict[str, bool], wanted: Collection[str]) -> None:
    """Change the dict in place: others hold it."""
    for server_name in set(whitelist) - set(wanted):
        del whitelist[server_name]
    whitelist.update(dict.fromkeys(wanted, True))
