"""Cards in a real administration room: posted, decided on by a touch, edited."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest

from bridge.application import State
from bridge.bot.heard import Heard, Reaction
from bridge.bot.session import BotDown, Session
from bridge.deciding import decide_application
from bridge.records import Action
from bridge.roles import Role, UserId
from tests.bridge.bot.hearing import Hearing
from tests.bridge.bot.office import Office
from tests.bridge.web.family import PASSWORD
from tests.support import accounts
from tests.support.polling import DEADLINE_S

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


async def test_a_touch_on_a_card_that_has_just_appeared(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is quicker than the bot, which is still at the signs under its card: it counts."""
    heard, handled = asyncio.Event(), asyncio.Event()
    send, listen, handled_as_ever = Session.send, Session.listen, Session.handled

    async def sending(
        self: Session,
        room_id: str,
        content: Mapping[str, Any],
        txn_id: str,
        kind: str = "m.room.message",
    ) -> str:
        if kind == "m.reaction":
            async with asyncio.timeout(DEADLINE_S):
                await handled.wait()
        event_id = await send(self, room_id, content, txn_id, kind)
        if txn_id == f"card-{await only_card(office)}":
            await office.react("D1", event_id, "✅")
            async with asyncio.timeout(DEADLINE_S):
                await heard.wait()
        return event_id

    async def listening(self: Session, timeout_ms: int) -> list[Heard]:
        found = await listen(self, timeout_ms)
        if any(isinstance(one, Reaction) for one in found):
            heard.set()
        return found

    def noting(self: Session) -> None:
        handled_as_ever(self)
        if heard.is_set():
            handled.set()

    office.start_bot()
    await office.answer("D1", "!help")  # it listens
    monkeypatch.setattr(Session, "send", sending)
    monkeypatch.setattr(Session, "listen", listening)
    monkeypatch.setattr(Session, "handled", noting)
    made = await office.apply()
    card = await office.card(made.id, "finished")
    assert card.event_id is not None
    assert "принята" in (await office.edits(card.event_id))[-1]


async def only_card(office: Office) -> str:
    async with office.world.services.store.begin() as work:
        (card,) = await work.cards.unsettled(office.world.org_id)
    return card.id


async def test_a_touch_on_a_card_that_a_crash_has_left(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot goes down between sending a card and keeping its event id; what was touched meanwhile counts."""
    send, sent = Session.send, asyncio.Event()

    async def sending(
        self: Session,
        room_id: str,
        content: Mapping[str, Any],
        txn_id: str,
        kind: str = "m.room.message",
    ) -> str:
        event_id = await send(self, room_id, content, txn_id, kind)
        if txn_id.startswith("card-"):
            sent.set()
            raise BotDown("killed")
        return event_id

    office.start_bot()
    await office.answer("D1", "!help")
    monkeypatch.setattr(Session, "send", sending)
    made = await office.apply()
    async with asyncio.timeout(DEADLINE_S):
        await sent.wait()
    await office.stop_bot()
    monkeypatch.setattr(Session, "send", send)
    (message,) = [one for one in await office.messages() if "m.relates_to" not in one["content"]]
    await office.react("D1", message["event_id"], "✅")
    office.start_bot()
    card = await office.card(made.id, "finished")
    assert card.event_id == message["event_id"]


async def test_a_deputy_rejects_by_command(office: Office) -> None:
    """With a reason, repeated in the room and kept in the log (R51); the card forgets whom it was about (R16)."""
    office.start_bot()
    made = await office.apply()
    card = await office.card(made.id)
    answer = await office.answer("D2", f"!отклонить {card.number} не из нашей школы")
    assert answer == f"№{card.number}: отклонено. Причина: не из нашей школы"
    await office.card(made.id, "rejected")
    assert await office.state(made) is State.REJECTED
    async with office.world.services.store.begin() as work:
        entries = await work.audit.of_org(office.world.org_id, 20)
    assert [one.reason for one in entries if one.action is Action.APPLICATION_REJECTED] == [
        "не из нашей школы"
    ]
    assert card.event_id is not None
    (edit,) = await office.edits(card.event_id)
    assert edit.startswith(f"№{card.number} · Заявка отклонена.\nРешение: Л. О.")
    assert await office.answer("D1", f"!принять {card.number}") == (
        f"По №{card.number} решение уже принято."
    )


async def test_nobody_else_decides(office: Office) -> None:
    """R30: not a class teacher who is in the room by a mistake of somebody's, whatever their power level says."""
    await office.bring_in("T1", "A1")
    office.start_bot()
    made = await office.apply(Role.DEPUTY, None)
    pupil = await office.apply(family="Орлов", given="Пётр")
    card, other = await office.card(made.id), await office.card(pupil.id)
    assert card.event_id is not None
    assert other.event_id is not None
    bot = Hearing(office)
    teacher = (await office.world.account("T1")).user_id
    stranger = UserId("@nobody:school.test")
    for sender in (teacher, stranger, UserId(office.server.staff_bot)):
        await bot.hears(sender, other.event_id, "✅")
        await bot.says(sender, f"!принять {other.number}")
        await bot.says(sender, "!очередь")
    assert await office.state(pupil) is State.NEW
    # An administrator is in the room by right, but only heads make colleagues (R10).
    await office.react("A1", card.event_id, "✅")
    assert await office.answer("A1", f"!принять {card.number}") == "Заявки с таким номером нет."
    assert await office.state(made) is State.NEW
    assert len(await office.messages()) == 3  # two cards, one answer
    await office.react("D1", card.event_id, "👍🏽")
    await office.card(made.id, "finished")


async def test_only_cards_that_are_there_decide(office: Office) -> None:
    """A sign on somebody's message, on a redacted card, or one of another meaning decides nothing."""
    office.start_bot()
    made = await office.apply()
    card = await office.card(made.id)
    assert card.event_id is not None
    message = await office.say("D2", "Коллеги, смотрите")
    await office.react("D1", message, "✅")
    await office.react("D1", card.event_id, "🎉")
    path = f"/rooms/{quote(office.room_id)}/redact/{quote(card.event_id)}/1"
    await office.call("D1", "PUT", path, {})
    await office.react("D1", card.event_id, "✅")
    assert (await office.answer("D1", "!очередь")).count("№") == 1
    assert await office.state(made) is State.NEW


async def test_a_parent_is_decided_on_the_page(office: Office) -> None:
    """R15: somebody chooses whose parent; the room says where, and a no works as ever."""
    office.start_bot()
    made = await office.apply(Role.GUARDIAN)
    card = await office.card(made.id)
    assert card.event_id is not None
    assert "выбрать ребёнка" in (await office.bodies())[0]
    await office.react("D1", card.event_id, "✅")
    answer = await office.until_body(lambda body: "чей это родитель" in body, "the link")
    assert answer.endswith(f"{office.world.services.config.public_url}/applications")
    assert await office.state(made) is State.NEW
    await office.react("D1", card.event_id, "👎")
    await office.card(made.id, "rejected")


async def test_somebody_of_the_list_gets_their_record(office: Office) -> None:
    """A yes to the one certain match makes no second record; the card says so beforehand."""
    office.start_bot()
    listed = office.world.people["U5"]
    made = await office.apply(
        class_name="1Б", family=listed.family_name, given=listed.given_name, born=date(2019, 3, 4)
    )
    card = await office.card(made.id)
    assert "Такая запись есть" in (await office.bodies())[0]
    assert await office.answer("D1", f"!принять {card.number}") == f"№{card.number}: принято."
    person = await office.world.person("U5")
    assert person.user_id == made.applicant


async def test_a_decision_on_the_page_is_shown_too(office: Office) -> None:
    """And a sign that only agrees with it makes no noise."""
    office.start_bot()
    made = await office.apply()
    card = await office.card(made.id)
    assert card.event_id is not None
    services, by = office.world.services, await office.world.account("D2")
    await decide_application(by, made.id, False, office.world.clock(), services=services)
    await office.card(made.id, "rejected")
    await office.react("D1", card.event_id, "❌")
    await office.react("D1", card.event_id, "✅")
    await office.until_body(lambda body: "решение уже принято" in body, "the contradiction")
    assert len(await office.messages()) == 2
