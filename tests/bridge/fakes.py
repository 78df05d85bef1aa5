"""Fakes of what is outside: the module's directory, gateways."""

from __future__ import annotations

import re

from attrs import define, field

from bridge.ports_sending import Message, SendFailure, Sent
from bridge.roles import ClassId, OrgId
from tests.support import personal


@define
class FakeDirectory:
    """A school whose classes have these grades."""

    grades: dict[ClassId, int] = field(factory=dict)

    async def grade(self, org_id: OrgId, class_id: ClassId) -> int | None:
        return self.grades.get(class_id)


CODE = re.compile(r"\b\d{6}\b")


@define
class FakeSender:
    """Keeps what was sent; answers with the next of `answers`, then with yes."""

    sent: list[Message] = field(factory=list)
    answers: list[SendFailure] = field(factory=list)

    async def send(self, message: Message) -> Sent | SendFailure:
        if self.answers:
            return self.answers.pop(0)
        self.sent.append(message)
        personal.watch_codes(*CODE.findall(message.text))
        return Sent()
