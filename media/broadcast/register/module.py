"""The module's calls about broadcasts (docs/contracts.md §2), answers read strictly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, field

from media.broadcast.register.api import Standing
from media.broadcast.register.values import Audience, Broadcast
from serving.json_http import Answer, JsonHttp, Lost, NoAnswer, path_of

PREFIX = "/_synapse/client/sferum/v1"
#: Accounts of one question, signs of one message: the module's bounds.
MOST_ACCOUNTS, MOST_SIGNS = 500, 50
#: Octets of an answer about so many.
MOST_BYTES = 512 * 1024


@define(eq=False)
class Module:
    """Attributes:
    service_tokens: as the file says now; the one that Synapse takes is used.
    """

    _http: JsonHttp
    _service_tokens: Callable[[], Sequence[str]] = field(repr=False)
    _taken: str = field(default="", init=False, repr=False)

    async def watchers(
        self, org_id: str, room_id: str, accounts: Sequence[str]
    ) -> Mapping[str, Standing]:
        """Those of `accounts`, at most MOST_ACCOUNTS, who may watch.

        Raises:
            NoAnswer: the module does not answer, or not in the agreed form.
        """
        answer = await self._ask(
            "POST",
            _path(org_id, "watchers"),
            {"room_id": room_id, "user_ids": list(accounts)},
            missing=True,
        )
        if answer.is_missing:
            return {}
        found = answer.json.raw.get("watchers")
        if not isinstance(found, dict):
            raise NoAnswer(Lost.BAD_ANSWER)
        return {account: _standing(found[account]) for account in accounts if account in found}

    async def audiences(self, account: str) -> tuple[Audience, ...]:
        """For whom somebody may broadcast. Raises as `watchers`."""
        path = f"{PREFIX}/broadcasts/audiences"
        answer = await self._ask("GET", path, params={"user_id": account})
        found = answer.json.raw.get("audiences")
        if not isinstance(found, list):
            raise NoAnswer(Lost.BAD_ANSWER)
        return tuple(_audience(one) for one in found)

    async def announce(self, one: Broadcast, link: str) -> None:
        """Let the rooms say where it is; where there is no such room any more, nobody is told. Raises as `watchers`."""
        begins_ms = None if one.begins_at is None else int(one.begins_at * 1000)
        await self._ask(
            "POST",
            _path(one.org_id, "announce"),
            {
                "broadcast_id": one.id,
                "room_id": one.audience.room_id,
                "title": one.title,
                "stage": one.stage,
                "link": link,
                "begins_at": begins_ms,
                "recorded": one.recorded,
                "reason": one.reason,
            },
            actor=one.by,
            missing=True,
        )

    async def tell(self, one: Broadcast, signs: Sequence[Mapping[str, str]]) -> None:
        """Signs of the hall, at most MOST_SIGNS, for the moderators' room. Raises as `watchers`."""
        body = {
            "broadcast_id": one.id,
            "room_id": one.audience.room_id,
            "title": one.title,
            "signs": [dict(sign) for sign in signs],
        }
        await self._ask("POST", _path(one.org_id, "tell"), body, missing=True)

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        actor: str = "",
        missing: bool = False,
    ) -> Answer:
        answer: Answer | None = None
        headers = {"X-Sferum-Actor": actor} if actor else None
        for token in sorted(self._service_tokens(), key=lambda one: one != self._taken):
            answer = await self._http.ask(
                method,
                path,
                body,
                params=params,
                headers=headers,
                token=token,
                most_bytes=MOST_BYTES,
            )
            if answer.status != 401:
                self._taken = token
                break
        if answer is None or not (answer.ok or (missing and answer.is_missing)):
            raise NoAnswer(Lost.BAD_ANSWER)
        return answer


def _path(org_id: str, call: str) -> str:
    return f"{PREFIX}{path_of('orgs', org_id, 'broadcasts', call)}"


def _standing(raw: object) -> Standing:
    """A right that is not spelled out is not there."""
    if not isinstance(raw, dict) or raw.get("watch") is not True:
        raise NoAnswer(Lost.BAD_ANSWER)
    return Standing(
        ask=raw.get("ask") is True,
        host=raw.get("host") is True,
        keeper=raw.get("keeper") is True,
    )


def _audience(raw: object) -> Audience:
    words = ("org_id", "school", "timezone", "room_id", "kind", "name")
    if not isinstance(raw, dict) or not all(isinstance(raw.get(word), str) for word in words):
        raise NoAnswer(Lost.BAD_ANSWER)
    return Audience(**{word: raw[word] for word in words})
