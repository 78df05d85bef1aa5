"""Twenty at once through the use cases, on both databases and the fake."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime

from bridge.answers import CodeRefusal, Proven, Requested, Wrong
from bridge.limits import Limit, Refused
from bridge.onboarding import verify_code
from bridge.ports import Store
from bridge.verification import TRIES, Challenge, Code, Verdict, judge
from tests.bridge.desk import Desk
from tests.bridge.values import BROWSER, NOW, VAULT

AT_ONCE = 20


async def test_of_twenty_guesses_exactly_five_are_compared(store: Store) -> None:
    """A script in twenty windows has five tries, like everybody."""
    desk = await Desk.open(store)
    challenge = await desk.requested()
    compared: list[Code] = []

    def compare(chain: Challenge, code: Code, key: bytes, now: datetime) -> Verdict:
        compared.append(code)
        return judge(chain, code, key, now)

    answers = await asyncio.gather(
        *(
            verify_code(
                challenge, f"99{n:04d}", BROWSER, NOW, store=store, vault=VAULT, compare=compare
            )
            for n in range(AT_ONCE)
        )
    )

    assert len(compared) == TRIES
    kinds = Counter(type(answer) for answer in answers)
    assert kinds == {Wrong: TRIES, CodeRefusal: AT_ONCE - TRIES}


async def test_of_twenty_right_codes_one_is_proved(store: Store) -> None:
    """The same code typed in twenty windows proves once."""
    desk = await Desk.open(store)
    challenge = await desk.requested()

    answers = await asyncio.gather(*(desk.verify(challenge, desk.codes[0]) for _ in range(AT_ONCE)))
    assert sum(isinstance(answer, Proven) for answer in answers) == 1


async def test_of_twenty_requests_three_send(store: Store) -> None:
    """The limit of a number holds against a script too."""
    desk = await Desk.open(store)

    answers = await asyncio.gather(*(desk.request() for _ in range(AT_ONCE)))
    await desk.deliver()

    assert sum(isinstance(answer, Requested) for answer in answers) == 3
    refusals = {answer.limit for answer in answers if isinstance(answer, Refused)}
    assert refusals <= {Limit.NUMBER_HOUR, Limit.SESSION, Limit.ADDRESS}
    assert len(desk.sms.sent) == 3
