"""What the administration types to the bot: `!approve 17`, `!принять №17`. Pure."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import TypeVar

from attrs import field, frozen

from provisioning.class_name import BadClassName, ClassName, parse_class_name

#: Characters of a message that can be a command; a longer one is read no further.
LONGEST = 500
#: Characters of a reason: it is repeated in the room.
REASON = 200
#: `!` and a word at once: «!!!» and «! внимание» are no commands.
COMMAND = re.compile(r"!([^\W\d_]+)(?:\s+(.*))?", re.DOTALL)
NUMBER = re.compile(r"[#№nN]?\s?([1-9][0-9]{0,6})(?![0-9])")
#: How clients without rich replies begin an answer (Matrix client-server API, "Fallbacks for rich replies").
QUOTED = re.compile(r"(?:> [^\n]*\n)+\n?")


@frozen
class Help:
    """What the bot can do."""


@frozen
class Queue:
    """What waits for a decision."""


@frozen
class Approve:
    number: int


@frozen
class Reject:
    number: int
    reason: str = field(repr=False, default="")


@frozen
class Invite:
    """A link for a whole class. `parents`: for theirs instead of the pupils."""

    class_name: ClassName
    parents: bool = False


@frozen
class PrintedCards:
    """Where the class' printed cards are made (R20)."""

    class_name: ClassName


class Misread(enum.Enum):
    """Why a command means nothing. The values are stable: counted, tested."""

    UNKNOWN = "unknown"
    NUMBER = "number"  # no number of a card after it
    CLASS = "class"  # no name of a class after it
    TOO_LONG = "too_long"


Command = Help | Queue | Approve | Reject | Invite | PrintedCards

T = TypeVar("T")

PARENTS = frozenset({"parents", "parent", "родители", "родителям", "родителей"})
PUPILS = frozenset({"pupils", "pupil", "students", "ученики", "ученикам", "учеников"})


def parse(body: str) -> Command | Misread | None:
    """The command in a message; None: people talk to each other."""
    match = COMMAND.fullmatch(QUOTED.sub("", body[: LONGEST + 1], count=1).strip())
    if match is None:
        return None
    read = READERS.get(match[1].casefold())
    if read is None:
        return Misread.UNKNOWN
    if len(body) > LONGEST:
        return Misread.TOO_LONG
    return read((match[2] or "").strip())


def _approve(rest: str) -> Approve | Misread:
    match = NUMBER.match(rest)
    return Misread.NUMBER if match is None else Approve(int(match[1]))


def _reject(rest: str) -> Reject | Misread:
    match = NUMBER.match(rest)
    if match is None:
        return Misread.NUMBER
    reason = " ".join(rest[match.end() :].strip(" ,.:;—-").split())
    return Reject(int(match[1]), reason[:REASON])


def _invite(rest: str) -> Invite | Misread:
    words = rest.split()
    whom = words[-1].casefold() if words else ""
    if whom in PARENTS | PUPILS:
        words.pop()
    name = _class(" ".join(words))
    return name if isinstance(name, Misread) else Invite(name, whom in PARENTS)


def _cards(rest: str) -> PrintedCards | Misread:
    name = _class(rest)
    return name if isinstance(name, Misread) else PrintedCards(name)


def _class(text: str) -> ClassName | Misread:
    """Any spelling (R39)."""
    try:
        return parse_class_name(text).name
    except BadClassName:
        return Misread.CLASS


def _always(command: Command) -> Callable[[str], Command]:
    return lambda rest: command


#: First words, folded, with what reads the rest.
READERS: dict[str, Callable[[str], Command | Misread]] = {
    word: read
    for words, read in (
        (("help", "помощь", "справка"), _always(Help())),
        (("queue", "очередь", "заявки"), _always(Queue())),
        (("approve", "принять", "одобрить"), _approve),
        (("reject", "decline", "отклонить", "отказать"), _reject),
        (("invite", "приглашение", "пригласить"), _invite),
        (("sheet", "cards", "карточки", "лист"), _cards),
    )
    for word in words
}
