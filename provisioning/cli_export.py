"""`sferum export members ROOM`: who is in a room (R28)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import click

from provisioning.cli_edge import Connection, connected, only_org
from provisioning.formulas import harmless
from provisioning.homeserver import Answer
from provisioning.problem_texts import Language


@click.group()
def export() -> None:
    """Member lists as text or CSV."""


@export.command()
@click.argument("room_id", metavar="ROOM")
@click.option("--org", help="The school's id [the only one].")
@click.option("--csv", "as_csv", is_flag=True, help="For Excel: UTF-8 with mark, semicolons.")
@connected
def members(
    connection: Connection, language: Language, room_id: str, org: str | None, as_csv: bool
) -> None:
    """Everybody in ROOM (!…)."""
    with connection.open() as homeserver:
        rows = homeserver.members(only_org(homeserver, org, language), room_id)
    if as_csv:
        click.echo(members_csv(rows), nl=False)
        return
    for row in rows:
        click.echo("\t".join(_cell(value) for value in row.values()))


def members_csv(rows: Sequence[Answer]) -> bytes:
    """The rows as Excel in Russia opens them; columns in the order of first appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(_cell(row.get(column))) for column in columns])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_cell(part) for part in value)
    return "" if value is None else str(value)
