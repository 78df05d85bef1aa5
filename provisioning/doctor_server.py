"""What the running server answered → findings. Values in, findings out; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import Factory, frozen

from provisioning.doctor_district import check_district
from provisioning.doctor_finding import Finding, Level

#: The guard relies on private names that were verified on this version only.
SYNAPSE = "1.163"
PYTHON = (3, 11)
#: Seconds a change may wait for its rooms; R21 promises 60 on an idle server.
LATE_S, STUCK_S = 60.0, 600.0
#: Seconds between two clocks: codes and invitations expire, and messages sort by time.
CLOCK_WARNING_S, CLOCK_ERROR_S = 5.0, 60.0


@frozen(kw_only=True)
class ServerFacts:
    """What was asked and answered.

    Attributes:
        url: address on this machine.
        status: HTTP status of the module's /health; 0: nobody listens; -1: no answer in time.
        health: its JSON, or empty.
        local_ms: this machine's clock when the answer was on its way, milliseconds.
        progress: school → answer of /progress.
        module_version: of the installed distribution `sferum`, "" when unknown.
    """

    url: str
    status: int
    health: Mapping[str, Any] = Factory(dict)
    local_ms: int = 0
    progress: Mapping[str, Mapping[str, Any]] = Factory(dict)
    module_version: str = ""


@frozen(kw_only=True)
class PublicFacts:
    """The same server seen through its public address. A status as in `ServerFacts`; None: not asked.

    Attributes:
        admin_errcode: Matrix error code under /_synapse/admin: if there is one, Synapse answered.
    """

    url: str
    versions: int | None = None
    admin: int | None = None
    admin_errcode: str = ""
    federation: int | None = None


def check_server(facts: ServerFacts) -> list[Finding]:
    """The module, its guard, its queue and its clock."""
    refusal = _refusal(facts)
    if refusal is not None:
        return [refusal]
    return [
        *_versions(facts),
        *_guard(facts.health),
        *_queue(facts),
        _clock(facts),
        *check_district(facts.health, facts.local_ms // 1000),
    ]


def _refusal(facts: ServerFacts) -> Finding | None:
    if facts.status <= 0:
        return Finding(Level.ERROR, "server_silent", facts.url)
    if facts.status in {401, 403}:
        return Finding(Level.ERROR, "token_refused", facts.url)
    if facts.status == 404:
        return Finding(Level.ERROR, "module_absent", facts.url)
    if facts.status != 200:
        return Finding(Level.ERROR, "server_failing", facts.url, {"status": facts.status})
    return None


def _versions(facts: ServerFacts) -> Iterator[Finding]:
    schema = facts.health.get("schema")
    found, wanted = (
        (schema.get("found"), schema.get("wanted")) if isinstance(schema, Mapping) else (None, None)
    )
    if found != wanted or found is None:
        yield Finding(Level.ERROR, "schema_behind", "", {"found": found, "wanted": wanted})
    running = str(facts.health.get("version", "?"))
    if facts.module_version and running != facts.module_version:
        figures = {"running": running, "installed": facts.module_version}
        yield Finding(Level.WARNING, "module_not_restarted", "", figures)
    else:
        yield Finding(Level.OK, "module_runs", "", {"version": running, "schema": found})


def _guard(health: Mapping[str, Any]) -> Iterator[Finding]:
    guard = health.get("guard")
    parts = guard if isinstance(guard, Mapping) else {}
    missing = [name for name in ("client", "federation") if parts.get(name) is not True]
    if missing:
        yield Finding(Level.ERROR, "guard_off", ", ".join(missing))
    else:
        yield Finding(Level.OK, "guard_on")


def _queue(facts: ServerFacts) -> Iterator[Finding]:
    fine = True
    for org_id, progress in sorted(facts.progress.items()):
        lag = float(progress.get("lag_s") or 0.0)
        if progress.get("held"):
            fine = False
            yield Finding(Level.WARNING, "held", org_id)
        elif lag > LATE_S:
            fine = False
            level = Level.ERROR if lag > STUCK_S else Level.WARNING
            yield Finding(level, "rooms_late", org_id, {"minutes": round(lag / 60)})
        jobs = progress.get("jobs")
        dead = int(jobs.get("dead") or 0) if isinstance(jobs, Mapping) else 0
        if dead:
            fine = False
            yield Finding(Level.WARNING, "dead_jobs", org_id, {"count": dead})
    if not facts.progress:
        yield Finding(Level.WARNING, "no_school")
    elif fine:
        yield Finding(Level.OK, "rooms_in_time", "", {"schools": len(facts.progress)})


def _clock(facts: ServerFacts) -> Finding:
    theirs = facts.health.get("time_ms")
    if not isinstance(theirs, int):
        return Finding(Level.WARNING, "clock_unknown")
    seconds = abs(theirs - facts.local_ms) / 1000
    level = Level.OK
    if seconds > CLOCK_WARNING_S:
        level = Level.ERROR if seconds > CLOCK_ERROR_S else Level.WARNING
    code = "clock_good" if level is Level.OK else "clock_off"
    return Finding(level, code, "", {"seconds": round(seconds, 1)})


def check_public(facts: PublicFacts, *, federates: bool) -> list[Finding]:
    """What strangers reach.

    Args:
        federates: whether homeserver.yaml lists other schools' servers.
    """
    findings = []
    if facts.versions != 200:
        findings.append(Finding(Level.WARNING, "public_silent", facts.url))
    if facts.admin == 200 or facts.admin_errcode:
        findings.append(Finding(Level.ERROR, "admin_reachable", facts.url))
    if facts.federation == 200 and not federates:
        findings.append(Finding(Level.ERROR, "federation_reachable", facts.url))
    return findings or [Finding(Level.OK, "public_good", facts.url)]


def check_versions(python: tuple[int, int], synapse: str) -> list[Finding]:
    """The programs installed beside `sferum`; `synapse` is "" when it is not in this environment."""
    findings = []
    if python < PYTHON:
        findings.append(Finding(Level.ERROR, "python_old", ".".join(map(str, python))))
    if synapse and not synapse.startswith(f"{SYNAPSE}."):
        findings.append(Finding(Level.ERROR, "synapse_version", synapse, {"wanted": SYNAPSE}))
    if findings:
        return findings
    figures = {"python": ".".join(map(str, python)), "synapse": synapse or "?"}
    return [Finding(Level.OK, "versions_good", "", figures)]
