"""Figures for Prometheus: complete, well named, and nobody's name in them."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from media.access.key_file import read_keys
from media.config import config_of
from media.figures import relay_addresses, way_of
from media.transport.routes import UdpRoute
from tests.media.process.test_coturn import enter, hears
from tests.media.process.test_process import GOOD, NOBODY
from tests.media.process.test_secrets import opens
from tests.support.http import Api
from tests.support.media import MediaProcess
from tests.support.polling import until_async
from tests.support.process import ROOT

#: Prometheus' base units: what is measured ends in one of them.
MEASURED = re.compile(r"_(seconds|bytes)(_total|$)")


@pytest.fixture
def media(tmp_path: Path) -> Iterator[MediaProcess]:
    made = MediaProcess.prepare(tmp_path, NOBODY)
    made.start()
    yield made
    made.stop()
    made.api.close()


def page(media: MediaProcess) -> str:
    api = Api(f"http://127.0.0.1:{media.metrics_port}")
    try:
        return api.request("GET", "/metrics").body.decode()
    finally:
        api.close()


@pytest.mark.integration
async def test_figures_of_a_call(media: MediaProcess) -> None:
    """Two people in a call, one with a forged token: who came in, how fast, over which way, and what went through."""
    anna, boris = await enter(media, "anna"), await enter(media, "boris")
    await hears(boris, anna)
    media.until_logged("calls served")
    key = read_keys(media.folder / "media.keys")[0]
    assert opens(media, type(key)("other", key.secret)) == 401

    async def counted() -> bool:
        figures = media.metrics()
        return figures["sferum_media_loop_lag_seconds_count"] > 0

    await until_async(counted, what="the loop's lag")
    figures = media.metrics()
    assert figures["sferum_media_participants"] == 2
    assert figures['sferum_media_joins_total{result="entered"}'] == 2
    assert figures['sferum_media_joins_total{result="token_unknown_key"}'] == 1
    assert figures["sferum_media_connecting_seconds_count"] == 2
    assert figures["sferum_media_connecting_seconds_sum"] < 30
    assert figures['sferum_media_connections{way="udp"}'] >= 2
    assert figures["sferum_media_packets_out_total"] > 0
    assert figures["sferum_media_bytes_in_total"] > 0
    for text in ("anna", "boris"):
        assert text not in page(media)
    await anna.disconnect()
    await boris.disconnect()


@pytest.mark.integration
def test_names_follow_prometheus(media: MediaProcess) -> None:
    """Every family has a help text; counters end in `_total`, times are in seconds; operations explain ours."""
    families = [
        one
        for one in text_string_to_metric_families(page(media))
        if one.name.startswith("sferum_media_") and not one.name.endswith("_created")
    ]
    assert len(families) > 20
    operations = (ROOT / "docs" / "operations_calls.md").read_text("utf-8")
    for one in families:
        assert one.documentation, one.name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", one.name)
        if one.type == "counter":
            assert all(sample.name.endswith(("_total", "_created")) for sample in one.samples)
        if one.type == "histogram":
            assert MEASURED.search(one.name), one.name
        assert one.name.removeprefix("sferum_media_") in operations, one.name


def test_alerts_name_figures_that_there_are() -> None:
    """Each rule of deploy/prometheus asks for figures of ours; a renamed one would never be seen."""
    rules = (ROOT / "deploy" / "prometheus" / "sferum.rules.yml").read_text("utf-8")
    source = "".join(
        (ROOT / "media" / name).read_text("utf-8") for name in ("metrics.py", "figures.py")
    )
    named = set(re.findall(r"sferum_media_([a-z_]+)", rules))
    assert named
    for name in named:
        plain = re.sub(r"_(total|bucket|sum|count)$", "", name)
        assert f'"{plain}"' in source or f"_{plain}" in source, name


async def test_whose_address_is_the_relays() -> None:
    """By name or number, with this machine's own addresses; everybody else by the port they use."""
    turn = {"urls": ["turn:192.0.2.9:3478?transport=udp", "turns:[2001:db8::9]:443"]}
    config = config_of(GOOD | {"turn": turn | {"secret_file": "s"}}, Path("/etc/sferum"))
    relays = await relay_addresses(config)
    assert {"192.0.2.9", "2001:db8::9", "198.51.100.7"} <= relays
    assert await relay_addresses(config_of(GOOD, Path("/etc"))) == frozenset()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        assert way_of(UdpRoute(port, ("192.0.2.9", 5000)), relays) == "relay"
        assert way_of(UdpRoute(port, ("192.0.2.10", 5000)), relays) == "udp"
