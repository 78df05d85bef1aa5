"""Formats, headings and mappings: what is understood, what is pointed out."""

from __future__ import annotations

import io
from datetime import date, datetime

import openpyxl
import pytest

from provisioning.contact import Phone
from provisioning.problem import Place, Severity
from provisioning.readers.encoding import decode
from provisioning.readers.files import Options, SourceFile, read_roster, school_year_on
from provisioning.readers.mapping import (
    BadMapping,
    ColumnMapping,
    format_mapping,
    parse_mapping,
)
from provisioning.readers.positions import roles_of
from provisioning.readers.xlsx_table import cell_text
from provisioning.roster import EnrolmentRole, Group, Person, Role
from tests.provisioning.files import (
    HEAD,
    MOTHER,
    PUPIL,
    PUPIL_2,
    STAFF,
    STUDENTS,
    TEACHER,
    TODAY,
    csv_bytes,
    found,
    places,
    read,
    read_mapped,
    school,
    sound,
    xlsx_bytes,
)


def people_of(files: dict[str, bytes], **options: object) -> dict[str, Person]:
    roster = sound(read(files, **options)).roster
    assert roster is not None
    return {p.source_id: p for p in roster.people}


def test_a_small_school() -> None:
    """Three lists become people, one class, enrolments and a guardianship."""
    roster = sound(read(school())).roster
    assert roster is not None

    assert roster.covers == {Group.STUDENT, Group.STAFF, Group.GUARDIAN}
    assert [(c.source_id, c.name, c.grade) for c in roster.classes] == [("5А", "5А", 5)]
    assert {(e.person_id, e.role) for e in roster.enrolments} == {
        ("U1", EnrolmentRole.STUDENT),
        ("U2", EnrolmentRole.STUDENT),
        ("T2", EnrolmentRole.HOMEROOM_TEACHER),
    }
    assert [(g.guardian_id, g.student_id, g.relation) for g in roster.guardianships] == [
        ("R1", "U1", "мать")
    ]


def test_the_order_of_rows_does_not_matter() -> None:
    """The same lists in another order are an equal Roster."""
    turned = school(students=(PUPIL_2, PUPIL), staff=(TEACHER, HEAD))

    assert read(turned).roster == read(school()).roster


@pytest.mark.parametrize(
    "headings",
    [
        "№ п/п;ID;ФИО обучающегося;Дата рожд.;Класс",
        "№;Номер личного дела;Ф.И.О.;Д.Р.;Учебный класс",
        "N;код ученика;Фамилия, имя, отчество;ДАТА РОЖДЕНИЯ;КЛАСС ОБУЧЕНИЯ",
        "no;student id;full name;date of birth;class",
    ],
)
def test_headings_of_other_exports(headings: str) -> None:
    """Synonyms of headings, in any case and punctuation, Russian and English."""
    people = people_of({"a.csv": csv_bytes(headings, "1;U1;Иванов Пётр Ильич;01.02.2015;5А")})

    assert people["U1"].given_name == "Пётр"
    assert people["U1"].birth_date == date(2015, 2, 1)


def test_grade_and_letter_in_two_columns() -> None:
    """«Параллель» and «Литера» together are the class."""
    roster = read({"a.csv": csv_bytes("ИД;ФИО;Параллель;Литера", "U1;Ким Ян;5;а")}).roster

    assert roster is not None
    assert [c.name for c in roster.classes] == ["5А"]


def test_titles_above_the_headings_do_not_matter() -> None:
    """A school's name above the headings is passed over; row numbers stay the spreadsheet's."""
    titled = csv_bytes(
        "МБОУ СОШ;;;", "Список на 1 сентября;;;", "", STUDENTS, PUPIL, ";Ким;Ян;;;5А;;"
    )

    assert places(read({"a.csv": titled}), "id_empty") == [Place("a.csv", 6, "ИД")]


def test_a_line_break_in_a_cell_does_not_shift_rows() -> None:
    """Rows are numbered as the spreadsheet numbers them, not as lines of the file."""
    files = school(students=(PUPIL, 'U3;Ким;Ян;"";01.02.2015;"5\nА";;', "U4;Ли;Яна;;;;;"))

    assert places(read(files), "pupil_without_class") == [Place("students.csv", 4, "Класс")]


def test_excels_separator_line_counts_as_a_row() -> None:
    """`sep=,` on the first line names the separator."""
    body = "sep=,\r\nИД,ФИО,Класс\r\nU1,Ким Ян,5А\r\nU2,Ли Яна,\r\n".encode("utf-8-sig")

    assert places(read({"a.csv": body}), "pupil_without_class") == [Place("a.csv", 4, "Класс")]


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_other_separators_inside_cells_do_not_mislead(separator: str) -> None:
    """Commas in a `;` list, semicolons in a `,` list and both in a tab list are cells' own."""
    rows = [
        ["ИД", "Фамилия, имя, отчество", "Класс", "Email"],
        ["U1", "Ким Ян Ильич", "5А", ""],
        ["U2", "Ли Яна Юрьевна", "5А", ""],
    ]
    quoted = [[f'"{c}"' if separator == "," and "," in c else c for c in row] for row in rows]
    people = people_of({"a.csv": csv_bytes(*(separator.join(row) for row in quoted))})

    assert people["U2"].middle_name == "Юрьевна"


def test_upper_case_cyrillic_in_cp1251_is_recognised() -> None:
    """Windows-1251 is told from its rivals by letters, not by luck; КОИ-8 is not taken for it."""
    text = "ИД;ФАМИЛИЯ;ИМЯ\r\nU1;ИВАНОВ;ПЁТР\r\nU2;СЕЛЕЗНЁВА;МАРИЯ\r\n"

    assert decode(text.encode("cp1251"), Place("a")) == text
    for other in ("koi8-r", "cp866", "mac-cyrillic"):
        answer = decode(text.encode(other), Place("a"))
        assert not isinstance(answer, str)
        assert answer.code == "encoding_unknown"


def test_xlsx_cells_become_texts() -> None:
    """Dates are ISO, whole numbers have no point, empty is empty."""
    assert cell_text(datetime(2015, 2, 1)) == "2015-02-01"  # noqa: DTZ001 -- as openpyxl gives it
    assert cell_text(79161234567.0) == "79161234567"
    assert cell_text(1.5) == "1.5"
    assert cell_text(None) == ""
    assert cell_text(True) == "TRUE"


def test_xlsx_numbers_and_dates() -> None:
    """Ids and phones as numbers and birth dates as dates read as they look."""
    book = xlsx_bytes(
        {"Лист1": [["ИД", "ФИО", "Дата рождения", "Класс", "Телефон"],
                   [17, "Ким Ян", datetime(2015, 2, 1), 5, 75001000020]]}  # noqa: DTZ001
    )  # fmt: skip
    people = people_of({"a.xlsx": book})

    assert people["17"].birth_date == date(2015, 2, 1)
    assert people["17"].phone == Phone("+75001000020")


def test_one_sheet_for_each_class() -> None:
    """Sheets of one kind add up."""
    head = ["ИД", "ФИО", "Класс"]
    book = xlsx_bytes({"5А": [head, ["U1", "Ким Ян", "5А"]], "5Б": [head, ["U2", "Ли Яна", "5Б"]]})

    assert set(people_of({"a.xlsx": book})) == {"U1", "U2"}


def test_hidden_sheets_are_pointed_out() -> None:
    """A hidden sheet is not read, and the operator is told: its people would seem to have left."""
    book = openpyxl.Workbook()
    (first,) = book.worksheets
    for row in (["ИД", "ФИО", "Класс"], ["U1", "Ким Ян", "5А"]):
        first.append(row)
    book.create_sheet("Старый").sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)

    assert places(sound(read({"a.xlsx": out.getvalue()})), "sheet_hidden") == [
        Place("a.xlsx[Старый]")
    ]


def test_the_kind_can_be_stated() -> None:
    """students=FILE is believed even when headings would not tell; what is missing is named."""
    content = csv_bytes("ИД;Фамилия;Имя;Телефон", "U1;Ким;Ян;")
    reading = read_roster([SourceFile("a.csv", content, Group.STUDENT)], Options(today=TODAY))

    (problem,) = found(reading, "column_missing")
    assert "«Телефон»" in problem.message("ru")
    assert '[students] class = "' in problem.fix("ru")


def test_headings_that_look_like_data_are_not_repeated() -> None:
    """A list of headings in a message leaves out what looks like a phone or an e-mail."""
    content = csv_bytes("ИД;Фамилия;Имя;89161234567;a@b.example", "U1;Ким;Ян;;")
    reading = read({"a.csv": content})

    told = " ".join(p.line("ru") for p in reading.problems)
    assert "89161234567" not in told
    assert "a@b" not in told


def test_a_saved_mapping_reads_the_schools_own_headings() -> None:
    """Headings nobody could know are named once, and positions get their roles."""
    mapping = parse_mapping(
        '[students]\nid = "№ л/д"\nfull_name = "Ребёнок"\nclass = "Группа"\n'
        '[staff]\nfull_name = "Кто"\nposition = "Кем"\n'
        '[positions]\n"Повар" = "-"\n"Библиотекарь" = "teacher"\n"Секретарь" = "administrator, teacher"'
    )
    files = {
        "a.csv": csv_bytes("№ л/д;Ребёнок;Группа", "U1;Ким Ян;5А"),
        "b.csv": csv_bytes(
            "ИД;Кто;Кем", "T1;Ли Ян;повар", "T2;Ли Ян;Библиотекарь", "T3;Ли Ян;Секретарь"
        ),
    }
    roster = sound(read_mapped(files, mapping)).roster
    assert roster is not None

    assert {p.source_id: p.roles for p in roster.people} == {
        "U1": {Role.STUDENT},
        "T2": {Role.TEACHER},
        "T3": {Role.ADMINISTRATOR, Role.TEACHER},
    }


def test_a_mapping_chooses_between_two_columns() -> None:
    """With «Телефон» and «Мобильный» the mapping says which."""
    mapping = ColumnMapping({Group.STUDENT: {"phone": "Мобильный"}})
    content = csv_bytes("ИД;ФИО;Класс;Телефон;Мобильный", "U1;Ким Ян;5А;;85001000020")

    roster = sound(read_mapped({"a.csv": content}, mapping)).roster
    assert roster is not None
    assert roster.people[0].phone == Phone("+75001000020")


def test_a_mapping_reads_back_as_written() -> None:
    """--save-mapping and --mapping are inverse, quotes and backslashes included."""
    mapping = ColumnMapping(
        {
            Group.STUDENT: {"id": 'Код "А" \\ \x7f', "class": "Класс"},
            Group.STAFF: {"position": "Кем"},
        },
        {"повар": frozenset(), "завхоз": frozenset({Role.ADMINISTRATOR, Role.TEACHER})},
    )

    assert parse_mapping(format_mapping(mapping)) == mapping


@pytest.mark.parametrize(
    "text",
    ["[", "x = 1", "[pupils]\nid = 'x'", "[students]\nnick = 'x'", "[students]\nid = 5", "[students]\nid = ''",
     "[positions]\na = 'student'", "[positions]\na = 1", "[positions]\na = 'king'"],
)  # fmt: skip
def test_a_bad_mapping_is_named(text: str) -> None:
    """A wrong section, field or role is an error; no position can make a pupil or guardian."""
    with pytest.raises(BadMapping):
        parse_mapping(text)


@pytest.mark.parametrize(
    ("position", "roles"),
    [
        ("Директор", "director"),
        ("И.о. директора", "director"),
        ("Директор школы", "director"),
        ("Заместитель директора по УВР", "deputy"),
        ("Зам. директора по ВР", "deputy"),
        ("Завуч начальных классов", "deputy"),
        ("Учитель-логопед", "teacher"),
        ("Педагог-психолог", "teacher"),
        ("Старший воспитатель", "teacher"),
        ("Администратор", "administrator"),
        ("Заместитель директора, учитель физики", "deputy teacher"),
        ("Учитель математики, физики", "teacher"),
        ("Директор / учитель истории", "director teacher"),
        ("Советник директора по воспитанию", "teacher"),
        ("Секретарь директора", ""),
        ("Помощник директора", ""),
        ("Заместитель", ""),
        ("Системный администратор", ""),
        ("Водитель", ""),
        ("Директор по развитию", ""),
    ],
)
def test_positions_grant_only_what_they_say(position: str, roles: str) -> None:
    """R30: rights come from a position in so many words; the rest is asked about."""
    assert roles_of(position, {}) == (frozenset(map(Role, roles.split())) or None)


def test_a_teacher_and_parent_of_one_id_is_one_person() -> None:
    """R32: the same id with the same name in staff and guardians is one person of both roles."""
    files = school(guardians=("T2;Зуева;Вера;Юрьевна;мать;85001000020;;U1",))
    people = people_of(files)

    assert people["T2"].roles == {Role.TEACHER, Role.GUARDIAN}
    assert people["T2"].phone == Phone("+75001000020")


WARNINGS = {
    "unused column": (
        {"a.csv": csv_bytes("ИД;ФИО;Класс;Рост", "U1;Ким Ян;5А;120")},
        "column_ignored", Place("a.csv", 1, "Рост"),
    ),
    "no birth dates": (
        {"a.csv": csv_bytes("ИД;ФИО;Класс", "U1;Ким Ян;5А")}, "birth_dates_absent", Place("a.csv", 1),
    ),
    "one birth date missing": (
        school(students=(PUPIL, "U2;Ким;Ян;;;5А;;")), "birth_date_empty",
        Place("students.csv", 3, "Дата рождения"),
    ),
    "pupil of 22": (
        school(students=(PUPIL, "U2;Ким;Ян;;31.08.2004;5А;;")), "pupil_too_old",
        Place("students.csv", 3, "Дата рождения"),
    ),
    "pupil of 4": (
        school(students=(PUPIL, "U2;Ким;Ян;;02.09.2021;5А;;")), "pupil_too_young",
        Place("students.csv", 3, "Дата рождения"),
    ),
    "mixed alphabets": (
        school(students=(PUPIL, "U2;Кuм;Ян;;01.02.2015;5А;;")), "name_mixed_alphabets",
        Place("students.csv", 3, "Фамилия"),
    ),
    "named class": (
        school(students=(PUPIL, "U2;Ким;Ян;;01.02.2015;Радуга;;")), "class_named",
        Place("students.csv", 3, "Класс"),
    ),
    "pupil listed twice": (
        school(students=(PUPIL, PUPIL.replace("U1", "U7").replace("Пётр", "Петр"))),
        "pupil_maybe_twice", Place("students.csv", 3),
    ),
    "class without teacher": (
        school(staff=(HEAD,)), "class_without_teacher", Place("students.csv", 2, "Класс"),
    ),
    "teacher of no class": (
        school(staff=(HEAD, TEACHER.replace("5А", "5А,6Б"))), "homeroom_class_empty",
        Place("staff.csv", 3, "Классное руководство"),
    ),
    "no director": (
        school(staff=(HEAD.replace("Директор", "Завуч"), TEACHER)), "no_director", Place("staff.csv"),
    ),
    "nobody to administer": (school(staff=(TEACHER,)), "no_administration", Place("staff.csv")),
    "child on a parent's phone": (
        school(guardians=(MOTHER.replace("100-00-04", "100-00-02"),)),
        "phone_of_child_and_guardian", Place("students.csv", 3, "Телефон"),
    ),
    "two on one phone": (
        school(guardians=(MOTHER, MOTHER.replace("R1", "R2"))), "phone_shared",
        Place("guardians.csv", 3, "Телефон"),
    ),
    "two on one e-mail": (
        school(staff=(HEAD, TEACHER + "HEAD@school.example")), "email_shared", Place("staff.csv", 3, "Email"),
    ),
    "guardian without children": (
        school(guardians=(MOTHER, "R2;Ким;Ян;;отец;;;")), "guardian_without_children",
        Place("guardians.csv", 3, "Дети (ИД)"),
    ),
    "child named twice": (
        school(guardians=(MOTHER + ",U1",)), "child_listed_twice", Place("guardians.csv", 2, "Дети (ИД)"),
    ),
    "class of fifty": (
        school(students=tuple(f"V{i};Ким;Ян;;;5А;;" for i in range(50))[:50], guardians=("R1;Ким;Ия;;;;;V1",)),
        "class_very_large", Place("students.csv", 2, "Класс"),
    ),
    "teacher is a parent": (
        school(guardians=(MOTHER.replace("100-00-04", "100-00-03"),)), "staff_is_guardian",
        Place("staff.csv", 2, "Телефон"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_odd_is_pointed_out_and_does_not_block(name: str) -> None:
    """Warnings and suggestions name their place; the Roster is there all the same."""
    files, code, place = WARNINGS[name]

    reading = sound(read(files))

    assert places(reading, code) == [place]
    assert found(reading, code)[0].severity is not Severity.ERROR


def test_a_teacher_who_may_be_a_parent_is_never_merged() -> None:
    """R32: one phone in both lists is a suggestion; the two records stay two people."""
    files = school(guardians=(MOTHER.replace("100-00-04", "100-00-03"),))
    reading = sound(read(files))

    assert found(reading, "staff_is_guardian")[0].severity is Severity.SUGGESTION
    assert {"T1", "R1"} <= set(people_of(files))


def test_only_given_lists_are_covered() -> None:
    """An import of pupils alone says nothing of staff and guardians."""
    roster = sound(read({"a.csv": csv_bytes(STUDENTS, PUPIL)})).roster
    assert roster is not None

    assert roster.covers == {Group.STUDENT}


def test_staff_alone_bring_their_classes() -> None:
    """Homeroom teachers refer to classes: those are in the document even without pupils."""
    roster = sound(read({"a.csv": csv_bytes(STAFF, HEAD, TEACHER)})).roster
    assert roster is not None

    assert [c.name for c in roster.classes] == ["5А"]


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2026, 5, 31), "2025/2026"),
        (date(2026, 6, 1), "2026/2027"),
        (date(2027, 1, 9), "2026/2027"),
    ],
)
def test_the_school_year_of_a_day(day: date, year: str) -> None:
    """From June on lists are made for the coming year."""
    assert school_year_on(day) == year
