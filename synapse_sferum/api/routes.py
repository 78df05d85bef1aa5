"""Every call of the API in one table; docs/openapi.yaml has the same rows (a test compares them)."""

from __future__ import annotations

from synapse_sferum.api import orgs, people, rooms
from synapse_sferum.api.call import LARGE_BODY
from synapse_sferum.api.services import Route

_ORG = "/orgs/{org_id}"
_PERSON = _ORG + "/people/{person_id}"


ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/health", access="administrative", handler=orgs.health),
    Route(method="GET", path="/me", access="any", handler=people.me),
    Route(method="GET", path="/orgs", access="administrative", handler=orgs.list_orgs),
    Route(method="POST", path="/orgs", access="service", handler=orgs.create_org),
    Route(method="GET", path=_ORG, access="administrative", handler=orgs.get_org),
    Route(method="PATCH", path=_ORG, access="leader", handler=orgs.change_org),
    Route(method="POST", path=_ORG + "/roster/plan", access="administrative", handler=orgs.plan_roster, body=LARGE_BODY),
    Route(method="POST", path=_ORG + "/roster/apply", access="administrative", handler=orgs.apply_roster, body=LARGE_BODY),
    Route(method="GET", path=_ORG + "/progress", access="administrative", handler=orgs.progress),
    Route(method="POST", path=_ORG + "/reconcile", access="administrative", handler=orgs.reconcile),
    Route(method="GET", path=_ORG + "/jobs", access="administrative", handler=orgs.list_jobs),
    Route(method="POST", path=_ORG + "/jobs/{job_id}/retry", access="administrative", handler=orgs.retry_job),
    Route(method="GET", path=_ORG + "/people", access="administrative", handler=people.list_people),
    Route(method="GET", path=_PERSON, access="administrative", handler=people.get_person),
    Route(method="PUT", path=_PERSON + "/roles", access="administrative", handler=people.set_roles),
    Route(method="POST", path=_PERSON + "/activate", access="administrative", handler=people.activate),
    Route(method="POST", path=_PERSON + "/leave", access="administrative", handler=people.leave),
    Route(method="POST", path=_PERSON + "/confirm", access="administrative", handler=people.confirm),
    Route(method="POST", path=_PERSON + "/move", access="administrative", handler=people.move),
    Route(method="GET", path=_ORG + "/classes", access="administrative", handler=people.list_classes),
    Route(
        method="PUT",
        path=_ORG + "/classes/{class_id}/homeroom_teachers",
        access="administrative",
        handler=people.set_homeroom_teachers,
    ),
    Route(method="GET", path=_ORG + "/guardianships", access="administrative", handler=people.list_guardianships),
    Route(method="PUT", path=_ORG + "/guardianships", access="administrative", handler=people.put_guardianship),
    Route(method="DELETE", path=_ORG + "/guardianships", access="administrative", handler=people.delete_guardianship),
    Route(method="GET", path=_ORG + "/rooms", access="administrative", handler=rooms.list_rooms),
    Route(method="GET", path=_ORG + "/members", access="own_org", handler=rooms.list_members),
    Route(method="GET", path=_ORG + "/why", access="administrative", handler=rooms.explain),
    Route(method="GET", path=_ORG + "/audit", access="leader", handler=rooms.list_audit),
)  # fmt: skip
