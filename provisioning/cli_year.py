"""`sferum year plan | apply | undo | status`: a school goes on to the next year."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from provisioning.cli_edge import (
    EXIT_PROBLEMS,
    EXIT_REFUSED,
    Connection,
    connected,
    only_org,
    stop,
)
from provisioning.cli_wait import Wait
from provisioning.homeserver import Answer, Homeserver
from provisioning.language import say
from provisioning.problem import Place, Problem, in_order
from provisioning.problem_texts import Language
from provisioning.readers.files import MAX_FILE
from provisioning.refusals import YearConflicts
from provisioning.report import problem_lines
from provisioning.settling import Settling
from provisioning.year_report import status_lines, year_lines
from provisioning.year_table import read_plan, write_table

_PATIENCE = click.option(
    "--patience", default=600.0, show_default=True, help="Seconds without progress to wait."
)


@click.group()
def year() -> None:
    """Promote a school to the next year: plan, apply, undo."""


@year.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--org", help="The school's id [the only one].")
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    help="Write the plan to be edited: .csv for a spreadsheet, .json for programs.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@connected
def plan(
    connection: Connection,
    language: Language,
    file: Path | None,
    org: str | None,
    write: Path | None,
    as_json: bool,
) -> None:
    """Show what the next year would be: the draft, or what FILE says. Nothing is changed.

    Write the plan with --write, edit it, and give it back as FILE until nothing is left to decide.
    """
    document = None if file is None else _read(file, language)
    with connection.open() as homeserver:
        answer = homeserver.plan_year(only_org(homeserver, org, language), document)
    if write is not None:
        _write(write, answer, language)
    if as_json:
        _print_json(dict(answer))
        return
    for line in year_lines(answer, language):
        click.echo(line)
    if write is not None:
        click.echo(say(language, f"Записано: {write}", f"Written: {write}"))


@year.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--org", help="The school's id [the only one].")
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the rooms.")
@click.option("--json", "as_json", is_flag=True, help="For machines; does not ask.")
@_PATIENCE
@connected
def apply(
    connection: Connection,
    language: Language,
    file: Path,
    org: str | None,
    yes: bool,
    no_wait: bool,
    as_json: bool,
    patience: float,
) -> None:
    """Promote a school as FILE says, and wait until its rooms follow.

    May be interrupted and repeated at any time: what is done is not done again.
    """
    document = _read(file, language)
    with connection.open() as homeserver:
        chosen = only_org(homeserver, org, language)
        if _is_done(homeserver.year(chosen), document):
            answer: Answer = {"applied": False}
            told = ("Школа уже в этом учебном году.", "The school is in this year already.")
            if not as_json:
                click.echo(say(language, *told))
        else:
            answer = _agree_and_apply(
                homeserver, chosen, document, language, yes=yes or as_json, quiet=as_json
            )
        progress = _wait(homeserver, chosen, language, patience, no_wait=no_wait, quiet=as_json)
    if as_json:
        _print_json({"applied": dict(answer), "progress": dict(progress)})


@year.command()
@click.option("--org", help="The school's id [the only one].")
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the rooms.")
@click.option("--json", "as_json", is_flag=True, help="For machines; does not ask.")
@_PATIENCE
@connected
def undo(
    connection: Connection,
    language: Language,
    org: str | None,
    yes: bool,
    no_wait: bool,
    as_json: bool,
    patience: float,
) -> None:
    """Take the last promotion back: names and memberships as before it, until the next list or for 14 days."""
    with connection.open() as homeserver:
        chosen = only_org(homeserver, org, language)
        if not as_json:
            for line in status_lines(homeserver.year(chosen), language):
                click.echo(line)
        if not (yes or as_json):
            _ask(language, "Отменить перевод?", "Undo the promotion?")
        answer = homeserver.undo_year(chosen)
        if not as_json:
            click.echo(_undone(answer, language))
        progress = _wait(homeserver, chosen, language, patience, no_wait=no_wait, quiet=as_json)
    if as_json:
        _print_json({"undone": dict(answer), "progress": dict(progress)})


@year.command()
@click.option("--org", help="The school's id [the only one].")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@connected
def status(connection: Connection, language: Language, org: str | None, as_json: bool) -> None:
    """The school's year, and whether its last promotion can be undone."""
    with connection.open() as homeserver:
        answer = homeserver.year(only_org(homeserver, org, language))
    if as_json:
        _print_json(dict(answer))
        return
    for line in status_lines(answer, language):
        click.echo(line)


def _is_done(status: Answer, document: dict[str, Any]) -> bool:
    """Whether this plan's year has begun: then it was applied, before an interruption perhaps."""
    last = status.get("promotion")
    return (
        status.get("school_year") == document.get("school_year")
        and isinstance(last, dict)
        and last.get("to_year") == document.get("school_year")
    )


def _agree_and_apply(
    homeserver: Homeserver,
    org: str,
    document: dict[str, Any],
    language: Language,
    *,
    yes: bool,
    quiet: bool,
) -> Answer:
    """Plan, show, ask, write."""
    answer = homeserver.plan_year(org, document)
    if not quiet:
        for line in year_lines(answer, language):
            click.echo(line)
    if not answer.get("ready"):
        raise YearConflicts
    if not yes:
        _ask(language, "Перевести школу?", "Promote the school?")
    return homeserver.apply_year(org, document, str(answer["plan_hash"]))


def _wait(
    homeserver: Homeserver,
    org: str,
    language: Language,
    patience: float,
    *,
    no_wait: bool,
    quiet: bool,
) -> Answer:
    if no_wait:
        return {}
    settling = Settling(patience)
    wait = Wait(homeserver, org, language, settling, False, time.monotonic, time.sleep)
    return wait.until_settled(quiet=quiet)


def _undone(answer: Answer, language: Language) -> str:
    if not answer.get("undone"):
        return say(language, "Перевод уже отменён.", "The promotion is undone already.")
    if answer.get("exact"):
        return say(
            language,
            "Перевод отменён: названия и составы классов прежние.",
            "The promotion is undone: names and memberships are as before.",
        )
    told = say(
        language,
        "Перевод отменён; то, что изменили после него вручную, осталось.",
        "The promotion is undone; what was changed by hand since has stayed.",
    )
    lost = answer.get("without_class")
    if lost:
        told += say(language, f" Учеников без класса: {lost}.", f" Pupils without a class: {lost}.")
    return told


def _ask(language: Language, ru: str, en: str) -> None:
    if not sys.stdin.isatty():
        stop(EXIT_REFUSED, say(language, "Чтобы записать, добавьте --yes.", "To write, add --yes."))
    click.confirm(say(language, ru, en), abort=True)


def _read(path: Path, language: Language) -> dict[str, Any]:
    """The plan of a file. Ends the command on problems."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except (OSError, ValueError):
        document, problems = None, [Problem("file_unreadable", Place(path.name))]
    else:
        document, problems = read_plan(path.name, content[:MAX_FILE])
    if document is None:
        for line in problem_lines(in_order(problems), language):
            click.echo(line, err=True)
        raise SystemExit(EXIT_PROBLEMS)
    return document


def _write(path: Path, answer: Answer, language: Language) -> None:
    """The plan to be edited; a file that is there already is somebody's work and stays."""
    if path.suffix.lower() == ".json":
        text = json.dumps(answer["plan"], ensure_ascii=False, indent=2)
        content = (text + "\n").encode()
    else:
        content = write_table(answer, language)
    try:
        with path.open("xb") as stream:
            stream.write(content)
    except FileExistsError:
        stop(
            EXIT_REFUSED,
            say(
                language,
                f"файл {path} уже есть; назовите другой",
                f"the file {path} is there already; name another",
            ),
        )
    except OSError:
        stop(
            EXIT_REFUSED,
            say(language, f"не удалось записать {path}", f"{path} could not be written"),
        )


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
