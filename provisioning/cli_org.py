"""`sferum org create | list | jobs`."""

from __future__ import annotations

import json

import click

from provisioning.cli_edge import Connection, connected, only_org, today
from provisioning.language import say
from provisioning.problem_texts import Language
from provisioning.readers.files import school_year_on
from provisioning.roster import is_school_year


@click.group()
def org() -> None:
    """Create and list schools; look at failed tasks."""


@org.command()
@click.argument("org_id")
@click.argument("name")
@click.option("--timezone", default="Europe/Moscow", show_default=True)
@click.option("--school-year", metavar="YYYY/YYYY", help="[this one]")
@connected
def create(
    connection: Connection,
    language: Language,
    org_id: str,
    name: str,
    timezone: str,
    school_year: str | None,
) -> None:
    """Make a school ORG_ID called NAME on this server."""
    year = school_year or school_year_on(today())
    if not is_school_year(year):
        raise click.BadParameter("want 2026/2027", param_hint="--school-year")
    with connection.open() as homeserver:
        homeserver.create_org(org_id, name, timezone, year)
    click.echo(
        say(
            language,
            f"Школа {org_id} создана. Дальше: sferum roster plan ФАЙЛЫ --org {org_id}",
            f"School {org_id} is made. Next: sferum roster plan FILES --org {org_id}",
        )
    )


@org.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@connected
def list_orgs(connection: Connection, language: Language, as_json: bool) -> None:
    """All schools of this server."""
    with connection.open() as homeserver:
        orgs = homeserver.orgs()
    if as_json:
        click.echo(json.dumps([dict(o) for o in orgs], ensure_ascii=False, indent=2))
        return
    if not orgs:
        click.echo(say(language, "Школ пока нет: sferum org create", "None: sferum org create"))
    for one in orgs:
        fields = ("org_id", "name", "school_year", "timezone", "status")
        click.echo("\t".join(str(one.get(name, "")) for name in fields))


@org.command()
@click.option("--org", "org_id", help="The school's id [the only one].")
@click.option("--retry", is_flag=True, help="Let the server try them again.")
@connected
def jobs(connection: Connection, language: Language, org_id: str | None, retry: bool) -> None:
    """Tasks the server has given up on."""
    with connection.open() as homeserver:
        chosen = only_org(homeserver, org_id, language)
        dead = homeserver.dead_jobs(chosen)
        for job in dead:
            fields = ("job_id", "kind", "ref", "tries", "error")
            click.echo("\t".join(str(job.get(name, "")) for name in fields))
            if retry:
                homeserver.retry_job(chosen, str(job.get("job_id", "")))
    if not dead:
        click.echo(say(language, "Неудавшихся заданий нет.", "No failed tasks."))
