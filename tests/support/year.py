"""A school year's worth of changes, drawn by chance: for tests of convergence and for the soak."""

from __future__ import annotations

import copy
import random
from typing import Any

from tests.support.rosters import everyone, person, small_school
from tests.support.school import School


class Year:
    """Changes of the small school, one at a time."""

    def __init__(self, school: School, chance: random.Random) -> None:
        self.school, self.chance = school, chance
        self.document = small_school()

    def change(self) -> str:
        """Make one change; returns its name, for the message of a failure."""
        kind = self.chance.choice(
            ("move", "leave", "activate", "roles", "homeroom", "link", "newcomer", "list")
        )
        getattr(self, kind)()
        return kind

    def _post(self, source_id: str, what: str, json: Any, method: str = "POST") -> None:
        path = f"/people/{self.school.person_id(source_id)}/{what}"
        answer = self.school.request(method, path, json)
        assert answer.status in {200, 409}, (path, answer)

    def _anybody(self) -> str:
        return str(self.chance.choice(everyone(self.document)))

    def move(self) -> None:
        ids = [self.school.class_id(name) for name in ("5А", "5Б")]
        self.chance.shuffle(ids)
        pupil = f"P{self.chance.randint(1, 6)}"
        self._post(pupil, "move", {"from_class_id": ids[0], "to_class_id": ids[1]})

    def leave(self) -> None:
        self._post(self._anybody(), "leave", {"reason": "chance"})

    def activate(self) -> None:
        self._post(self._anybody(), "activate", {})

    def roles(self) -> None:
        teacher = f"T{self.chance.randint(1, 3)}"
        roles = self.chance.choice((None, ["teacher"], ["deputy", "teacher"], ["administrator"]))
        self._post(teacher, "roles", {"roles": roles}, "PUT")

    def homeroom(self) -> None:
        teachers = self.chance.sample(["T1", "T2", "T3"], self.chance.randint(0, 2))
        body = {"person_ids": [self.school.person_id(one) for one in teachers]}
        class_id = self.school.class_id(self.chance.choice(("5А", "5Б")))
        answer = self.school.request("PUT", f"/classes/{class_id}/homeroom_teachers", body)
        assert answer.status in {200, 400}, answer

    def link(self) -> None:
        status = self.chance.choice(("confirmed", "restricted", "claimed"))
        body = {
            "guardian_id": self.school.person_id(f"G{self.chance.randint(1, 5)}"),
            "student_id": self.school.person_id(f"P{self.chance.randint(1, 6)}"),
            "status": status,
        }
        self.school.call("PUT", "/guardianships", body)

    def newcomer(self) -> None:
        number = len(self.document["people"])
        self.document["people"].append(person(f"N{number}", "student", born="2009-09-09"))
        self.document["enrolments"].append(
            {"class": "5А", "person": f"N{number}", "role": "student"}
        )
        self.list()
        self.school.activate(f"N{number}")

    def list(self) -> None:
        """The list again, whole or without one teacher: what was changed by hand meets what the list says."""
        document = copy.deepcopy(self.document)
        if self.chance.random() < 0.5:
            document["people"] = [row for row in document["people"] if row["source_id"] != "T3"]
            document["enrolments"] = [r for r in document["enrolments"] if r["person"] != "T3"]
        self.school.apply(document, force=True)
