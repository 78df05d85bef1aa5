"""What a newcomer's browser has chosen and typed between two pages, sealed in the table `journey` (R11).

It is bound to the browser's session, lives for LIFETIME, and ends the moment somebody is signed in: the session's
name changes then, and whoever knew the old one finds nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import field, frozen

from bridge.invite import InviteId
from bridge.ports import Repositories, Vault
from bridge.records import SessionHash, StepsId
from bridge.roles import ClassId, Role
from bridge.vault import CannotUnseal
from bridge.verification import ChallengeId
from serving.json_object import BadJson, JsonObject, parse_object

#: Longer than a code and the rest of the form may take (`binding.PROOF_LIFETIME`).
LIFETIME = timedelta(minutes=60)
#: How long the last page can be opened again.
ARRIVAL_LIFETIME = timedelta(hours=12)


@frozen(kw_only=True)
class Journey:
    """Attributes:
    role, class_id: the wanted ones; the invite's own win (R10).
    challenge_id: of the code that was sent; None: by a session, or not asked for yet.
    password: of the account that is to be made, or that «Это я» may get.
    is_me: whoever is signed in here is the newcomer. `by_session`: was signed in before all this.
    """

    invite_id: InviteId
    role: Role | None = None
    class_id: ClassId | None = None
    challenge_id: ChallengeId | None = None
    password: str = field(default="", repr=False)
    is_me: bool = False
    by_session: bool = False


@frozen(kw_only=True)
class Arrival:
    """What the last page says. `login`: the account's id; `contact` is masked, "" with a card."""

    steps_id: StepsId | None
    login: str
    contact: str = field(default="", repr=False)
    by_card: bool = False


async def keep_journey(
    work: Repositories, session: SessionHash, journey: Journey, now: datetime, vault: Vault
) -> None:
    words = {
        "invite_id": journey.invite_id,
        "role": journey.role and journey.role.value,
        "class_id": journey.class_id,
        "challenge_id": journey.challenge_id,
        "password": journey.password,
        "is_me": journey.is_me,
        "by_session": journey.by_session,
    }
    await _keep(work, _place("journey", session), words, now + LIFETIME, vault)


async def journey_of(
    work: Repositories, session: SessionHash, now: datetime, vault: Vault
) -> Journey | None:
    """None: none was begun, it is over, or too long ago."""
    words = await _found(work, _place("journey", session), now, vault)
    if words is None:
        return None
    try:
        role, class_id = words.text_or_none("role"), words.text_or_none("class_id")
        challenge_id = words.text_or_none("challenge_id")
        return Journey(
            invite_id=InviteId(words.text("invite_id")),
            role=None if role is None else Role(role),
            class_id=None if class_id is None else ClassId(class_id),
            challenge_id=None if challenge_id is None else ChallengeId(challenge_id),
            password=words.text("password"),
            is_me=words.flag("is_me"),
            by_session=words.flag("by_session"),
        )
    except (BadJson, ValueError):
        return None  # of another version


async def end_journey(work: Repositories, session: SessionHash) -> None:
    await work.journeys.end(_place("journey", session))


async def keep_arrival(
    work: Repositories, session: SessionHash, arrival: Arrival, now: datetime, vault: Vault
) -> None:
    words = {
        "steps_id": arrival.steps_id,
        "login": arrival.login,
        "contact": arrival.contact,
        "by_card": arrival.by_card,
    }
    await _keep(work, _place("arrival", session), words, now + ARRIVAL_LIFETIME, vault)


async def arrival_of(
    work: Repositories, session: SessionHash, now: datetime, vault: Vault
) -> Arrival | None:
    words = await _found(work, _place("arrival", session), now, vault)
    if words is None:
        return None
    try:
        steps_id = words.text_or_none("steps_id")
        return Arrival(
            steps_id=None if steps_id is None else StepsId(steps_id),
            login=words.text("login"),
            contact=words.text("contact"),
            by_card=words.flag("by_card"),
        )
    except BadJson:
        return None


async def _keep(
    work: Repositories,
    place: SessionHash,
    words: Mapping[str, object],
    expires_at: datetime,
    vault: Vault,
) -> None:
    plain = json.dumps(words, ensure_ascii=False).encode()
    await work.journeys.put(place, vault.seal(plain, _purpose(place)), expires_at)


async def _found(
    work: Repositories, place: SessionHash, now: datetime, vault: Vault
) -> JsonObject | None:
    sealed = await work.journeys.get(place, now)
    if sealed is None:
        return None
    try:
        return parse_object(vault.unseal(sealed, _purpose(place)))
    except (CannotUnseal, BadJson):
        return None


def _place(part: str, session: SessionHash) -> SessionHash:
    """Each part has a row of its own: a browser's journeys do not overwrite each other."""
    return SessionHash(hashlib.sha256(part.encode() + b":" + session).digest())


def _purpose(place: SessionHash) -> str:
    return f"journey:{place.hex()}"
