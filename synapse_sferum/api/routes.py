"""Every call of the API in one table; docs/openapi.yaml has the same rows (a test compares them)."""

from __future__ import annotations

from synapse_sferum.api import bridge, broadcasts, calls, classes, orgs, people, rooms, years
from synapse_sferum.api.call import LARGE_BODY
from synapse_sferum.api.services import Handler, Route

_ORG = "/orgs/{org_id}"
_PERSON = _ORG + "/people/{person_id}"


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
    _small("POST", _PERSON + "/activate", "administrative", people.activate),
    _small("POST", _PERSON + "/leave", "administrative", people.leave),
    _small("POST", _PERSON + "/erase", "service", bridge.erase_person),
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
    _small("GET", _ORG + "/members", "own_org", rooms.list_members),
    _small("GET", _ORG + "/why", "administrative", rooms.explain),
    _small("GET", _ORG + "/audit", "leader", rooms.list_audit),
    _small("GET", _ORG + "/overview", "service", bridge.get_overview),
    _small("GET", "/accounts/{user_id}", "service", bridge.get_account),
    _small("GET", "/calls/rights", "service", calls.call_rights),
    _small("GET", "/broadcasts/rights", "service", broadcasts.broadcast_rights),
    _small("GET", "/broadcasts/audiences", "service", broadcasts.broadcast_audiences),
    _large("POST", _ORG + "/broadcasts/watchers", "service", broadcasts.broadcast_watchers),
    _small("POST", _ORG + "/broadcasts/announce", "service", broadcasts.announce_broadcast),
    _small("POST", _ORG + "/broadcasts/tell", "service", broadcasts.tell_hosts),
)
