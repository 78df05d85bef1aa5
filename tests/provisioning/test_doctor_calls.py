"""`sferum doctor` on calls: tables of facts, its STUN, and a real calls server with coturn and Redis."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from media.transport.binding import Binding, read_binding
from media.turn import Relay
from provisioning import doctor, doctor_stun
from provisioning.doctor_calls import CallsFacts, Knock, check_calls, is_outside, local_url
from provisioning.doctor_calls_probe import MEDIA_EXAMPLE, find_calls
from provisioning.doctor_finding import Level
from provisioning.doctor_probe import read_yaml
from provisioning.doctor_texts import remedy, sentence
from provisioning.doctor_texts_calls import CALLS
from tests.media.process.test_coturn import relay
from tests.support.fleet import Fleet
from tests.support.media import MediaProcess
from tests.support.process import free_port
from tests.support.redis import Redis
from tests.support.service import secret
from tests.support.synapse import Homeserver

__all__ = ["relay"]  # a fixture

ERROR, WARNING = Level.ERROR, Level.WARNING
SERVICE = "https://rtc.school86.ru/livekit/jwt"
FOCUS = [{"type": "livekit", "livekit_service_url": SERVICE}]
HOMESERVER: dict[str, Any] = {
    "server_name": "school86.ru",
    "matrix_rtc": {"transports": FOCUS},
    "extra_well_known_client_content": {"org.matrix.msc4143.rtc_foci": FOCUS},
}
SETTINGS: dict[str, Any] = {
    "public_url": "https://rtc.school86.ru",
    "server_name": "school86.ru",
    "client_url": "https://matrix.school86.ru",
    "homeserver_url": "http://127.0.0.1:8008",
    "addresses": ["93.184.216.34", "192.168.1.7"],
}
UDP, TCP = "udp 93.184.216.34:7882", "tcp 93.184.216.34:7881"
INNER = "udp 192.168.1.7:7882"
MEDIA = {UDP: True, INNER: True, TCP: True}
PAGE = "/opt/sferum/var/npm/element-call-0.26.1"


def facts(**changes: Any) -> CallsFacts:
    settings = SETTINGS | changes.pop("settings", {})
    values: dict[str, Any] = {
        "path": "/etc/sferum/media.yaml",
        "settings": settings,
        "knock": Knock(status=101, media=MEDIA),
        "public": Knock(status=101),
        "clock_s": 0.3,
        "well_known": SERVICE,
        "transports": 401,
        "rights": 200,
        "redis": "",
        "relays": {"turns:turn.school86.ru:443": ""},
        "pages": PAGE,
        "wanted": "element-call-0.26.1",
        "broadcasts": "/var/lib/broadcasts",
        "free_gb": 100.0,
        "files": 65536,
        "buffer": 4_000_000,
    }
    return CallsFacts(**{**values, **changes})


def bad(
    found: CallsFacts, homeserver: dict[str, Any] = HOMESERVER, *, trial: bool = False
) -> set[tuple[str, str, Level]]:
    findings = check_calls(found, homeserver, trial=trial)
    return {(one.code, one.subject, one.level) for one in findings if one.level is not Level.OK}


def test_calls_set_up_well_are_well() -> None:
    """It runs, its ports answer, it may ask the module, the relay works."""
    codes = [one.code for one in check_calls(facts(), HOMESERVER, trial=False)]
    assert codes == ["calls_runs", "calls_media", "calls_rights", "calls_relay_good", "calls_good"]


@pytest.mark.parametrize(
    ("changes", "code", "subject", "level"),
    [
        ({"refused": "keys_file: x: others may read it; chmod 600"}, "calls_refused", "/etc/sferum/media.yaml", ERROR),
        ({"settings": {"server_name": "school.ru"}}, "calls_server_name", "school.ru", ERROR),
        ({"settings": {"client_url": "https://x.school.example"}}, "placeholder", "media.yaml: client_url", WARNING),
        ({"settings": {"addresses": ["10.0.0.7"]}}, "calls_addresses_inner", "10.0.0.7", ERROR),
        ({"status": 0, "knock": None}, "calls_silent", "http://127.0.0.1:7880", ERROR),
        ({"status": 500, "knock": None}, "calls_failing", "http://127.0.0.1:7880", ERROR),
        ({"knock": Knock(status=401)}, "calls_token_refused", "keys_file", ERROR),
        ({"knock": Knock(status=503)}, "calls_shut", "http://127.0.0.1:7880", ERROR),
        ({"public": Knock(status=0)}, "calls_public_silent", "https://rtc.school86.ru", ERROR),
        ({"public": Knock(status=502)}, "calls_public_silent", "https://rtc.school86.ru", ERROR),
        ({"public": Knock(status=400)}, "calls_public_no_socket", "https://rtc.school86.ru", ERROR),
        ({"clock_s": 12.0}, "calls_clock", "", WARNING),
        ({"clock_s": 90.0}, "calls_clock", "", ERROR),
        ({"knock": Knock(status=101, media={UDP: False, TCP: True})}, "calls_udp_silent", UDP, ERROR),
        ({"knock": Knock(status=101, media=MEDIA | {UDP: False})}, "calls_address_silent", UDP, WARNING),
        ({"knock": Knock(status=101, media=MEDIA | {TCP: False})}, "calls_tcp_silent", TCP, WARNING),
        ({"well_known": ""}, "calls_well_known", "https://matrix.school86.ru/.well-known/matrix/client", WARNING),
        ({"transports": 404}, "calls_no_transports", "msc4143_enabled", ERROR),
        ({"rights": 401}, "calls_service_token", "service_token_file", ERROR),
        ({"rights": 404}, "calls_no_rights", "http://127.0.0.1:8008", ERROR),
        ({"rights": 0}, "calls_no_rights", "http://127.0.0.1:8008", ERROR),
        ({"redis": "ConnectionError"}, "calls_redis", "redis", ERROR),
        ({"relays": {"turn:x": "refused"}}, "calls_relay", "turn:x", ERROR),
        ({"pages": None}, "calls_no_page", "pages", WARNING),
        ({"broadcasts": None}, "broadcasts_off", "broadcasts", WARNING),
        ({"free_gb": 3.2}, "broadcasts_disk", "/var/lib/broadcasts", WARNING),
        ({"pages": "/opt/element-call-0.20.0"}, "calls_old_page", "/opt/element-call-0.20.0", WARNING),
        ({"files": 1024}, "calls_few_files", "LimitNOFILE", WARNING),
        ({"buffer": 212_992}, "calls_small_buffer", "net.core.rmem_max", WARNING),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(
    changes: dict[str, Any], code: str, subject: str, level: Level
) -> None:
    """One change of the good installation, and exactly what is said about it."""
    assert bad(facts(**changes)) == {(code, subject, level)}


@pytest.mark.parametrize("section", ["matrix_rtc", "extra_well_known_client_content"])
def test_a_homeserver_that_names_another_calls_server(section: str) -> None:
    """Both places have to name ours, else some clients find no calls."""
    other = HOMESERVER | {section: {"x": [{"livekit_service_url": "https://old/livekit/jwt"}]}}
    assert bad(facts(), other) == {("calls_not_named", section, ERROR)}


def test_taken_ports_are_named() -> None:
    """While the node does not run, its ports are free, or somebody else's."""
    found = bad(facts(status=0, knock=None, taken=("udp_port", "listen_port")))
    assert {(code, subject) for code, subject, _ in found} == {
        ("calls_port_taken", "udp_port"),
        ("calls_port_taken", "listen_port"),
        ("calls_silent", "http://127.0.0.1:7880"),
    }


def test_a_trial_may_have_a_small_machine() -> None:
    """`sferum run` on a laptop: its limits and inner addresses are nobody's trouble."""
    settings = {"addresses": ["192.168.1.7"], "server_name": "school86.ru"}
    assert bad(facts(settings=settings, buffer=1, files=1024, pages=None), trial=True) == set()


def test_every_sentence_is_complete() -> None:
    """Both languages, with something to do where something is wrong; every figure fits."""
    said: set[str] = set()
    everything = [
        facts(refused="x", taken=("udp_port",), status=0, knock=None, clock_s=99, rights=500),
        facts(knock=Knock(status=101, media={UDP: False, INNER: True, TCP: False}), files=1),
        facts(status=500, rights=401, transports=404, redis="x", relays={"a": "x", "b": ""}),
        facts(knock=Knock(status=401), public=Knock(status=0), pages=None, buffer=1),
        facts(knock=Knock(status=503), public=Knock(status=426), pages="/x", well_known=""),
        facts(knock=Knock(status=101, media={UDP: False}), settings={"addresses": ["10.0.0.1"]}),
        facts(settings={"server_name": "x"}, broadcasts=None),
        facts(free_gb=1.0),
        facts(),
    ]
    for one in everything:
        for server in (HOMESERVER, {**HOMESERVER, "matrix_rtc": {}}):
            for finding in check_calls(one, server, trial=False):
                said.add(finding.code)
                for language in ("ru", "en"):
                    assert sentence(finding, language)
                    assert finding.level is Level.OK or remedy(finding, language)
    assert said >= CALLS.keys()


def test_addresses_of_this_machine() -> None:
    """Where the node is asked, and which addresses other machines are told."""
    assert local_url({"listen_host": "0.0.0.0"}) == "http://127.0.0.1:7880"  # noqa: S104
    assert local_url({"listen_host": "::1", "listen_port": 1}) == "http://[::1]:1"
    assert is_outside("https://rtc.school86.ru")
    assert not is_outside("http://127.0.0.1:7880")
    assert not is_outside("http://192.168.1.7:7880")


def test_the_check_of_a_media_port_is_ices() -> None:
    """Our node reads it and checks its password; doctor reads the answer, and nothing that is none."""
    transaction = bytes(range(12))
    check = doctor_stun.ice_check("ours", "p" * 22, transaction)
    binding = read_binding(check)
    assert isinstance(binding, Binding)
    assert (binding.local_ufrag, binding.is_made_with("p" * 22)) == ("ours", True)
    assert not binding.is_made_with("q" * 22)
    answer = binding.success(("192.0.2.1", 5), "p" * 22)
    found = doctor_stun.read(answer)
    assert found is not None
    assert found[:2] == (doctor_stun.BINDING | doctor_stun.YES, transaction)
    for cut in (b"", answer[:10], answer[:-1], b"x" * 40):
        assert doctor_stun.read(cut) is None


def test_the_relays_password_is_the_one_that_clients_get() -> None:
    """For the same second and name, media/turn.py makes the same."""
    name, password = doctor_stun.relay_name("secret", 1_000_000.0)
    theirs = Relay(("turn:x",), "secret").server(1_000_000.0)
    assert name.startswith("1000600:")
    assert len(password) == len(theirs.credential)


def test_media_yaml_is_found(tmp_path: Path) -> None:
    """Beside homeserver.yaml, or as stated."""
    assert find_calls(None, [tmp_path]) in {None, Path("/etc/sferum/media.yaml")}
    (tmp_path / "media.yaml").touch()
    assert find_calls(None, [tmp_path / "homeserver.yaml"]) == tmp_path / "media.yaml"
    assert find_calls(Path("x"), [tmp_path]) == Path("x")


@pytest.fixture(scope="module")
def synapse(homeserver: Fleet) -> Iterator[tuple[Homeserver, int]]:
    """A school's server that names a calls server, and its port."""
    port = free_port()
    focus = [{"type": "livekit", "livekit_service_url": f"http://127.0.0.1:{port}/livekit/jwt"}]
    changes = {
        "matrix_rtc": {"transports": focus},
        "extra_well_known_client_content": {"org.matrix.msc4143.rtc_foci": focus},
        "experimental_features": {"msc4143_enabled": True},
    }
    with homeserver(module={}, overrides=changes) as server:
        for name in ("homeserver.yaml", "service-token", "signing.key"):
            (server.directory / name).chmod(0o600)
        yield server, port


def examine(
    server: Homeserver, media: MediaProcess, capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    """Findings about calls, by code."""
    path = str(server.directory / "homeserver.yaml")
    doctor.main([path, "--json", "--lang", "en", "--calls", str(media.config)])
    text = capsys.readouterr().out
    for name in ("media.keys", "service.token"):
        assert (media.folder / name).read_text().split(":")[-1].strip() not in text
    rows = json.loads(text)["findings"]
    return {row["code"]: row for row in rows if row["code"].startswith("calls_")}


@pytest.mark.integration
def test_a_real_calls_server(
    synapse: tuple[Homeserver, int],
    relay: tuple[int, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Doctor calls it up over UDP and TCP, takes a relay, asks Redis and the module; then all of it breaks."""
    server, port = synapse
    turn_port, turn_secret = relay
    urls = [f"turn:127.0.0.1:{turn_port}?transport={over}" for over in ("tcp", "udp")]
    redis = Redis.start()
    page = tmp_path / Path(read_yaml(MEDIA_EXAMPLE)["pages"]).name
    page.mkdir()
    (page / "index.html").write_text("<!doctype html><html><head></head></html>")
    media = MediaProcess.prepare(
        tmp_path / "media",
        server,
        port=port,
        redis=f"unix://{redis.path}",
        turn={"urls": urls, "secret_file": str(turn_secret)},
        pages=str(page),
    )
    try:
        media.start()
        found = examine(server, media, capsys)
        # limits and buffers are the machine's that runs the tests
        assert found.keys() - {"calls_few_files", "calls_small_buffer", "calls_good"} == {
            "calls_runs", "calls_media", "calls_rights", "calls_relay_good",
        }, found  # fmt: skip
        assert "udp 127.0.0.1:" in found["calls_media"]["subject"]
        assert "tcp 127.0.0.1:" in found["calls_media"]["subject"]

        redis.stop()
        secret(turn_secret, "another" * 6)
        secret(media.folder / "service.token", "x" * 32)
        found = examine(server, media, capsys)
        assert {"calls_redis", "calls_relay", "calls_service_token"} <= found.keys()
        assert "refused" in found["calls_relay"]["text"]

        media.stop()
        (media.folder / "media.keys").chmod(0o644)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("", 0))
            media.change(udp_port=other.getsockname()[1])
            found = examine(server, media, capsys)
        assert {"calls_silent", "calls_port_taken", "calls_refused"} <= found.keys()
        assert "chmod 600" in found["calls_refused"]["text"]
        assert found["calls_port_taken"]["subject"] == "udp_port"
    finally:
        media.stop()
        media.api.close()
        redis.stop()
