"""DTLS with losses, on the plain plane: the planes hand datagrams of DTLS up and send them, no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.media.transport.raw_client import RawClient
from tests.media.transport.world import CERTIFICATE, eventually, joined, listen, settings

LOSSES: dict[str, Callable[[int], bool]] = {
    "every third": lambda n: n % 3 == 2,
    "the first two after the check": lambda n: n in (1, 2),
    "every fifth, and the fourth": lambda n: n % 5 == 4 or n == 3,
}


@pytest.mark.parametrize("loses", LOSSES.values(), ids=LOSSES.keys())
@pytest.mark.parametrize("way", ["up", "down"])
async def test_a_lossy_handshake_ends_well(way: str, loses: Callable[[int], bool]) -> None:
    """Whichever flight is lost, it is repeated: keys come out, and a channel opens and carries a message."""
    client = RawClient(loses_up=loses) if way == "up" else RawClient(loses_down=loses)
    async with listen(settings(), CERTIFICATE) as listener:
        _, recorder = await joined(listener, client=client)
        channel = client.channel("_reliable")
        await eventually(lambda: channel.readyState == "open", "the channel opens", 60)
        channel.send(bytes(20_000))
        await eventually(lambda: recorder.messages, "the message arrives", 60)
        await client.close()
