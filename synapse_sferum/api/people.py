"""People, their roles, their coming and going, classes and links."""

from __future__ import annotations

from typing import Any

from synapse.module_api import LoggingTransaction
from synapse.module_api.errors import SynapseError

from synapse_sferum import edits
from synapse_sferum.api.call import MOST_ROWS, PAGE, BadField, Call
from synapse_sferum.api.services import Services
from synapse_sferum.api.views import classes_json, guardianship_json, person_json, visible_links
from synapse_sferum.edits import EditRefused
from synapse_sferum.ids import new_localpart
from synapse_sferum.model import GuardianshipStatus, Person, PersonStatus, Role, UserId
from synapse_sferum.people_rows import (
    PeopleQuery,
    claim_account_txn,
    classes_of_txn,
    people_txn,
    person_txn,
    search_words,
)

#: Random localparts meet by chance once in 10^12; this is for luck.
_LOCALPART_TRIES = 5


async def me(services: Services, call: Call) -> tuple[int, Any]:
    """Who am I in my school."""
    if call.account is None:
        raise EditRefused(400, "M_INVALID_PARAM", "the service has no profile")
    account = call.account
    org = await services.directory.org(account.org_id)
    return 200, {
        "user_id": account.user_id,
        "org_id": account.org_id,
        "org_name": org.name,
        "roles": sorted(role.value for role in account.roles),
        "person_ids": sorted(account.persons),
        "student_in": sorted(account.student_in),
        "homeroom_of": sorted(account.homeroom_of),
        "children": sorted(account.children),
        "unconfirmed": account.unconfirmed(services.facts.today(org.timezone)),
    }


async def list_people(services: Services, call: Call) -> tuple[int, Any]:
    """Search one's own school."""
    status, role = call.query.get("status", ""), call.query.get("role", "")
    if status and status not in {s.value for s in PersonStatus}:
        raise BadField("status", "must be listed, active or left")
    if role and role not in {r.value for r in Role}:
        raise BadField("role", "is not a role")
    source, source_id = call.query.get("source", ""), call.query.get("source_id", "")
    if bool(source) != bool(source_id):
        raise BadField("source_id" if source else "source", "source and source_id go together")
    query = PeopleQuery(
        org_id=call.org_id,
        words=search_words(call.query.get("q", "")[:100]),
        role=role,
        class_id=call.query.get("class_id", "")[:20],
        status=status,
        source=source,
        source_id=source_id,
        limit=call.number("limit", default=PAGE, most=MOST_ROWS) or PAGE,
        offset=call.number("from", default=0, most=10_000_000),
    )
    people, total = await services.directory.read(people_txn, query)
    classes = await services.directory.read(classes_of_txn, [p.person_id for p in people])
    seen = query.offset + len(people)
    return 200, {
        "people": [person_json(p, classes.get(p.person_id, [])) for p in people],
        "total": total,
        "next": seen if seen < total else None,
    }


async def get_person(services: Services, call: Call) -> tuple[int, Any]:
    """One record."""
    return 200, await _person(services, call)


async def _person(services: Services, call: Call) -> dict[str, Any]:
    person = await _known(services, call)
    classes = await services.directory.read(classes_of_txn, [person.person_id])
    return person_json(person, classes.get(person.person_id, []))


async def _known(services: Services, call: Call) -> Person:
    person = await services.directory.read(person_txn, call.org_id, call.params["person_id"])
    if person is None:
        raise edits.not_found()
    return person


async def _edit(services: Services, call: Call, edit: edits.Edit) -> tuple[int, Any]:
    person_id = call.params["person_id"]
    await services.directory.edit(call.org_id, edit, call.actor, around=[person_id])
    return 200, await _person(services, call)


async def set_roles(services: Services, call: Call) -> tuple[int, Any]:
    """Change roles in place (R31)."""
    call.only("roles", "reason")
    roles: frozenset[Role] | None = None
    if "roles" not in call.body:
        raise BadField("roles", "is missing; null goes back to the list's roles")
    if call.body["roles"] is not None:
        try:
            roles = frozenset(Role(word) for word in call.texts("roles"))
        except ValueError:
            raise BadField("roles", f"must be of {', '.join(r.value for r in Role)}") from None
    reason = call.text("reason", default="")
    return await _edit(
        services, call, edits.set_roles(call.params["person_id"], roles, call.actor.name, reason)
    )


async def activate(services: Services, call: Call) -> tuple[int, Any]:
    """Give the person an account, or the old one back (R29)."""
    call.only("user_id")
    wanted = call.body.get("user_id")
    if wanted is not None and not call.is_service:
        raise EditRefused(403, "M_FORBIDDEN", "only the onboarding service names an account")
    person = await _known(services, call)
    if wanted is not None:
        user_id = UserId(call.text("user_id", longest=255))
        if (
            not services.api.is_mine(user_id)
            # Synapse finds accounts whatever their case; the directory holds the one true spelling.
            or await services.api.check_user_exists(user_id) != user_id
        ):
            raise BadField("user_id", "no such account on this server")
    else:
        user_id = person.user_id or await _new_account(services, person)

    def check(txn: LoggingTransaction) -> None:
        if user_id in services.own.everyone or not claim_account_txn(txn, call.org_id, user_id):
            raise EditRefused(
                409, "SFERUM_OTHER_PROFILE", "this account cannot be used in this school"
            )

    edit = edits.activate(person.person_id, user_id, call.actor.name)
    await services.directory.edit(call.org_id, edit, call.actor, check, around=[person.person_id])
    return 200, {"user_id": user_id}


async def _new_account(services: Services, person: Person) -> UserId:
    for attempt in range(_LOCALPART_TRIES):
        try:
            user_id = await services.api.register_user(
                new_localpart(), displayname=person.display_name
            )
        except SynapseError as error:
            if error.errcode != "M_USER_IN_USE" or attempt == _LOCALPART_TRIES - 1:
                raise
        else:
            return UserId(user_id)
    raise AssertionError("unreachable")


async def leave(services: Services, call: Call) -> tuple[int, Any]:
    """The person leaves the school; the record stays."""
    call.only("reason")
    reason = call.text("reason", default="")
    return await _edit(
        services, call, edits.leave(call.params["person_id"], call.actor.name, reason)
    )


async def confirm(services: Services, call: Call) -> tuple[int, Any]:
    """A parent's yes to a young pupil's profile, or its withdrawal (R17)."""
    call.only("confirmed")
    edit = edits.confirm(call.params["person_id"], call.flag("confirmed"), call.actor.name)
    return await _edit(services, call, edit)


async def move(services: Services, call: Call) -> tuple[int, Any]:
    """A pupil changes class (R40)."""
    call.only("from_class_id", "to_class_id", "reason")
    edit = edits.move(
        call.params["person_id"],
        call.text("from_class_id", longest=20),
        call.text("to_class_id", longest=20),
        call.actor.name,
        call.text("reason", default=""),
    )
    return await _edit(services, call, edit)


async def list_classes(services: Services, call: Call) -> tuple[int, Any]:
    """Open classes of the year."""
    return 200, {"classes": classes_json(await services.directory.directory(call.org_id))}


async def set_homeroom_teachers(services: Services, call: Call) -> tuple[int, Any]:
    """Class teachers by hand."""
    call.only("person_ids")
    edit = edits.set_homeroom_teachers(
        call.params["class_id"], call.texts("person_ids", most=10), call.actor.name
    )
    await services.directory.edit(call.org_id, edit, call.actor)
    return 200, {"homeroom_teachers": sorted(call.texts("person_ids"))}


async def list_guardianships(services: Services, call: Call) -> tuple[int, Any]:
    """Links of one person, or of the school."""
    directory = await services.directory.directory(call.org_id)
    person_id = call.query.get("person_id")
    links = [
        link
        for pair, link in sorted(directory.guardianships.items())
        if person_id is None or person_id in pair
    ]
    seen = visible_links(links, leader=call.is_leader)
    return 200, {"guardianships": [guardianship_json(link) for link in seen]}


async def put_guardianship(services: Services, call: Call) -> tuple[int, Any]:
    """Make or change a link; a restricted one is set and lifted by director or deputy only (R34)."""
    call.only("guardian_id", "student_id", "relation", "status")
    try:
        status = GuardianshipStatus(call.text("status"))
    except ValueError:
        raise BadField("status", "must be claimed, confirmed or restricted") from None
    relation = call.text("relation", longest=40) if "relation" in call.body else None
    return await _link(services, call, status, relation)


async def delete_guardianship(services: Services, call: Call) -> tuple[int, Any]:
    """Take a link away."""
    call.only("guardian_id", "student_id")
    return await _link(services, call, None, None)


async def _link(
    services: Services, call: Call, status: GuardianshipStatus | None, relation: str | None
) -> tuple[int, Any]:
    guardian_id, student_id = (
        call.text("guardian_id", longest=20),
        call.text("student_id", longest=20),
    )
    edit = edits.set_guardianship(
        guardian_id, student_id, relation, status, call.actor.name, leader=call.is_leader
    )
    await services.directory.edit(call.org_id, edit, call.actor, around=[guardian_id, student_id])
    word = status.value if status else None
    return 200, {"guardian_id": guardian_id, "student_id": student_id, "status": word}
