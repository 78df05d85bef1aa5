"""What of a OneRoster archive becomes whose role, class and tie."""

from __future__ import annotations

from provisioning.roster import EnrolmentRole, Group, Role, Roster
from tests.provisioning.files import ONEROSTER, found, oneroster_bytes, read, sound, zip_bytes

V11_USERS = (
    "sourcedId,status,enabledUser,orgSourcedIds,role,givenName,familyName,agentSourcedIds\n"
    "U1,,true,o1,student,Пётр,Иванов,R1\nT2,,true,o1,teacher,Вера,Зуева,\n"
    "A1,,true,o1,administrator,Мария,Орлова,\nR1,,true,o1,relative,Ольга,Иванова,\n"
)


def roster_of(archive: bytes, **options: str) -> Roster:
    roster = sound(read({"a.zip": archive}, **options)).roster
    assert roster is not None
    return roster


def roles_of(roster: Roster) -> dict[str, set[str]]:
    return {p.source_id: {role.value for role in p.roles} for p in roster.people}


def test_roles_of_1_2_become_ours() -> None:
    """principal is director, siteAdministrator deputy; parent, guardian and relative are guardians."""
    roles = ONEROSTER["roles"].replace("T2,primary,teacher", "T2,primary,siteAdministrator")
    enrollments = ONEROSTER["enrollments"].replace("e2,,c5,T2,teacher,,\n", "")

    roster = roster_of(oneroster_bytes(roles=roles, enrollments=enrollments))

    assert roles_of(roster) == {
        "U1": {"student"}, "T1": {"director"}, "T2": {"deputy"}, "R1": {"guardian"},
    }  # fmt: skip


def test_1_1_has_its_roles_in_users() -> None:
    """OneRoster 1.1 has no roles.csv; administrator is administrator, agents may be one-sided."""
    manifest = (
        ONEROSTER["manifest"].replace("version,1.2", "version,1.1").replace("file.roles,bulk\n", "")
    )

    roster = roster_of(oneroster_bytes(manifest=manifest, users=V11_USERS, roles=""))

    assert roles_of(roster)["A1"] == {"administrator"}
    assert [(g.guardian_id, g.student_id, g.relation) for g in roster.guardianships] == [
        ("R1", "U1", "родственник")
    ]


def test_teachers_of_homeroom_classes_are_homeroom_teachers() -> None:
    """A teacher enrolment in a homeroom class makes its homeroom teacher; courses make none."""
    classes = ONEROSTER["classes"] + "m5,,Алгебра,05,scheduled,o1\n"
    enrollments = ONEROSTER["enrollments"] + "e3,,m5,T1,teacher,,\ne4,,m5,U1,student,,\n"

    roster = roster_of(oneroster_bytes(classes=classes, enrollments=enrollments))

    assert {(e.person_id, e.role) for e in roster.enrolments} == {
        ("U1", EnrolmentRole.STUDENT),
        ("T2", EnrolmentRole.HOMEROOM_TEACHER),
    }
    assert [(c.source_id, c.name, c.grade) for c in roster.classes] == [("c5", "5А", 5)]


def test_rows_to_be_deleted_do_not_exist() -> None:
    """`tobedeleted` users, roles and enrolments are as if they were not there."""
    archive = oneroster_bytes(
        {
            "users": ("R1,,true", "R1,tobedeleted,true"),
            "roles": ("r4,,R1", "r4,tobedeleted,R1"),
        }
    )

    assert set(roles_of(roster_of(archive))) == {"U1", "T1", "T2"}


def test_ended_enrolments_are_over_and_future_ones_count() -> None:
    """endDate is exclusive; a September list may be imported in August."""
    enrollments = (
        "sourcedId,status,classSourcedId,userSourcedId,role,beginDate,endDate\n"
        "e0,,c6,U1,student,2025-09-01,2026-09-01\n"
        "e1,,c5,U1,student,2027-09-01,\n"
        "e2,,c5,T2,teacher,,2027-01-01\n"
    )
    classes = ONEROSTER["classes"] + "c6,,6А,06,homeroom,o1\n"

    roster = roster_of(oneroster_bytes(enrollments=enrollments, classes=classes))

    assert {(e.class_id, e.person_id) for e in roster.enrolments} == {("c5", "U1"), ("c5", "T2")}


def test_disabled_users_and_district_roles_are_left_out_with_a_word() -> None:
    """Who is disabled or belongs to the district is not of the school; the operator is told."""
    archive = oneroster_bytes(
        {
            "users": ("R1,,true", "R1,,false"),
            "roles": ("T1,primary,principal", "T1,primary,districtAdministrator"),
        }
    )

    reading = sound(read({"a.zip": archive}))

    assert reading.roster is not None
    assert set(roles_of(reading.roster)) == {"U1", "T2"}
    assert len(found(reading, "oneroster_user_disabled")) == 1
    assert len(found(reading, "oneroster_role_left_out")) == 1


def test_groups_with_nobody_are_not_covered() -> None:
    """An export without parents must not make every parent leave."""
    archive = oneroster_bytes(
        users=ONEROSTER["users"].split("R1,,true")[0].replace(",R1\n", ",\n"),
        roles=ONEROSTER["roles"].split("r4,,")[0],
    )

    assert roster_of(archive).covers == {Group.STUDENT, Group.STAFF}


def test_one_school_of_several_can_be_chosen() -> None:
    """`--school` takes people, classes and roles of that school; a parent's child elsewhere is no error."""
    archive = oneroster_bytes(
        orgs=ONEROSTER["orgs"] + "o2,,Другая,school\n",
        classes=ONEROSTER["classes"] + "d1,,1А,01,homeroom,o2\n",
        users=ONEROSTER["users"].replace(",,U1\n", ',,"U1,U2"\n') + "U2,,true,Яна,Иванова,,,,,R1\n",
        roles=ONEROSTER["roles"] + "r5,,U2,primary,student,o2\n",
        enrollments=ONEROSTER["enrollments"] + "e9,,d1,U2,student,,\n",
    )

    roster = roster_of(archive, school="o1")

    assert set(roles_of(roster)) == {"U1", "T1", "T2", "R1"}
    assert [c.name for c in roster.classes] == ["5А"]
    assert [g.student_id for g in roster.guardianships] == ["U1"]


def test_one_user_of_two_roles_is_one_person() -> None:
    """A teacher who is a parent is one account with both roles (R32)."""
    archive = oneroster_bytes(
        roles=ONEROSTER["roles"] + "r5,,T2,secondary,parent,o1\n",
        users=ONEROSTER["users"].replace("Вера,Зуева,Юрьевна,,,,", "Вера,Зуева,Юрьевна,,,,U1"),
    )

    roster = roster_of(archive)

    assert roles_of(roster)["T2"] == {"teacher", "guardian"}
    assert {g.guardian_id for g in roster.guardianships} == {"R1", "T2"}
    assert next(p for p in roster.people if p.source_id == "T2").roles == {
        Role.TEACHER,
        Role.GUARDIAN,
    }


def test_the_school_year_comes_from_the_archive() -> None:
    """schoolYear sessions name the year; the operator's word wins."""
    untitled = {"academicSessions": ("2026/2027", "Учебный год")}

    assert roster_of(oneroster_bytes(untitled)).school_year == "2026/2027"
    assert roster_of(oneroster_bytes(), school_year="2027/2028").school_year == "2027/2028"


def test_the_archive_may_hold_one_folder() -> None:
    """Zipping a folder rather than its files is common and harmless."""
    folder = zip_bytes({f"export/{n}.csv": t.encode() for n, t in ONEROSTER.items()})

    assert len(roster_of(folder).people) == 4


def test_a_grade_that_contradicts_the_name_is_pointed_out() -> None:
    """The class name wins over grades, with a warning."""
    reading = sound(read({"a.zip": oneroster_bytes({"classes": (",05,", ",06,")})}))

    assert [p.row for p in found(reading, "oneroster_grade")] == [2]
