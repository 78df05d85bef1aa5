"""Schools, rosters, progress."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import evolve

from synapse_sferum import __version__, edits, jobs, schema
from synapse_sferum.api.call import MOST_ROWS, PAGE, BadField, Call
from synapse_sferum.api.common_rooms import health_of_common
from synapse_sferum.api.services import Services
from synapse_sferum.api.views import org_json, plan_json
from synapse_sferum.district import rows as district_rows
from synapse_sferum.edits import EditRefused
from synapse_sferum.model import Org, OrgId, OrgSettings
from synapse_sferum.roster import BadRoster, Roster, is_school_year, parse_roster
from synapse_sferum.schedule.rows import look_again_txn
from synapse_sferum.subject_rows import listed_changes_txn

_ORG_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LONGEST_NAME = 120


async def health(services: Services, call: Call) -> tuple[int, Any]:
    """Versions, guard, queue; for `sferum doctor` and monitoring."""
    found = await services.directory.read(schema.found_txn)
    counts = await services.directory.read(jobs.counts_txn)
    register = await services.directory.read(district_rows.state_txn)
    return 200, {
        "status": "ok" if found == schema.VERSION and not counts["dead"] else "attention",
        "version": __version__,
        "schema": {"found": found, "wanted": schema.VERSION},
        "guard": {"client": services.guard.client, "federation": services.guard.federation},
        "server_name": services.api.server_name,
        "worker": services.api.worker_name,
        "service_user": services.own.service_user,
        "background": services.api.should_run_background_tasks(),
        "jobs": counts,
        "district": None if register is None else _register_json(register),
        "common_rooms": await health_of_common(services),
        "time_ms": services.now_ms(),
    }


def _register_json(state: dict[str, Any]) -> dict[str, Any]:
    """How the district's register stands; times in seconds since 1970, 0 where there is none."""
    return {
        "district": state["district"],
        "standing": state["standing"],
        "serial": state["serial"],
        "issued_s": state["issued_s"],
        "expires_s": state["expires_s"],
        "peers": state["peers"],
        "refusal": state["refusal"] or None,
        "refused_where": state["refused_where"],
        "asked_s": state["asked_ms"] // 1000,
        "agreed_s": state["agreed_ms"] // 1000,
    }


async def district_schools(services: Services, call: Call) -> tuple[int, Any]:
    """The other schools of the district's register: public words of it, for people with a child at each of two."""
    found = await services.directory.read(district_rows.schools_txn, services.now_ms())
    return 200, {"schools": [{"server_name": server, "name": name} for server, name in found]}


async def list_orgs(services: Services, call: Call) -> tuple[int, Any]:
    """Every school for the service, one's own for others."""
    orgs = await services.directory.orgs()
    mine = None if call.account is None else call.account.org_id
    return 200, {"orgs": [org_json(org) for org in orgs if mine in {None, org.org_id}]}


async def create_org(services: Services, call: Call) -> tuple[int, Any]:
    """A new school."""
    call.only("org_id", "name", "timezone", "school_year", "settings")
    org_id = call.text("org_id", longest=63)
    if not _ORG_ID.fullmatch(org_id):
        raise BadField("org_id", "1 to 63 of a-z, 0-9 and hyphen, not a hyphen first")
    org = Org(
        org_id=OrgId(org_id),
        name=_name(call),
        timezone=_timezone(call, "Europe/Moscow"),
        school_year=_school_year(call),
        settings=_settings(call, {}),
    )
    await services.directory.create_org(org, call.actor.name)
    return 200, org_json(org)


async def get_org(services: Services, call: Call) -> tuple[int, Any]:
    """One school."""
    return 200, org_json(await services.directory.org(call.org_id))


async def change_org(services: Services, call: Call) -> tuple[int, Any]:
    """Name, time zone, settings; closing a school is the service's alone."""
    call.only("name", "timezone", "settings", "status")
    if "status" in call.body and not call.is_service:
        raise EditRefused(403, "M_FORBIDDEN", "a school is opened and closed by its operator")
    if call.text("status", default="open") not in {"open", "closed"}:
        raise BadField("status", "must be open or closed")

    def change(org: Org) -> Org:
        return evolve(
            org,
            name=_name(call) if "name" in call.body else org.name,
            timezone=_timezone(call, org.timezone),
            settings=_settings(call, org.settings.to_dict()),
            status=call.text("status", default=org.status),
        )

    edit = edits.change_org(change, call.actor.name)
    written = await services.directory.edit(call.org_id, edit, call.actor)
    org = await services.directory.org(call.org_id)
    if "timezone" in call.body:
        await services.directory.read(look_again_txn, org.org_id, services.now_ms())
    return 200, {**org_json(org), "revision": written.revision}


def _name(call: Call) -> str:
    name = call.text("name", longest=_LONGEST_NAME).strip()
    if not name:
        raise BadField("name", "must not be empty")
    return name


def _timezone(call: Call, default: str) -> str:
    name = call.text("timezone", default=default, longest=60)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadField("timezone", "must be a name such as Europe/Moscow") from None
    return name


def _school_year(call: Call) -> str:
    """Said by whoever makes the school, else by its first roster."""
    text = call.text("school_year", default="", longest=9)
    if text and not is_school_year(text):
        raise BadField("school_year", "must be two consecutive years, such as 2026/2027")
    return text


def _settings(call: Call, known: dict[str, Any]) -> OrgSettings:
    raw = call.body.get("settings", {})
    if not isinstance(raw, dict):
        raise BadField("settings", "must be an object")
    try:
        return OrgSettings.from_dict({**known, **raw})
    except ValueError as error:
        raise BadField("settings", str(error)[:200]) from error


async def _roster(services: Services, call: Call) -> Roster:
    try:
        # In a thread: a second for the largest document.
        return await services.api.defer_to_thread(parse_roster, call.body.get("roster"))
    except BadRoster as error:
        raise BadField(f"roster.{error.field}", str(error).partition(": ")[2]) from error


async def plan_roster(services: Services, call: Call) -> tuple[int, Any]:
    """What a roster would change; nothing is written."""
    call.only("roster")
    roster = await _roster(services, call)
    plan = plan_json(await services.directory.plan_roster(call.org_id, roster))
    taught = await services.directory.read(listed_changes_txn, call.org_id, roster)
    return 200, {**plan, "counts": _counts(plan["counts"], len(taught))}


def _counts(counts: Mapping[str, int], taught: int) -> dict[str, int]:
    """How many of each kind of change; subjects are no part of the plan's hash: nobody gets a right by them here."""
    return {**counts, **({"subjects": taught} if taught else {})}


async def apply_roster(services: Services, call: Call) -> tuple[int, Any]:
    """Write a roster's difference; rooms follow in the background."""
    call.only("roster", "plan_hash", "force")
    plan_hash = (
        call.text("plan_hash", longest=64) if call.body.get("plan_hash") is not None else None
    )
    force = call.flag("force", default=False)
    written = await services.directory.apply_roster(
        call.org_id, await _roster(services, call), plan_hash, force, call.actor
    )
    counts = _counts(written.plan.counts if written.plan else {}, written.taught)
    return 200, {"applied": written.changed, "counts": counts, "revision": written.revision}


async def progress(services: Services, call: Call) -> tuple[int, Any]:
    """How far the rooms are behind the directory."""
    return 200, await services.directory.progress(call.org_id)


async def reconcile(services: Services, call: Call) -> tuple[int, Any]:
    """Look at every room again; `sanction` lets a held derivation go on."""
    call.only("sanction")
    sanction = call.flag("sanction", default=False)
    if sanction:
        call.require_leader()
    queued = await services.directory.reconcile_all(call.org_id, sanction, call.actor.name)
    return 200, {"queued": queued}


async def list_jobs(services: Services, call: Call) -> tuple[int, Any]:
    """Jobs in one state; the dead ones by default."""
    state = call.query.get("state", "dead")
    if state not in {"queued", "running", "done", "dead"}:
        raise BadField("state", "must be queued, running, done or dead")
    limit = call.number("limit", default=PAGE, most=MOST_ROWS)
    return 200, {"jobs": await services.directory.read(jobs.list_txn, call.org_id, state, limit)}


async def retry_job(services: Services, call: Call) -> tuple[int, Any]:
    """Try a dead job again."""
    await services.directory.retry_job(call.org_id, call.params["job_id"], call.actor.name)
    return 200, {}
