"""Commands in a real administration room."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bridge.bot.pace import MOST
from bridge.invite import Invite, InviteKind, read_invite_code, token_hash
from bridge.inviting import open_invite
from bridge.roles import Role
from tests.bridge.bot.hearing import Hearing
from tests.bridge.bot.office import Office

pytestmark = pytest.mark.integration


async def test_the_queue_is_listed(office: Office) -> None:
    """What the asker may decide on, with ages; empty, it says so."""
    office.start_bot()
    assert await office.answer("D2", "!очередь") == "Решать нечего: заявок нет."
    made = await office.apply(waits=timedelta(hours=5, minutes=10))
    other = await office.apply(Role.TEACHER, None, family="Дроздова")
    for one in (made, other):  # a number is its card's
        await office.card(one.id)
    lines = (await office.answer("D2", "!queue")).splitlines()
    assert lines[:2] == ["Ждут решения:", "№1 · ученик, 5А · 5 ч"]
    assert lines[2].startswith("№2 · учитель · 0 мин")
    assert lines[3].endswith("/applications")


@pytest.mark.parametrize(
    ("asked", "kind", "whom"),
    [
        ("!invite 5A", InviteKind.CLASS_PUPIL, "для учеников"),
        ("!приглашение 5 «а» родители", InviteKind.CLASS_PARENT, "для родителей"),
    ],
)
async def test_a_link_for_a_class(office: Office, asked: str, kind: InviteKind, whom: str) -> None:
    """R9, R10: any spelling of the class (R39); the link and the code open the same invite."""
    office.start_bot()
    answer = await office.answer("D2", asked)
    assert answer.startswith(f"5А, {whom}.")
    found = re.search(r"/i/([\w-]+)", answer)
    assert found is not None
    services, now = office.world.services, office.world.clock()
    invite = await open_invite(found[1], now, store=services.store)
    assert isinstance(invite, Invite)
    assert (invite.kind, invite.class_id) == (kind, office.world.class_id("5А"))
    assert invite.issued_by == (await office.world.account("D2")).user_id
    code = read_invite_code(answer.rpartition(":")[2])
    assert code is not None
    async with services.store.begin() as work:
        assert await work.invites.by_code(token_hash(code)) == invite


async def test_where_cards_are_printed(office: Office) -> None:
    """A link to the page; a class that there is not is named."""
    office.start_bot()
    url = office.world.services.config.public_url
    expected = f"Карточки 5А: {url}/class/{office.world.class_id('5А')}/cards"
    assert await office.answer("D1", "!карточки 5a") == expected
    assert await office.answer("D1", "!sheet 11В") == "Класса 11В в этом году нет."


async def test_help_and_hints(office: Office) -> None:
    """One sentence for what means nothing; talk is left alone."""
    office.start_bot()
    await office.say("D1", "Коллеги, !help")
    assert "!принять 7" in await office.answer("D1", "!help")
    assert await office.answer("D1", "!прынять 1") == "Не знаю такой команды. Список: !помощь"
    assert await office.answer("D1", "!принять 99") == "Заявки с таким номером нет."
    assert len(await office.messages()) == 3


async def test_a_wild_client_is_told_once(office: Office) -> None:
    """Then the bot is silent for a minute: nobody floods the room through it."""
    ears, said = Hearing.aloud(office)
    director = (await office.world.account("D1")).user_id
    for _ in range(MOST + 10):
        await ears.says(director, "!help")
    assert len(said) == MOST + 1
    assert "Слишком много" in said[-1]


async def test_answers_are_in_the_thread(office: Office) -> None:
    """Of the command, or of the thread in which it was said; as a notice, which rings nobody's phone."""
    office.start_bot()
    made = await office.apply()
    card = await office.card(made.id)
    thread = {"rel_type": "m.thread", "event_id": card.event_id}
    client = await office.client("D1")
    body = {"msgtype": "m.text", "body": "!queue", "m.relates_to": thread}
    asked = await client.send(office.room_id, body)
    await office.answer_to(asked)
    answer = (await office.messages())[-1]["content"]
    assert answer["msgtype"] == "m.notice"
    assert answer["m.relates_to"]["event_id"] == card.event_id
