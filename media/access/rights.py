"""What somebody may do in a room's call: the module's answer (docs/contracts.md §2, `GET /calls/rights`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, field

from media.access.claims import Member, Source
from media.frozen import frozen
from serving.json_http import Answer, JsonHttp, Lost, NoAnswer

PATH = "/_synapse/client/sferum/v1/calls/rights"

#: The module's words → what LiveKit calls them. The sound of a shared screen goes with the screen.
PUBLISH = {
    "camera": frozenset({Source.CAMERA}),
    "microphone": frozenset({Source.MICROPHONE}),
    "screen": frozenset({Source.SCREEN_SHARE, Source.SCREEN_SHARE_AUDIO}),
}


@frozen
class CallRights:
    """Of somebody who is joined to the room."""

    member: Member
    sources: frozenset[Source]
    hidden: bool


@define
class ModuleRights:
    """Asks each time: whoever was taken out of a class a minute ago is out of its calls.

    Attributes:
        service_tokens: as the file says now. More than one while an administrator changes the token: the one that
            Synapse takes is used.
    """

    _http: JsonHttp
    _service_tokens: Callable[[], Sequence[str]] = field(repr=False)
    _taken: str = field(default="", init=False, repr=False)

    async def of(self, user_id: str, room_id: str) -> CallRights | None:
        """None: not joined, or no such room.

        Raises:
            NoAnswer: the module does not answer, or not in the agreed form.
        """
        answer: Answer | None = None
        tokens = self._service_tokens()
        for token in sorted(tokens, key=lambda one: one != self._taken):
            answer = await self._http.ask(
                "GET", PATH, params={"user_id": user_id, "room_id": room_id}, token=token
            )
            if answer.status != 401:
                self._taken = token
                break
        # Also 401: our token is wrong, which says nothing about the person.
        if answer is None or answer.status != 200:
            raise NoAnswer(Lost.BAD_ANSWER)
        return rights_of(answer, user_id, room_id)


def rights_of(answer: Answer, user_id: str, room_id: str) -> CallRights | None:
    """Read strictly: a right that is not spelled out is not there.

    Raises:
        NoAnswer: not of the agreed form.
    """
    raw = answer.json.raw
    if raw.get("member") is False:
        return None
    limit, roles, publish = raw.get("limit"), raw.get("roles"), raw.get("may_publish")
    if (
        raw.get("member") is not True
        or type(limit) is not int
        or not isinstance(roles, list)
        or not isinstance(publish, dict)
    ):
        raise NoAnswer(Lost.BAD_ANSWER)
    member = Member(
        room_id=room_id,
        user_id=user_id,
        org_id=str(raw.get("org_id") or ""),
        roles=frozenset(map(str, roles)),
        host=_flag(raw, "host"),
        muted_on_entry=_flag(raw, "muted_on_entry"),
        limit=limit,
        may_start=_flag(raw, "may_start", absent=True),
        waits=_flag(raw, "waits", absent=False),
        one_share=_flag(raw, "one_share", absent=True),
    )
    allowed = (names for word, names in PUBLISH.items() if publish.get(word) is True)
    return CallRights(member, frozenset().union(*allowed), _flag(raw, "hidden"))


def _flag(raw: Mapping[str, Any], name: str, *, absent: bool | None = None) -> bool:
    value = raw.get(name, absent)
    if not isinstance(value, bool):
        raise NoAnswer(Lost.BAD_ANSWER)
    return value
