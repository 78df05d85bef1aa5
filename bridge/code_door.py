"""An invite opened with its nine digits instead of its link. Guessing is slowed, and looks like a mistake (R10)."""

from __future__ import annotations

import logging
from datetime import datetime

from attrs import frozen

from bridge.invite import Invite, read_invite_code, token_hash
from bridge.limits import HOUR, Limit, Refused, Window
from bridge.services import Services
from serving.addresses import network_of

logger = logging.getLogger(__name__)

#: Wrong codes per hour. With a hundred live codes among 10^9, 1000 an hour find one in a year.
MOST_OF_ADDRESS = 30
MOST_OF_ALL = 1000


@frozen
class WrongCode:
    """Mistyped, unknown, expired, used up or revoked: one answer."""


@frozen
class TooMany:
    retry_after_s: int


async def open_by_code(
    typed: str, address: str, now: datetime, *, services: Services
) -> Invite | WrongCode | TooMany:
    """The invite of a code. Only wrong codes are counted; of the school's own networks only in all."""
    code = read_invite_code(typed)
    if code is None:
        return WrongCode()
    hashed = services.vault.lookup(f"address:{network_of(address)}").hex()
    windows = {"joincode:all": MOST_OF_ALL}
    if services.settings.limits.counts_address(address):
        windows[f"joincode:{hashed}"] = MOST_OF_ADDRESS
    async with services.store.begin() as work:
        await work.rates.serialise()
        times = await work.rates.times(windows, now - HOUR)
        waits = [
            Window(Limit.ADDRESS, most, HOUR).refusal(times[name], now)
            for name, most in windows.items()
        ]
        if given := [one for one in waits if isinstance(one, Refused)]:
            logger.warning("invite codes refused why=too_many")
            return TooMany(max(one.retry_after_s for one in given))
        found = await work.invites.by_code(token_hash(code))
        if found is None or found.refusal(now) is not None:
            await work.rates.add(windows, now)
            logger.info("invite code wrong")
            return WrongCode()
    return found
