"""LiveKit's own Python SDK against our server: what one sends, the other decodes."""

from __future__ import annotations

import pytest

from tests.media.world import calls

BOTH = pytest.mark.parametrize("v1", [False, True], ids=["v0", "v1"])


@BOTH
async def test_two_people_see_and_hear_each_other(v1: bool) -> None:
    """Pictures and a tone of each are decoded by the other."""
    async with calls() as world:
        anna = await world.join("anna", v1=v1)
        boris = await world.join("boris", v1=v1)
        await anna.publish_camera()
        await anna.publish_tone()
        await boris.publish_tone()
        await boris.publish_camera()

        await boris.hears("anna")
        await boris.sees("anna")
        await anna.hears("boris")
        await anna.sees("boris")
