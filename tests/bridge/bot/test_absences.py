"""The bot is killed, away, restarted: no card is lost, none doubled, nothing that was said is missed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from attrs import evolve

from bridge.bot.folder import Folder
from bridge.deciding import decide_application
from bridge.roles import UserId
from tests.bridge.bot.office import Office, open_office
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.polling import DEADLINE_S

pytestmark = pytest.mark.integration


async def test_killed_between_decision_and_edit(office: Office) -> None:
    """What was decided while the bot was away is shown after its start; no card is posted twice."""
    office.start_bot()
    made = await office.apply()
    card = await office.card(made.id)
    await office.stop_bot()
    services, by = office.world.services, await office.world.account("D1")
    await decide_application(by, made.id, True, office.world.clock(), services=services)
    await office.apply(family="Волков")
    office.start_bot()
    await office.card(made.id, "finished")
    assert card.event_id is not None
    assert len(await office.edits(card.event_id)) == 1
    await office.until_body(lambda body: body.startswith("№2"), "the other card")
    assert len(await office.messages()) == 2


async def test_killed_between_sending_and_remembering(office: Office) -> None:
    """The same transaction id again: one message; decided meanwhile, it is edited and not sent anew."""
    office.start_bot()
    made = await office.apply()
    card = await office.card(made.id)
    await office.stop_bot()
    services, by = office.world.services, await office.world.account("D1")
    async with services.store.begin() as work:
        await work.cards.save(evolve(card, event_id=None, shown=""))
    office.start_bot()
    assert await office.card(made.id) == card
    await office.stop_bot()
    async with services.store.begin() as work:
        await work.cards.save(evolve(card, event_id=None, shown=""))
    await decide_application(by, made.id, False, office.world.clock(), services=services)
    office.start_bot()
    assert (await office.card(made.id, "rejected")).event_id == card.event_id
    assert len(await office.messages()) == 1
    assert card.event_id is not None
    assert len(await office.edits(card.event_id)) == 1


async def test_what_was_said_in_its_absence_is_heard(office: Office) -> None:
    """Also when so much was said that /sync leaves the beginning out."""
    office.start_bot()
    made, other = await office.apply(), await office.apply(family="Волкова")
    card, second = await office.card(made.id), await office.card(other.id)
    assert card.event_id is not None
    await office.stop_bot()
    await office.react("D1", card.event_id, "✅")
    asked = await office.say("D2", f"!отклонить {second.number}")
    client = await office.client("D1")
    for number in range(110):
        await client.send(office.room_id, f"Разговор {number}")
    office.start_bot()
    await office.card(made.id, "finished")
    await office.card(other.id, "rejected")
    assert "отклонено" in await office.answer_to(asked)


async def test_it_outlives_synapse(homeserver: Fleet, tmp_path: Path) -> None:
    """A restart of the server: it waits, signs in again, and goes on."""
    server = homeserver(appservice=True, module={"poll_interval_s": 0.05}, overrides=NO_RATE_LIMITS)
    server.wait_for_tables()
    server.wait_for_own_accounts()
    async with open_office(server, tmp_path) as office:
        office.start_bot()
        made = await office.apply()
        card = await office.card(made.id)
        await asyncio.to_thread(server.restart)
        await asyncio.to_thread(server.wait_for_own_accounts)
        assert "№1" in await office.answer("D1", "!queue")
        assert card.event_id is not None
        await office.react("D1", card.event_id, "❌")
        await office.card(made.id, "rejected")


async def test_nothing_personal_is_logged(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """No name, no reason, no command's text, not even at the finest level."""
    office.start_bot()
    made = await office.apply(family="Неповторимова", given="Аделаида")
    card = await office.card(made.id)
    await office.answer("D1", f"!отклонить {card.number} секретнаяпричина")
    await office.card(made.id, "rejected")
    own = [r for r in caplog.records if r.name.partition(".")[0] in {"bridge", "nio", "peewee"}]
    said = "\n".join(record.getMessage() for record in own)
    assert "command event=" in said
    for word in ("Неповторимова", "Аделаида", "секретнаяпричина", "Соколова"):
        assert word not in said


async def test_a_device_that_was_taken_away_is_replaced(office: Office) -> None:
    """An operator signs the bot out on the server: it comes back as a new device and misses nothing."""
    office.start_bot()
    made = await office.apply()
    card = await office.card(made.id)
    homeserver, bot = office.world.services.homeserver, UserId(office.server.staff_bot)
    (device,) = await homeserver.devices(bot)
    await office.stop_bot()
    await homeserver.delete_devices(bot, [device.device_id])
    assert card.event_id is not None
    await office.react("D1", card.event_id, "❌")
    office.start_bot()
    await office.card(made.id, "rejected")
    (again,) = await homeserver.devices(bot)
    assert again.device_id != device.device_id


async def test_a_morning_of_applications(homeserver: Fleet, tmp_path: Path) -> None:
    """Synapse's limits for people's messages, as a school has them, do not hold up the bot's cards."""
    server = homeserver(appservice=True, module={"poll_interval_s": 0.05})
    server.wait_for_tables()
    server.wait_for_own_accounts()
    async with open_office(server, tmp_path) as office:
        made = [await office.apply(family="Волкова", given=f"И{n}") for n in range(25)]
        office.start_bot()
        numbers = [(await office.card(one.id)).number for one in made]
        assert numbers == list(range(1, 26))
        assert len(await office.messages()) == 25


async def test_one_process_has_the_bot(office: Office) -> None:
    """Of two processes with one folder the second waits, and takes over when the first is gone."""
    first = office.start_bot()
    made = await office.apply()
    await office.card(made.id)
    services = office.world.services
    entered = asyncio.Event()

    async def second() -> None:
        async with Folder.open(office.folder, services.vault, services.random_bytes):
            entered.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(second())
        await office.answer("D1", "!queue")
        assert not entered.is_set()
        await office.stop_bot()
        await asyncio.wait_for(entered.wait(), DEADLINE_S)
    assert first.user_id == office.server.staff_bot
