"""The hourly chores on a real school: every one of them is carried out, also when there is much to forget."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.chores import CHORES, tidy
from bridge.roles import UserId
from tests.bridge.web.world import World

pytestmark = pytest.mark.integration


async def test_every_chore_is_done(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A month later browsers and codes are forgotten, and no chore fails."""
    await world.let_in("T1")
    token = await world.session_of("T1")
    assert token
    account = await world.account("T1")
    later = world.clock() + timedelta(days=31)

    await tidy(world.services, later)

    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == []
    assert f"chores done count={len(CHORES)}" in caplog.text
    async with world.services.store.begin() as work:
        assert await work.sessions.end_all(UserId(account.user_id)) == 0
