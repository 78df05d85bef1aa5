"""What the rooms of a school are told of a broadcast, and what its hosts are told of the hall. Pure.

Rooms are Russian, as their names are; `org.sferum.broadcast` in each message says the same to programs.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from attrs import field, frozen

from synapse_sferum.events import BROADCAST

_MONTHS = (
    *("января", "февраля", "марта", "апреля", "мая", "июня"),
    *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
)
#: Octets of the lines of one message: an event has 65,536 at most, and they stand in it twice.
MOST_OCTETS = 12_000


class Stage(enum.Enum):
    """Where a broadcast is. The values are stable (docs/contracts.md §2)."""

    WAITING = "waiting"
    LIVE = "live"
    ENDED = "ended"
    RECORDED = "recorded"  # over, its recording can be watched
    REMOVED = "removed"  # over, its recording was deleted
    DELETED = "deleted"  # called off


class Post(enum.Enum):
    """Messages of one broadcast in one room."""

    PLANNED = "planned"
    STARTED = "started"
    RECORDING = "recording"


@frozen(kw_only=True)
class Told:
    """What a message says.

    Attributes:
        begins_at: seconds since 1970; None: nobody said when.
        recorded: it is being recorded (R48: announced to all).
    """

    broadcast_id: str
    title: str
    stage: Stage
    link: str
    begins_at: float | None = None
    recorded: bool = False
    timezone: str = "Europe/Moscow"


def wanted(told: Told, there: Collection[Post], *, keeps: bool) -> dict[Post, bool]:
    """Which messages should be there (True), which should be gone (False); others stay as they are.

    Nothing is announced late: a beginning that nobody was told of while it lasted is not told afterwards.

    Args:
        there: messages of this broadcast in this room.
        keeps: the room is one where recordings are kept.
    """
    found: dict[Post, bool] = {}
    match told.stage:
        case Stage.WAITING:
            if told.begins_at is not None:
                found[Post.PLANNED] = True
        case Stage.LIVE:
            found[Post.STARTED] = True
        case Stage.DELETED:
            found = dict.fromkeys(there, False)
        case _:
            found = {post: True for post in there if post is Post.STARTED}
            if told.stage is Stage.RECORDED and keeps:
                found[Post.RECORDING] = True
            elif Post.RECORDING in there:
                found[Post.RECORDING] = False
    return found


def message(told: Told, post: Post) -> dict[str, Any]:
    """The content of one message."""
    lead, rest = _sentence(told, post)
    linked = told.stage in {Stage.WAITING, Stage.LIVE, Stage.RECORDED}
    body, html = f"{lead}{rest}", f"<strong>{escape(lead)}</strong>{escape(rest)}"
    if linked:
        body += f"\n{told.link}"
        html += f'<br><a href="{escape(told.link)}">{escape(told.link)}</a>'
    about: dict[str, Any] = {
        "id": told.broadcast_id,
        "post": post.value,
        "stage": told.stage.value,
        "title": told.title,
        "recorded": told.recorded,
    }
    if linked:
        about["link"] = told.link
    if told.begins_at is not None:
        about["begins_at"] = int(told.begins_at * 1000)
    return {
        "msgtype": "m.text",
        "body": body,
        "format": "org.matrix.custom.html",
        "formatted_body": html,
        "m.mentions": {},
        BROADCAST: about,
    }


def edit(told: Told, post: Post, event_id: str) -> dict[str, Any]:
    """The same in the place of an earlier message."""
    now = message(told, post)
    return {
        **now,
        "body": f"* {now['body']}",
        "formatted_body": f"* {now['formatted_body']}",
        "m.new_content": now,
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }


def is_of(content: Mapping[str, Any], told: Told, post: Post) -> bool:
    """Whether a message is this one as it was first written."""
    about = content.get(BROADCAST)
    if not isinstance(about, dict) or "m.relates_to" in content:
        return False
    return (about.get("id"), about.get("post")) == (told.broadcast_id, post.value)


def says(told: Told, post: Post) -> str:
    """The same for equal messages: what is there already is not written again."""
    return hashlib.sha256(str(message(told, post)["body"]).encode()).hexdigest()


def _sentence(told: Told, post: Post) -> tuple[str, str]:
    title = f"«{told.title}»"
    if post is Post.RECORDING:
        return "Запись готова: ", f"трансляция {title}. Смотреть могут те, кто мог смотреть её."
    if post is Post.PLANNED:
        when = "" if told.begins_at is None else f" начнётся {_when(told)}"
        return f"Трансляция {title}", f"{when}. Ссылка откроется в браузере:"
    match told.stage:
        case Stage.LIVE | Stage.WAITING:
            note = " Идёт запись." if told.recorded else ""
            return "Трансляция началась: ", f"{title}.{note} Смотреть:"
        case Stage.RECORDED:
            return "Трансляция закончилась: ", f"{title}. Запись:"
        case Stage.REMOVED:
            return "Трансляция закончилась: ", f"{title}. Записи больше нет."
        case _:
            note = " Запись готовится." if told.recorded else ""
            return "Трансляция закончилась: ", f"{title}.{note}"


def _when(told: Told) -> str:
    assert told.begins_at is not None
    at = datetime.fromtimestamp(told.begins_at, UTC).astimezone(ZoneInfo(told.timezone))
    return f"{at.day} {_MONTHS[at.month - 1]} в {at:%H:%M}"


class Sign(enum.Enum):
    """What a viewer does. The values are stable."""

    QUESTION = "question"
    HAND = "hand"
    LOWERED = "lowered"


@frozen(kw_only=True)
class Line:
    """One viewer's sign, for hosts. `who`: name and place at school, as hosts know people."""

    user_id: str = field(repr=False)
    who: str = field(repr=False)
    sign: Sign
    text: str = field(default="", repr=False)

    @property
    def body(self) -> str:
        match self.sign:
            case Sign.QUESTION:
                return f"❓ {self.who}: {self.text}"
            case Sign.HAND:
                return f"✋ {self.who} поднимает руку"
            case Sign.LOWERED:
                return f"{self.who} опускает руку"


def hall(broadcast_id: str, title: str, lines: Sequence[Line]) -> Iterable[dict[str, Any]]:
    """Messages for the moderators' room, as many lines in each as an event bears. Notices: no phone rings for each."""
    start, octets = 0, 0
    for at, line in enumerate(lines):
        octets += len(line.body.encode())
        if octets > MOST_OCTETS and at > start:
            yield _hall(broadcast_id, title, lines[start:at])
            start, octets = at, len(line.body.encode())
    if start < len(lines):
        yield _hall(broadcast_id, title, lines[start:])


def _hall(broadcast_id: str, title: str, lines: Sequence[Line]) -> dict[str, Any]:
    return {
        "msgtype": "m.notice",
        "body": "\n".join([f"Трансляция «{title}»", *(line.body for line in lines)]),
        "m.mentions": {},
        BROADCAST: {
            "id": broadcast_id,
            "post": "hall",
            "signs": [
                {"user_id": one.user_id, "sign": one.sign.value, "text": one.text} for one in lines
            ],
        },
    }
