"""Problems that show when all lists are put together."""

from __future__ import annotations

from provisioning.problem_texts.text import Text, error, suggestion, warning

TEXTS: dict[str, Text] = {
    "id_twice": error(
        "номер (ИД) уже есть: {other}",
        "у каждого человека свой номер; уберите повтор",
        "the id is already there: {other}",
        "every person has an id of their own; remove the repetition",
    ),
    "id_of_two_people": error(
        "тот же номер (ИД) у другого человека: {other}",
        "дайте им разные номера; если это один человек, имя должно совпадать",
        "another person has the same id: {other}",
        "give them different ids; if it is one person, the names must be equal",
    ),
    "pupil_is_adult": error(
        "тот же номер (ИД) у ученика и у взрослого: {other}",
        "дайте им разные номера",
        "a pupil and an adult have the same id: {other}",
        "give them different ids",
    ),
    "own_guardian": error(
        "человек указан родителем самого себя",
        "исправьте номер ребёнка",
        "the person is listed as their own guardian",
        "correct the child's id",
    ),
    "child_unknown": error(
        "номера ребёнка ({position}-й в ячейке) нет в списке учеников",
        "исправьте номер или добавьте ученика",
        "the child's id (number {position} in the cell) is not in the list of pupils",
        "correct the id or add the pupil",
    ),
    "child_is_adult": error(
        "ребёнок ({position}-й в ячейке) записан в другом списке: {other}",
        "исправьте номер ребёнка",
        "the child (number {position} in the cell) is in another list: {other}",
        "correct the child's id",
    ),
    "students_missing": error(
        "список родителей без списка учеников",
        "загрузите их вместе: родитель связан с учеником по номеру",
        "a list of guardians without the list of pupils",
        "give both together: a guardian is tied to a pupil by id",
    ),
    "guardian_without_children": warning(
        "не указаны дети",
        "впишите номера детей или уберите строку: без детей родитель никуда не попадёт",
        "no children are listed",
        "fill in their ids or remove the row: without children the guardian gets no room",
    ),
    "too_many_people": error(
        "больше {limit} человек",
        "проверьте, одна ли это школа",
        "more than {limit} people",
        "check that this is one school",
    ),
    "source_bad": error(
        "имя источника — от 1 до 64 знаков a-z 0-9 . _ -",
        "исправьте --source",
        "the source is 1–64 of a-z 0-9 . _ -",
        "correct --source",
    ),
    "school_year_bad": error(
        "учебный год пишется так: 2026/2027",
        "исправьте --school-year",
        "a school year is written 2026/2027",
        "correct --school-year",
    ),
    "homeroom_class_empty": warning(
        "классное руководство классом {class_name}, в котором нет учеников",
        "проверьте название класса или список учеников",
        "homeroom teacher of class {class_name}, which has no pupils",
        "check the class name or the list of pupils",
    ),
    "class_without_teacher": warning(
        "у класса {class_name} нет классного руководителя",
        "назначьте его; до тех пор в комнате класса одни ученики, а назначить может заместитель директора",
        "class {class_name} has no homeroom teacher",
        "appoint one; until then its room holds pupils only, and a deputy can appoint",
    ),
    "class_very_large": warning(
        "в классе {class_name} {count} учеников",
        "проверьте столбец «Класс»",
        "class {class_name} has {count} pupils",
        "check the class column",
    ),
    "no_director": warning(
        "в списке сотрудников нет директора",
        "проверьте должности: администраторами чатов станут только заместители",
        "there is no director in the list of staff",
        "check the positions: only deputies will administer the rooms",
    ),
    "no_administration": warning(
        "в списке сотрудников нет ни директора, ни заместителей, ни администратора",
        "проверьте должности: школой некому будет управлять",
        "the list of staff has neither a director nor a deputy nor an administrator",
        "check the positions: nobody could run the school",
    ),
    "phone_of_child_and_guardian": warning(
        "тот же телефон у взрослого: {other}",
        "впишите номер ребёнка или оставьте пусто: ребёнка нельзя регистрировать на телефон "
        "родителя (есть ссылка класса и QR-карточка)",
        "an adult has the same phone: {other}",
        "enter the child's own number or none: a child cannot register with a parent's phone "
        "(there are class links and QR cards)",
    ),
    "phone_shared": warning(
        "тот же телефон ещё у кого-то: {other}",
        "один телефон — один профиль; исправьте номер",
        "somebody else has the same phone: {other}",
        "one phone is one profile; correct the number",
    ),
    "email_shared": warning(
        "тот же адрес почты ещё у кого-то: {other}",
        "исправьте адрес: по нему входят",
        "somebody else has the same e-mail: {other}",
        "correct it: people log in with it",
    ),
    "staff_is_guardian": suggestion(
        "похоже, это тот же человек: {other} (тот же телефон)",
        "если так, свяжите профили после загрузки: один вход, оба набора чатов",
        "this may be the same person: {other} (same phone)",
        "if so, link the profiles after the import: one login, both sets of rooms",
    ),
    "pupil_maybe_twice": warning(
        "то же имя и та же дата рождения: {other}",
        "проверьте, не записан ли ученик дважды",
        "same name and same birth date: {other}",
        "check whether the pupil is listed twice",
    ),
}
