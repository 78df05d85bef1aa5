"""The small school of the page tests: names, phones and who is whose, as a list would have them. Fictional numbers."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from tests.support.rosters import roster

#: Password of everybody whom a test lets in.
PASSWORD = "очень длинный пароль"


@frozen
class Listed:
    """One row of the school's lists."""

    source_id: str
    family_name: str
    given_name: str
    roles: tuple[str, ...]
    phone: str = ""
    email: str = ""
    born: str | None = None

    @property
    def group(self) -> str:
        if "student" in self.roles:
            return "student"
        return "guardian" if "guardian" in self.roles else "staff"


PEOPLE = (
    Listed("D1", "Соколова", "Вера", ("director",), "+79161000001"),
    Listed("D2", "Лебедев", "Олег", ("deputy",), "+79161000002"),
    Listed("A1", "Комарова", "Яна", ("administrator",), "+79161000003"),
    Listed("T1", "Орлова", "Нина", ("teacher",), "+79161000011"),  # class teacher of 5А
    Listed("T2", "Зайцев", "Пётр", ("teacher",), "+79161000012"),  # class teacher of 1Б
    Listed("T3", "Белова", "Анна", ("teacher",), "+79161000013"),  # subject teacher
    Listed("U1", "Иванов", "Александр", ("student",), "+79161000021", born="2011-02-03"),
    Listed("U2", "Петрова", "Мария", ("student",), born="2014-05-06"),  # neither phone nor e-mail
    Listed("U3", "Сидоров", "Егор", ("student",), "+79161000023", born="2015-07-08"),
    Listed("U4", "Кузнецова", "Алиса", ("student",), email="alisa@example.org", born="2019-01-02"),
    Listed("U5", "Попов", "Илья", ("student",), born="2019-03-04"),
    Listed("R1", "Иванова", "Ольга", ("guardian",), "+79161000031"),  # mother of U1 and U2
    Listed("R2", "Иванов", "Сергей", ("guardian",), "+79161000032"),  # father of U1
    Listed("R3", "Кузнецов", "Денис", ("guardian",), "+79161000033"),  # father of U4
    Listed("R4", "Сидорова", "Инна", ("guardian",)),  # mother of U3, no contact
)  # fmt: skip
CLASSES = {"5А": ("U1", "U2", "U3"), "1Б": ("U4", "U5")}
TEACHERS = {"5А": ("T1",), "1Б": ("T2",)}
LINKS = (("R1", "U1"), ("R1", "U2"), ("R2", "U1"), ("R3", "U4"), ("R4", "U3"))
BY_ID = {one.source_id: one for one in PEOPLE}


def people_of(number: int) -> dict[str, Listed]:
    """The same people with contacts of their own: tests share one Synapse, where a contact has one owner.

    `+79161000021` of school 7 is `+79161070021`; 0 ≤ number < 900.
    """

    def own(one: Listed) -> Listed:
        phone = one.phone and f"{one.phone[:5]}{100 + number}{one.phone[8:]}"
        email = one.email and one.email.replace("@", f".{number}@")
        return evolve(one, phone=phone, email=email)

    return {one.source_id: own(one) for one in PEOPLE}


def school_roster() -> dict[str, Any]:
    """The lists on the wire."""
    people = [
        {
            "source_id": one.source_id,
            "family_name": one.family_name,
            "given_name": one.given_name,
            "middle_name": "",
            "birth_date": one.born,
            "roles": list(one.roles),
        }
        for one in PEOPLE
    ]
    return roster(people, CLASSES, TEACHERS, LINKS)
