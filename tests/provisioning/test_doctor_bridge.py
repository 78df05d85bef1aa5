"""`sferum doctor` on the bridge: tables of facts, and a real pair of servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning import doctor
from provisioning.doctor_bridge import BridgeFacts, check_bridge, local_url
from provisioning.doctor_bridge_probe import find_bridge
from provisioning.doctor_finding import Level
from provisioning.doctor_machine import FileFacts
from provisioning.doctor_texts import remedy, sentence
from tests.support.bridge import BridgeProcess
from tests.support.fleet import Fleet
from tests.support.service import secret
from tests.support.synapse import Homeserver

ERROR, WARNING = Level.ERROR, Level.WARNING
TOKEN = "a" * 64
HOMESERVER: dict[str, Any] = {
    "server_name": "school86.ru",
    "modules": [
        {
            "module": "synapse_sferum.SferumModule",
            "config": {"bridge_user": "sferum-bridge", "staff_bot": "sferum-bot"},
        }
    ],
}
SETTINGS: dict[str, Any] = {
    "public_url": "https://school86.ru",
    "server_name": "school86.ru",
    "database": "postgresql+asyncpg://x",
    "bot": "sferum-bot",
    "sms": {"preset": "kannel"},
    "mail": {"host": "127.0.0.1"},
}
REGISTRATION = {"as_token": TOKEN, "sender_localpart": "sferum-bridge", "url": None}


def facts(**changes: Any) -> BridgeFacts:
    settings = SETTINGS | changes.pop("settings", {})
    values: dict[str, Any] = {
        "path": "/etc/sferum/bridge.yaml",
        "settings": settings,
        "registration": REGISTRATION,
        "synapse_registrations": {TOKEN: "sferum-bridge"},
        "same_service_token": True,
        "people": 2300,
        "public_status": 200,
    }
    return BridgeFacts(**{**values, **changes})


def bad(found: BridgeFacts, *, trial: bool = False) -> set[tuple[str, str, Level]]:
    findings = check_bridge(found, HOMESERVER, trial=trial)
    return {(one.code, one.subject, one.level) for one in findings if one.level is not Level.OK}


def key(setting: str, mode: int | None) -> FileFacts:
    return FileFacts(path="/etc/sferum/x", setting=setting, mode=mode)


def test_a_bridge_set_up_well_is_well() -> None:
    """It runs, and everything fits."""
    codes = [one.code for one in check_bridge(facts(), HOMESERVER, trial=False)]
    assert codes == ["bridge_runs", "bridge_good"]


@pytest.mark.parametrize(
    ("changes", "code", "subject", "level"),
    [
        ({"settings": {"server_name": "school.ru"}}, "bridge_server_name", "school.ru", ERROR),
        ({"settings": {"public_url": "http://school86.ru"}}, "plain_http", "public_url: http://school86.ru", ERROR),
        ({"settings": {"clients": {"cinny": "//school.example"}}}, "placeholder", "bridge.yaml: clients", WARNING),
        ({"settings": {"listen_host": "0.0.0.0"}}, "bridge_open", "http://127.0.0.1:8090", WARNING),  # noqa: S104
        ({"settings": {"sms": {"console": True}}}, "bridge_console", "sms", ERROR),
        ({"settings": {"mail": {"console": True}}}, "bridge_console", "mail", WARNING),
        ({"settings": {"database": "sqlite+aiosqlite:////x"}}, "bridge_sqlite", "", WARNING),
        ({"settings": {"database": "sqlite+aiosqlite:////x"}, "people": None}, "bridge_sqlite", "", WARNING),
        ({"files": (key("keys_file", 0o100640),)}, "bridge_file_open", "/etc/sferum/x", ERROR),
        ({"files": (key("keys_file", None),)}, "file_missing", "/etc/sferum/x", ERROR),
        ({"same_service_token": False}, "bridge_token_differs", "service_token_file", ERROR),
        ({"synapse_registrations": {}}, "bridge_unregistered", "appservice_file", ERROR),
        ({"registration": REGISTRATION | {"sender_localpart": "x"}}, "bridge_user_differs", "x", ERROR),
        ({"registration": REGISTRATION | {"url": "http://x"}}, "bridge_registration_url", "http://x", WARNING),
        ({"settings": {"bot": "x"}}, "bridge_bot_differs", "x", ERROR),
        ({"status": 0}, "bridge_silent", "http://127.0.0.1:8090", ERROR),
        ({"status": -1}, "bridge_silent", "http://127.0.0.1:8090", ERROR),
        ({"status": 500}, "bridge_failing", "http://127.0.0.1:8090", ERROR),
        ({"public_status": 0}, "public_silent", "https://school86.ru", ERROR),
        ({"public_status": 404}, "public_silent", "https://school86.ru", ERROR),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(
    changes: dict[str, Any], code: str, subject: str, level: Level
) -> None:
    """One change of the good installation, and exactly what is said about it."""
    assert bad(facts(**changes)) == {(code, subject, level)}


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {"database": "sqlite+aiosqlite:////x"}, "people": 300},
        {"settings": {"bot": ""}},
        {"public_status": None},
        {"same_service_token": None, "registration": None},
        {"files": (key("keys_file", 0o100600), key("appservice_file", 0o100400))},
    ],
)
def test_what_a_school_may_have_is_not_complained_about(changes: dict[str, Any]) -> None:
    """A small school on SQLite, no bot, files that doctor's user cannot read."""
    assert bad(facts(**changes)) == set()


def test_keys_are_made_at_the_first_start() -> None:
    """Before it no keys are only a reminder; afterwards they are an error."""
    files = (key("keys_file", None),)
    assert ("bridge_keys_to_come", "/etc/sferum/x", WARNING) in bad(facts(files=files, status=0))


def test_a_trial_may_be_a_trial() -> None:
    """Codes on the screen, SQLite and http are what `sferum run` is for."""
    settings = {
        "public_url": "http://127.0.0.1:8090",
        "sms": {"console": True},
        "mail": {"console": True},
        "database": "sqlite+aiosqlite:////x",
    }
    assert bad(facts(settings=settings, public_status=None), trial=True) == set()


def test_the_address_on_this_machine() -> None:
    """Of "everywhere" it is loopback; IPv6 stands in brackets."""
    assert local_url({}) == "http://127.0.0.1:8090"
    assert local_url({"listen_host": "::", "listen_port": 1}) == "http://127.0.0.1:1"
    assert local_url({"listen_host": "::1"}) == "http://[::1]:8090"


def test_every_finding_can_be_told() -> None:
    """In both languages, with what to do."""
    ill = facts(
        settings={"public_url": "http://school.example", "bot": "x", "server_name": "y"}
        | {"sms": {}},
        files=(key("keys_file", None), key("appservice_file", 0o100644)),
        status=500,
        same_service_token=False,
        synapse_registrations={},
        public_status=0,
    )
    for finding in check_bridge(ill, HOMESERVER, trial=False):
        for language in ("ru", "en"):
            assert sentence(finding, language)
            assert remedy(finding, language)


def test_bridge_yaml_is_found_beside_homeserver_yaml(tmp_path: Path) -> None:
    """As in the folder of `sferum run`; a stated one wins."""
    beside = tmp_path / "bridge.yaml"
    beside.write_text("bot: x\n")
    assert find_bridge(None, [tmp_path]) == beside
    assert find_bridge(None, [tmp_path / "homeserver.yaml"]) == beside
    assert find_bridge(Path("/x"), [tmp_path]) == Path("/x")


# --- for real


@pytest.fixture(scope="module")
def pair(
    homeserver: Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Homeserver, BridgeProcess]]:
    """Synapse and the bridge beside it."""
    with homeserver(appservice=True) as server:
        server.wait_for_tables()
        for name in ("homeserver.yaml", "service-token", "signing.key", "appservice.yaml"):
            (server.directory / name).chmod(0o600)
        bridge = BridgeProcess.prepare(tmp_path_factory.mktemp("doctor") / "bridge", server)
        bridge.start()
        yield server, bridge
        bridge.stop()
        bridge.api.close()


def examine(
    pair: tuple[Homeserver, BridgeProcess], capsys: pytest.CaptureFixture[str]
) -> dict[str, dict[str, Any]]:
    server, bridge = pair
    path = str(server.directory / "homeserver.yaml")
    doctor.main([path, "--bridge", str(bridge.config), "--json", "--lang", "en"])
    text = capsys.readouterr().out
    assert server.service_token not in text
    assert str(server.as_token) not in text
    return {row["code"]: row for row in json.loads(text)["findings"] if "bridge" in row["code"]}


@pytest.mark.integration
def test_a_real_pair_fits(
    pair: tuple[Homeserver, BridgeProcess], capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs, with the tokens that Synapse knows; only what every test has is complained about."""
    found = examine(pair, capsys)
    assert found["bridge_runs"]["subject"] == pair[1].api.base_url
    assert {code for code, row in found.items() if row["level"] == "error"} == set()
    assert found["bridge_console"]["level"] == "warning"  # the last of them, mail


@pytest.mark.integration
def test_tokens_of_another_server_are_found(
    pair: tuple[Homeserver, BridgeProcess], capsys: pytest.CaptureFixture[str]
) -> None:
    """Both copies are compared with Synapse's files; an open one is named."""
    _, bridge = pair
    kept = {
        name: (bridge.folder / name).read_text() for name in ("service.token", "appservice.yaml")
    }
    secret(bridge.folder / "service.token", "0" * 64)
    other = json.loads(kept["appservice.yaml"]) | {"as_token": "1" * 64, "sender_localpart": "x"}
    secret(bridge.folder / "appservice.yaml", json.dumps(other)).chmod(0o640)
    try:
        found = examine(pair, capsys)
    finally:
        for name, text in kept.items():
            secret(bridge.folder / name, text)
    assert {
        "bridge_token_differs",
        "bridge_unregistered",
        "bridge_user_differs",
        "bridge_file_open",
    } <= found.keys()


def test_an_unreadable_bridge_yaml_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named like any other file of settings."""
    (tmp_path / "homeserver.yaml").write_text("server_name: school86.ru\n")
    (tmp_path / "bridge.yaml").write_text("a: [b\n")
    assert doctor.main([str(tmp_path), "--lang", "en"]) == 2
    assert f"{tmp_path / 'bridge.yaml'}, line 2: not YAML" in capsys.readouterr().err
