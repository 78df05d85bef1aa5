"""Every call of the API in one table; docs/openapi.yaml has the same rows (a test compares them)."""

from __future__ import annotations

from synapse_sferum.api import (
    bridge,
    broadcasts,
    calls,
    classes,
    exports,
    materials,
    orgs,
    people,
    quiet,
    rooms,
    schedule,
    subjects,
    years,
)
from synapse_sferum.api.call import LARGE_BODY
from synapse_sferum.api.services import Handler, Route

_ORG = "/orgs/{org_id}"
_PERSON = _ORG + "/people/{person_id}"
_MATERIAL = _ORG + "/materials/{material_id}"
_GATHERING = _ORG + "/schedule/{gathering_id}"


def _small(method: str, path: str, access: str, handler: Handler) -> Route:
    return Route(method=method, path=path, access=access, handler=handler)


def _large(method: str, path: str, access: str, handler: Handler) -> Route:
    return Route(method=method, path=path, access=access, handler=handler, body=LARGE_BODY)


ROUTES: tuple[Route, ...] = (
    _small("GET", "/health", "administrative", orgs.health),
    _small("GET", "/me", "any", people.me),
    _small("GET", "/orgs", "administrative", orgs.list_orgs),
    _small("POST", "/orgs", "service", orgs.create_org),
    _small("GET", _ORG, "administrative", orgs.get_org),
    _small("PATCH", _ORG, "leader", orgs.change_org),
    _large("POST", _ORG + "/roster/plan", "administrative", orgs.plan_roster),
    _large("POST", _ORG + "/roster/apply", "administrative", orgs.apply_roster),
    _small("GET", _ORG + "/year", "administrative", years.get_year),
    _large("POST", _ORG + "/year/plan", "administrative", years.plan_school_year),
    _large("POST", _ORG + "/year/apply", "leader", years.apply_school_year),
    _small("POST", _ORG + "/year/undo", "leader", years.undo_school_year),
    _small("GET", _ORG + "/progress", "administrative", orgs.progress),
    _small("POST", _ORG + "/reconcile", "administrative", orgs.reconcile),
    _small("GET", _ORG + "/jobs", "administrative", orgs.list_jobs),
    _small("POST", _ORG + "/jobs/{job_id}/retry", "administrative", orgs.retry_job),
    _small("GET", _ORG + "/people", "administrative", people.list_people),
    _small("POST", _ORG + "/people", "service", bridge.create_person),
    _small("GET", _PERSON, "administrative", people.get_person),
    _small("PUT", _PERSON + "/roles", "administrative", people.set_roles),
    _small("GET", _PERSON + "/subjects", "administrative", subjects.get_subjects),
    _small("PUT", _PERSON + "/subjects", "administrative", subjects.put_subjects),
    _small("POST", _PERSON + "/activate", "administrative", people.activate),
    _small("POST", _PERSON + "/leave", "administrative", people.leave),
    _small("POST", _PERSON + "/erase", "service", bridge.erase_person),
    _small("POST", _PERSON + "/export", "own_org", exports.export_person),
    _small("GET", _PERSON + "/family", "service", bridge.get_family),
    _small("POST", _PERSON + "/confirm", "administrative", people.confirm),
    _small("POST", _PERSON + "/move", "administrative", people.move),
    _small("GET", _ORG + "/classes", "administrative", people.list_classes),
    _small("GET", _ORG + "/classes/{class_id}", "service", bridge.get_class),
    _small(
        "PUT",
        _ORG + "/classes/{class_id}/homeroom_teachers",
        "administrative",
        people.set_homeroom_teachers,
    ),
    _small("POST", _ORG + "/classes/merge", "administrative", classes.merge_classes),
    _small("POST", _ORG + "/classes/{class_id}/split", "administrative", classes.split_class),
    _small(
        "PUT", _ORG + "/classes/{class_id}/substitute", "administrative", classes.set_substitute
    ),
    _small("GET", _ORG + "/guardianships", "administrative", people.list_guardianships),
    _small("PUT", _ORG + "/guardianships", "administrative", people.put_guardianship),
    _small("DELETE", _ORG + "/guardianships", "administrative", people.delete_guardianship),
    _small("GET", _ORG + "/rooms", "administrative", rooms.list_rooms),
    _small("POST", _ORG + "/rooms/export", "own_org", exports.export_room),
    _small("GET", _ORG + "/members", "own_org", rooms.list_members),
    _small("GET", _ORG + "/why", "administrative", rooms.explain),
    _small("GET", _ORG + "/audit", "leader", rooms.list_audit),
    _small("GET", _ORG + "/overview", "service", bridge.get_overview),
    _small("GET", "/accounts/{user_id}", "service", bridge.get_account),
    _small("GET", "/district/schools", "service", orgs.district_schools),
    _small("GET", "/calls/rights", "service", calls.call_rights),
    _small("GET", "/broadcasts/rights", "service", broadcasts.broadcast_rights),
    _small("GET", "/broadcasts/audiences", "service", broadcasts.broadcast_audiences),
    _large("POST", _ORG + "/broadcasts/watchers", "service", broadcasts.broadcast_watchers),
    _small("POST", _ORG + "/broadcasts/announce", "service", broadcasts.announce_broadcast),
    _small("POST", _ORG + "/broadcasts/tell", "service", broadcasts.tell_hosts),
    _small("GET", _ORG + "/schedule", "own_org", schedule.list_schedule),
    _small("POST", _ORG + "/schedule", "own_org", schedule.plan_gathering),
    _small("GET", _ORG + "/schedule_rooms", "own_org", schedule.list_plannable),
    _small("GET", _GATHERING, "own_org", schedule.get_gathering),
    _small("PUT", _GATHERING, "own_org", schedule.change_gathering),
    _small("PUT", _GATHERING + "/days/{day}", "own_org", schedule.change_day),
    _small("POST", _GATHERING + "/call_off", "own_org", schedule.call_off),
    _small("GET", _ORG + "/materials", "own_org", materials.list_materials),
    _small("POST", _ORG + "/materials", "service", materials.publish_material),
    _small("GET", _ORG + "/material_rooms", "own_org", materials.list_publishable),
    _small("GET", _MATERIAL, "own_org", materials.get_material),
    _small("PUT", _MATERIAL, "own_org", materials.change_material),
    _small("DELETE", _MATERIAL, "own_org", materials.remove_material),
    _small("POST", "/materials/live", "service", materials.live_files),
    _small("GET", _ORG + "/quiet_hours", "own_org", quiet.list_quiet),
    _small("PUT", _ORG + "/quiet_hours", "own_org", quiet.set_quiet),
    _small("GET", _ORG + "/quiet_hours/now", "own_org", quiet.explain_quiet),
)
