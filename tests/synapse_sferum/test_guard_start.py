"""When the guard lets the server start, and which listener serves what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.configuration import listener
from tests.support.fleet import Fleet
from tests.support.http import Api, Response
from tests.support.process import StartError, free_port
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

VERSIONS = "/_matrix/client/versions"
MEDIA_CONFIG = "/_matrix/client/v1/media/config"
WHOAMI = "/_matrix/client/v3/account/whoami"
FEDERATION_VERSION = "/_matrix/federation/v1/version"
OPENID = "/_matrix/federation/v1/openid/userinfo?access_token=x"
FEDERATION_MEDIA = "/_matrix/federation/v1/media/download/x"

#: Everything of 1.163.2 that adds routes and that a school may legally turn on.
EXPERIMENTS = dict.fromkeys(
    (
        "msc1763_enabled",
        "msc3391_enabled",
        "msc3720_enabled",
        "msc3814_enabled",
        "msc3983_appservice_otk_claims",
        "msc4133_enabled",
        "msc4143_enabled",
        "msc4306_enabled",
        "msc4370_enabled",
    ),
    True,
)


def refusal(homeserver: Homeserver) -> str:
    """What a server that must not start says."""
    with pytest.raises(StartError) as failure:
        homeserver.start()
    homeserver.stop()
    return str(failure.value)


def test_experimental_features_do_not_stop_the_start(homeserver: Fleet) -> None:
    """A configuration with many experimental features starts: the routes they add are known."""
    overrides = {"experimental_features": EXPERIMENTS, "retention": {"enabled": True}}
    with homeserver(module={}, overrides=overrides) as server:
        answer = server.request(
            "POST", "/_matrix/client/unstable/org.matrix.msc3720/account_status"
        )
        assert answer.status == 403


def test_an_unknown_route_stops_the_start(homeserver: Fleet, tmp_path: Path) -> None:
    """A route that nobody has judged stops the start, and the message says which and what to do."""
    service = tmp_path / "service.yaml"
    service.write_text(
        json.dumps(
            {
                "id": "x",
                "url": "http://127.0.0.1:9",
                "as_token": "a" * 32,
                "hs_token": "h" * 32,
                "sender_localpart": "x",
                "namespaces": {},
                "io.element.msc4512.proxy_prefix": "rtc/livekit/invented",
                "io.element.msc4512.proxy_url": "http://127.0.0.1:9",
            }
        )
    )
    server = homeserver(
        module={},
        start=False,
        overrides={
            "experimental_features": {"msc4512_enabled": True},
            "app_service_config_files": [str(service)],
        },
    )
    said = refusal(server)
    assert "the guard does not know" in said
    assert "invented" in said


def test_files_without_a_token_stop_the_start(homeserver: Fleet) -> None:
    """enable_authenticated_media: false would open every file, so the server does not start."""
    server = homeserver(module={}, start=False, overrides={"enable_authenticated_media": False})
    assert "enable_authenticated_media: true" in refusal(server)


@pytest.fixture(scope="module")
def ports(homeserver: Fleet) -> Iterator[dict[str, int]]:
    """One server with a listener of every kind; ports by kind."""
    kinds: dict[str, tuple[str, ...]] = {
        "client": ("client",),
        "calls": ("openid",),
        "files": ("media",),
        "others": ("federation",),
        "health": ("health",),
    }
    found = {kind: free_port() for kind in kinds}
    listeners: list[dict[str, Any]] = [
        listener(found[kind], *names) for kind, names in kinds.items()
    ]
    listeners[0]["resources"][0]["compress"] = True
    server = homeserver(module={}, start=False, overrides={"listeners": listeners})
    server.processes[0].port = found["client"]
    server.processes[0].api = Api(f"http://127.0.0.1:{found['client']}")
    server.start()
    yield found
    server.stop()


def get(port: int, path: str, **rest: Any) -> Response:
    api = Api(f"http://127.0.0.1:{port}")
    try:
        return api.request("GET", path, **rest)
    finally:
        api.close()


@pytest.mark.parametrize(
    ("kind", "served"),
    [
        ("client", {VERSIONS, WHOAMI, MEDIA_CONFIG}),
        ("calls", {OPENID}),
        ("files", {MEDIA_CONFIG, FEDERATION_MEDIA}),
        ("others", {FEDERATION_VERSION, OPENID, FEDERATION_MEDIA}),
        ("health", set()),
    ],
)
def test_a_listener_serves_what_it_was_given(
    ports: dict[str, int], kind: str, served: set[str]
) -> None:
    """The guard is on every listener, and opens on none what its resource names do not say."""
    for path in (VERSIONS, WHOAMI, MEDIA_CONFIG, FEDERATION_VERSION, OPENID, FEDERATION_MEDIA):
        answer = get(ports[kind], path)
        known = answer.errcode != "M_UNRECOGNIZED"
        assert known == (path in served), (kind, path, answer)
        assert known or answer.status == 404


def test_compression_is_kept(ports: dict[str, int]) -> None:
    """A listener with `compress: true` still compresses."""
    answer = get(ports["client"], VERSIONS, headers={"Accept-Encoding": "gzip"})
    assert answer.headers.get("content-encoding") == "gzip"
    assert "versions" in answer.json


def test_browsers_may_ask_from_other_sites(ports: dict[str, int]) -> None:
    """Preflight requests and refusals carry the CORS headers that web clients need."""
    api = Api(f"http://127.0.0.1:{ports['client']}")
    preflight = api.request("OPTIONS", WHOAMI)
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    refused = api.request("POST", "/_matrix/client/v3/account/3pid/bind", json={})
    assert refused.status == 403
    assert refused.headers["access-control-allow-origin"] == "*"
    api.close()
