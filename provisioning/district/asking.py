"""Asks all schools at once how they stand: bounded in number, size and time, so that no school holds up the others."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Iterator
from http import HTTPStatus

import httpx
from nacl.signing import SigningKey

from provisioning.district.draft import Draft, School
from provisioning.district.question import (
    LARGEST_ANSWER,
    Asked,
    Fault,
    NoStatus,
    Status,
    address_of,
    question,
    read_answer,
)

#: Schools asked at the same time.
AT_ONCE = 32
#: Seconds for one school: name, connection, certificate, answer. Three hundred silent ones take two and a half minutes.
PATIENCE_S = 15.0


async def ask_all(
    draft: Draft,
    key: SigningKey,
    *,
    now_s: Callable[[], int],
    nonce: Callable[[], str],
    told: Callable[[], None],
    patience_s: float = PATIENCE_S,
) -> dict[str, Asked]:
    """Server name → what came of asking it, for every school of the draft.

    Args:
        key: the last of the draft's chain; it signs each question.
        now_s: seconds since 1970, asked anew for each school.
        nonce: never the same twice.
        told: called after each school.
    """
    places = asyncio.Semaphore(AT_ONCE)
    found: dict[str, Asked] = {}

    async def one(client: httpx.AsyncClient, school: School) -> None:
        async with places:
            number = nonce()
            asked = question(draft, key, school.server_name, nonce=number, now_s=now_s())
            body = json.dumps(asked).encode()
            found[school.server_name] = await _outcome(client, school, body, number, patience_s)
        told()

    # No redirect is followed, and no proxy of the environment asked: what answers is what the register names.
    async with (
        httpx.AsyncClient(timeout=patience_s, follow_redirects=False, trust_env=False) as client,
        asyncio.TaskGroup() as group,
    ):
        for school in draft.schools.values():
            group.create_task(one(client, school))
    return found


async def _outcome(
    client: httpx.AsyncClient, school: School, body: bytes, nonce: str, patience_s: float
) -> Asked:
    try:
        async with asyncio.timeout(patience_s):
            return Asked(status=await _ask(client, school, body, nonce))
    except NoStatus as none:
        return Asked(fault=none.fault, detail=none.detail)
    except (TimeoutError, httpx.TimeoutException):
        return Asked(fault=Fault.SLOW)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # ValueError: names that are no names, which DNS' own encoding refuses.
        bad = [one for one in _causes(error) if isinstance(one, ssl.SSLCertVerificationError)]
        if bad:
            return Asked(fault=Fault.CERTIFICATE, detail=bad[0].verify_message[:80])
        return Asked(fault=Fault.UNREACHABLE, detail=type(error).__name__)


async def _ask(client: httpx.AsyncClient, school: School, body: bytes, nonce: str) -> Status:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    url = address_of(school)
    async with client.stream("POST", url, content=body, headers=headers) as response:
        data = await _body(response)
    if response.status_code == HTTPStatus.OK:
        return read_answer(data, school, nonce)
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise NoStatus(Fault.NOT_THERE)
    if (
        response.status_code == HTTPStatus.FORBIDDEN
        and b'"M_FORBIDDEN"' in data
        and b'"time"' in data
    ):
        raise NoStatus(Fault.CLOCK)
    raise NoStatus(Fault.HTTP, str(response.status_code))


async def _body(response: httpx.Response) -> bytes:
    """As it came, not unpacked: a small answer may unpack to a huge one."""
    found = bytearray()
    async for piece in response.aiter_raw():
        found += piece
        if len(found) > LARGEST_ANSWER:
            raise NoStatus(Fault.TOO_LARGE)
    return bytes(found)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those it came of, at most ten."""
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
