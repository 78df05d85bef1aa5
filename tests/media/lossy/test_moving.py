"""People walk out of one network into another, or out of all of them for a while; the call goes on."""

from __future__ import annotations

from tests.media.lossy.wire import GOOD, OUT
from tests.media.lossy.world import lossy_calls
from tests.media.signal.browser import Viewer, browsers
from tests.media.signal.test_resuming import client_of
from tests.media.world import Guest, World, eventually

#: Seconds without any network at once: a school's router starts anew, a lift, a tunnel.
OUTAGE_S = 10.0


async def test_an_address_that_changes_and_a_line_that_is_gone_for_a_while() -> None:
    """Nobody joins anew: not whose NAT gives other ports, not after ten seconds without any network for all."""
    async with lossy_calls() as world, browsers(world.calls) as chromium:
        anna = await world.calls.join("anna")
        boris = await world.calls.join("boris", v1=False)
        clara = await chromium.join("clara")
        await anna.publish_camera()
        await _everybody_sees(anna, boris, clara)
        sids = _sids(world.calls)

        for name in ("anna", "boris", "clara"):
            assert world.path.rebind(name) >= 1
        await _everybody_sees(anna, boris, clara)

        for name in ("anna", "boris", "clara"):
            world.path.line(name).set(OUT, OUT)
        world.sockets.flows.clear()
        lost = world.path.line("anna").up.lost
        clock = world.calls.node.services.clock
        back = clock() + OUTAGE_S
        await eventually(lambda: clock() >= back, "the outage is over")
        assert world.path.line("anna").up.lost > lost
        for name in ("anna", "boris", "clara"):
            world.path.line(name).set(GOOD, GOOD)
        world.sockets.flows.set()
        await _everybody_sees(anna, boris, clara)

        world.sockets.cut()
        await boris.until_happened("reconnected")
        await clara.until("happened.events.some(e => e[0] == 'Reconnected')", "is back")
        await _everybody_sees(anna, boris, clara)

        assert _sids(world.calls) == sids
        assert "track_unsubscribed" not in boris.happened
        assert not [e for e in await clara.happened("events") if e[0] == "unsubscribed"]


async def test_media_that_does_not_come_back_by_itself_is_restarted() -> None:
    """Only UDP is out, until clients say so: they restart ICE over their WebSocket, as the same participants."""
    async with lossy_calls() as world, browsers(world.calls) as chromium:
        anna = await world.calls.join("anna")
        await anna.publish_camera()
        clara = await chromium.join("clara")
        await clara.sees("anna")
        sids = _sids(world.calls)

        line = world.path.line("clara")
        line.set(OUT, OUT)
        await clara.until("happened.events.some(e => e[0].includes('econnecting'))", "notices", 60)
        line.set(GOOD, GOOD)
        await clara.until("happened.events.some(e => e[0] == 'Reconnected')", "is back")
        await clara.sees("anna")
        assert _sids(world.calls) == sids


async def _everybody_sees(anna: Guest, boris: Guest, clara: Viewer) -> None:
    assert not [word for word in anna.happened if word == "disconnected"]
    await boris.sees("anna")
    await clara.sees("anna")


def _sids(world: World) -> dict[str, str]:
    return {name: client_of(world, name).sid for name in _names(world)}


def _names(world: World) -> list[str]:
    return sorted(
        str(c.identity) for hall in world.node.halls.values() for c in hall.clients.values()
    )
