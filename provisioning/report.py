"""Problems, plans and progress as text for a person. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from provisioning.language import say
from provisioning.problem import Problem, Severity
from provisioning.problem_texts import Language
from provisioning.roster import Role, Roster

#: The module's kinds of change and of exception, in people's words. An unknown kind prints as it is.
KINDS: dict[str, tuple[str, str]] = {
    "person_added": ("новых людей", "people added"),
    "person_left": ("ушли из школы", "people who left"),
    "person_returned": ("вернулись", "people who returned"),
    "person_roles": ("сменили роль", "changed roles"),
    "person_changed": ("изменились данные", "changed records"),
    "subjects": ("сменили предметы", "teachers of other subjects"),
    "class_added": ("новых классов", "classes added"),
    "class_changed": ("классов изменилось", "classes changed"),
    "class_closed": ("классов закрывается", "classes closed"),
    "student_enrolled": ("учеников зачислено в класс", "pupils put into a class"),
    "student_taken_out": ("учеников выбыло из класса", "pupils taken out of a class"),
    "homeroom_teacher_enrolled": ("назначено классных руководителей", "homeroom teachers set"),
    "homeroom_teacher_taken_out": ("снято классных руководителей", "homeroom teachers removed"),
    "teacher_enrolled": ("учителей добавлено в класс", "teachers put into a class"),
    "teacher_taken_out": ("учителей убрано из класса", "teachers taken out of a class"),
    "guardianship_set": ("связей родитель–ребёнок добавлено", "guardianships set"),
    "guardianship_gone": ("связей родитель–ребёнок снято", "guardianships removed"),
    "class_empty": ("в классе нет учеников", "the class has no pupils"),
    "class_without_homeroom_teacher": ("нет классного руководителя", "no homeroom teacher"),
    "student_without_class": ("ученик без класса", "pupil without a class"),
    "student_of_two_classes": ("ученик в двух классах", "pupil in two classes"),
    "homeroom_teacher_of_several": (
        "руководит несколькими классами",
        "homeroom teacher of several",
    ),
    "roles_by_hand": ("роль задана вручную", "roles set by hand"),
    "year_not_promoted": (
        "список следующего года, а школа ещё не переведена: у классов появятся новые чаты; "
        "сначала sferum year plan",
        "a list of the next year, and the school is not promoted: classes would get new rooms; "
        "first sferum year plan",
    ),
    "guardian_without_child": ("родитель без детей в школе", "guardian without a child here"),
}
SEVERITIES: dict[Severity, tuple[str, str]] = {
    Severity.ERROR: ("Ошибки", "Errors"),
    Severity.WARNING: ("Предупреждения", "Warnings"),
    Severity.SUGGESTION: ("Предложения", "Suggestions"),
}


def problem_lines(problems: Sequence[Problem], language: Language) -> Iterator[str]:
    """Every problem, errors first, with counts."""
    for severity, (ru, en) in SEVERITIES.items():
        of_kind = [p for p in problems if p.severity is severity]
        if of_kind:
            yield f"{say(language, ru, en)}: {len(of_kind)}"
            yield from (f"  {p.line(language)}" for p in of_kind)


def roster_line(roster: Roster, language: Language) -> str:
    """What was read, in one line."""
    pupils, guardians = roster.count(Role.STUDENT), roster.count(Role.GUARDIAN)
    staff = sum(bool(p.roles - {Role.STUDENT, Role.GUARDIAN}) for p in roster.people)
    links, classes = len(roster.guardianships), len(roster.classes)
    return say(
        language,
        f"Прочитано: учеников {pupils}, классов {classes}, сотрудников {staff}, "
        f"родителей {guardians}, связей родитель–ребёнок {links}; {roster.school_year}",
        f"Read: {pupils} pupils, {classes} classes, {staff} staff, "
        f"{guardians} guardians, {links} guardianships; {roster.school_year}",
    )


def has_changes(plan: Mapping[str, Any]) -> bool:
    return any(_mapping(plan.get("counts")).values()) or bool(plan.get("changes"))


def plan_lines(plan: Mapping[str, Any], language: Language) -> Iterator[str]:
    """A plan for a person: totals, every class that changes, every exception, the refusal."""
    counts = _mapping(plan.get("counts"))
    if not has_changes(plan):
        yield say(language, "Ничего не изменится.", "Nothing will change.")
    else:
        yield say(language, "Изменения:", "Changes:")
        yield from (f"  {kind_words(str(k), language)}: {n}" for k, n in counts.items() if n)
    yield from _class_lines(_mapping(plan.get("by_class")), language)
    exceptions = [e for e in _list(plan.get("exceptions")) if isinstance(e, dict)]
    if exceptions:
        yield say(language, "Обратите внимание:", "Please look at:")
        yield from (f"  {_exception(e, language)}" for e in exceptions)
    yield from _removals(plan, language)


def kind_words(kind: str, language: Language) -> str:
    return say(language, *KINDS[kind]) if kind in KINDS else kind


def _class_lines(by_class: Mapping[str, Any], language: Language) -> Iterator[str]:
    rows = [
        (
            str(name),
            *(_number(_mapping(row).get(k)) for k in ("before", "after", "joins", "leaves")),
        )
        for name, row in by_class.items()
    ]
    changed = [row for row in rows if row[3] or row[4] or row[1] != row[2]]
    if not changed:
        return
    yield say(language, "Ученики по классам (было → станет):", "Pupils by class (now → then):")
    for name, before, after, joins, leaves in changed:
        yield f"  {name:<15} {before:>4} → {after:<4} +{joins} −{leaves}"
    if len(rows) > len(changed):
        same = len(rows) - len(changed)
        yield say(language, f"  без изменений: {same}", f"  unchanged: {same}")


def _exception(note: Mapping[str, Any], language: Language) -> str:
    words = kind_words(str(note.get("kind", "?")), language)
    about = (str(note.get(name) or "") for name in ("detail", "person"))
    return ": ".join(part for part in (words, *about) if part)


def _removals(plan: Mapping[str, Any], language: Language) -> Iterator[str]:
    removals = _mapping(plan.get("removals"))
    gone, there = removals.get("memberships"), removals.get("of")
    if gone:
        yield say(
            language,
            f"Из чатов уйдёт участий: {gone} из {there}.",
            f"Memberships that end: {gone} of {there}.",
        )


def progress_words(progress: Mapping[str, Any], language: Language) -> str:
    """One line about how far the server is."""
    jobs, rooms = _mapping(progress.get("jobs")), _mapping(progress.get("rooms"))
    waiting = _number(jobs.get("queued")) + _number(jobs.get("running"))
    return say(
        language,
        f"чатов {rooms.get('ready', 0)}/{rooms.get('wanted', 0)}, заданий в очереди {waiting}",
        f"rooms {rooms.get('ready', 0)}/{rooms.get('wanted', 0)}, tasks waiting {waiting}",
    )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
