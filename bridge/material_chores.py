"""Hourly: files that are no material any more, and old copies of posted ones, are deleted."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from bridge.services import Services

logger = logging.getLogger(__name__)

#: Files of one question to the directory.
MOST = 1000


async def drop_dead_files(now: datetime, services: Services) -> int:
    """How many. While the directory does not answer nothing is deleted."""
    files = services.config.material_files
    dropped = await services.posted.drop_old(now)
    old = await asyncio.to_thread(files.old, now)
    for start in range(0, len(old), MOST):
        some = old[start : start + MOST]
        live = await services.materials.live(some)
        for file_id in some:
            if file_id not in live:
                await asyncio.to_thread(files.drop, file_id)
                dropped += 1
    if dropped:
        logger.info("files of materials deleted count=%s", dropped)
    return dropped
