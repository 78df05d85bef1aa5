"""Problems with a whole file or sheet."""

from __future__ import annotations

from provisioning.problem_texts.text import Text, error, warning

TEXTS: dict[str, Text] = {
    "no_files": error(
        "не указано ни одного файла",
        "назовите файлы учеников, сотрудников и родителей",
        "no file was given",
        "name the files of pupils, staff and guardians",
    ),
    "file_unreadable": error(
        "файл не открывается",
        "проверьте имя файла и право на чтение",
        "the file cannot be opened",
        "check its name and that you may read it",
    ),
    "file_empty": error(
        "файл пуст", "выгрузите список заново", "the file is empty", "export the list again"
    ),
    "file_too_large": error(
        "файл больше {limit} МБ",
        "проверьте, тот ли это файл; уберите картинки и лишние листы",
        "the file is larger than {limit} MB",
        "check that it is the right file; remove pictures and other sheets",
    ),
    "format_xls": error(
        "старый формат .xls или книга под паролем",
        "откройте в Excel или LibreOffice и сохраните как .xlsx без пароля",
        "the old .xls format, or a workbook with a password",
        "open it in Excel or LibreOffice and save as .xlsx without a password",
    ),
    "format_ods": error(
        "таблица LibreOffice (.ods)",
        "сохраните как .xlsx или .csv",
        "a LibreOffice table (.ods)",
        "save it as .xlsx or .csv",
    ),
    "format_unsupported": error(
        "это {found}, а не таблица",
        "сохраните список как .xlsx или .csv",
        "this is {found}, not a table",
        "save the list as .xlsx or .csv",
    ),
    "encoding_utf16": error(
        "кодировка UTF-16 («Текст Юникод»)",
        "сохраните как «CSV UTF-8» или .xlsx",
        "the encoding is UTF-16 (“Unicode text”)",
        "save as “CSV UTF-8” or .xlsx",
    ),
    "encoding_damaged": error(
        "похоже на UTF-8, но часть букв испорчена",
        "выгрузите файл заново: он повреждён при копировании",
        "it looks like UTF-8, but some letters are damaged",
        "export the file again: it was damaged on the way",
    ),
    "encoding_unknown": error(
        "кодировка не UTF-8 и не Windows-1251 (похоже на {guess})",
        "сохраните как «CSV UTF-8» или .xlsx",
        "the encoding is neither UTF-8 nor Windows-1251 (it looks like {guess})",
        "save as “CSV UTF-8” or .xlsx",
    ),
    "csv_quotes": error(
        "кавычки в этой строке не закрыты или стоят не на месте",
        "уберите лишние кавычки в строке или сохраните список как .xlsx",
        "quotes in this row are not closed or are out of place",
        "remove the stray quotes in this row or save the list as .xlsx",
    ),
    "csv_truncated": error(
        "последняя строка оборвана",
        "выгрузите файл заново: он не дописан до конца",
        "the last row breaks off",
        "export the file again: its end is missing",
    ),
    "too_many_rows": error(
        "больше {limit} строк",
        "проверьте, тот ли это файл; школу можно загрузить частями",
        "more than {limit} rows",
        "check that it is the right file",
    ),
    "too_many_columns": error(
        "больше {limit} столбцов",
        "проверьте, тот ли это файл; уберите лишние столбцы",
        "more than {limit} columns",
        "check that it is the right file; remove the columns that are not needed",
    ),
    "xlsx_damaged": error(
        "книга Excel повреждена",
        "откройте её в Excel и сохраните заново как .xlsx",
        "the Excel workbook is damaged",
        "open it in Excel and save it again as .xlsx",
    ),
    "archive_damaged": error(
        "архив повреждён или под паролем",
        "выгрузите архив заново, без пароля",
        "the archive is damaged or has a password",
        "export the archive again, without a password",
    ),
    "archive_too_large": error(
        "содержимое файла после распаковки слишком велико",
        "это не обычная выгрузка; не открывайте файл и спросите, кто его прислал",
        "the contents of the file are too large when unpacked",
        "this is no ordinary export; do not open it and ask who sent it",
    ),
    "archive_unknown": error(
        "архив не похож ни на .xlsx, ни на OneRoster",
        "распакуйте его и назовите таблицы по одной",
        "the archive is neither .xlsx nor OneRoster",
        "unpack it and name the tables one by one",
    ),
    "mixed_formats": error(
        "архив OneRoster нельзя загружать вместе с другими файлами",
        "загрузите либо один архив OneRoster, либо таблицы",
        "a OneRoster archive cannot be combined with other files",
        "give either one OneRoster archive or tables",
    ),
    "mapping_bad": error(
        "файл соответствия столбцов не разобрать: {reason}",
        "исправьте его или создайте заново с --save-mapping",
        "the column mapping cannot be read: {reason}",
        "correct it or make a new one with --save-mapping",
    ),
    "no_headings": error(
        "не найдена строка заголовков",
        "первая строка должна называть столбцы, например: ИД; Фамилия; Имя; Отчество; Класс",
        "no row of headings was found",
        "the first row must name the columns, for example: id; family name; given name; class",
    ),
    "heading_twice": error(
        "столбцы «{first}» и «{second}» означают одно и то же",
        "оставьте один или укажите нужный в --mapping",
        "columns “{first}” and “{second}” mean the same",
        "keep one of them or name the right one in --mapping",
    ),
    "kind_unclear": error(
        "непонятно, чей это список: учеников, сотрудников или родителей (заголовки: {headings})",
        "укажите явно, например students=ФАЙЛ, staff=ФАЙЛ или guardians=ФАЙЛ",
        "it is unclear whose list this is: pupils, staff or guardians (headings: {headings})",
        "say it: students=FILE, staff=FILE or guardians=FILE",
    ),
    "kind_unknown": error(
        "неизвестный вид списка",
        "перед = может стоять students, staff или guardians",
        "an unknown kind of list",
        "before = write students, staff or guardians",
    ),
    "column_missing": error(
        "нет столбца «{wanted}» (есть: {headings})",
        'переименуйте столбец или укажите его в --mapping: [{kind}] {field} = "заголовок"',
        "there is no column for “{wanted}” (found: {headings})",
        'rename the column or map it with --mapping: [{kind}] {field} = "heading"',
    ),
    "id_column_missing": error(
        "нет столбца с постоянным номером человека (есть: {headings})",
        "добавьте в выгрузку столбец «ИД» (номер личного дела, код из журнала): без него смена "
        "фамилии выглядела бы как новый человек. Если он называется иначе, укажите его в "
        '--mapping: [{kind}] id = "заголовок"',
        "there is no column with a lasting number of the person (found: {headings})",
        "add a column “id” to the export (file number, journal code): without it a changed "
        "family name would look like a new person. If it has another heading, map it with "
        '--mapping: [{kind}] id = "heading"',
    ),
    "mapped_heading_missing": error(
        "в --mapping указан столбец «{wanted}», но его нет (есть: {headings})",
        "исправьте заголовок в файле соответствия",
        "--mapping names the column “{wanted}”, but it is not there (found: {headings})",
        "correct the heading in the mapping file",
    ),
    "column_ignored": warning(
        "столбец не используется",
        "если он нужен, укажите его в --mapping",
        "this column is not used",
        "if it is needed, map it with --mapping",
    ),
    "birth_dates_absent": warning(
        "нет столбца с датами рождения",
        "добавьте «Дата рождения»: без неё каждого ученика должен подтвердить родитель",
        "there is no column of birth dates",
        "add “birth date”: without it every pupil needs a parent's confirmation",
    ),
    "sheet_skipped": warning(
        "лист пропущен: заголовки не похожи ни на один список",
        "если он нужен, загрузите его отдельно как students=, staff= или guardians=",
        "the sheet is left out: its headings look like none of the lists",
        "if it is needed, give it on its own as students=, staff= or guardians=",
    ),
    "sheet_hidden": warning(
        "скрытый лист не прочитан",
        "если на нём есть люди, покажите его и повторите",
        "a hidden sheet was not read",
        "if there are people on it, unhide it and repeat",
    ),
    "list_empty": error(
        "в списке нет ни одной строки",
        "выгрузите список заново или не указывайте этот файл: пустой список означал бы, что "
        "ушли все",
        "the list has no rows",
        "export it again or leave the file out: an empty list would mean that everybody has left",
    ),
}
