"""Column headings: which words schools use for which field, per list. Pure.

The first word of each field is what we call it when asking for it. A heading outside this table is
reported, never guessed at; a school names it once in its mapping (`mapping.py`).
"""

from __future__ import annotations

import re

from provisioning.names import clean
from provisioning.roster import Group

#: field → headings, as `normal` gives them. Sources: the exports of ЭлЖур, Дневник.ру, Сетевой
#: город and БАРС as schools describe them, plus OneRoster's and plain English words.
_ID = ("ИД", "ид", "id", "uid", "код", "идентификатор", "гуид", "guid", "source id", "sourced id")
_NAMES = {
    "full_name": ("ФИО", "фио", "ф и о", "фамилия имя отчество", "полное имя", "full name", "name"),
    "family_name": ("Фамилия", "фамилия", "family name", "last name", "surname"),
    "given_name": ("Имя", "имя", "given name", "first name"),
    "middle_name": ("Отчество", "отчество", "отчество при наличии", "middle name", "patronymic"),
}
_CONTACTS = {
    "birth_date": (
        "Дата рождения", "дата рождения", "д р", "др", "дата рожд", "birth date", "birthdate",
        "date of birth", "birthday", "dob",
    ),
    "phone": (
        "Телефон", "телефон", "мобильный телефон", "моб телефон", "сотовый телефон", "мобильный",
        "номер телефона", "контактный телефон", "тел", "phone", "mobile", "mobile phone", "sms",
    ),
    "email": (
        "Email", "email", "e mail", "почта", "эл почта", "электронная почта", "адрес почты",
        "адрес электронной почты",
    ),
}  # fmt: skip

FIELDS: dict[Group, dict[str, tuple[str, ...]]] = {
    Group.STUDENT: {
        "id": (*_ID, "ид ученика", "код ученика", "номер личного дела", "личное дело",
               "student id"),
        **_NAMES,
        "full_name": (*_NAMES["full_name"], "ученик", "обучающийся", "фио ученика",
                      "фио обучающегося", "ф и о ученика", "student"),
        "class": ("Класс", "класс", "класс обучения", "учебный класс", "class", "homeroom"),
        "grade": ("Параллель", "параллель", "номер класса", "grade"),
        "letter": ("Литера", "литера", "буква", "литер", "буква класса", "letter"),
        **_CONTACTS,
    },
    Group.STAFF: {
        "id": (*_ID, "ид сотрудника", "код сотрудника", "табельный номер", "таб номер", "staff id"),
        **_NAMES,
        "full_name": (*_NAMES["full_name"], "сотрудник", "учитель", "педагог", "фио сотрудника",
                      "фио учителя", "фио педагога", "teacher"),
        "position": ("Должность", "должность", "роль", "position", "job title", "role"),
        "homeroom": ("Классное руководство", "классное руководство", "кл рук", "кл руководство",
                     "классный руководитель", "классный руководитель в", "homeroom",
                     "homeroom class", "homeroom classes"),
        "subject": ("Предмет", "предмет", "предметы", "преподаваемый предмет",
                    "преподаваемые предметы", "subject", "subjects"),
        **_CONTACTS,
    },
    Group.GUARDIAN: {
        "id": (*_ID, "ид родителя", "код родителя", "guardian id", "parent id"),
        **_NAMES,
        "full_name": (*_NAMES["full_name"], "родитель", "фио родителя", "законный представитель",
                      "фио законного представителя", "parent", "guardian"),
        "children": ("Дети (ИД)", "дети ид", "дети", "ид детей", "коды детей", "ид ученика",
                     "ид ребенка", "ребенок ид", "код ученика", "children", "children ids",
                     "child id", "student id", "student ids"),
        "relation": ("Степень родства", "степень родства", "родство", "кем приходится", "отношение",
                     "тип родства", "relation", "relationship"),
        **_CONTACTS,
    },
}  # fmt: skip

#: Headings that exports have and we do not need: no warning for them.
UNUSED = frozenset(
    {
        *("пол", "sex", "gender", "предмет", "предметы", "subject", "subjects"),
        *("п п", "номер п п", "пп", "номер", "n", "no", "снилс", "адрес", "гражданство"),
        *("примечание", "комментарий", "стаж", "образование", "категория", "статус"),
        *("место работы", "место рождения", "дата зачисления"),
    }
)

#: A list needs these; one of the names' spellings besides.
REQUIRED = {
    Group.STUDENT: ("class",),
    Group.STAFF: ("position",),
    Group.GUARDIAN: ("children",),
}
#: Columns that tell one list from another. «Код ученика» alone may be a pupil's own id: it tells
#: a list of guardians only beside an id of the guardian.
TELLING: tuple[tuple[Group, frozenset[str]], ...] = (
    (Group.GUARDIAN, frozenset({"id", "children"})),
    (Group.GUARDIAN, frozenset({"relation"})),
    (Group.STAFF, frozenset({"position"})),
    (Group.STUDENT, frozenset({"class"})),
    (Group.STUDENT, frozenset({"grade"})),
)


def normal(heading: str) -> str:
    """Form in which headings are compared: lower case, ё is е, letters and digits only."""
    folded = clean(heading).casefold().replace("ё", "е")
    return " ".join(re.sub(r"[\W_]+", " ", folded).split())


def field_of(heading: str, group: Group) -> str | None:
    """The field a heading stands for in lists of `group`."""
    return _BY_HEADING[group].get(normal(heading))


def is_known(heading: str) -> bool:
    """Whether any list has such a heading, used or not."""
    word = normal(heading)
    return word in UNUSED or any(word in known for known in _BY_HEADING.values())


def preferred(group: Group, field_name: str) -> str:
    """The heading we ask for."""
    return FIELDS[group][field_name][0]


def shown(headings: list[str]) -> str:
    """Headings for a message; what looks like data (digits, @) is left out."""
    safe = [clean(h) for h in headings if clean(h) and not re.search(r"\d{4}|@", h)]
    return ", ".join(f"«{h[:40]}»" for h in safe[:30])


_BY_HEADING: dict[Group, dict[str, str]] = {
    group: {normal(word): name for name, words in fields.items() for word in words}
    for group, fields in FIELDS.items()
}
