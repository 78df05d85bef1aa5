"""JSON of docs/contracts.md §2 ↔ the values of `bridge.people`. Pure."""

from __future__ import annotations

from typing import Any

from bridge.people import (
    ClassFigures,
    DistrictSchool,
    Family,
    Figures,
    LinkStatus,
    NewPerson,
    Org,
    Overview,
    People,
    PersonRecord,
    Pupil,
    Relative,
    Roll,
    SchoolClass,
    Seat,
    Status,
    Substitute,
)
from bridge.roles import Account, ClassId, OrgId, PersonId, Role, UserId
from serving.json_object import JsonObject


def org(found: JsonObject) -> Org:
    return Org(
        org_id=OrgId(found.text("org_id")),
        name=found.text("name"),
        timezone=found.text("timezone"),
        school_year=found.text("school_year"),
        settings=dict(found.object("settings").raw),
        open=found.text("status") == "open",
    )


def district_school(found: JsonObject) -> DistrictSchool:
    return DistrictSchool(server_name=found.text("server_name"), name=found.text("name"))


def account(found: JsonObject) -> Account:
    return Account(
        user_id=UserId(found.text("user_id")),
        org_id=OrgId(found.text("org_id")),
        roles=frozenset(found.words("roles", Role)),
        display_name=found.text("display_name"),
        org_name=found.text("org_name"),
        timezone=found.text("timezone"),
        persons=frozenset(PersonId(one.text("person_id")) for one in found.objects("persons")),
        student_in=frozenset(map(ClassId, found.texts("student_in"))),
        homeroom_of=frozenset(map(ClassId, found.texts("homeroom_of"))),
        children_in=frozenset(map(ClassId, found.texts("children_in"))),
        children=frozenset(map(PersonId, found.texts("children"))),
        unconfirmed=found.flag("unconfirmed"),
    )


def person(found: JsonObject) -> PersonRecord:
    user_id = found.text_or_none("user_id")
    return PersonRecord(
        person_id=PersonId(found.text("person_id")),
        source=found.text("source"),
        source_id=found.text("source_id"),
        family_name=found.text("family_name"),
        given_name=found.text("given_name"),
        middle_name=found.text("middle_name"),
        birth_date=found.day_or_none("birth_date"),
        roles=frozenset(found.words("roles", Role)),
        roles_by_hand=None
        if found.texts_or_none("roles_by_hand") is None
        else frozenset(found.words("roles_by_hand", Role)),
        status=found.word("status", Status),
        user_id=None if user_id is None else UserId(user_id),
        confirmed=found.flag("confirmed"),
        seats=tuple(
            Seat(ClassId(one.text("class_id")), one.text("name"), one.text("role"))
            for one in found.objects("classes")
        ),
    )


def people(found: JsonObject) -> People:
    return People(
        people=tuple(map(person, found.objects("people"))),
        total=found.number("total"),
        next=found.number_or_none("next"),
    )


def school_class(found: JsonObject) -> SchoolClass:
    return SchoolClass(
        class_id=ClassId(found.text("class_id")),
        name=found.text("name"),
        grade=found.number_or_none("grade"),
        students=found.number("students"),
        active_students=found.number("active_students"),
        homeroom_teachers=tuple(map(PersonId, found.texts("homeroom_teachers"))),
        substitutes=tuple(map(_substitute, found.objects("substitutes"))),
    )


def _substitute(found: JsonObject) -> Substitute:
    return Substitute(PersonId(found.text("person_id")), found.day("until"))


def roll(found: JsonObject) -> Roll:
    return Roll(
        class_id=ClassId(found.text("class_id")),
        name=found.text("name"),
        grade=found.number_or_none("grade"),
        homeroom_teachers=tuple(map(person, found.objects("homeroom_teachers"))),
        students=tuple(
            Pupil(
                person=person(one.object("person")),
                guardians=tuple(map(relative, one.objects("guardians"))),
            )
            for one in found.objects("students")
        ),
    )


def family(found: JsonObject) -> Family:
    return Family(
        person=person(found.object("person")),
        guardians=tuple(map(relative, found.objects("guardians"))),
        children=tuple(map(relative, found.objects("children"))),
    )


def relative(found: JsonObject) -> Relative:
    return Relative(
        person=person(found.object("person")),
        relation=found.text("relation"),
        status=found.word("status", LinkStatus),
    )


def overview(found: JsonObject) -> Overview:
    return Overview(
        classes=tuple(map(_class_figures, found.objects("classes"))),
        staff=_figures(found.object("staff")),
        guardians=_figures(found.object("guardians")),
        students=_figures(found.object("students")),
    )


def new_person(new: NewPerson) -> dict[str, Any]:
    """The body that makes a record. `class_id` is for pupils only."""
    return {
        "source": new.key.source,
        "source_id": new.key.source_id,
        "family_name": new.family_name,
        "given_name": new.given_name,
        "middle_name": new.middle_name,
        "birth_date": None if new.birth_date is None else new.birth_date.isoformat(),
        "roles": role_words(new.roles),
        **({} if new.class_id is None else {"class_id": new.class_id}),
    }


def role_words(roles: frozenset[Role]) -> list[str]:
    return sorted(role.value for role in roles)


def _class_figures(found: JsonObject) -> ClassFigures:
    return ClassFigures(
        class_id=ClassId(found.text("class_id")),
        name=found.text("name"),
        grade=found.number_or_none("grade"),
        students=found.number("students"),
        active_students=found.number("active_students"),
        unconfirmed=found.number("unconfirmed"),
        guardians=found.number("guardians"),
        active_guardians=found.number("active_guardians"),
        homeroom_teachers=found.number("homeroom_teachers"),
    )


def _figures(found: JsonObject) -> Figures:
    return Figures(
        total=found.number("total"),
        active=found.number("active"),
        unconfirmed=found.number_or_none("unconfirmed") or 0,
    )
