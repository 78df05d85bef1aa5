"""Messages leave after the reply, from here: what the reply took does not tell whether one left."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import datetime, timedelta

from attrs import frozen

from bridge.contact import Contact, Email, Phone
from bridge.ports import Store, Vault
from bridge.ports_sending import TRANSIENT, Message, Senders, SendFailure, Sent
from bridge.records import OutboxId, OutboxItem, OutboxKind, Sealed
from bridge.vault import CannotUnseal

logger = logging.getLogger(__name__)

#: How long an item is hidden from other rounds.
LEASE = timedelta(minutes=2)
#: Seconds for one sending, whatever the sender's own limits: less than LEASE, so that nothing is sent twice at once.
SEND_WITHIN_S = 90.0
#: Seconds until the next attempt; then the last one repeats until the code in the message is dead.
RETRY_AFTER_S = (2, 5, 15, 60)


@frozen
class Delivered:
    """What came of one round."""

    sent: int = 0
    postponed: int = 0
    dropped: int = 0


def pack(message: Message, vault: Vault) -> Sealed:
    """A message as it waits: readable with the key only, and only as this item."""
    words = {
        "to": plain(message.to),
        "subject": message.subject,
        "text": message.text,
        "language": message.language,
    }
    return vault.seal(json.dumps(words).encode(), f"outbox:{message.id}")


def unpack(item: OutboxItem, vault: Vault) -> Message:
    """The message again.

    Raises:
        CannotUnseal: another key, or moved from another row.
    """
    words = json.loads(vault.unseal(item.payload, f"outbox:{item.id}"))
    return Message(
        id=item.id,
        to=contact_of(words["to"]),
        subject=words["subject"],
        text=words["text"],
        language=words["language"],
    )


def plain(contact: Contact) -> str:
    """A contact as it is sealed: the only place besides senders where its digits are taken."""
    return contact.e164 if isinstance(contact, Phone) else contact.address


def contact_of(text: str) -> Contact:
    """The contact that `plain` gave."""
    return Phone(text) if text.startswith("+") else Email(text)


async def deliver_due(
    now: datetime, *, store: Store, vault: Vault, senders: Senders, most: int = 20
) -> Delivered:
    """Send what is due, at most `most` at once.

    At least once: a crash between sending and forgetting repeats the same code, which harms nobody.
    """
    async with store.begin() as work:
        items = await work.outbox.take_due(now, now + LEASE, most)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_deliver(item, now, store=store, vault=vault, senders=senders))
            for item in items
        ]
    fates = [task.result() for task in tasks]
    return Delivered(fates.count("sent"), fates.count("postponed"), fates.count("dropped"))


async def _deliver(
    item: OutboxItem, now: datetime, *, store: Store, vault: Vault, senders: Senders
) -> str:
    outcome = await _send(item, now, vault, senders)
    if isinstance(outcome, Sent):
        fate = "sent"
    elif outcome in TRANSIENT and now + _wait(item) < item.expires_at:
        fate = "postponed"
    else:
        fate = "dropped"
    async with store.begin() as work:
        if fate == "postponed":
            await work.outbox.postpone(item, now + _wait(item))
        else:
            await work.outbox.done(item.id)
    if isinstance(outcome, Sent):
        logger.info("message sent item=%s kind=%s tries=%s", item.id, item.kind.value, item.tries)
    else:
        level = logging.WARNING if fate == "postponed" or outcome is None else logging.ERROR
        why = "too late" if outcome is None else outcome.value
        logger.log(level, "message %s item=%s kind=%s why=%s", fate, item.id, item.kind.value, why)
    return fate


async def _send(
    item: OutboxItem, now: datetime, vault: Vault, senders: Senders
) -> Sent | SendFailure | None:
    """What the sender said; None: too late to be worth sending."""
    if now >= item.expires_at:
        return None
    try:
        message = unpack(item, vault)
    except CannotUnseal:
        return SendFailure.MISCONFIGURED
    sender = senders.get(item.kind)
    if sender is None:
        return SendFailure.MISCONFIGURED
    try:
        async with asyncio.timeout(SEND_WITHIN_S):
            return await sender.send(message)
    except TimeoutError:
        return SendFailure.TIMEOUT
    except Exception as error:  # of one message: the others of its round go out
        # Without the message, which may quote what was to be sent.
        logger.error("sender failed item=%s error=%s", item.id, type(error).__name__)  # noqa: TRY400 (a trace could quote whom it was for)
        return SendFailure.MISCONFIGURED


def _wait(item: OutboxItem) -> timedelta:
    return timedelta(seconds=RETRY_AFTER_S[min(item.tries, len(RETRY_AFTER_S)) - 1])


def waiting(
    message: Message, kind: OutboxKind, now: datetime, ttl: timedelta, vault: Vault
) -> OutboxItem:
    """The item for a message that is worth sending for `ttl`."""
    return OutboxItem(
        id=OutboxId(message.id),
        kind=kind,
        payload=pack(message, vault),
        due_at=now,
        expires_at=now + ttl,
    )
