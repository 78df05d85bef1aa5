"""The native part of the load, with a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.load.lineup import UnknownPeer, lineup
from bench.load.plan import ONE
from bench.load.program import PACKAGE
from bench.load.server import ours
from bench.native import NoProgram, build
from bench.peers.janus import active
from tests.media.sdp.goldens import golden


@pytest.fixture(scope="module")
def program() -> Path:
    try:
        return build(PACKAGE)
    except NoProgram as missing:
        pytest.skip(str(missing))


@pytest.mark.integration
@pytest.mark.timeout(600)  # built at first
async def test_every_packet_is_counted_and_what_is_lost_comes_again(program: Path) -> None:
    """Two subscribers get one camera whole, and what they treat as lost again; CPU, latency and floor are measured."""
    async with lineup(program, ["plain"]) as (server,), server.fill(ONE, 3, "lesson") as load:
        window = await load.window(seconds=2.0, pids=server.pids)
        floor_us = await load.floor(packets=640)
    assert window["streams"] == ONE.heard(3)
    assert window["received"] >= 2 * 300  # 360 packets in two seconds, some of them at the edges
    assert window["lost"] == window["unopened"] == window["alerts"] == 0
    assert window["lost_on_purpose"] > 0
    assert window["repaired"] > 0
    assert window["stamped"] > 0
    assert 0 < window["p50_ms"] <= window["p99_ms"] <= window["p999_ms"]
    assert window["server_cpu_s"] > 0
    assert floor_us > 0.1


@pytest.mark.integration
@pytest.mark.timeout(600)
async def test_a_server_is_measured_by_its_address_and_process(program: Path) -> None:
    """`--peer livekit` needs to know no more of ours than of LiveKit's: address, process id and a key."""
    async with ours("plain", program, cpus=None) as server:
        address = server.base.replace("http", "ws", 1) + server.prefix
        key = f"{server.keys[0].name}:{server.keys[0].secret}"
        peer = ["livekit", address, str(server.pids[0])]
        async with lineup(program, [], [peer], key) as (other,), other.fill(ONE, 2, "r") as load:
            window = await load.window(seconds=0.5, warm=0.2, pids=other.pids)
    assert (other.name, window["streams"]) == ("livekit", ONE.heard(2))
    assert window["received"] > window["lost"] == window["unopened"] == 0
    assert window["server_cpu_s"] > 0


async def test_a_peer_that_nobody_can_drive_is_named() -> None:
    """A slip of the pen is no benchmark of something else."""
    with pytest.raises(UnknownPeer, match="mediasoup"):
        async with lineup(Path("unused"), [], [["mediasoup"]]):
            pass


def test_to_janus_we_begin_the_handshake() -> None:
    """Where the offer leaves it open, Janus begins; our end can only begin."""
    offer = golden("chromium_v1_publish")
    assert "a=setup:actpass" in offer
    assert "actpass" not in active(offer)
