"""An encrypted administration room: both directions, and a device that clients trust."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nio
import pytest
import pytest_asyncio
from signedjson.key import decode_verify_key_bytes
from signedjson.sign import verify_signed_json
from unpaddedbase64 import decode_base64

from bridge.application import State
from bridge.bot import running, session
from tests.bridge.bot.office import Office, open_office
from tests.support.client import checked
from tests.support.polling import until_async
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def sealed(bot_server: Homeserver, tmp_path: Path) -> AsyncIterator[Office]:
    """A school that encrypts its administration room."""
    async with open_office(bot_server, tmp_path, encrypted_kinds=["administration"]) as opened:
        yield opened


@pytest_asyncio.fixture
async def director(sealed: Office, tmp_path: Path) -> AsyncIterator[nio.AsyncClient]:
    """Her client, with encryption."""
    account = await sealed.signed_in("D1")
    folder = tmp_path / "director"
    await asyncio.to_thread(folder.mkdir)
    client = nio.AsyncClient(
        sealed.server.url, account.user_id, account.device_id, store_path=str(folder)
    )
    client.restore_login(account.user_id, account.device_id, account.access_token)
    await checked(client.sync(full_state=True))
    await checked(client.keys_upload())
    yield client
    await client.close()
    client.store.database.close()


async def read(client: nio.AsyncClient, room_id: str, fits: Any) -> Any:
    """The first message of the room that fits, decrypted by the client."""
    seen: list[Any] = []

    async def find() -> Any:
        answer = await checked(client.sync(timeout=500))
        if client.should_query_keys:
            await checked(client.keys_query())
        room = answer.rooms.join.get(room_id)
        seen.extend(room.timeline.events if room else ())
        return next((event for event in seen if fits(event)), None)

    return await until_async(find, what="a message that can be read")


async def identity(office: Office) -> dict[str, Any]:
    """keys/query of the bot, as the director's client sees it."""
    query: dict[str, Any] = {"device_keys": {office.server.staff_bot: []}}
    return dict(await office.call("D1", "POST", "/keys/query", query))


async def test_cards_and_commands_are_encrypted(sealed: Office, director: nio.AsyncClient) -> None:
    """The server sees neither the card nor the command nor the answer; the people do."""
    sealed.start_bot()
    made = await sealed.apply()
    await sealed.card(made.id)
    card = await read(
        director,
        sealed.room_id,
        lambda event: isinstance(event, nio.RoomMessageText) and "5А" in event.body,
    )
    assert card.decrypted
    said = await checked(
        director.room_send(
            sealed.room_id,
            "m.room.message",
            {"msgtype": "m.text", "body": "!принять 1"},
            ignore_unverified_devices=True,
        )
    )
    answer = await read(
        director, sealed.room_id, lambda event: isinstance(event, nio.RoomMessageNotice)
    )
    assert answer.decrypted
    assert answer.body == "№1: принято."
    assert answer.source["content"]["m.relates_to"]["event_id"] == said.event_id
    assert await sealed.state(made) is State.FINISHED
    sent = [e for e in await sealed.events() if e["sender"] == sealed.server.staff_bot]
    kinds = {e["type"] for e in sent} - {"m.room.member"}
    assert kinds == {"m.room.encrypted", "m.reaction"}


async def test_the_device_is_signed_by_the_bot_itself(sealed: Office) -> None:
    """MSC4153: clients trust it; a second start keeps identity and device, and signs nothing again."""
    bot = sealed.server.staff_bot
    sealed.start_bot()
    made = await sealed.apply()
    await sealed.card(made.id)
    known = await identity(sealed)
    master, own = known["master_keys"][bot], known["self_signing_keys"][bot]
    (device,) = known["device_keys"][bot].values()
    verify(own, bot, master)
    verify(device, bot, own)
    await sealed.stop_bot()
    sealed.start_bot()
    again = await sealed.apply()
    await sealed.card(again.id)
    assert await identity(sealed) == known
    files = {path.name: path for path in sealed.folder.iterdir()}
    assert stat.S_IMODE(sealed.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(files["cross_signing"].stat().st_mode) == 0o600


def verify(signed: dict[str, Any], user_id: str, signer: dict[str, Any]) -> None:
    """Raises when `signer`, a key of cross-signing, has not signed it."""
    ((name, public),) = signer["keys"].items()
    algorithm, _, version = name.partition(":")
    key: Any = decode_verify_key_bytes(f"{algorithm}:{version}", decode_base64(public))
    verify_signed_json({k: v for k, v in signed.items() if k != "unsigned"}, user_id, key)


async def test_a_lost_folder_is_replaced(sealed: Office) -> None:
    """A new device and a new identity, the old device gone; it works on."""
    bot = sealed.server.staff_bot
    sealed.start_bot()
    first = await sealed.apply()
    await sealed.card(first.id)
    before = await identity(sealed)
    await sealed.stop_bot()
    for path in list(sealed.folder.iterdir()):
        path.unlink()
    sealed.start_bot()
    second = await sealed.apply()
    await sealed.card(second.id)
    after = await identity(sealed)
    assert after["master_keys"][bot] != before["master_keys"][bot]
    (device_id,) = after["device_keys"][bot]
    assert device_id not in before["device_keys"][bot]
    verify(after["device_keys"][bot][device_id], bot, after["self_signing_keys"][bot])


async def test_killed_between_giving_keys_and_keeping_them(sealed: Office) -> None:
    """The server has one-time keys that the device knows nothing of: it is replaced, and the bot works on."""
    bot, folder = sealed.server.staff_bot, sealed.folder
    sealed.start_bot()
    await sealed.card((await sealed.apply()).id)
    (device_id,) = (await identity(sealed))["device_keys"][bot]
    await sealed.stop_bot()
    kept = folder / f"{bot}_{device_id}.db"
    kept.unlink()
    vault = sealed.world.services.vault
    unkept = nio.AsyncClient(
        sealed.server.url,
        bot,
        device_id,
        store_path=str(folder),
        config=nio.AsyncClientConfig(pickle_key=vault.lookup("bot device").hex()),
    )
    unkept.restore_login(bot, device_id, "unused")
    unkept.store.database.close()
    assert kept.exists()
    sealed.start_bot()
    await sealed.card((await sealed.apply()).id)
    (again,) = (await identity(sealed))["device_keys"][bot]
    assert again != device_id


async def test_what_was_said_while_it_was_away(
    sealed: Office, director: nio.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read and done at once after the start, also when nobody says anything more."""
    monkeypatch.setattr(running, "LISTEN_MS", 300_000)
    sealed.start_bot()
    made = await sealed.apply()
    await sealed.card(made.id)
    await sealed.stop_bot()
    await checked(director.sync())
    command = {"msgtype": "m.text", "body": "!reject 1"}
    await checked(
        director.room_send(
            sealed.room_id, "m.room.message", command, ignore_unverified_devices=True
        )
    )
    # Another filter than before: Synapse has no answer to it in its cache.
    monkeypatch.setitem(session.FILTER["room"], "timeline", {"limit": 99})
    sealed.start_bot()
    await sealed.card(made.id, "rejected")


async def test_keys_may_come_after_the_words(sealed: Office, director: nio.AsyncClient) -> None:
    """A command that cannot be read yet is carried out when its key arrives."""
    sealed.start_bot()
    made = await sealed.apply()
    await sealed.card(made.id)
    await checked(director.sync())
    held: list[Any] = []
    send = director._send

    async def hold_keys(kind: Any, *arguments: Any, **more: Any) -> Any:
        if kind is nio.ShareGroupSessionResponse:
            held.append((kind, arguments, more))
            return kind(*more["response_data"])
        return await send(kind, *arguments, **more)

    director._send = hold_keys
    command = {"msgtype": "m.text", "body": "!reject 1"}
    await checked(
        director.room_send(
            sealed.room_id, "m.room.message", command, ignore_unverified_devices=True
        )
    )
    assert held
    await sealed.say("D2", "!help")

    async def answers() -> int:
        bot = sealed.server.staff_bot
        events = [e for e in await sealed.events() if e["sender"] == bot]
        return len([e for e in events if e["type"] == "m.room.encrypted"]) - 1  # the card

    await until_async(answers, what="the answer to what could be read")
    assert await sealed.state(made) is State.NEW
    for kind, arguments, more in held:
        await checked(send(kind, *arguments, **more))
    await sealed.card(made.id, "rejected")
