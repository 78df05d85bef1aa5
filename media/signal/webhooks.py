"""Signed notices of what happens in calls, to addresses the administrator named (LiveKit's webhooks).

The body is a WebhookEvent as JSON; the Authorization header is a JWT whose `sha256` is the body's hash, so that a
receiver knows who sent it. Each address has its own bounded queue: a receiver that hangs delays nobody else.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Sequence

import aiohttp
from attrs import define, field
from google.protobuf import json_format
from livekit.protocol import webhook
from yarl import URL

from media.access.claims import Claims
from media.access.tokens import Key, mint

logger = logging.getLogger(__name__)

#: Notices that wait for one address; the oldest goes when a new one comes. LiveKit's default.
QUEUE = 100
#: Seconds between attempts; after the last the notice is given up.
PAUSES_S = (0.5, 2.0, 8.0)
TIMEOUT = aiohttp.ClientTimeout(total=10)
#: Seconds a signature holds; LiveKit's.
SIGNATURE_S = 300.0


@define(eq=False)
class Hook:
    """One address."""

    url: URL
    keys: Sequence[Key] = field(repr=False)
    clock: Callable[[], float]  # seconds since 1970
    dropped: int = 0
    failed: int = 0
    sent: int = 0
    _waiting: deque[webhook.WebhookEvent] = field(factory=deque)
    _some: asyncio.Event = field(factory=asyncio.Event)

    def post(self, event: webhook.WebhookEvent) -> None:
        if len(self._waiting) >= QUEUE:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(event)
        self._some.set()

    async def run(self) -> None:
        """Send for ever. The node puts it into its TaskGroup."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            while True:
                while self._waiting:
                    await self._deliver(session, self._waiting.popleft())
                self._some.clear()
                await self._some.wait()

    async def _deliver(self, session: aiohttp.ClientSession, event: webhook.WebhookEvent) -> None:
        event.num_dropped = self.dropped
        body = json_format.MessageToJson(event, indent=None).encode()
        for pause_s in (*PAUSES_S, None):
            if await self._accepted(session, body):
                self.sent += 1
                return
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        self.failed += 1
        logger.warning("webhook not delivered event=%s host=%s", event.event, self.url.host)

    async def _accepted(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        headers = {
            "Authorization": signature(body, self.keys, self.clock()),
            "Content-Type": "application/webhook+json",
        }
        try:
            async with session.post(
                self.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False


def signature(body: bytes, keys: Sequence[Key], now: float) -> str:
    """What the Authorization header says of a body: LiveKit's receivers check both."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return mint(Claims(sha256=digest), keys, now, SIGNATURE_S)
