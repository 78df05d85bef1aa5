"""`sferum district status`: asks every school how it stands; a table, JSON, or pages for the operator."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import click

from provisioning.cli_district_edge import in_folder, now, tell
from provisioning.cli_edge import EXIT_PROBLEMS
from provisioning.district.asking import ask_all
from provisioning.district.folder import Folder
from provisioning.district.issuing import last_issued
from provisioning.district.judging import Report, judged
from provisioning.district.looks import read_looks, write_looks
from provisioning.district.pages import private_place, write_pages
from provisioning.district.question import Asked
from provisioning.district.status_report import lines, to_json
from provisioning.doctor_finding import Level
from provisioning.language import say
from provisioning.problem_texts import Language


@click.command()
@click.option(
    "--pages",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write pages there too, for you alone to open in a browser.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@in_folder
def status(folder: Folder, language: Language, target: Path | None, as_json: bool) -> None:
    """Ask every school how it stands: answers, register, versions, health. Exit code 1: somebody should look."""
    if target is not None:
        private_place(target)  # refused before anybody is asked
    report = look(folder, language, quiet=as_json)
    if target is not None:
        write_pages(report, target)
    if as_json:
        click.echo(json.dumps(to_json(report, language), ensure_ascii=False, indent=1))
    else:
        click.echo("\n".join(lines(report, language)))
        if target is not None:
            tell(
                language,
                f"Страницы: {(target / 'index.html').resolve()}. Они только для вас: на веб-сервер их не кладите.",
                f"Pages: {(target / 'en.html').resolve()}. They are for you alone: not for a web server.",
            )
    if report.level is not Level.OK:
        raise SystemExit(EXIT_PROBLEMS)


def look(folder: Folder, language: Language, *, quiet: bool) -> Report:
    """Ask, judge, and remember for the next time."""
    draft = folder.read()
    key, issued = folder.signing_key(draft), last_issued(folder, draft)

    def ask(told: Callable[[], None]) -> dict[str, Asked]:
        return asyncio.run(
            ask_all(draft, key, now_s=now, nonce=lambda: secrets.token_urlsafe(24), told=told)
        )

    if quiet:
        asked = ask(lambda: None)
    else:
        label = say(language, "Школы", "Schools")
        with click.progressbar(
            length=len(draft.schools), label=label, show_pos=True, file=sys.stderr
        ) as bar:
            asked = ask(lambda: bar.update(1))
    report = judged(draft, issued, asked, read_looks(folder), now(), version("sferum"))
    write_looks(folder, {row.school.server_name: row.look for row in report.rows})
    return report
