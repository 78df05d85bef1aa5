"""Every kind of broken OneRoster archive: the right message at the right place, and no roster."""

from __future__ import annotations

import pytest

from provisioning.problem import Place, Severity
from tests.provisioning.files import ONEROSTER, found, oneroster_bytes, read, zip_bytes

Z = "a.zip"
USERS, ROLES = ONEROSTER["users"], ONEROSTER["roles"]
#: name → (archive, code, place)
CASES: dict[str, tuple[bytes, str, Place]] = {
    "version 1.0": (
        oneroster_bytes({"manifest": ("oneroster.version,1.2", "oneroster.version,1.0")}),
        "oneroster_version", Place(f"{Z}/manifest.csv"),
    ),
    "delta": (
        oneroster_bytes({"manifest": ("file.users,bulk", "file.users,delta")}),
        "oneroster_delta", Place(f"{Z}/manifest.csv", 5, "value"),
    ),
    "odd word in the manifest": (
        oneroster_bytes({"manifest": ("file.users,bulk", "file.users,some")}),
        "oneroster_manifest", Place(f"{Z}/manifest.csv", 5, "value"),
    ),
    "listed file is missing": (
        oneroster_bytes(users=""), "oneroster_file_missing", Place(Z),
    ),
    "needed file is absent": (
        oneroster_bytes({"manifest": ("file.roles,bulk", "file.roles,absent")}, roles=""),
        "oneroster_file_missing", Place(Z),
    ),
    "column is missing": (
        oneroster_bytes({"users": ("familyName", "lastName")}),
        "oneroster_column", Place(f"{Z}/users.csv", 1),
    ),
    "users.csv without rows": (
        oneroster_bytes(users="sourcedId\n"), "oneroster_column", Place(f"{Z}/users.csv", 1),
    ),
    "odd status": (
        oneroster_bytes({"users": ("T2,,", "T2,gone,")}),
        "oneroster_status", Place(f"{Z}/users.csv", 4, "status"),
    ),
    "unknown role": (
        oneroster_bytes({"roles": ("T2,primary,teacher", "T2,primary,wizard")}),
        "oneroster_role", Place(f"{Z}/roles.csv", 4, "role"),
    ),
    "user without a role": (
        oneroster_bytes({"roles": ("r3,,T2,primary,teacher,o1\n", "")}),
        "oneroster_no_role", Place(f"{Z}/users.csv", 4, "sourcedId"),
    ),
    "role of nobody": (
        oneroster_bytes({"roles": ("r3,,T2", "r5,,T9,primary,teacher,o1\nr3,,T2")}),
        "oneroster_unknown_user", Place(f"{Z}/roles.csv", 4, "userSourcedId"),
    ),
    "enrollment of nobody": (
        oneroster_bytes({"enrollments": ("e2,,c5,T2", "e2,,c5,T9")}),
        "oneroster_unknown_user", Place(f"{Z}/enrollments.csv", 3, "userSourcedId"),
    ),
    "enrollment in no class": (
        oneroster_bytes({"enrollments": ("e2,,c5", "e2,,c9")}),
        "oneroster_unknown_class", Place(f"{Z}/enrollments.csv", 3, "classSourcedId"),
    ),
    "enrollment in an odd role": (
        oneroster_bytes({"enrollments": ("T2,teacher", "T2,cook")}),
        "oneroster_enrollment_role", Place(f"{Z}/enrollments.csv", 3, "role"),
    ),
    "a pupil enrolled as teacher": (
        oneroster_bytes({"enrollments": ("T2,teacher", "U1,teacher")}),
        "oneroster_role_mismatch", Place(f"{Z}/enrollments.csv", 3, "role"),
    ),
    "enrollment with an odd end": (
        oneroster_bytes({"enrollments": ("teacher,,", "teacher,,May")}),
        "oneroster_date", Place(f"{Z}/enrollments.csv", 3, "endDate"),
    ),
    "unknown agent": (
        oneroster_bytes({"users": (",,,,R1\n", ",,,,\"R1,R9\"\n")}),
        "oneroster_unknown_agent", Place(f"{Z}/users.csv", 2, "agentSourcedIds"),
    ),
    "user twice": (
        oneroster_bytes({"users": ("T2,,true", "T1,,true")}),
        "oneroster_id_twice", Place(f"{Z}/users.csv", 4, "sourcedId"),
    ),
    "class twice": (
        oneroster_bytes({"classes": ("c5,,", "c5,,5Б,05,homeroom,o1\nc5,,")}),
        "oneroster_id_twice", Place(f"{Z}/classes.csv", 3, "sourcedId"),
    ),
    "two classes of one name": (
        oneroster_bytes({"classes": ("c5,,", "c6,,5-а,05,homeroom,o1\nc5,,")}),
        "oneroster_class_twice", Place(f"{Z}/classes.csv", 3, "title"),
    ),
    "class without a name": (
        oneroster_bytes({"classes": (",5A,", ",,")}), "class_bad", Place(f"{Z}/classes.csv", 2, "title"),
    ),
    "no homeroom class": (
        oneroster_bytes({"classes": ("homeroom", "scheduled")}),
        "oneroster_no_homeroom", Place(f"{Z}/classes.csv"),
    ),
    "two homerooms": (
        oneroster_bytes(
            {
                "classes": ("c5,,", "c6,,6А,06,homeroom,o1\nc5,,"),
                "enrollments": ("e2,,", "e3,,c6,U1,student,,\ne2,,"),
            }
        ),
        "oneroster_two_homerooms", Place(f"{Z}/enrollments.csv", 3, "classSourcedId"),
    ),
    "pupil in no class": (
        oneroster_bytes({"enrollments": ("e1,,c5,U1,student,2026-09-01,\n", "")}),
        "pupil_without_class", Place(f"{Z}/users.csv", 2, "sourcedId"),
    ),
    "several schools": (
        oneroster_bytes({"orgs": ("o1,,", "o2,,Другая,school\no1,,")}),
        "oneroster_several_schools", Place(f"{Z}/orgs.csv"),
    ),
    "no school year": (
        oneroster_bytes({"academicSessions": ("schoolYear,2026", "term,2026")}),
        "oneroster_school_year", Place(f"{Z}/academicSessions.csv"),
    ),
    "bad birth date": (
        oneroster_bytes({"demographics": ("2015-02-01", "01/02/15")}),
        "birth_date_bad", Place(f"{Z}/users.csv", 2, "birthDate"),
    ),
    "bad phone": (
        oneroster_bytes({"users": ("+75001000004", "+7500")}),
        "phone_bad", Place(f"{Z}/users.csv", 5, "sms"),
    ),
    "empty name": (
        oneroster_bytes({"users": ("Пётр", "")}), "name_empty", Place(f"{Z}/users.csv", 2, "givenName"),
    ),
    "a cell too many": (
        oneroster_bytes({"orgs": ("Школа,", "Школа,86,")}), "row_too_long", Place(f"{Z}/orgs.csv", 2),
    ),
    "manifest that is no table": (
        zip_bytes({"manifest.csv": b""}), "file_empty", Place(f"{Z}/manifest.csv"),
    ),
    "utf-16 inside": (
        zip_bytes({"manifest.csv": "propertyName,value".encode("utf-16")}),
        "encoding_utf16", Place(f"{Z}/manifest.csv"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_archive_is_named_and_gives_nothing(name: str) -> None:
    """A broken archive gives the right problem at the right file, row and column, and no roster."""
    archive, code, place = CASES[name]

    reading = read({Z: archive})

    assert reading.roster is None
    assert place in [p.place for p in found(reading, code)], [
        (p.code, p.place) for p in reading.problems
    ]
    assert all(p.severity is Severity.ERROR for p in found(reading, code))


def test_a_school_that_is_not_there_is_refused() -> None:
    """`--school` with a wrong id is an error, not an empty school."""
    reading = read({Z: oneroster_bytes()}, school="o9")

    assert reading.roster is None
    assert [p.place for p in found(reading, "oneroster_school_unknown")] == [Place(f"{Z}/orgs.csv")]
