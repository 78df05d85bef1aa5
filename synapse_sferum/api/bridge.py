"""What only the bridge asks, with the service token: records of applications, families, classes, accounts, erasure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from synapse_sferum import record_edits
from synapse_sferum.api.call import BadField, Call
from synapse_sferum.api.services import Services
from synapse_sferum.api.views import person_json, role_words
from synapse_sferum.edits import not_found
from synapse_sferum.family_rows import Classes, account_persons_txn, family_txn, roll_txn
from synapse_sferum.ids import person_id_of
from synapse_sferum.model import Guardianship, OrgId, Person
from synapse_sferum.overview import overview as overview_of
from synapse_sferum.overview_rows import figures_txn
from synapse_sferum.people_rows import classes_of_txn, person_txn
from synapse_sferum.quiet.rows import put_rule_txn
from synapse_sferum.quiet.values import Level
from synapse_sferum.roster import BadRoster, RosterPerson, parse_person, parse_source

#: Fields of a new record that a roster's person has too; checked in the same way.
_LISTED = ("source_id", "family_name", "given_name", "middle_name", "birth_date", "roles")


async def create_person(services: Services, call: Call) -> tuple[int, Any]:
    """A record of an approved application; a second call answers the record as it is."""
    call.only("source", *_LISTED, "class_id")
    source, listed = _listed(call)
    class_id = call.text("class_id", longest=20) if "class_id" in call.body else None
    person_id = person_id_of(OrgId(call.org_id), source, listed.source_id)
    edit = record_edits.add_person(source, listed, class_id, call.actor.name)
    await services.directory.edit(call.org_id, edit, call.actor, around=[person_id])
    return 200, await _record(services, call.org_id, person_id)


def _listed(call: Call) -> tuple[str, RosterPerson]:
    raw = {name: call.body[name] for name in _LISTED if name in call.body}
    try:
        return parse_source(call.body), parse_person(raw)
    except BadRoster as error:
        raise BadField(
            error.field.removeprefix("person."), str(error).partition(": ")[2]
        ) from error


async def erase_person(services: Services, call: Call) -> tuple[int, Any]:
    """R14, 152-FZ: the person leaves and the record says no more who it was."""
    call.only()
    person_id = call.params["person_id"]
    edit = record_edits.erase(person_id, call.actor.name)
    written = await services.directory.edit(call.org_id, edit, call.actor, around=[person_id])
    for user_id in written.touched:
        # The account of a person who was several stays, and so do its hours.
        if await services.facts.account(user_id) is None:
            await _forget_hours(services, call, user_id)
    return 200, await _record(services, call.org_id, person_id)


async def _forget_hours(services: Services, call: Call, user_id: str) -> None:
    """When somebody sleeps is theirs (R49)."""
    changed = await services.directory.read(
        put_rule_txn,
        call.org_id,
        Level.PERSON,
        user_id,
        None,
        call.actor.name,
        services.now_ms(),
    )
    if changed:
        await services.facts.forget_quiet_rules(call.org_id)


async def _record(services: Services, org_id: str, person_id: str) -> dict[str, Any]:
    person = await services.directory.read(person_txn, org_id, person_id)
    if person is None:
        raise not_found()
    classes = await services.directory.read(classes_of_txn, [person.person_id])
    return person_json(person, classes.get(person.person_id, []))


def _relatives(
    links: Iterable[tuple[Person, Guardianship]], classes: Classes
) -> list[dict[str, Any]]:
    return [
        {
            "person": person_json(person, classes.get(person.person_id, [])),
            "relation": link.relation,
            "status": link.status.value,
        }
        for person, link in links
    ]


async def get_family(services: Services, call: Call) -> tuple[int, Any]:
    """A person's guardians and children, restricted links too: the bridge shows nobody what R34 hides."""
    found = await services.directory.read(family_txn, call.org_id, call.params["person_id"])
    if found is None:
        raise not_found()
    family, classes = found
    return 200, {
        "person": person_json(family.person, classes.get(family.person.person_id, [])),
        "guardians": _relatives(family.guardians, classes),
        "children": _relatives(family.children, classes),
    }


async def get_class(services: Services, call: Call) -> tuple[int, Any]:
    """A class of this year with its teachers, pupils and their guardians."""
    found = await services.directory.read(roll_txn, call.org_id, call.params["class_id"])
    if found is None:
        raise not_found()
    roll, classes = found
    return 200, {
        "class_id": roll.class_.class_id,
        "name": roll.class_.name,
        "grade": roll.class_.grade,
        "session": roll.class_.session,
        "homeroom_teachers": [
            person_json(p, classes.get(p.person_id, [])) for p in roll.homeroom_teachers
        ],
        "students": [
            {
                "person": person_json(family.person, classes.get(family.person.person_id, [])),
                "guardians": _relatives(family.guardians, classes),
            }
            for family in roll.students
        ],
    }


async def get_overview(services: Services, call: Call) -> tuple[int, Any]:
    """How far the school has come, class by class."""
    figures = await services.directory.read(figures_txn, call.org_id)
    if figures is None:
        raise not_found()
    return 200, overview_of(figures, services.facts.today(figures.org.timezone))


async def get_account(services: Services, call: Call) -> tuple[int, Any]:
    """An active account with its persons. Asked at nearly every page: the account itself comes from the cache."""
    user_id = call.params["user_id"]
    account = await services.facts.account(user_id)
    if account is None:
        raise not_found()
    persons, classes = await services.directory.read(account_persons_txn, user_id)
    if not persons.people:  # has left since the cache was filled
        raise not_found()
    return 200, {
        "user_id": account.user_id,
        "org_id": account.org_id,
        "org_name": persons.org_name,
        "timezone": account.timezone,
        "display_name": persons.people[0].display_name,
        "roles": role_words(account.roles),
        "persons": [person_json(p, classes.get(p.person_id, [])) for p in persons.people],
        "student_in": sorted(account.student_in),
        "homeroom_of": sorted(account.homeroom_of),
        "children_in": sorted(account.children_in),
        "children": sorted(account.children),
        "unconfirmed": account.unconfirmed(services.facts.today(account.timezone)),
    }
