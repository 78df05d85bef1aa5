"""SMS through any gateway that is asked over HTTP: Kannel on this machine, or a company's.

Nothing of the request or of the answer is logged: both hold the number, some answers even the code.
"""

from __future__ import annotations

import base64
import logging

import aiohttp
from attrs import frozen

from bridge.contact import Phone
from bridge.gateway import BadGateway, Gateway, Request
from bridge.ports_sending import Message, SendFailure, Sent

logger = logging.getLogger(__name__)

#: Bytes of an answer that are read. Real ones have a few hundred; more is not a gateway.
MOST_BYTES = 64 * 1024


class TooLarge(Exception):
    """The answer does not end."""


@frozen
class HttpSms:
    """Implements `ports_sending.Sender`. No redirects: they would take number and key to somebody else."""

    gateway: Gateway
    session: aiohttp.ClientSession

    async def send(self, message: Message) -> Sent | SendFailure:
        if not isinstance(message.to, Phone):
            return SendFailure.MISCONFIGURED
        outcome = await self._outcome(message, message.to)
        if isinstance(outcome, SendFailure):
            logger.warning("SMS not sent message=%s why=%s", message.id, outcome.value)
        return outcome

    async def _outcome(self, message: Message, to: Phone) -> Sent | SendFailure:
        digits = to.e164.removeprefix("+")
        try:
            request = self.gateway.request(
                to=to.e164, digits=digits, text=message.text, id=message.id
            )
            status, body = await self._ask(request)
        except BadGateway:
            return SendFailure.MISCONFIGURED
        except TooLarge:
            return SendFailure.TOO_LARGE
        except (
            TimeoutError
        ):  # aiohttp's are TimeoutErrors too; before ClientError, of which some are
            return SendFailure.TIMEOUT
        except (aiohttp.ClientError, OSError, ValueError):
            return SendFailure.UNREACHABLE
        return self._judged(status, body, digits)

    async def _ask(self, request: Request) -> tuple[int, str]:
        headers = dict(request.headers)
        if request.basic is not None:
            user_and_password = ":".join(request.basic).encode()
            headers["Authorization"] = "Basic " + base64.b64encode(user_and_password).decode()
        async with self.session.request(
            request.method,
            request.url,
            params=request.params,
            data=request.data,
            json=request.json,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=self.gateway.timeout_s),
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(8192):
                body += chunk
                if len(body) > MOST_BYTES:
                    raise TooLarge
            return response.status, bytes(body).decode("utf-8", "replace")

    def _judged(self, status: int, body: str, digits: str) -> Sent | SendFailure:
        if self.gateway.accepts(status, body, digits):
            return Sent(self.gateway.reference(body, digits))
        if status in (429, 503):
            return SendFailure.THROTTLED
        if status in (401, 403):
            return SendFailure.CREDENTIALS
        if status in self.gateway.ok_status or 400 <= status < 500:
            return SendFailure.REFUSED
        return SendFailure.BAD_ANSWER
