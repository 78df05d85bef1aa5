"""What `sferum run` says: a table of addresses and sign-ins, and lines of the log. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from provisioning.language import say
from provisioning.problem_texts import Language
from provisioning.run.demo import ORG_ID, DemoAccount, DemoState
from provisioning.run.place import Place, url_of

ROLES: Mapping[str, tuple[str, str]] = {
    "director": ("директор", "director"),
    "deputy": ("заместитель", "deputy"),
    "homeroom_teacher": ("классный руководитель", "class teacher"),
    "student": ("ученик", "pupil"),
    "guardian": ("родитель", "parent"),
}


def welcome(
    place: Place, port: int, state: DemoState, command: str, language: Language
) -> Iterator[str]:
    """Addresses, who may sign in, what to try, where the logs are.

    Args:
        command: how this machine calls `sferum`.
    """
    yield ""
    yield from _columns(
        [
            (say(language, "Сервер", "Homeserver"), url_of(port)),
            (say(language, "Журнал", "Log"), str(place.log)),
            (say(language, "Ключ для sferum", "Token for sferum"), str(place.service_token)),
        ]
    )
    yield ""
    yield say(language, "Войти можно как:", "You may sign in as:")
    yield from _columns(_sign_in_rows(state.accounts.values(), language), indent="  ")
    yield ""
    yield from _to_try(place, port, state.pupils, command, language)


def _sign_in_rows(accounts: Iterable[DemoAccount], language: Language) -> Iterator[Sequence[str]]:
    for account in accounts:
        role = say(language, *ROLES[account.role])
        role = f"{role} {account.class_name}".rstrip()
        yield role, account.name, account.user_id, account.password


def _to_try(
    place: Place, port: int, pupils: int, command: str, language: Language
) -> Iterator[str]:
    url = url_of(port)
    lists = place.root / "lists"
    plan = (
        f"{command} roster plan {lists}/*.csv --org {ORG_ID}"
        f" --url {url} --token-file {place.service_token}"
    )
    if language == "ru":
        yield "Что попробовать в Element или любой другой программе для Matrix:"
        yield f"  1. Войдите: сервер «{url}» (изменить сервер), имя — @u…:…, пароль из таблицы."
        yield "  2. Директор пишет в «Объявления»; родитель видит, но написать туда не может."
        yield "  3. Ученик пишет в чат класса; классный руководитель отвечает."
        yield "  4. Выйдите из чата класса учеником: состав задан списком школы, выйти нельзя."
        yield "Списки этой школы: запишите их, измените строку и посмотрите, что произойдёт:"
    else:
        yield "What to try in Element or any other Matrix client:"
        yield f"  1. Sign in: homeserver {url} (edit the homeserver), user @u…:…, password above."
        yield "  2. The director writes to «Объявления»; the parent reads it and cannot write there."
        yield "  3. The pupil writes to the class room; the class teacher answers."
        yield "  4. Leave the class room as the pupil: membership comes from the school list."
        yield "This school's lists: write them, change a line, and see what that would do:"
    yield f"  {command} sample {lists} --pupils {pupils}"
    yield f"  {plan}"


def ready_line(seconds: float, language: Language) -> str:
    return say(language, f"Готово за {seconds:.1f} с.", f"Ready after {seconds:.1f} s.")


def stop_hint(language: Language) -> str:
    return say(
        language,
        "Работает. Остановить: Ctrl-C. Ниже — предупреждения и решения сервера.",
        "Running. Ctrl-C stops it. Below: warnings and decisions of the server.",
    )


def _columns(rows: Iterable[Sequence[str]], indent: str = "") -> Iterator[str]:
    """Rows with aligned columns."""
    table = [list(row) for row in rows]
    widths = [max(_width(cell) for cell in column) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ]
        yield (indent + "  ".join(cells)).rstrip()


def _width(text: str) -> int:
    """Cells on a terminal: combining marks take none (an й of two characters)."""
    return sum(not unicodedata.combining(sign) for sign in text)


def stage_line(ru: str, en: str, language: Language) -> str:
    return f"• {say(language, ru, en)}…"


def progress_line(progress: Mapping[str, Any], language: Language) -> str:
    """How far the rooms are, on one line."""
    rooms, memberships = progress["rooms"], progress["memberships"]
    figures = (rooms["ready"], rooms["wanted"], memberships["done"], memberships["wanted"])
    return say(
        language,
        "• Чаты: готово {} из {}, людей в чатах {} из {}",
        "• Rooms: {} of {} ready, {} of {} people in them",
    ).format(*figures)
