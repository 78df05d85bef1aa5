"""Words of the pages that split, merge and lend a class, as a secretary would say them."""

from __future__ import annotations

from typing import Any

from bridge.class_change import ClassRefusal
from bridge.web.i18n import N_
from bridge.web.visit import Visit

REFUSALS = {
    ClassRefusal.NO_NAME: N_("Напишите, как будет называться новый класс, например 5В."),
    ClassRefusal.BAD_NAME: N_("Так класс назвать нельзя. Напишите, например, 5В."),
    ClassRefusal.OTHER_GRADE: N_("Название из другой параллели. Новый класс остаётся в той же параллели."),
    ClassRefusal.NAME_TAKEN: N_("Класс с таким названием уже есть. Выберите другую букву."),
    ClassRefusal.NOBODY: N_("Отметьте, кто переходит в новый класс."),
    ClassRefusal.EVERYBODY: N_("Отмечены все. Кто-то должен остаться в прежнем классе."),
    ClassRefusal.NOT_IN_CLASS: N_(
        "Кого-то из отмеченных в этом классе уже нет. Ниже — класс, как он сейчас: отметьте ещё раз."
    ),
    ClassRefusal.FEW: N_("Отметьте хотя бы два класса."),
    ClassRefusal.MANY: N_("Слишком много за один раз."),
    ClassRefusal.GRADES: N_("Объединить можно классы одной параллели."),
    ClassRefusal.NO_PERSON: N_("Выберите сотрудника из найденных."),
    ClassRefusal.NOT_STAFF: N_("Замещать может только сотрудник школы."),
    ClassRefusal.IS_TEACHER: N_("Этот человек и так руководит классом. Выберите другого."),
    ClassRefusal.BAD_DATE: N_("Это не дата. Напишите, например, 01.03.2027."),
    ClassRefusal.PAST: N_("Этот день уже прошёл. Последний день — сегодня или позже."),
    ClassRefusal.TOO_FAR: N_("Слишком далеко: замещение длится не больше трёх лет."),
    ClassRefusal.CHANGED: N_(
        "Пока вы смотрели, классы изменились. Ниже — как получится теперь: проверьте ещё раз."
    ),
    ClassRefusal.REFUSED: N_("Сервер школы не согласился. Обновите страницу и проверьте."),
}  # fmt: skip
#: Which field of a form an error stands beside; others stand above the form.
FIELDS = {
    ClassRefusal.NO_NAME: "name",
    ClassRefusal.BAD_NAME: "name",
    ClassRefusal.OTHER_GRADE: "name",
    ClassRefusal.NAME_TAKEN: "name",
    ClassRefusal.BAD_DATE: "until",
    ClassRefusal.PAST: "until",
    ClassRefusal.TOO_FAR: "until",
}


def errors_of(visit: Visit, refused: ClassRefusal | None) -> dict[str, Any]:
    """For a template: texts above the form, and texts beside a field."""
    if refused is None:
        return {"errors": [], "wrong": {}}
    text = visit.gettext(REFUSALS[refused])
    field = FIELDS.get(refused)
    return {"errors": [] if field else [text], "wrong": {field: text} if field else {}}
