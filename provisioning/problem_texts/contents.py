"""Problems with one cell or one row."""

from __future__ import annotations

from provisioning.problem_texts.text import Text, error, warning

TEXTS: dict[str, Text] = {
    "id_empty": error(
        "нет номера (ИД)", "впишите номер из журнала", "the id is empty", "fill in the id"
    ),
    "id_bad": error(
        "номер (ИД) длиннее 128 знаков или содержит недопустимые знаки",
        "допустимы буквы, цифры, пробел и . _ : / @ + -",
        "the id is longer than 128 characters or holds signs that are not allowed",
        "letters, digits, space and . _ : / @ + - are allowed",
    ),
    "id_scientific": error(
        "Excel превратил номер в вид 1,23E+10, цифры потеряны",
        "задайте столбцу формат «Текст» и впишите номер заново",
        "Excel has turned the id into 1.23E+10 and lost digits",
        "format the column as text and enter the id again",
    ),
    "name_empty": error("имя не заполнено", "впишите его", "the name is empty", "fill it in"),
    "name_bad": error(
        "в имени цифры или посторонние знаки, либо оно длиннее 100 знаков",
        "исправьте ячейку",
        "the name holds digits or stray signs, or is longer than 100 characters",
        "correct the cell",
    ),
    "name_damaged": error(
        "буквы испорчены при перекодировании (знаки ? или �)",
        "выгрузите файл заново как «CSV UTF-8» или .xlsx",
        "letters were damaged by a conversion (? or � in them)",
        "export the file again as “CSV UTF-8” or .xlsx",
    ),
    "name_mixed_alphabets": warning(
        "в одном слове русские и латинские буквы",
        "наберите имя заново: иначе его не найти поиском",
        "one word holds both Cyrillic and Latin letters",
        "type the name again: search will not find it otherwise",
    ),
    "full_name_ambiguous": error(
        "ФИО нельзя однозначно разделить на фамилию, имя и отчество",
        "разделите его на три столбца: Фамилия, Имя, Отчество",
        "the full name cannot be split into family, given and middle name for certain",
        "use three columns: family name, given name, middle name",
    ),
    "birth_date_bad": error(
        "дата не читается",
        "нужна дата вида 31.12.2015 или 2015-12-31 с четырьмя цифрами года",
        "the date cannot be read",
        "write it as 31.12.2015 or 2015-12-31, with a year of four digits",
    ),
    "birth_date_future": error(
        "дата рождения в будущем",
        "исправьте год",
        "the birth date is in the future",
        "correct the year",
    ),
    "pupil_too_old": warning(
        "ученику больше {limit} лет",
        "проверьте год рождения",
        "the pupil is older than {limit}",
        "check the year of birth",
    ),
    "pupil_too_young": warning(
        "ученику меньше {limit} лет",
        "проверьте год рождения",
        "the pupil is younger than {limit}",
        "check the year of birth",
    ),
    "adult_too_young": warning(
        "взрослому меньше {limit} лет",
        "проверьте год рождения и тот ли это список",
        "the adult is younger than {limit}",
        "check the year of birth and whether this is the right list",
    ),
    "birth_date_empty": warning(
        "нет даты рождения",
        "впишите её: без неё ученика должен подтвердить родитель",
        "there is no birth date",
        "fill it in: without it the pupil needs a parent's confirmation",
    ),
    "phone_bad": error(
        "телефон не читается",
        "нужен один номер вида +7 900 000-00-00 (или пустая ячейка)",
        "the phone cannot be read",
        "write one number such as +7 900 000-00-00, or leave the cell empty",
    ),
    "phone_scientific": error(
        "Excel превратил телефон в вид 7,9E+10, цифры потеряны",
        "задайте столбцу формат «Текст» и впишите номер заново",
        "Excel has turned the phone into 7.9E+10 and lost digits",
        "format the column as text and enter the number again",
    ),
    "phone_several": error(
        "в ячейке несколько телефонов",
        "оставьте один: один телефон — один профиль",
        "the cell holds several phones",
        "keep one: one phone is one profile",
    ),
    "email_bad": error(
        "это не адрес электронной почты",
        "исправьте адрес или оставьте ячейку пустой",
        "this is not an e-mail address",
        "correct it or leave the cell empty",
    ),
    "pupil_without_class": error(
        "у ученика нет класса",
        "впишите класс, например 5А",
        "the pupil has no class",
        "fill in the class, for example 5А",
    ),
    "class_bad": error(
        "это не название класса",
        "нужно вида 5А, 10ФМ или название до 15 знаков; параллели 1–11",
        "this is not a class name",
        "write it like 5А or 10ФМ, or a name of at most 15 characters; grades are 1–11",
    ),
    "class_is_date": error(
        "Excel превратил класс в дату",
        "задайте столбцу формат «Текст» и впишите класс заново",
        "Excel has turned the class into a date",
        "format the column as text and enter the class again",
    ),
    "class_several": error(
        "у ученика несколько классов",
        "оставьте один: класс, в журнале которого он записан",
        "the pupil has several classes",
        "keep one: the class whose register he or she is in",
    ),
    "class_named": warning(
        "класс «{class_name}» без номера параллели",
        "если это опечатка, исправьте; такой класс не переводится на следующий год сам",
        "class “{class_name}” has no grade",
        "correct it if it is a slip; such a class is not promoted by itself",
    ),
    "position_empty": error(
        "не заполнена должность",
        "впишите должность, например «Учитель»",
        "the position is empty",
        "fill it in, for example “teacher”",
    ),
    "position_unknown": error(
        "по должности непонятно, какие нужны права",
        "укажите роль в --mapping, раздел [positions]: director, deputy, administrator, teacher "
        "или - (не загружать)",
        "the position does not tell which rights are needed",
        "name the role in --mapping under [positions]: director, deputy, administrator, teacher "
        "or - (leave out)",
    ),
    "relation_long": error(
        "степень родства длиннее 40 знаков",
        "сократите: мать, отец, опекун…",
        "the relation is longer than 40 characters",
        "shorten it: mother, father, guardian…",
    ),
    "child_listed_twice": warning(
        "один ребёнок указан дважды",
        "уберите повтор",
        "the same child is listed twice",
        "remove the repetition",
    ),
    "cell_formula_error": error(
        "в ячейке ошибка формулы (#Н/Д, #REF!…)",
        "впишите значение вместо формулы",
        "the cell holds a formula error (#N/A, #REF!…)",
        "enter the value instead of the formula",
    ),
    "cell_control": error(
        "в ячейке управляющие знаки",
        "наберите значение заново",
        "the cell holds control characters",
        "type the value again",
    ),
    "cell_too_long": error(
        "в ячейке больше {limit} знаков",
        "проверьте, не слиплись ли строки или кавычки",
        "the cell holds more than {limit} characters",
        "check whether rows or quotes have run together",
    ),
    "row_too_long": error(
        "в строке больше ячеек, чем заголовков",
        "вероятно, лишний разделитель внутри ячейки: возьмите её в кавычки или сохраните .xlsx",
        "the row has more cells than there are headings",
        "probably a separator inside a cell: put it in quotes or save as .xlsx",
    ),
}
