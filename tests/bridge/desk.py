"""The use cases with everything they need, and codes that a test can read from the sent messages."""

from __future__ import annotations

import itertools
import re
from datetime import datetime

from attrs import define, evolve, field

from bridge.answers import (
    Asked,
    Chance,
    CodeRefusal,
    Proven,
    Requested,
    RequestRefusal,
    ResendAnswer,
    Settings,
    Wrong,
)
from bridge.contact import Email, Medium
from bridge.onboarding import request_code, request_recovery, resend_code, verify_code
from bridge.outbox import Delivered, deliver_due
from bridge.ports import Store
from bridge.records import OutboxKind, SessionHash
from bridge.verification import ChallengeId
from tests.bridge.fakes import FakeDirectory, FakeSender
from tests.bridge.values import BROWSER, CLASS, NOW, PHONE, VAULT, invite

ANNA = Email("anna@example.org")
FORM = Asked(
    token="i1", medium=Medium.MSISDN, typed=PHONE.e164, session=BROWSER, address="192.0.2.7"
)
MAIL_FORM = evolve(FORM, token="i2", medium=Medium.EMAIL, typed=ANNA.address)
CODE = re.compile(r"\b\d{6}\b")


@define(eq=False)
class Desk:
    """`store` holds two invites: `i1`, and `i2` which allows mail. Codes are 000000, 000001, …"""

    store: Store
    settings: Settings = field(factory=lambda: Settings(host="school.ru"))
    sms: FakeSender = field(factory=FakeSender)
    mail: FakeSender = field(factory=FakeSender)
    directory: FakeDirectory = field(factory=lambda: FakeDirectory({CLASS: 1}))
    chance: Chance = field(init=False)

    def __attrs_post_init__(self) -> None:
        codes, ids = itertools.count(), itertools.count()
        self.chance = Chance(below=lambda n: next(codes) % n, new_id=lambda: f"id{next(ids):04d}")

    @classmethod
    async def open(cls, store: Store) -> Desk:
        async with store.begin() as work:
            await work.invites.add(invite("i1"))
            await work.invites.add(evolve(invite("i2"), allow_email=True))
        return cls(store)

    async def request(self, form: Asked = FORM, now: datetime = NOW) -> Requested | RequestRefusal:
        return await request_code(
            form,
            now,
            store=self.store,
            vault=VAULT,
            directory=self.directory,
            settings=self.settings,
            chance=self.chance,
        )

    async def requested(self, form: Asked = FORM, now: datetime = NOW) -> ChallengeId:
        """A request that must be granted, delivered."""
        answer = await self.request(form, now)
        assert isinstance(answer, Requested), answer
        await self.deliver(now)
        return answer.challenge_id

    async def recover(self, form: Asked = FORM, now: datetime = NOW) -> ChallengeId:
        """A code to sign in without a password."""
        answer = await request_recovery(
            form, now, store=self.store, vault=VAULT, settings=self.settings, chance=self.chance
        )
        assert isinstance(answer, Requested), answer
        await self.deliver(now)
        return answer.challenge_id

    async def resend(
        self, challenge_id: ChallengeId, now: datetime, session: SessionHash = BROWSER
    ) -> ResendAnswer:
        answer = await resend_code(
            challenge_id,
            session,
            FORM.address,
            now,
            store=self.store,
            vault=VAULT,
            settings=self.settings,
            chance=self.chance,
        )
        await self.deliver(now)
        return answer

    async def verify(
        self,
        challenge_id: ChallengeId,
        typed: str,
        now: datetime = NOW,
        session: SessionHash = BROWSER,
    ) -> Proven | Wrong | CodeRefusal:
        return await verify_code(challenge_id, typed, session, now, store=self.store, vault=VAULT)

    async def deliver(self, now: datetime = NOW) -> Delivered:
        senders = {OutboxKind.SMS: self.sms, OutboxKind.MAIL: self.mail}
        return await deliver_due(now, store=self.store, vault=VAULT, senders=senders)

    @property
    def codes(self) -> list[str]:
        """Codes in the messages that were sent, in order."""
        return [CODE.findall(one.text)[0] for one in (*self.sms.sent, *self.mail.sent)]
