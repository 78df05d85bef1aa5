"""Chains of codes. The number of guesses is kept by the database, so that parallel ones are counted too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.contact import Medium
from bridge.invite import InviteId
from bridge.records import Chain, Lookup, Purpose, Sealed, SessionHash
from bridge.store.tables import challenge as table
from bridge.verification import Challenge, ChallengeId, Channel, IssuedCode


@frozen
class SqlChallenges:
    """Implements `ports.Challenges`."""

    _connection: AsyncConnection

    async def add(self, chain: Chain) -> None:
        await self._connection.execute(
            insert(table).values(
                id=chain.challenge.id,
                channel=chain.challenge.channel.value,
                medium=chain.medium.value,
                lookup=chain.lookup,
                sealed=chain.sealed,
                session_hash=chain.session,
                invite_id=chain.invite_id,
                purpose=chain.purpose.value,
                language=chain.language,
                tries_left=chain.challenge.tries_left,
                **_sendings(chain.challenge),
            )
        )

    async def get(self, challenge_id: ChallengeId) -> Chain | None:
        found = await self._connection.execute(select(table).where(table.c.id == challenge_id))
        row = found.first()
        return None if row is None else _chain(row)

    async def take_try(self, challenge_id: ChallengeId) -> Chain | None:
        taken = await self._connection.execute(
            update(table)
            .where(table.c.id == challenge_id, table.c.tries_left > 0, table.c.passed_at.is_(None))
            .values(tries_left=table.c.tries_left - 1)
            .returning(*table.c)
        )
        row = taken.first()
        return None if row is None else _chain(row)

    async def save_resend(self, chain: Chain) -> bool:
        # Only the sending's own columns: a guess may be taking a try at this moment.
        saved = await self._connection.execute(
            update(table)
            .where(table.c.id == chain.challenge.id, table.c.sent == chain.challenge.sent - 1)
            .values(**_sendings(chain.challenge))
            .returning(table.c.id)
        )
        return saved.first() is not None

    async def mark_passed(self, challenge_id: ChallengeId, now: datetime) -> bool:
        passed = await self._connection.execute(
            update(table)
            .where(table.c.id == challenge_id, table.c.passed_at.is_(None))
            .values(passed_at=now)
            .returning(table.c.id)
        )
        return passed.first() is not None

    async def purge(self, before: datetime) -> int:
        gone = await self._connection.execute(
            delete(table).where(table.c.last_sent_at < before).returning(table.c.id)
        )
        return len(gone.all())


def _sendings(challenge: Challenge) -> dict[str, Any]:
    *earlier, latest = challenge.codes
    before = earlier[-1] if earlier else None
    return {
        "sent": challenge.sent,
        "last_sent_at": challenge.last_sent_at,
        "digest": latest.digest,
        "expires_at": latest.expires_at,
        "earlier_digest": before and before.digest,
        "earlier_expires_at": before and before.expires_at,
    }


def _chain(row: Row[Any]) -> Chain:
    codes = [IssuedCode(row.digest, row.expires_at)]
    if row.earlier_digest is not None:
        codes.insert(0, IssuedCode(row.earlier_digest, row.earlier_expires_at))
    return Chain(
        challenge=Challenge(
            id=ChallengeId(row.id),
            channel=Channel(row.channel),
            codes=tuple(codes),
            sent=row.sent,
            last_sent_at=row.last_sent_at,
            tries_left=row.tries_left,
            passed_at=row.passed_at,
        ),
        medium=Medium(row.medium),
        lookup=Lookup(row.lookup),
        sealed=Sealed(row.sealed),
        session=SessionHash(row.session_hash),
        invite_id=None if row.invite_id is None else InviteId(row.invite_id),
        purpose=Purpose(row.purpose),
        language=row.language,
    )
