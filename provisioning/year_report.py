"""A plan of the school year as text for a person: every class, every exception, what is still to be decided. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from provisioning.language import say
from provisioning.problem_texts import Language

#: The module's figures, in people's words, in the order in which they are told.
COUNTS: Mapping[str, tuple[str, str]] = {
    "classes_before": ("классов сейчас", "classes now"),
    "classes_after": ("классов станет", "classes then"),
    "renamed": ("переходят со своими чатами", "go on with their rooms"),
    "become_one": ("объединяются", "become one with others"),
    "ended": ("заканчиваются", "end"),
    "new": ("новых классов", "new classes"),
    "students_before": ("учеников сейчас", "pupils now"),
    "students_after": ("учеников станет", "pupils then"),
    "to_tenth": ("идут в 10-й класс", "go on to the tenth class"),
    "leave": ("выбывают", "leave"),
    "graduates": ("заканчивают 11-й класс", "finish the eleventh class"),
    "guardians_leave": ("родителей уходит вместе с последним ребёнком", "parents who leave too"),
}
CONFLICTS: Mapping[str, tuple[str, str]] = {
    "wrong_year": (
        "план не на следующий учебный год школы",
        "the plan is not for the school's next year",
    ),
    "class_unknown": ("такого класса в школе уже нет", "the school has no such class any more"),
    "class_twice": ("класс назван дважды", "a class is named twice"),
    "class_not_planned": ("класса нет в плане", "a class is not in the plan"),
    "class_undecided": (
        "не решено, что будет с классом и с учениками",
        "undecided what becomes of the class and its pupils",
    ),
    "name_twice": ("два класса с одним названием", "two classes with one name"),
    "teacher_unknown": ("такого сотрудника нет", "there is no such person of the staff"),
    "teacher_ambiguous": (
        "сотрудников с таким именем несколько: впишите номер",
        "several of the staff have this name: write the number",
    ),
    "pupil_unknown": ("такого ученика в школе нет", "there is no such pupil"),
    "pupil_twice": ("ученик назван дважды", "a pupil is named twice"),
    "target_unknown": ("такого класса в следующем году нет", "there is no such class next year"),
}
EXCEPTIONS: Mapping[str, tuple[str, str]] = {
    "class_new": ("новый класс", "new class"),
    "class_ends": ("класс заканчивается, чаты только для чтения", "class ends, rooms can be read"),
    "classes_become_one": ("объединение классов", "classes become one"),
    "grade_unusual": ("класс переходит не на один год вперёд", "not one grade on"),
    "teacher_changes": ("меняется классный руководитель", "another class teacher"),
    "teacher_of_the_lower_grades": (
        "в 5-м классе остаётся прежний классный руководитель",
        "the fifth class keeps its class teacher",
    ),
    "student_repeats": ("остаётся на второй год", "repeats the year"),
    "student_moves": ("переходит в другой класс", "goes to another class"),
    "student_leaves": ("выбывает", "leaves"),
    "other_roles_stay": ("остаётся в школе в другой роли", "stays in another role"),
    "class_without_homeroom_teacher": ("нет классного руководителя", "no class teacher"),
    "student_without_class": ("ученик без класса", "pupil without a class"),
    "student_of_two_classes": ("ученик в двух классах", "pupil in two classes"),
    "homeroom_teacher_of_several": (
        "руководит несколькими классами",
        "class teacher of several",
    ),
}
FATES: Mapping[str, tuple[str, str]] = {
    "ends": ("выпуск", "ends"),
    "undecided": ("?", "?"),
}


def year_lines(answer: Mapping[str, Any], language: Language) -> Iterator[str]:
    """The plan: figures, classes, exceptions, and at the end what is still to be decided."""
    year = answer["plan"]["school_year"]
    yield say(language, f"Учебный год {year}", f"School year {year}")
    counts = answer["counts"]
    for kind, words in COUNTS.items():
        if counts.get(kind):
            yield f"  {say(language, *words)}: {counts[kind]}"
    yield say(language, "Классы (сейчас → станет):", "Classes (now → then):")
    for row in answer["classes"]:
        yield f"  {_class_line(row, language)}"
    if answer["exceptions"]:
        yield say(language, "Обратите внимание:", "Please look at:")
        yield from (f"  {_note(note, EXCEPTIONS, language)}" for note in answer["exceptions"])
    if answer["conflicts"]:
        yield say(language, "Нужно решить:", "To be decided:")
        yield from (f"  {_note(note, CONFLICTS, language)}" for note in answer["conflicts"])


def _class_line(row: Mapping[str, Any], language: Language) -> str:
    then = say(language, *FATES[row["fate"]]) if row["fate"] in FATES else row["next_name"]
    now = row["name"] or say(language, "новый", "new")
    parts = [f"{now:<15} → {then:<15} {row['students']:>4}"]
    for name, words in (
        ("elsewhere", ("в другие классы", "to others")),
        ("leave", ("уходят", "leave")),
    ):
        if row[name]:
            parts.append(f"{say(language, *words)}: {row[name]}")
    return "  ".join(parts).rstrip()


def _note(note: Mapping[str, Any], texts: Mapping[str, tuple[str, str]], language: Language) -> str:
    """An unknown kind prints as it is: the module may be newer."""
    kind = str(note["kind"])
    words = say(language, *texts[kind]) if kind in texts else kind
    about = (str(note.get(name) or "") for name in ("person", "detail"))
    return ": ".join(part for part in (words, *about) if part)


def status_lines(answer: Mapping[str, Any], language: Language) -> Iterator[str]:
    """The school's year, and whether its last promotion can be taken back."""
    year = answer["school_year"] or "–"
    yield say(language, f"Учебный год: {year}", f"School year: {year}")
    last = answer["promotion"]
    if last is None:
        return
    step = f"{last['from_year']} → {last['to_year']}"
    until = datetime.fromtimestamp(last["undo_until_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    if last["may_undo"]:
        yield say(
            language,
            f"Перевод {step}; отменить можно до {until} UTC или до загрузки нового списка",
            f"Promotion {step}; can be undone until {until} UTC or the next list",
        )
    elif last["state"] == "undone":
        yield say(language, f"Перевод {step} отменён", f"Promotion {step} was undone")
    else:
        yield say(
            language, f"Перевод {step}; отменить нельзя", f"Promotion {step}; cannot be undone"
        )
