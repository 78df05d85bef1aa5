"""What to do about a problem of a file on the pages: where the command line names an option, a page names a button."""

from __future__ import annotations

from bridge.web.i18n import N_
from bridge.web.visit import Visit
from provisioning.problem import Problem
from provisioning.problem_texts import Language

_COLUMNS = N_("переименуйте столбец или нажмите «Назвать столбцы» под таблицей")
#: Code → what to do here instead.
FIXES = {
    "position_unknown": N_("нажмите «Назвать должности» под таблицей"),
    "heading_twice": N_("оставьте один или выберите нужный: «Назвать столбцы» под таблицей"),
    "kind_unclear": N_("нажмите «Назвать столбцы» под таблицей и скажите, чей это список"),
    "column_missing": _COLUMNS,
    "id_column_missing": N_(
        "добавьте в выгрузку столбец «ИД» (номер личного дела, код из журнала): без него смена фамилии выглядела бы "
        "как новый человек. Если он называется иначе, нажмите «Назвать столбцы»"
    ),
    "mapped_heading_missing": N_(
        "столбец, который школа назвала раньше, пропал: нажмите «Назвать столбцы» и выберите другой"
    ),
    "column_ignored": N_("если он нужен, нажмите «Назвать столбцы» под таблицей"),
    "no_headings": N_("первая строка должна называть столбцы; если называет, нажмите «Назвать столбцы»"),
    "sheet_skipped": N_("если лист нужен, сохраните его отдельным файлом и загрузите вместе с остальными"),
    "oneroster_several_schools": N_("впишите номер нужной школы (sourcedId из orgs.csv) под таблицей"),
    "oneroster_school_unknown": N_("проверьте номер школы под таблицей"),
    "oneroster_school_year": N_("загрузите файл ещё раз и выберите учебный год"),
    "archive_unknown": N_("распакуйте архив и загрузите таблицы из него"),
}  # fmt: skip


def fix_of(visit: Visit, problem: Problem, language: Language) -> str:
    """One sentence."""
    return visit.gettext(FIXES[problem.code]) if problem.code in FIXES else problem.fix(language)
