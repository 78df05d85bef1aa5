"""What `sferum run` says: a table of addresses and sign-ins, and lines of the log. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from provisioning.language import say
from provisioning.problem_texts import Language
from provisioning.run.demo import ORG_ID, DemoAccount, DemoState
from provisioning.run.place import Place, url_of
from provisioning.run.settings import Calls

ROLES: Mapping[str, tuple[str, str]] = {
    "director": ("директор", "director"),
    "deputy": ("заместитель", "deputy"),
    "homeroom_teacher": ("классный руководитель", "class teacher"),
    "student": ("ученик", "pupil"),
    "guardian": ("родитель", "parent"),
}


LINKS: Mapping[str, tuple[str, str]] = {
    "pupil": ("ученик {}", "pupil of {}"),
    "parent": ("родитель, ребёнок {}", "parent of {}"),
    "school": ("любой: заявка в школу", "anybody: applies to the school"),
}


def welcome(
    place: Place,
    port: int,
    pages_url: str,
    calls: Calls,
    state: DemoState,
    command: str,
    language: Language,
) -> Iterator[str]:
    """Addresses, who may sign in, links for newcomers, what to try, where the logs are.

    Args:
        pages_url: of the onboarding pages.
        command: how this machine calls `sferum`.
    """
    yield ""
    yield from _columns(
        [
            (say(language, "Страницы", "Pages"), pages_url),
            (say(language, "Сервер", "Homeserver"), url_of(port)),
            (say(language, "Звонки", "Calls"), _call_page(calls, language)),
            (say(language, "Трансляции", "Broadcasts"), _broadcasts_page(calls, language)),
            (say(language, "Журналы", "Logs"), str(place.log)),
            ("", str(place.bridge_log)),
            ("", str(place.media_log)),
            (say(language, "Ключ для sferum", "Token for sferum"), str(place.service_token)),
        ]
    )
    yield ""
    yield say(
        language,
        "Войти можно как (на страницах и в любой программе; имя — @u…:… или телефон):",
        "You may sign in as (on the pages and in any client; with @u…:… or the phone):",
    )
    yield from _columns(_sign_in_rows(state.accounts.values(), language), indent="  ")
    yield ""
    if state.links:
        yield from _newcomers(pages_url, state, language)
        yield ""
    yield from _to_try(place, port, state.pupils, command, language)


def _call_page(calls: Calls, language: Language) -> str:
    """Where to call from a browser; in clients it is the button of the chat."""
    if calls.pages is not None:
        return calls.url
    return say(
        language,
        "кнопкой в программах; страницы для браузера нет (нужен npm)",
        "by the clients' button; no page for browsers (npm is needed)",
    )


def _broadcasts_page(calls: Calls, language: Language) -> str:
    """Where a broadcast begins, and where all of them are."""
    if calls.player is not None:
        return f"{calls.url}/broadcasts"
    return say(language, "выключены (нужен npm)", "off (npm is needed)")


def _sign_in_rows(accounts: Iterable[DemoAccount], language: Language) -> Iterator[Sequence[str]]:
    for account in accounts:
        role = say(language, *ROLES[account.role])
        role = f"{role} {account.class_name}".rstrip()
        yield role, account.name, account.user_id, account.password, account.phone


def _newcomers(pages_url: str, state: DemoState, language: Language) -> Iterator[str]:
    """Links to try, and a person of the list whom the pages will recognise."""
    pupil = state.accounts["student"]
    filled = {"pupil": pupil.class_name, "parent": pupil.name, "school": ""}
    yield say(language, "Кого ещё нет, входит по ссылке:", "Who is not in yet comes by a link:")
    rows = [
        (
            say(language, *LINKS[link.name]).format(filled[link.name]),
            f"{pages_url}{link.path}",
            f"{say(language, 'код', 'code')} {_in_threes(link.code)}" if link.code else "",
        )
        for link in state.links.values()
    ]
    yield from _columns(rows, indent="  ")
    if state.newcomer is not None:
        someone = state.newcomer
        yield say(
            language,
            f"  В списке есть {someone.name}, {someone.class_name}, телефон {someone.phone}: "
            "по ссылке ученика с этим телефоном войдёт сразу.",
            f"  The list has {someone.name}, {someone.class_name}, phone {someone.phone}: "
            "by the pupil's link and with this phone they are in at once.",
        )
    yield say(
        language,
        "  Коды из SMS и писем появляются здесь, на этом экране.",
        "  Codes of SMS and mail appear here, on this screen.",
    )


def _in_threes(code: str) -> str:
    return " ".join(code[start : start + 3] for start in range(0, len(code), 3))


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
        yield "  4. Позвоните из чата класса (или на странице звонков); остальные увидят «Присоединиться»."
        yield "  5. Начните трансляцию директором на странице трансляций; смотрите её учеником по ссылке из чата."
        yield "  6. Выйдите из чата класса учеником: состав задан списком школы, выйти нельзя."
        yield "Списки этой школы: запишите их, измените строку и посмотрите, что произойдёт:"
    else:
        yield "What to try in Element or any other Matrix client:"
        yield f"  1. Sign in: homeserver {url} (edit the homeserver), user @u…:…, password above."
        yield "  2. The director writes to «Объявления»; the parent reads it and cannot write there."
        yield "  3. The pupil writes to the class room; the class teacher answers."
        yield '  4. Call from the class room (or on the page for calls); the others see "Join".'
        yield "  5. Begin a broadcast as the director (page for broadcasts); watch it as the pupil by the chat's link."
        yield "  6. Leave the class room as the pupil: membership comes from the school list."
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


def is_worth_showing(line: str) -> bool:
    """Of the bridge's log: its decisions and warnings, not every page that somebody opens."""
    return " INFO bridge.requests " not in line and " INFO media." not in line


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
