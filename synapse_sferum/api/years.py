"""The school year: draft, plan, apply, undo (R35–R37)."""

from __future__ import annotations

from typing import Any

import attrs

from synapse_sferum.api.call import BadField, Call
from synapse_sferum.api.services import Services
from synapse_sferum.api.views import note_json
from synapse_sferum.model import Directory
from synapse_sferum.year import Promoted
from synapse_sferum.year_document import BadYear, YearDocument, parse_year
from synapse_sferum.year_plan import ClassRow, YearPlan
from synapse_sferum.year_rows import Promotion


async def get_year(services: Services, call: Call) -> tuple[int, Any]:
    """The school's year, and its last promotion while there is one."""
    org, promotion, restored = await services.years.status(call.org_id)
    shown = None if promotion is None else promotion_json(promotion, services.now_ms())
    return 200, {
        "school_year": org.school_year,
        "promotion": shown,
        "restores": None if restored is None else attrs.asdict(restored),
    }


async def plan_school_year(services: Services, call: Call) -> tuple[int, Any]:
    """What a plan would do; without one, the draft. Nothing is written."""
    call.only("plan")
    document = None if call.body.get("plan") is None else await _document(services, call)
    return 200, year_plan_json(await services.years.plan(call.org_id, document))


async def apply_school_year(services: Services, call: Call) -> tuple[int, Any]:
    """Promote the school; rooms follow in the background. The same plan again changes nothing."""
    call.only("plan", "plan_hash")
    document = await _document(services, call)
    plan_hash = call.text("plan_hash", longest=64)
    promoted = await services.years.apply(call.org_id, document, plan_hash, call.actor)
    return 200, {"applied": promoted.written.changed, **_done(services, promoted)}


async def undo_school_year(services: Services, call: Call) -> tuple[int, Any]:
    """Take the last promotion back, until the next list or for 14 days."""
    call.only()
    promoted = await services.years.undo(call.org_id, call.actor)
    return 200, {
        "undone": promoted.written.changed,
        "exact": promoted.exact,
        "without_class": promoted.without_class,
        "revision": promoted.written.revision,
    }


def _done(services: Services, promoted: Promoted) -> dict[str, Any]:
    return {
        "promotion": promotion_json(promoted.promotion, services.now_ms()),
        "revision": promoted.written.revision,
    }


async def _document(services: Services, call: Call) -> YearDocument:
    try:
        # In a thread: a large school's plan is a tenth of a second.
        return await services.api.defer_to_thread(parse_year, call.body.get("plan"))
    except BadYear as error:
        raise BadField(f"plan.{error.field}", str(error).partition(": ")[2]) from error


def promotion_json(promotion: Promotion, now_ms: int) -> dict[str, Any]:
    """A promotion, and whether it can still be taken back."""
    return {
        "from_year": promotion.from_year,
        "to_year": promotion.to_year,
        "state": promotion.state.value,
        "applied_ms": promotion.applied_ms,
        "undo_until_ms": promotion.undo_until_ms,
        "may_undo": promotion.may_undo(now_ms),
    }


def year_plan_json(plan: YearPlan) -> dict[str, Any]:
    """A plan, for a person to read and to change."""
    shown = plan.after or plan.before
    return {
        "plan": plan.document.to_json(),
        "plan_hash": plan.plan_hash,
        "ready": plan.after is not None,
        "counts": dict(plan.counts),
        "classes": [_row_json(row, plan.before) for row in plan.rows],
        "next_classes": dict(plan.next_classes),
        "students": _students_json(plan),
        "conflicts": [note_json(note, shown) for note in plan.conflicts],
        "exceptions": [note_json(note, shown) for note in plan.exceptions],
    }


def _row_json(row: ClassRow, directory: Directory) -> dict[str, Any]:
    return {
        "class_id": row.class_id,
        "name": row.name,
        "fate": row.fate,
        "next_name": row.next_name,
        "students": row.students,
        "stay": row.stay,
        "elsewhere": row.elsewhere,
        "leave": row.leave,
        "teachers": [
            {"person_id": i, "person": directory.people[i].display_name} for i in row.teachers
        ],
    }


def _students_json(plan: YearPlan) -> list[dict[str, Any]]:
    """Every pupil: whoever does not do what the class does is decided about here."""
    return [
        {
            "person_id": row.person_id,
            "person": plan.before.people[row.person_id].display_name,
            "source_id": plan.before.people[row.person_id].source_id,
            "class": row.classes,
            "fate": row.fate,
            "name": row.name,
        }
        for row in plan.students
    ]
