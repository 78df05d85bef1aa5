"""`sferum why USER ROOM`: every reason for or against a membership (R51)."""

from __future__ import annotations

import json

import click

from provisioning.cli_edge import Connection, connected, only_org
from provisioning.language import say
from provisioning.problem_texts import Language


@click.command()
@click.argument("user_id", metavar="USER")
@click.argument("room_id", metavar="ROOM")
@click.option("--org", help="The school's id [the only one].")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@connected
def why(
    connection: Connection,
    language: Language,
    user_id: str,
    room_id: str,
    org: str | None,
    as_json: bool,
) -> None:
    """Why USER (@u…:server) is, or is not, in ROOM (!…)."""
    with connection.open() as homeserver:
        answer = homeserver.why(only_org(homeserver, org, language), user_id, room_id)
    if as_json:
        click.echo(json.dumps(dict(answer), ensure_ascii=False, indent=2))
        return
    reasons = answer.get("reasons")
    for name, value in answer.items():
        if name != "reasons" and not isinstance(value, list | dict):
            click.echo(f"{name}: {value}")
    if not isinstance(reasons, list) or not reasons:
        click.echo(say(language, "Причин быть в этом чате нет.", "No reason to be in this room."))
        return
    click.echo(say(language, "Причины:", "Reasons:"))
    for reason in reasons:
        click.echo(f"  {_words(reason)}")


def _words(reason: object) -> str:
    """A reason as one line: the server's text, or its fields."""
    if not isinstance(reason, dict):
        return str(reason)
    return " ".join(f"{name}={value}" for name, value in reason.items() if value not in {None, ""})
