"""`sferum class list | move | split | merge | substitute`: classes in the middle of a year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from provisioning.birth_date import BadDate, parse_date
from provisioning.class_name import BadClassName, parse_class_name
from provisioning.cli_edge import EXIT_REFUSED, Connection, connected, only_org, stop
from provisioning.homeserver import Answer, Homeserver
from provisioning.language import say
from provisioning.problem_texts import Language

_SOURCE = click.option(
    "--source", default="csv", show_default=True, help="The list that the numbers are of."
)
_ORG = click.option("--org", help="The school's id [the only one].")


@click.group("class")
def class_group() -> None:
    """Classes in the middle of a year: moves, splits, merges, substitutes."""


@class_group.command("list")
@_ORG
@connected
def list_classes(connection: Connection, language: Language, org: str | None) -> None:
    """Classes of the year: name, pupils, how many of them have an account, class teachers, substitutes."""
    with connection.open() as homeserver:
        rows = homeserver.classes(only_org(homeserver, org, language))
    for row in rows:
        until = ", ".join(str(one["until"]) for one in row.get("substitutes", []))
        fields = (row["name"], row["students"], row["active_students"])
        click.echo("\t".join(map(str, (*fields, len(row["homeroom_teachers"]), until))))


@class_group.command()
@click.argument("number")
@click.argument("name", metavar="CLASS")
@click.option("--reason", default="", help="For the log; no names.")
@_SOURCE
@_ORG
@connected
def move(
    connection: Connection,
    language: Language,
    number: str,
    name: str,
    reason: str,
    source: str,
    org: str | None,
) -> None:
    """A pupil, by NUMBER of the list, changes to CLASS; the parents' chats follow."""
    with connection.open() as homeserver:
        chosen = only_org(homeserver, org, language)
        target = _class(homeserver, chosen, name, language)
        person = _person(homeserver, chosen, source, number, language)
        mine = [one for one in person["classes"] if one["role"] == "student"]
        if len(mine) != 1:
            told = ("ученик не в одном классе", "the pupil is not in one class")
            stop(EXIT_REFUSED, say(language, *told))
        homeserver.move(chosen, person["person_id"], mine[0]["class_id"], target, reason)
    click.echo(say(language, "Переведён.", "Moved."))


@class_group.command()
@click.argument("name", metavar="CLASS")
@click.argument("new", metavar="NEW")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@_SOURCE
@_ORG
@connected
def split(
    connection: Connection,
    language: Language,
    name: str,
    new: str,
    numbers: tuple[str, ...],
    source: str,
    org: str | None,
) -> None:
    """Pupils of CLASS, by NUMBER of the list, become a class of their own called NEW."""
    with connection.open() as homeserver:
        chosen = only_org(homeserver, org, language)
        class_id = _class(homeserver, chosen, name, language)
        people = [_person(homeserver, chosen, source, one, language) for one in numbers]
        ids = [str(one["person_id"]) for one in people]
        homeserver.split_class(chosen, class_id, _canonical(new), ids)
    click.echo(say(language, "Класс разделён.", "The class is split."))


@class_group.command()
@click.argument("names", nargs=-1, required=True, metavar="CLASS...")
@click.option("--name", required=True, help="Of the new class; may be that of one of them.")
@_ORG
@connected
def merge(
    connection: Connection,
    language: Language,
    names: tuple[str, ...],
    name: str,
    org: str | None,
) -> None:
    """Several classes become one; their chats can be read from then on, the new one links to them."""
    if len(set(names)) < 2:
        raise click.BadParameter(say(language, "нужно два класса", "two classes are needed"))
    with connection.open() as homeserver:
        chosen = only_org(homeserver, org, language)
        ids = [_class(homeserver, chosen, one, language) for one in names]
        homeserver.merge_classes(chosen, ids, _canonical(name))
    click.echo(say(language, "Классы объединены.", "The classes are one."))


@class_group.command()
@click.argument("name", metavar="CLASS")
@click.argument("number")
@click.option("--until", metavar="DATE", help="The last day: 2027-03-01 or 01.03.2027.")
@click.option("--end", is_flag=True, help="It is over now.")
@_SOURCE
@_ORG
@connected
def substitute(
    connection: Connection,
    language: Language,
    name: str,
    number: str,
    until: str | None,
    end: bool,
    source: str,
    org: str | None,
) -> None:
    """Somebody of the staff, by NUMBER of the list, stands in for the class teacher of CLASS until a day."""
    if (until is None) == (not end):
        raise click.UsageError(say(language, "нужно --until или --end", "--until or --end"))
    try:
        day = None if until is None else parse_date(until).isoformat()
    except BadDate:
        hint = say(language, "нужна дата: 2027-03-01", "want a date: 2027-03-01")
        raise click.BadParameter(hint, param_hint="--until") from None
    with connection.open() as homeserver:
        chosen = only_org(homeserver, org, language)
        class_id = _class(homeserver, chosen, name, language)
        person = _person(homeserver, chosen, source, number, language)
        homeserver.set_substitute(chosen, class_id, str(person["person_id"]), day)
    told = ("Замещение закончено.", "The substitute's time is over.")
    if day is not None:
        told = (f"Замещает до {day} включительно.", f"Stands in until {day}, that day included.")
    click.echo(say(language, *told))


def _canonical(name: str) -> str:
    try:
        return str(parse_class_name(name).name)
    except BadClassName as error:
        raise click.BadParameter(str(error), param_hint="CLASS") from None


def _class(homeserver: Homeserver, org: str, name: str, language: Language) -> str:
    """The id of a class of the year. Ends the command when there is none."""
    wanted = _canonical(name)
    found = [row for row in homeserver.classes(org) if row.get("name") == wanted]
    if len(found) != 1:
        stop(EXIT_REFUSED, say(language, f"нет класса {wanted}", f"there is no class {wanted}"))
    return str(found[0]["class_id"])


def _person(
    homeserver: Homeserver, org: str, source: str, number: str, language: Language
) -> Mapping[str, Any]:
    """The record with this number of the list. Ends the command when there is none, without repeating the number."""
    found: list[Answer] = homeserver.numbered(org, source, number)
    if len(found) != 1:
        told = (
            "человека с таким номером в списке нет (другой список: --source)",
            "nobody has that number in the list (another list: --source)",
        )
        stop(EXIT_REFUSED, say(language, *told))
    return found[0]
