"""Which call a request is about."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from media.access.claims import Claims
from media.access.requests import Home
from media.access.tokens import Key, mint
from media.cluster.belonging import Belongs, How, belongs
from media.ids import Identity, RoomName

KEY = Key("test", "a-secret-of-at-least-32-characters")
HOME = Home("school.test", frozenset())


def token(room: str) -> str:
    return mint(Claims(identity=Identity("anna"), room=RoomName(room), join=True), [KEY], 1000.0)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_token_is_found_where_the_door_finds_it(scheme: str) -> None:
    """In the header, however its scheme is spelled, and before the query: else a call would begin on two nodes."""
    path = f"/livekit/sfu/rtc?access_token={token('other')}"
    headers = {"Authorization": f"{scheme} {token('lesson')}"}
    request = make_mocked_request("GET", path, headers)
    assert await belongs(request, [KEY], 1000.0, HOME) == Belongs(How.ENTER, RoomName("lesson"))
    request = make_mocked_request("GET", path)
    assert await belongs(request, [KEY], 1000.0, HOME) == Belongs(How.ENTER, RoomName("other"))
