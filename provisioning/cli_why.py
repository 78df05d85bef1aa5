"""`sferum why USER ROOM`: every reason for or against a membership (R51)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from provisioning.cli_edge import Connection, connected, only_org
from provisioning.homeserver import Answer
from provisioning.language import say
from provisioning.problem_texts import Language

#: The module's reason words; an unknown one prints with the server's own sentence.
REASONS: dict[str, tuple[str, str]] = {
    "of_the_school": ("в этом чате вся школа", "everybody of the school is in this room"),
    "staff": ("в этом чате все сотрудники (R22)", "all staff are in this room (R22)"),
    "administrative": (
        "в этом чате директор, заместители и администраторы",
        "director, deputies and administrators are in this room",
    ),
    "student_of_the_class": ("учится в этом классе (R21)", "is a pupil of this class (R21)"),
    "homeroom_teacher": (
        "классный руководитель этого класса (R21, R23)",
        "is homeroom teacher of this class (R21, R23)",
    ),
    "guardian_of_a_student": (
        "родитель ученика этого класса, связь подтверждена (R23)",
        "has a confirmed link to a pupil of this class (R23)",
    ),
    "no_active_profile": (
        "нет действующего профиля в этой школе",
        "has no active profile in this school",
    ),
    "other_school": ("из другой школы", "is of another school"),
    "not_staff": ("не сотрудник", "is not of the staff"),
    "not_administrative": (
        "не директор, не заместитель и не администратор",
        "is neither director, deputy nor administrator",
    ),
    "not_of_the_class": (
        "не ученик и не классный руководитель этого класса в этом году",
        "is neither a pupil nor a homeroom teacher of this class this year",
    ),
    "no_child_in_the_class": (
        "нет подтверждённой связи с учеником этого класса и классом не руководит",
        "has no confirmed link to a pupil of this class and is not its homeroom teacher",
    ),
    "archived": ("класса больше нет, чат только для чтения", "the class is gone; kept to read"),
    "of_the_common_room": (
        "общий чат нескольких школ: роль из тех, что назвал реестр округа",
        "a room of several schools: of the roles that the district's register names",
    ),
    "teaches_the_subject": (
        "общий чат нескольких школ: ведёт этот предмет",
        "a room of several schools: teaches its subject",
    ),
    "not_of_the_roles": (
        "ни одной роли из тех, что назвал реестр округа",
        "of none of the roles that the district's register names",
    ),
    "not_of_the_subject": (
        "не ведёт предмет этого чата: так записано у школы",
        "does not teach the room's subject, as the school has written it down",
    ),
    "register_paused": (
        "действующего реестра округа нет: никто не входит и не выходит",
        "no register of the district is in force: nobody comes or goes",
    ),
    "cut_off": (
        "округ отрезал эту школу: в чате остались только свои, и никто не пишет",
        "the district has cut this school off: only its own people are left, and nobody writes",
    ),
    "room_taken_away": (
        "в реестре округа этого чата для школы больше нет: из него все выходят",
        "the district's register gives the school this room no more: everybody leaves it",
    ),
}


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
    for line in why_lines(answer, language):
        click.echo(line)


def why_lines(answer: Answer, language: Language) -> Iterator[str]:
    """Whether the person is and must be in the room, and every reason."""
    joined = answer.get("membership") == "join"
    required = bool(answer.get("required"))
    yield say(
        language,
        f"Сейчас {'в чате' if joined else 'не в чате'}; должен быть: {'да' if required else 'нет'}.",
        f"Now {'in' if joined else 'not in'} the room; required: {'yes' if required else 'no'}.",
    )
    if answer.get("power"):
        yield say(language, f"Права: {answer['power']}.", f"Power level: {answer['power']}.")
    reasons = answer.get("reasons")
    for reason in reasons if isinstance(reasons, list) else ():
        if isinstance(reason, dict):
            word = str(reason.get("reason", ""))
            text = str(reason.get("text") or word)
            yield f"  – {say(language, *REASONS[word]) if word in REASONS else text}"
