"""A class in the middle of the year: split, made one with another, a substitute for its teacher (R36, R40)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from synapse_sferum import class_edits
from synapse_sferum.api.call import BadField, Call
from synapse_sferum.api.services import Services
from synapse_sferum.edits import Edit
from synapse_sferum.year_document import LONGEST_NAME

#: Pupils of one class; classes that become one.
_MOST_PUPILS, _MOST_CLASSES = 100, 20
#: Days of a substitute: a leave of three years, and some.
_LONGEST_DAYS = 1200
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


async def split_class(services: Services, call: Call) -> tuple[int, Any]:
    """Some pupils become a class of their own."""
    call.only("name", "person_ids")
    edit = class_edits.split_class(
        call.params["class_id"],
        _name(call),
        call.texts("person_ids", most=_MOST_PUPILS),
        call.actor.name,
    )
    return await _edit(services, call, edit)


async def merge_classes(services: Services, call: Call) -> tuple[int, Any]:
    """Several classes become one, whose room links to theirs."""
    call.only("class_ids", "name")
    edit = class_edits.merge_classes(
        call.texts("class_ids", most=_MOST_CLASSES), _name(call), call.actor.name
    )
    return await _edit(services, call, edit)


async def set_substitute(services: Services, call: Call) -> tuple[int, Any]:
    """Somebody stands beside the class teacher until a day; null ends it."""
    call.only("person_id", "until")
    until = None if call.body.get("until") is None else _until(call)
    if until is not None:
        org = await services.directory.org(call.org_id)
        ahead = (until - services.facts.today(org.timezone)).days
        if not 0 <= ahead <= _LONGEST_DAYS:
            raise BadField("until", f"must be today or later, at most {_LONGEST_DAYS} days ahead")
    edit = class_edits.set_substitute(
        call.params["class_id"], call.text("person_id", longest=20), until, call.actor.name
    )
    return await _edit(services, call, edit)


async def _edit(services: Services, call: Call, edit: Edit) -> tuple[int, Any]:
    written = await services.directory.edit(call.org_id, edit, call.actor)
    return 200, {"changed": written.changed, "revision": written.revision}


def _name(call: Call) -> str:
    name = call.text("name", longest=LONGEST_NAME)
    if not name or name != name.strip():
        raise BadField("name", "must be the name of a class, without spaces around it")
    return name


def _until(call: Call) -> date:
    raw = call.text("until", longest=10)
    try:
        found = date.fromisoformat(raw) if _DATE.fullmatch(raw) else None
    except ValueError:
        found = None
    if found is None:
        raise BadField("until", "must be a date such as 2027-03-01, or null")
    return found
