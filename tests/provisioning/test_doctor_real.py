"""`sferum doctor` on real servers: well, without module, stopped, wrong token, seen from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning import doctor
from tests.support.accounts import SHARED_SECRET
from tests.support.fleet import Fleet
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

#: What every test server has and a school's must not: doctor says so, rightly.
OF_TEST_SERVERS = {"sqlite", "shared_secret", "placeholder"}


@pytest.fixture(scope="module")
def well(homeserver: Fleet) -> Iterator[Homeserver]:
    """A server with the module and one school."""
    with homeserver(module={}) as server:
        (server.directory / "homeserver.yaml").chmod(0o600)
        (server.directory / "service-token").chmod(0o600)
        (server.directory / "signing.key").chmod(0o600)
        school = {"org_id": "school86", "name": "Школа № 86"}
        server.call("POST", "/_synapse/client/sferum/v1/orgs", server.service_token, school)
        yield server


def examine(
    server: Homeserver, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, dict[str, Any], str]:
    """(exit code, findings by code, output) without what is true of every test server."""
    path = str(server.directory / "homeserver.yaml")
    code = doctor.main([path, "--json", "--lang", "en", *options])
    text = capsys.readouterr().out
    rows = json.loads(text)["findings"]
    return code, {row["code"]: row for row in rows if row["code"] not in OF_TEST_SERVERS}, text


def test_a_well_server_has_no_errors(well: Homeserver, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings, files, disk, database, module, guard, rooms and clock are all found good; warnings are exit code 1."""
    code, found, _ = examine(well, capsys)
    assert code == 1  # SQLite and the registration secret of a test server
    assert {
        "versions_good",
        "files_good",
        "database_good",
        "module_runs",
        "guard_on",
        "rooms_in_time",
        "clock_good",
    } <= found.keys()
    assert {row["level"] for row in found.values()} <= {"ok", "warning"}


def test_no_secret_is_printed(well: Homeserver, capsys: pytest.CaptureFixture[str]) -> None:
    """The report can be sent to somebody who helps."""
    _, _, text = examine(well, capsys)
    assert well.service_token not in text
    assert SHARED_SECRET not in text


def test_an_open_admin_api_is_found(well: Homeserver, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a proxy in front, strangers reach /_synapse/admin: an error, exit code 2."""
    code, found, _ = examine(well, capsys, "--public", well.url)
    assert code == 2
    assert found["admin_reachable"]["level"] == "error"
    assert "federation_reachable" not in found


def test_a_wrong_token_is_told_from_a_dead_server(
    well: Homeserver, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The token of another server is refused, and that is what is said."""
    other = tmp_path / "token"
    other.write_text("0" * 64)
    code, found, _ = examine(well, capsys, "--token-file", str(other))
    assert code == 2
    assert found["token_refused"]["level"] == "error"


def test_a_stopped_server_is_silent(homeserver: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything that needs no server is still examined."""
    server = homeserver(module={}, start=False)
    code, found, _ = examine(server, capsys)
    assert code == 2
    assert found["server_silent"]["subject"] == server.url
    assert "versions_good" in found


def test_the_application_services_file_is_a_secret(
    homeserver: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bridge's registration is no warning, but its file must be closed: its token is an administrator's."""
    server = homeserver(appservice=True, module={}, start=False)
    path = server.directory / "appservice.yaml"
    _, found, text = examine(server, capsys)
    assert "setting_dangerous" not in found
    assert str(path) not in text
    path.chmod(0o644)
    _, found, text = examine(server, capsys)
    assert found["file_readable"]["level"] == "error"
    assert str(path) in text


def test_a_server_without_the_module_is_an_error(
    homeserver: Fleet, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Both the file and the running server say that the module is absent."""
    token = tmp_path / "token"
    token.write_text("0" * 64)
    with homeserver() as server:
        code, found, _ = examine(server, capsys, "--token-file", str(token))
    assert code == 2
    assert {"module_missing", "module_absent"} <= found.keys()


def test_an_unreadable_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Broken YAML is named with its line, and nothing of its content is shown."""
    path = tmp_path / "homeserver.yaml"
    path.write_text("server_name: x\nform_secret: [very-secret\n")
    assert doctor.main([str(path), "--lang", "en"]) == 2
    error = capsys.readouterr().err
    assert f"{path}, line 3: not YAML" in error
    assert "very-secret" not in error


def test_a_folder_is_read_as_synapse_reads_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """local.yaml wins over homeserver.yaml, as it does for `sferum run`."""
    (tmp_path / "homeserver.yaml").write_text("enable_registration: false\n")
    (tmp_path / "local.yaml").write_text("enable_registration: true\n")
    assert doctor.main([str(tmp_path), "--json", "--lang", "ru"]) == 2
    rows = json.loads(capsys.readouterr().out)["findings"]
    assert any(row["subject"] == "enable_registration" for row in rows)
