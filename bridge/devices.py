"""Where somebody is signed in: clients in Synapse, browsers here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from bridge.ports import Store
from bridge.ports_homeserver import Device, Homeserver
from bridge.roles import UserId

logger = logging.getLogger(__name__)

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


async def devices_of(user_id: UserId, *, homeserver: Homeserver) -> Sequence[Device]:
    """The one used last first."""
    found = await homeserver.devices(user_id)
    return sorted(found, key=lambda one: one.last_seen_at or NEVER, reverse=True)


async def sign_out_device(user_id: UserId, device_id: str, *, homeserver: Homeserver) -> bool:
    """One client; False: they have no such device."""
    if device_id not in {one.device_id for one in await homeserver.devices(user_id)}:
        return False
    await homeserver.delete_devices(user_id, [device_id])
    logger.info("device signed out account=%s", user_id)
    return True


async def sign_out_everywhere(user_id: UserId, *, store: Store, homeserver: Homeserver) -> int:
    """Every client and every browser; how many clients it were."""
    async with store.begin() as work:
        await work.sessions.end_all(user_id)
    found = await homeserver.devices(user_id)
    if found:
        await homeserver.delete_devices(user_id, [one.device_id for one in found])
    logger.info("signed out everywhere account=%s devices=%s", user_id, len(found))
    return len(found)
