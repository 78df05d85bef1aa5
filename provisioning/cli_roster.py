"""`sferum roster check | plan | apply`: from a school's files to its rooms."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from provisioning.cli_edge import (
    EXIT_PROBLEMS,
    EXIT_REFUSED,
    Connection,
    chosen_language,
    connected,
    language_option,
    stop,
    today,
)
from provisioning.cli_files import Request, load
from provisioning.cli_wait import Wait
from provisioning.homeserver import Answer, Homeserver
from provisioning.language import say
from provisioning.problem import has_errors
from provisioning.problem_texts import Language
from provisioning.reading import Reading
from provisioning.refusals import LastAdministrator, StalePlan, UnsafePlan
from provisioning.report import has_changes, plan_lines, problem_lines, roster_line
from provisioning.roster import Roster
from provisioning.settling import Settling

F = TypeVar("F", bound=Callable[..., Any])
PLANS = 3  # a school whose data changes faster than a person reads is left for later


@click.group()
def roster() -> None:
    """Read, check, plan and apply a school's lists (CSV, XLSX or a OneRoster archive)."""


def files_and_options(command: F) -> F:
    """FILES and what they do not say themselves."""
    for option in (
        click.argument("files", nargs=-1, required=True),
        click.option("--mapping", type=click.Path(path_type=Path), help="TOML: your own headings."),
        click.option(
            "--save-mapping", type=click.Path(path_type=Path), help="Write the headings in use."
        ),
        click.option("--school-year", metavar="YYYY/YYYY", help="[the school's, or the archive's]"),
        click.option("--source", metavar="NAME", help="Name of the source [csv or oneroster]."),
        click.option("--school", metavar="ID", help="Which school of a OneRoster archive."),
        click.option("--json", "as_json", is_flag=True, help="For machines; does not ask."),
    ):
        command = option(command)
    return command


@roster.command()
@files_and_options
@language_option
def check(lang: str | None, as_json: bool, **request: Any) -> None:
    """Only read the FILES and show every problem; no server is asked.

    FILES may be written as students=FILE, staff=FILE, guardians=FILE.
    """
    language = chosen_language(lang)
    reading = load(Request(**request), today())
    _show_reading(reading, language, as_json=as_json)
    if as_json:
        _print_json({"problems": [p.as_json() for p in reading.problems]})
    if reading.roster is None:
        raise SystemExit(EXIT_PROBLEMS)


@roster.command()
@files_and_options
@click.option("--org", required=True, help="The school's id on the server.")
@connected
def plan(
    connection: Connection, language: Language, org: str, as_json: bool, **request: Any
) -> None:
    """Show what the FILES would change in a school. Nothing is written."""
    with connection.open() as homeserver:
        roster_read = _read(homeserver, org, Request(**request), language, as_json=as_json)
        answer = homeserver.plan_roster(org, roster_read)
    if as_json:
        _print_json({"plan": dict(answer)})
        return
    _print_plan(answer, language)


@roster.command()
@files_and_options
@click.option("--org", required=True, help="The school's id on the server.")
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@click.option("--force", is_flag=True, help="Go past the safety limit on removals.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the rooms.")
@click.option(
    "--bridge",
    "bridge_url",
    envvar="SFERUM_BRIDGE",
    metavar="URL",
    show_envvar=True,
    help="Address of the onboarding service on this machine: it is told the lists' phones.",
)
@click.option(
    "--patience", default=600.0, show_default=True, help="Seconds without progress to wait."
)
@connected
def apply(
    connection: Connection,
    language: Language,
    org: str,
    as_json: bool,
    yes: bool,
    force: bool,
    no_wait: bool,
    bridge_url: str | None,
    patience: float,
    **request: Any,
) -> None:
    """Change a school as the FILES say, and wait until its rooms follow.

    May be interrupted and repeated at any time: what is done is not done again.
    """
    if bridge_url is not None:
        connection.bridge(bridge_url).close()  # a wrong address is told before anything is written
    with connection.open() as homeserver:
        roster_read = _read(homeserver, org, Request(**request), language, as_json=as_json)
        answer = _agree_and_apply(
            homeserver, org, roster_read, language, yes=yes or as_json, force=force, quiet=as_json
        )
        listed = None if bridge_url is None else _tell(connection, bridge_url, org, roster_read)
        if listed is not None and not as_json:
            click.echo(
                say(language, f"Телефонов и адресов передано: {listed}", f"Contacts told: {listed}")
            )
        progress: Answer = {}
        if not no_wait:
            wait = Wait(
                homeserver, org, language, Settling(patience), force, time.monotonic, time.sleep
            )
            progress = wait.until_settled(quiet=as_json)
    if as_json:
        told = {} if listed is None else {"contacts": listed}
        _print_json({"applied": dict(answer), "progress": dict(progress), **told})


def _read(
    homeserver: Homeserver, org: str, request: Request, language: Language, *, as_json: bool
) -> Roster:
    """The roster of the files; the school's own year unless stated. Ends the command on errors."""
    stated = str(homeserver.org(org).get("school_year") or "")
    reading = load(request, today(), default_year=stated)
    _show_reading(reading, language, as_json=as_json)
    if reading.roster is None:
        if as_json:
            _print_json({"problems": [p.as_json() for p in reading.problems]})
        raise SystemExit(EXIT_PROBLEMS)
    return reading.roster


def _tell(connection: Connection, url: str, org: str, roster_read: Roster) -> int:
    """The lists' contacts to the bridge: after the directory, so that nobody is matched who is not in it."""
    bridge = connection.bridge(url)
    try:
        return bridge.list_contacts(org, roster_read)
    finally:
        bridge.close()


def _agree_and_apply(
    homeserver: Homeserver,
    org: str,
    roster_read: Roster,
    language: Language,
    *,
    yes: bool,
    force: bool,
    quiet: bool,
) -> Answer:
    """Plan, show, ask, write. A plan that went stale meanwhile is shown and asked about again."""
    for _ in range(PLANS):
        answer = homeserver.plan_roster(org, roster_read)
        if not quiet:
            _print_plan(answer, language)
        if not has_changes(answer):
            return {"applied": False, "counts": {}}
        refusal = answer.get("refusal")
        if refusal == "last_administrator":
            raise LastAdministrator
        if (refusal or answer.get("safe") is False) and not force:
            raise UnsafePlan
        if not yes:
            _ask(language)
        try:
            return homeserver.apply_roster(org, roster_read, str(answer["plan_hash"]), force=force)
        except StalePlan as stale:
            click.echo(stale.sentence(language), err=True)
    raise StalePlan


def _ask(language: Language) -> None:
    if not sys.stdin.isatty():
        sentence = say(language, "Чтобы записать, добавьте --yes.", "To write, add --yes.")
        stop(EXIT_REFUSED, sentence)
    click.confirm(say(language, "Записать?", "Write this?"), abort=True)


def _show_reading(reading: Reading, language: Language, *, as_json: bool) -> None:
    """Problems to stderr, so that standard output is the answer only."""
    if as_json:
        return
    for line in problem_lines(reading.problems, language):
        click.echo(line, err=True)
    if reading.roster is not None:
        click.echo(roster_line(reading.roster, language))
    elif has_errors(reading.problems):
        click.echo(
            say(
                language,
                "Ничего не загружено: исправьте ошибки и повторите.",
                "Nothing was imported: correct the errors and repeat.",
            ),
            err=True,
        )


def _print_plan(answer: Answer, language: Language) -> None:
    for line in plan_lines(answer, language):
        click.echo(line)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
