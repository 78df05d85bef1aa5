"""What the card of an application says, from the facts about it. Pure.

As little as lets a colleague recognise the case: initials, role, class. Names and contacts are on the page.
"""

from __future__ import annotations

import enum
from datetime import datetime, tzinfo

from attrs import field, frozen

from bridge.application import Application, State
from bridge.bot.texts import initials, moment, text
from bridge.dispute import Dispute, DisputeState
from bridge.records import CardId
from bridge.roles import Role


class Match(enum.Enum):
    """What the school's list says about an applicant."""

    NONE = "match_none"
    ONE = "match_one"  # a yes gives them this record
    MANY = "match_many"  # somebody has to choose
    CHILD = "child_first"  # a parent: whose is to be chosen


#: Cases that a sign on the card cannot say yes to.
ON_PAGE = frozenset({Match.MANY, Match.CHILD})
#: What the bot puts under a card so that one touch decides.
BOTH = ("✅", "❌")
#: States after which nothing about a card will change.
SETTLED = frozenset({State.FINISHED, State.REJECTED, State.WITHDRAWN, State.EXPIRED})


@frozen(kw_only=True)
class Facts:
    """Attributes:
    applicant: family name, given name; only of an undecided application.
    decided_by: display name of whoever decided, "" if unknown.
    link: the page that lists applications.
    """

    number: int
    application: Application
    class_name: str = ""
    applicant: tuple[str, str] = field(default=("", ""), repr=False)
    match: Match = Match.NONE
    decided_by: str = field(default="", repr=False)
    link: str = ""


def card_text(facts: Facts, language: str, zone: tzinfo) -> str:
    """The message, in the state that the application is in."""
    application = facts.application
    who = described(application.role, facts.class_name, language)
    if application.state is State.NEW:
        return _new(facts, who, language, zone)
    decided = _decided(facts.decided_by, application.decided_at, language, zone)
    name = f"card_{application.state.value}"
    return text(language, name, number=facts.number, who=who, decided=decided).strip()


@frozen(kw_only=True)
class DisputeFacts:
    """Attributes:
    whose: initials, role and class of whoever has the number, as `described` and `initials` say it.
    by_time: whether it is released when nobody answers.
    link: the page that lists disputes.
    """

    number: int
    dispute: Dispute
    whose: str = field(repr=False)
    by_time: bool
    link: str
    decided_by: str = field(default="", repr=False)


def dispute_text(facts: DisputeFacts, language: str, zone: tzinfo) -> str:
    """R11: the room decides or time does; the number itself is not said."""
    dispute = facts.dispute
    if dispute.state is DisputeState.OPEN:
        body = text(language, "card_dispute", number=facts.number, whose=facts.whose)
        lines = [body]
        if facts.by_time:
            at = moment(language, dispute.release_at, zone)
            lines.append(text(language, "release_by_time", at=at))
        return "\n".join([*lines, text(language, "see", link=facts.link)])
    decided = _decided(facts.decided_by, dispute.decided_at, language, zone)
    name = f"card_dispute_{dispute.state.value}"
    return text(language, name, number=facts.number, decided=decided).strip()


def _decided(by: str, at: datetime | None, language: str, zone: tzinfo) -> str:
    if at is None:
        return ""
    who = initials(*by.split()[:2]) or text(language, "somebody")
    return text(language, "decided", by=who, at=moment(language, at, zone))


def described(role: Role | None, class_name: str, language: str) -> str:
    """«ученик, 5А»."""
    words = [text(language, f"role_{role.value}")] if role is not None else []
    return ", ".join([*words, *([class_name] if class_name else [])])


def _new(facts: Facts, who: str, language: str, zone: tzinfo) -> str:
    head = text(
        language,
        "card_new",
        number=facts.number,
        who=who,
        initials=initials(*facts.applicant) or "—",
        at=moment(language, facts.application.submitted_at, zone),
    )
    ask = "how_to_reject" if facts.match in ON_PAGE else "how_to_decide"
    return "\n".join(
        [head, text(language, facts.match.value), text(language, ask, link=facts.link)]
    )


def signs(facts: Facts) -> tuple[str, ...]:
    """What the bot puts under a new card, so that one touch decides."""
    if facts.application.state is not State.NEW:
        return ()
    return ("❌",) if facts.match in ON_PAGE else BOTH


def txn_id_of(card_id: CardId) -> str:
    """Of the message: the same each time, so a card that is sent again is there once."""
    return f"card-{card_id}"


def card_id_in(txn_id: str) -> CardId | None:
    """Whose message was sent so; None for a sign, an edit, an answer."""
    word, _, rest = txn_id.partition("-")
    return CardId(rest) if word == "card" and rest and "-" not in rest else None


def new_content(body: str) -> dict[str, object]:
    """A message that people are notified of."""
    return {"msgtype": "m.text", "body": body, "m.mentions": {}}


def edit_of(event_id: str, body: str) -> dict[str, object]:
    """The same message with other words (Matrix client-server API, "Event replacements")."""
    return {
        "msgtype": "m.text",
        "body": f"* {body}",
        "m.mentions": {},
        "m.new_content": new_content(body),
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }


def answer_to(event_id: str, root: str, body: str) -> dict[str, object]:
    """A quiet word in the thread that begins with `root`."""
    return {
        "msgtype": "m.notice",
        "body": body,
        "m.mentions": {},
        "m.relates_to": {
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": event_id},
        },
    }


def sign_on(event_id: str, key: str) -> dict[str, object]:
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": key}}
