"""Problems with a OneRoster archive (1EdTech OneRoster CSV 1.1 and 1.2)."""

from __future__ import annotations

from provisioning.problem_texts.text import Text, error, warning

TEXTS: dict[str, Text] = {
    "oneroster_version": error(
        "версия OneRoster не 1.1 и не 1.2",
        "выгрузите OneRoster CSV версии 1.2",
        "the OneRoster version is neither 1.1 nor 1.2",
        "export OneRoster CSV 1.2",
    ),
    "oneroster_delta": error(
        "это выгрузка изменений (delta)",
        "выгрузите полный список (bulk): по изменениям нельзя узнать, кто остался",
        "this is a delta export",
        "export the whole list (bulk): a delta does not tell who has stayed",
    ),
    "oneroster_manifest": error(
        "в manifest.csv стоит не bulk и не absent",
        "исправьте выгрузку",
        "manifest.csv says neither bulk nor absent",
        "correct the export",
    ),
    "oneroster_file_missing": error(
        "нет файла {wanted}",
        "выгрузите архив заново со всеми файлами",
        "the file {wanted} is missing",
        "export the archive again with all files",
    ),
    "oneroster_file_unlisted": warning(
        "файл есть, а в manifest.csv его нет: он не прочитан",
        "если он нужен, впишите его в manifest.csv как bulk",
        "the file is there but manifest.csv does not list it: it was not read",
        "if it is needed, list it in manifest.csv as bulk",
    ),
    "oneroster_column": error(
        "нет столбца {wanted}",
        "выгрузите архив заново: этот столбец обязателен",
        "the column {wanted} is missing",
        "export the archive again: this column is required",
    ),
    "oneroster_status": error(
        "status не пуст, не active и не tobedeleted",
        "исправьте выгрузку",
        "status is neither empty nor active nor tobedeleted",
        "correct the export",
    ),
    "oneroster_role": error(
        "неизвестная роль",
        "роли OneRoster: student, teacher, principal, siteAdministrator, parent, guardian…",
        "an unknown role",
        "OneRoster roles are student, teacher, principal, siteAdministrator, parent, guardian…",
    ),
    "oneroster_role_left_out": warning(
        "роль не относится к школе: человек не загружен",
        "ничего делать не нужно, если так и задумано",
        "the role does not belong to a school: the person is left out",
        "nothing, if that is meant",
    ),
    "oneroster_user_disabled": warning(
        "enabledUser не true: человек не загружен",
        "включите его в источнике, если он учится или работает в школе",
        "enabledUser is not true: the person is left out",
        "enable the user at the source if he or she is at the school",
    ),
    "oneroster_no_role": error(
        "у пользователя нет роли в этой школе",
        "добавьте строку в roles.csv (1.2) или заполните role (1.1)",
        "the user has no role in this school",
        "add a row to roles.csv (1.2) or fill in role (1.1)",
    ),
    "oneroster_unknown_user": error(
        "пользователя с таким номером нет в users.csv",
        "исправьте номер или добавьте пользователя",
        "there is no such user in users.csv",
        "correct the id or add the user",
    ),
    "oneroster_unknown_class": error(
        "класса с таким номером нет в classes.csv",
        "исправьте номер или добавьте класс",
        "there is no such class in classes.csv",
        "correct the id or add the class",
    ),
    "oneroster_unknown_agent": error(
        "родственника или ребёнка ({position}-й в ячейке) нет в users.csv",
        "исправьте номер или добавьте пользователя",
        "the agent (number {position} in the cell) is not in users.csv",
        "correct the id or add the user",
    ),
    "oneroster_id_twice": error(
        "sourcedId уже есть в строке {other}",
        "уберите повтор",
        "the sourcedId is already in row {other}",
        "remove the repetition",
    ),
    "oneroster_class_twice": error(
        "класс {class_name} уже есть в строке {other}",
        "уберите повтор или переименуйте класс",
        "class {class_name} is already in row {other}",
        "remove the repetition or rename the class",
    ),
    "oneroster_grade": warning(
        "параллель в grades не совпадает с названием класса {class_name}",
        "проверьте класс; взято из названия",
        "grades differs from the name of class {class_name}",
        "check the class; the name was taken",
    ),
    "oneroster_no_homeroom": error(
        "нет ни одного класса с classType homeroom",
        "выгрузите классы (homeroom), а не только предметные группы",
        "there is no class of classType homeroom",
        "export the homeroom classes, not only the courses",
    ),
    "oneroster_enrollment_role": error(
        "роль в enrollments.csv не student, teacher, aide, proctor и не administrator",
        "исправьте роль",
        "the role in enrollments.csv is not student, teacher, aide, proctor or administrator",
        "correct the role",
    ),
    "oneroster_role_mismatch": error(
        "запись в класс в роли, которой у пользователя нет",
        "исправьте роль в enrollments.csv или у пользователя",
        "an enrollment in a role that the user does not have",
        "correct the role in enrollments.csv or that of the user",
    ),
    "oneroster_two_homerooms": error(
        "ученик записан в два класса: ещё в строке {other}",
        "оставьте одну запись или закройте старую (endDate)",
        "the pupil is enrolled in two homerooms: also in row {other}",
        "keep one enrollment or end the old one (endDate)",
    ),
    "oneroster_several_schools": error(
        "в архиве несколько школ",
        "назовите нужную: --school SOURCEDID",
        "the archive holds several schools",
        "name the one you mean: --school SOURCEDID",
    ),
    "oneroster_school_unknown": error(
        "школы с таким номером нет в orgs.csv",
        "проверьте --school",
        "there is no such school in orgs.csv",
        "check --school",
    ),
    "oneroster_date": error(
        "дата не читается",
        "OneRoster пишет даты так: 2026-09-01",
        "the date cannot be read",
        "OneRoster writes dates as 2026-09-01",
    ),
    "oneroster_school_year": error(
        "из academicSessions.csv не ясно, какой это учебный год",
        "укажите --school-year 2026/2027",
        "academicSessions.csv does not tell which school year this is",
        "say --school-year 2026/2027",
    ),
}
