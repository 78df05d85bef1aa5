"""The lists of the page tests' school as its journal would export them."""

from __future__ import annotations

from collections.abc import Iterable

from tests.bridge.web.family import BY_ID, CLASSES, LINKS, PEOPLE, TEACHERS

POSITIONS = {
    "director": "Директор",
    "deputy": "Заместитель директора по УВР",
    "administrator": "Администратор",
    "teacher": "Учитель",
}


def csv(*rows: Iterable[str]) -> bytes:
    return "\r\n".join(";".join(row) for row in rows).encode("utf-8-sig")


def students(without: Iterable[str] = (), headings: Iterable[str] | None = None) -> bytes:
    """ученики.csv; `headings` instead of the usual ones."""
    usual = ("ИД", "Фамилия", "Имя", "Дата рождения", "Класс", "Телефон", "Email")
    rows = [
        (
            one.source_id,
            one.family_name,
            one.given_name,
            one.born or "",
            name,
            one.phone,
            one.email,
        )
        for name, pupils in CLASSES.items()
        for one in (BY_ID[pupil] for pupil in pupils)
        if one.source_id not in set(without)
    ]
    return csv(headings or usual, *rows)


def staff(*more: tuple[str, str, str, str], without: Iterable[str] = ()) -> bytes:
    """сотрудники.csv; `more`: id, family name, given name, position."""
    homeroom = {teacher: name for name, teachers in TEACHERS.items() for teacher in teachers}
    rows = [
        (
            one.source_id,
            one.family_name,
            one.given_name,
            POSITIONS[one.roles[0]],
            homeroom.get(one.source_id, ""),
            one.phone,
        )
        for one in PEOPLE
        if one.group == "staff" and one.source_id not in set(without)
    ]
    extra = [(*one, "", "") for one in more]
    return csv(
        ("ИД", "Фамилия", "Имя", "Должность", "Классное руководство", "Телефон"), *rows, *extra
    )


def guardians() -> bytes:
    """родители.csv."""
    children = {
        one.source_id: ",".join(child for parent, child in LINKS if parent == one.source_id)
        for one in PEOPLE
    }
    rows = [
        (one.source_id, one.family_name, one.given_name, children[one.source_id], one.phone)
        for one in PEOPLE
        if one.group == "guardian"
    ]
    return csv(("ИД", "Фамилия", "Имя", "Дети (ИД)", "Телефон"), *rows)


def everything(**changes: bytes) -> tuple[tuple[str, bytes], ...]:
    """All three lists, some of them changed."""
    files: dict[str, bytes] = {
        "students": students(),
        "staff": staff(),
        "guardians": guardians(),
        **changes,
    }
    names = {"students": "ученики.csv", "staff": "сотрудники.csv", "guardians": "родители.csv"}
    return tuple((names[kind], content) for kind, content in files.items())
