"""What the broadcasts of the calls server ask and say, with the service token (R46, R48)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from synapse.module_api import LoggingTransaction

from synapse_sferum.api.call import BadField, Call
from synapse_sferum.api.services import Services
from synapse_sferum.badge import badge
from synapse_sferum.broadcast_rights import (
    FOR_WHOM,
    WHOLE_SCHOOL,
    BroadcastRights,
    in_audience,
)
from synapse_sferum.broadcast_rows import class_names_txn, named_rooms_txn
from synapse_sferum.broadcast_words import Line, Sign, Stage, Told
from synapse_sferum.directory_rows import org_txn
from synapse_sferum.edits import not_found
from synapse_sferum.model import Org, RoomKey
from synapse_sferum.policy import Party
from synapse_sferum.private.tables import profiles_txn
from synapse_sferum.schedule.broadcasts import of_broadcast

#: Accounts of one question; signs of one message.
MOST_ACCOUNTS, MOST_SIGNS = 500, 50
MOST_TITLE, MOST_TEXT, MOST_LINK = 120, 500, 500
#: One answer for "of another school", "not of this class", "has left" and "no such account".
NOBODY = {"watch": False}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def broadcast_rights(services: Services, call: Call) -> tuple[int, Any]:
    """Of one account; whoever may not watch, and a school or room that does not exist, are one answer."""
    user_id, org_id = call.query.get("user_id", ""), call.query.get("org_id", "")
    _check_user("user_id", user_id)
    if not org_id or len(org_id) > 64:
        raise BadField("org_id", "must be the id of a school")
    found = await _rights(services, org_id, call.query.get("room_id", ""), [user_id])
    rights = found.get(user_id)
    return 200, NOBODY if rights is None else rights.to_json()


async def broadcast_watchers(services: Services, call: Call) -> tuple[int, Any]:
    """Of many at once: those of them who may watch, with what they may do; the others are not named."""
    call.only("room_id", "user_ids")
    user_ids = call.texts("user_ids", most=MOST_ACCOUNTS)
    for user_id in user_ids:
        _check_user("user_ids", user_id)
    found = await _rights(services, call.org_id, call.text("room_id", default=""), user_ids)
    return 200, {
        "watchers": {
            user_id: rights.to_json() for user_id, rights in found.items() if rights is not None
        }
    }


async def broadcast_audiences(services: Services, call: Call) -> tuple[int, Any]:
    """For whom an account may broadcast: the whole school, or rooms of its list; the widest first."""
    user_id = call.query.get("user_id", "")
    _check_user("user_id", user_id)
    who = await services.parties.one(user_id)
    if who.account is None:
        return 200, {"audiences": []}
    org = await services.directory.org(who.account.org_id)
    rooms = await services.directory.read(named_rooms_txn, org.org_id)
    order = {kind: at for at, kind in enumerate(FOR_WHOM)}
    found = []
    for key, (room_id, name) in rooms.items():
        rights = in_audience(who, org.org_id, key)
        if rights is not None and rights.host:
            found.append((order[key.kind], name, key, room_id))
    return 200, {
        "audiences": [
            {
                "org_id": org.org_id,
                "school": org.name,
                "timezone": org.timezone,
                "room_id": "" if key == WHOLE_SCHOOL else room_id,
                "kind": key.kind.value,
                "name": org.name if key == WHOLE_SCHOOL else name,
            }
            for _, name, key, room_id in sorted(found, key=lambda one: one[:2])
        ]
    }


async def announce_broadcast(services: Services, call: Call) -> tuple[int, Any]:
    """Make the rooms of a broadcast's people say where it is; the same word twice writes nothing."""
    call.only(
        "broadcast_id", "room_id", "title", "stage", "link", "begins_at", "recorded", "reason"
    )
    org, key, _ = await _audience(services, call)
    told = Told(
        broadcast_id=_broadcast_id(call),
        title=_title(call),
        stage=_stage(call),
        link=_link(call),
        begins_at=_moment(call),
        recorded=call.flag("recorded", default=False),
        timezone=org.timezone,
    )
    reason = call.text("reason", default="", longest=100)
    written = await services.posts.announce(org, key, told, call.actor.name, reason)
    if told.begins_at is not None:
        await services.schedule.mirror(org, of_broadcast(org, key, told, call.actor.name))
    return 200, {"written": written}


async def tell_hosts(services: Services, call: Call) -> tuple[int, Any]:
    """Questions and raised hands, to the room of whoever leads. People who may not ask are left out."""
    call.only("broadcast_id", "room_id", "title", "signs")
    org, key, name = await _audience(services, call)
    signs = _signs(call)
    people = await services.parties.joined([user_id for user_id, _, _ in signs])
    asking = {
        user_id: party
        for user_id, party in people.items()
        if (rights := in_audience(party, org.org_id, key)) is not None and rights.ask
    }
    names = await _names(services, asking)
    lines = [
        Line(user_id=user_id, who=names[user_id], sign=sign, text=text)
        for user_id, sign, text in signs
        if user_id in asking
    ]
    written = 0
    if lines:
        written = await services.posts.tell(
            org, key, name, _broadcast_id(call), _title(call), lines
        )
    return 200, {"written": written, "told": len(lines)}


async def _rights(
    services: Services, org_id: str, room_id: str, user_ids: Sequence[str]
) -> dict[str, BroadcastRights | None]:
    org = await services.directory.read(org_txn, org_id)
    found = None if org is None else await _key(services, org, room_id)
    if org is None or found is None:
        return {}
    key, archived = found
    parties = await services.parties.joined(user_ids)
    return {
        user_id: in_audience(party, org.org_id, key, archived=archived)
        for user_id, party in parties.items()
    }


async def _key(services: Services, org: Org, room_id: str) -> tuple[RoomKey, bool] | None:
    """Whose room it is, and whether it is archived; "" is the whole school."""
    if not room_id:
        return WHOLE_SCHOOL, False
    room = await services.facts.managed_room(room_id)
    if room is None or room.org_id != org.org_id or room.key.kind not in FOR_WHOM:
        return None
    return room.key, room.state in {"archiving", "archived"}


async def _audience(services: Services, call: Call) -> tuple[Org, RoomKey, str]:
    """School, room and the room's name, of a body.

    Raises:
        EditRefused: 404.
    """
    org = await services.directory.org(call.org_id)
    found = await _key(services, org, call.text("room_id", default="", longest=255))
    if found is None:
        raise not_found()
    key, _ = found
    rooms = await services.directory.read(named_rooms_txn, org.org_id)
    return org, key, rooms[key][1] if key in rooms else org.name


async def _names(services: Services, people: dict[str, Party]) -> dict[str, str]:
    """«Иванов Пётр, 5А» or «Иванова Анна, родитель»: how hosts know people."""
    pupils = {
        class_id
        for party in people.values()
        if party.account is not None
        for class_id in party.account.student_in
    }

    def names_txn(txn: LoggingTransaction) -> tuple[dict[str, str], dict[str, str]]:
        shown = profiles_txn(txn, list(people)) if people else {}
        return {u: name or "" for u, (name, _) in shown.items()}, class_names_txn(txn, pupils)

    shown, classes = await services.directory.read(names_txn)
    found = {}
    for user_id, party in people.items():
        account = party.account
        assert account is not None  # in_audience gave rights
        place = ", ".join(sorted(classes[one] for one in account.student_in if one in classes))
        if not place:
            label = badge(account.roles)
            place = "" if label is None else str(label["label"]["ru"]).lower()
        found[user_id] = ", ".join(one for one in (shown.get(user_id, ""), place) if one)
    return found


def _check_user(field: str, user_id: str) -> None:
    if not user_id.startswith("@") or ":" not in user_id or len(user_id) > 255:
        raise BadField(field, "must be a Matrix user id such as @uabc23456:school.example")


def _broadcast_id(call: Call) -> str:
    found = call.text("broadcast_id", longest=64)
    if not _ID.fullmatch(found):
        raise BadField("broadcast_id", "must be 1 to 64 of A-Z, a-z, 0-9, _ and -")
    return found


def _title(call: Call) -> str:
    found = " ".join(call.text("title", longest=MOST_TITLE).split())
    if not found:
        raise BadField("title", "must not be empty")
    return found


def _stage(call: Call) -> Stage:
    word = call.text("stage", longest=20)
    try:
        return Stage(word)
    except ValueError:
        raise BadField("stage", f"must be one of {', '.join(one.value for one in Stage)}") from None


def _link(call: Call) -> str:
    found = call.text("link", longest=MOST_LINK)
    parts = urlsplit(found)
    if parts.scheme not in {"http", "https"} or not parts.hostname or set(found) & set(' "<>\n'):
        raise BadField("link", "must be an address such as https://rtc.school.example/watch/ID")
    return found


def _moment(call: Call) -> float | None:
    if call.body.get("begins_at") is None:
        return None
    return call.whole("begins_at", most=2**41) / 1000


def _signs(call: Call) -> list[tuple[str, Sign, str]]:
    value = call.body.get("signs")
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_SIGNS:
        raise BadField("signs", f"must be a list of 1 to {MOST_SIGNS}")
    return [_sign(call, one) for one in value]


def _sign(call: Call, raw: object) -> tuple[str, Sign, str]:
    if not isinstance(raw, dict):
        raise BadField("signs", "must hold objects")
    inner = Call(account=None, params=call.params, query={}, body=raw)
    inner.only("user_id", "sign", "text")
    user_id = inner.text("user_id")
    _check_user("signs.user_id", user_id)
    try:
        sign = Sign(inner.text("sign", longest=20))
    except ValueError:
        raise BadField("sign", f"must be one of {', '.join(one.value for one in Sign)}") from None
    text = inner.text("text", default="", longest=MOST_TEXT)
    if bool(text) is not (sign is Sign.QUESTION):
        raise BadField("text", "is of questions, and questions have one")
    return user_id, sign, " ".join(text.split())
