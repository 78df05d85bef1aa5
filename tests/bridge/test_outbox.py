"""Messages that leave after the reply: sent, tried again, given up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from attrs import define, evolve

from bridge.outbox import LEASE, SEND_WITHIN_S, Delivered, deliver_due, pack, unpack
from bridge.ports_sending import Message, Senders, SendFailure, Sent
from bridge.records import OutboxId, OutboxKind
from bridge.vault import CannotUnseal
from tests.bridge.desk import ANNA, Desk
from tests.bridge.fakes import FakeSender
from tests.bridge.memory import MemoryStore
from tests.bridge.values import NOW, PHONE, VAULT, waiting_sms


@pytest.fixture
async def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def desk(memory: MemoryStore) -> Desk:
    """One SMS waits."""
    opened = await Desk.open(memory)
    await opened.request()
    return opened


async def test_sent_is_gone(desk: Desk, memory: MemoryStore) -> None:
    """Nothing of it stays, and nothing is sent twice."""
    assert await desk.deliver() == Delivered(sent=1)
    assert await desk.deliver() == Delivered()
    assert len(desk.sms.sent) == 1
    assert memory.kept.outbox.rows == {}


async def test_a_busy_gateway_is_asked_again_later(desk: Desk) -> None:
    """After 2, 5 and 15 seconds, not before."""
    desk.sms.answers = [SendFailure.THROTTLED, SendFailure.TIMEOUT, SendFailure.UNREACHABLE]
    timeline = {0: "later", 1: "", 2: "later", 6: "", 7: "later", 21: "", 22: "sent", 60: ""}

    for seconds, want in timeline.items():
        done = await desk.deliver(NOW + timedelta(seconds=seconds))
        assert done == Delivered(sent=want == "sent", postponed=want == "later"), seconds


@pytest.mark.parametrize("why", [SendFailure.REFUSED, SendFailure.CREDENTIALS])
async def test_a_no_is_a_no(desk: Desk, why: SendFailure, caplog: pytest.LogCaptureFixture) -> None:
    """It is not repeated; a human reads an error with our id."""
    desk.sms.answers = [why]

    assert await desk.deliver() == Delivered(dropped=1)
    assert await desk.deliver(NOW + LEASE) == Delivered()
    assert [one.levelname for one in caplog.records if "dropped" in one.message] == ["ERROR"]


async def test_a_dead_code_is_not_sent(desk: Desk) -> None:
    """The gateway was down for ten minutes: an SMS now would only confuse."""
    assert await desk.deliver(NOW + timedelta(minutes=10)) == Delivered(dropped=1)
    assert desk.sms.sent == []


async def test_what_nobody_can_send_or_read_is_dropped(memory: MemoryStore) -> None:
    """No channel configured; or sealed with another key. It does not block the others."""
    async with memory.begin() as work:
        await work.outbox.add(waiting_sms("unreadable"))
        message = Message(id="o2", to=ANNA, text="x")
        mail = evolve(waiting_sms("o2"), kind=OutboxKind.MAIL, payload=pack(message, VAULT))
        await work.outbox.add(mail)

    done = await deliver_due(NOW, store=memory, vault=VAULT, senders={OutboxKind.SMS: FakeSender()})
    assert done == Delivered(dropped=2)


@pytest.mark.parametrize("to", [PHONE, ANNA])
def test_a_message_waits_sealed(to: object) -> None:
    """And comes back as it was, under its own id only."""
    message = Message(id="o1", to=to, subject="s", text="Код: 482913", language="en")  # type: ignore[arg-type] # parametrised
    item = evolve(waiting_sms("o1"), payload=pack(message, VAULT))

    assert unpack(item, VAULT) == message
    with pytest.raises(CannotUnseal):
        unpack(evolve(item, id=OutboxId("o2")), VAULT)


@define
class Broken:
    """A sender with a fault of ours, and one that never answers."""

    hangs: bool = False

    async def send(self, message: Message) -> Sent:
        if self.hangs:
            await asyncio.Event().wait()
        raise ValueError("tls and starttls")


async def test_a_broken_sender_holds_up_no_other(
    memory: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Its mail is dropped with one line that quotes nothing; the SMS of the same round is sent, and once."""
    sms = FakeSender()
    async with memory.begin() as work:
        to_phone = Message(id="o1", to=PHONE, text="x")
        await work.outbox.add(evolve(waiting_sms("o1"), payload=pack(to_phone, VAULT)))
        to_anna = Message(id="o2", to=ANNA, text="x")
        mail = evolve(waiting_sms("o2"), kind=OutboxKind.MAIL, payload=pack(to_anna, VAULT))
        await work.outbox.add(mail)
    senders: Senders = {OutboxKind.SMS: sms, OutboxKind.MAIL: Broken()}
    done = await deliver_due(NOW, store=memory, vault=VAULT, senders=senders)
    assert done == Delivered(sent=1, dropped=1)
    assert "starttls" not in caplog.text
    assert memory.kept.outbox.rows == {}


async def test_a_sender_that_does_not_end_is_stopped_before_the_lease(
    memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another round would send the same message beside it."""
    assert timedelta(seconds=SEND_WITHIN_S) < LEASE
    monkeypatch.setattr("bridge.outbox.SEND_WITHIN_S", 0.01)
    async with memory.begin() as work:
        message = Message(id="o1", to=PHONE, text="x")
        await work.outbox.add(evolve(waiting_sms("o1"), payload=pack(message, VAULT)))
    senders = {OutboxKind.SMS: Broken(hangs=True)}
    done = await deliver_due(NOW, store=memory, vault=VAULT, senders=senders)
    assert done == Delivered(postponed=1)
