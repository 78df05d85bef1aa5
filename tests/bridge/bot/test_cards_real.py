"""Cards in a real administration room: posted, decided on by a touch, edited."""

from __future__ import annotations

import pytest

from bridge.application import State
from tests.bridge.bot.office import Office
from tests.bridge.web.family import PASSWORD
from tests.support import accounts

pytestmark = pytest.mark.integration


async def test_a_touch_lets_a_pupil_in(office: Office) -> None:
    """A card appears with as little as helps; the director touches ✅; the pupil is of the class and signs in."""
    office.start_bot()
    made = await office.apply()
    card = await office.card(made.id)
    (body,) = await office.bodies()
    assert "ученик, 5А" in body
    assert "Н. Д." in body
    assert "/applications" in body
    assert "Новикова" not in body
    signs = [
        event["content"]["m.relates_to"]["key"]
        for event in await office.events()
        if event["type"] == "m.reaction"
    ]
    assert signs == ["✅", "❌"]
    assert card.event_id is not None
    await office.react("D1", card.event_id, "✅")
    await office.card(made.id, "finished")
    assert await office.state(made) is State.FINISHED
    assert await office.is_in(made.applicant)
    *_, last = await office.edits(card.event_id)
    assert "принята" in last
    assert "С. В." in last  # who: Соколова Вера
    await office.world.settle()
    assert made.applicant is not None
    account = accounts.login(office.server.api, made.applicant, PASSWORD)
    assert account.user_id in office.world.school.members("class", "5А")
