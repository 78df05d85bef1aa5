"""For `sferum run` only: demo people get their phones as if they had proved them, and links to try are made.

Refused unless codes go to the screen: on a school's server nobody gets a contact without a code.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from bridge.config import Config
from bridge.contact import Phone, medium_of, subject
from bridge.invite import FOR_ONE, ROLES, InviteKind, Order
from bridge.inviting import Issued, issue_invite
from bridge.outbox import plain
from bridge.people import SourceKey
from bridge.records import Action, AuditEntry, BoundContact, ContactId, StepsId
from bridge.roles import Account, ClassId, OrgId, PersonId, UserId
from bridge.services import Services
from bridge.steps import Steps, WriteContacts
from bridge.wiring import Machine, wired
from bridge.writer import Finished, enqueue
from serving.settings import BadConfig

#: Seconds that the running bridge may take to write the contacts of all demo people.
WRITTEN_WITHIN_S = 30.0
FOR_ONE_DAYS, FOR_MANY_DAYS, MANY = 14, 365, 500


class NotPrepared(Exception):
    """Something `sferum run` asked for could not be done; the message says what."""


async def prepare(config: Config, machine: Machine, asked: str) -> str:
    """Bind and invite as `asked`; what was made, as JSON.

    `asked`: `{by, source, contacts: [{user_id, phone}], invites: [{name, kind, class_name?, source_id?}]}`.
    The answer: `{invites: [{name, url, code, expires_at}], bound: [user_id]}`: who has a contact now.

    Raises:
        BadConfig: not a trial.
        NotPrepared: the director is not known, a class does not exist, or the running bridge writes nothing.
    """
    if config.sms.get("console") is not True:
        raise BadConfig("sms: --trial is for `console: true` only")
    words: dict[str, Any] = json.loads(asked)
    async with wired(config, machine, asyncio.Event()) as bridge:
        services = bridge.services
        now = services.clock()
        by = await services.directory.account(UserId(words["by"]))
        if by is None:
            raise NotPrepared("the demo director is not active")
        waiting = [
            await _bind(UserId(one["user_id"]), Phone(one["phone"]), by, now, services)
            for one in words["contacts"]
        ]
        for steps_id in filter(None, waiting):
            if await services.writer.finish(steps_id, WRITTEN_WITHIN_S) is not Finished.DONE:
                raise NotPrepared("contacts were not written; is the bridge running?")
        made = [await _invite(one, words["source"], by, now, services) for one in words["invites"]]
        bound = [one["user_id"] for one in words["contacts"] if await _has_one(one, services)]
    return json.dumps({"invites": made, "bound": bound}, ensure_ascii=False)


async def _has_one(asked: dict[str, Any], services: Services) -> bool:
    async with services.store.begin() as work:
        return bool(await work.contacts.of_account(UserId(asked["user_id"])))


async def _bind(
    user_id: UserId, phone: Phone, by: Account, now: datetime, services: Services
) -> StepsId | None:
    """None: somebody has it already, such as the teacher who is a parent too."""
    lookup = services.vault.lookup(subject(phone))
    contact = BoundContact(
        id=ContactId(services.chance.new_id()),
        user_id=user_id,
        org_id=by.org_id,
        medium=medium_of(phone),
        lookup=lookup,
        sealed=services.vault.seal(plain(phone).encode(), f"contact:{user_id}"),
        verified_at=now,
    )
    steps = Steps(user_id=user_id, org_id=by.org_id, by=by.user_id, steps=(WriteContacts(),))
    async with services.store.begin() as work:
        if not await work.contacts.claim(contact):
            return None
        await work.audit.add(
            AuditEntry(
                at=now,
                org_id=by.org_id,
                actor=by.user_id,
                action=Action.CONTACT_CLAIMED,
                subject=user_id,
            )
        )
        return await enqueue(work, steps, now, services.vault, services.chance)


async def _invite(
    asked: dict[str, Any], source: str, by: Account, now: datetime, services: Services
) -> dict[str, str]:
    kind = InviteKind(asked["kind"])
    place = await _place(asked, source, by.org_id, services)
    for_one = kind in FOR_ONE
    days = FOR_ONE_DAYS if for_one else FOR_MANY_DAYS
    issued = await issue_invite(
        by,
        Order(
            org_id=by.org_id,
            kind=kind,
            role=next(iter(ROLES[kind])),
            class_id=place.class_id,
            grade=place.grade,
            person_id=place.person_id,
            max_uses=1 if for_one else MANY,
            lifetime=timedelta(days=days),
        ),
        now,
        store=services.store,
        new_id=services.chance.new_id,
        random_bytes=services.random_bytes,
        below=services.chance.below,
    )
    if not isinstance(issued, Issued):
        raise NotPrepared(f"invite {kind.value}: {issued.value}")
    return {
        "name": asked["name"],
        "url": f"{services.config.public_url}/i/{issued.token}",
        "code": issued.code,
        "expires_at": issued.invite.expires_at.isoformat(),
    }


@frozen
class _Place:
    class_id: ClassId | None = None
    grade: int | None = None
    person_id: PersonId | None = None


async def _place(asked: dict[str, Any], source: str, org_id: OrgId, services: Services) -> _Place:
    """Of which class and for whom."""
    name = asked.get("class_name")
    if not name:
        return _Place()
    classes = await services.directory.classes(org_id)
    found = next((one for one in classes if one.name == name), None)
    if found is None:
        raise NotPrepared(f"no class {name}")
    person_id = None
    if asked.get("source_id"):
        person = await services.directory.by_source(org_id, SourceKey(source, asked["source_id"]))
        person_id = None if person is None else person.person_id
    return _Place(found.class_id, found.grade, person_id)
