"""Findings about the district's register in people's words. Russian and English; pure."""

from __future__ import annotations

from provisioning.doctor_text import Text

DISTRICT: dict[str, Text] = {
    "register_good": Text(
        "Реестр округа {s} № {serial} действует ещё {days} дн.; других школ: {peers}",
        "The register of {s}, number {serial}, is good for {days} more days; other schools: {peers}",
    ),
    "register_ends_soon": Text(
        "Реестр округа {s} № {serial} кончается через {days} дн.; потом другие школы станут недоступны",
        "The register of {s}, number {serial}, ends in {days} days; after that the other schools cannot be reached",
        "Попросите оператора округа подписать и опубликовать новый: sferum district sign",
        "Ask the district's operator to sign and publish a new one: sferum district sign",
    ),
    "register_expired": Text(
        "Срок реестра округа {s} № {serial} прошёл: другие школы недоступны",
        "The register of {s}, number {serial}, has expired: the other schools cannot be reached",
        "Попросите оператора округа подписать и опубликовать новый: sferum district sign",
        "Ask the district's operator to sign and publish a new one: sferum district sign",
    ),
    "register_without_us": Text(
        "В реестре округа {s} № {serial} этой школы нет: другие школы недоступны",
        "This school is not in the register of {s}, number {serial}: the other schools cannot be reached",
        "Сообщите оператору округа server_name из homeserver.yaml",
        "Tell the district's operator the server_name of homeserver.yaml",
    ),
    "register_isolates_us": Text(
        "Оператор округа {s} отрезал эту школу от остальных (реестр № {serial})",
        "The operator of {s} has cut this school off from the others (register {serial})",
        "Позвоните оператору округа", "Call the district's operator",
    ),
    "register_none": Text(
        "Реестра округа {s} у школы ещё нет: другие школы недоступны",
        "The school has no register of {s} yet: the other schools cannot be reached",
        "Проверьте district_url и district_key в homeserver.yaml и доступен ли адрес с этой машины",
        "Check district_url and district_key in homeserver.yaml, and whether this machine reaches the address",
    ),
    "register_refused": Text(
        "Округ {s} отдаёт реестр, которому школа не верит ({reason}); действует прежний",
        "{s} serves a register that the school does not believe ({reason}); the one before stays in force",
        "Сообщите оператору округа; возможно, адрес подменён",
        "Tell the district's operator; somebody may have taken over the address",
    ),
    "register_silent": Text(
        "Округ {s} не отвечает уже {hours} ч; действует прежний реестр, удалённые школы остаются в нём",
        "{s} has not answered for {hours} h; the register of before stays in force, removed schools with it",
        "Проверьте, доступен ли district_url с этой машины, и сообщите оператору округа",
        "Check whether this machine reaches district_url, and tell the district's operator",
    ),
    "common_rooms_good": Text(
        "Общие чаты округа {s}: {count}, все на месте",
        "Rooms shared with other schools of {s}: {count}, all in place",
    ),
    "common_rooms_waiting": Text(
        "Общие чаты округа {s} ещё не пришли: {count}. Школа ждёт приглашения от того, кто их ведёт: {names}",
        "Rooms shared with other schools of {s} have not come yet: {count}. The school waits for their makers: {names}",
        "Обычно это минута. Если дольше часа — сервер того, кто ведёт чат, не работает или не видит эту школу: "
        "позвоните туда",
        "A minute is usual. After an hour the maker's server is down, or does not reach this school: call them",
    ),
    "common_rooms_absent": Text(
        "В общие чаты округа {s}, которые ведёт эта школа, ещё не вошли серверы: {count} ({names})",
        "Servers that have not come into the rooms that this school makes for {s}: {count} ({names})",
        "Приглашения повторяются каждую минуту. Если дольше часа — сервер той школы не работает или его реестр старый: "
        "позвоните туда",
        "They are invited again every minute. After an hour their server is down or has an old register: call them",
    ),
    "common_rooms_leaving": Text(
        "Общие чаты, которых в реестре округа {s} больше нет: {count}; люди этой школы из них выходят",
        "Rooms that the register of {s} has no more: {count}; this school's people are leaving them",
        "Обычно это минуты. Если дольше часа — найдите в журнале Synapse: room of the district not as wanted",
        "Minutes are usual. After an hour search Synapse's log: room of the district not as wanted",
    ),
}  # fmt: skip
