"""The `sferum` command against a real Synapse with the module."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.cli import main
from tests.provisioning.files import (
    DATA,
    GUARDIANS,
    HEAD,
    MOTHER,
    PUPIL,
    PUPIL_2,
    STAFF,
    STUDENTS,
    TEACHER,
)
from tests.provisioning.files import csv_bytes as lines
from tests.support.fleet import Fleet
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

Run = Callable[..., int]
SCHOOL86 = [str(DATA / name) for name in ("ученики.csv", "сотрудники.csv", "родители.csv")]


@pytest.fixture(scope="module")
def server(homeserver: Fleet) -> Iterator[Homeserver]:
    with homeserver(module={}) as server:
        yield server


@pytest.fixture(scope="module")
def url_and_token(server: Homeserver, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    token = tmp_path_factory.mktemp("token") / "service.token"
    token.write_text(server.service_token)
    return server.url, token


@pytest.fixture
def run(url_and_token: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Run:
    url, token = url_and_token
    monkeypatch.setenv("SFERUM_URL", url)
    monkeypatch.setenv("SFERUM_TOKEN_FILE", str(token))
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    return lambda *argv: main(argv)


def test_school86_is_imported_and_the_second_time_nothing_happens(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Create, plan, apply, wait for the rooms; the same files again change nothing (R21)."""
    assert run("org", "create", "school86", "Школа № 86", "--school-year", "2026/2027") == 0
    assert run("roster", "plan", *SCHOOL86, "--org", "school86") == 0
    assert "новых людей: 2293" in capsys.readouterr().out

    assert run("roster", "apply", *SCHOOL86, "--org", "school86", "--yes") == 0
    assert "Готово" in capsys.readouterr().out

    assert run("roster", "apply", *SCHOOL86, "--org", "school86", "--yes") == 0
    assert "Ничего не изменится" in capsys.readouterr().out


def test_half_a_school_is_not_removed_without_force(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file with half the pupils is refused with the way out, and the school stays as it was."""
    assert run("org", "create", "half", "Школа") == 0
    assert run("roster", "apply", *SCHOOL86, "--org", "half", "--yes", "--no-wait") == 0
    rows = (DATA / "ученики.csv").read_bytes().splitlines(keepends=True)
    (tmp_path / "ученики.csv").write_bytes(b"".join(rows[:500]))
    capsys.readouterr()

    assert run("roster", "apply", str(tmp_path / "ученики.csv"), "--org", "half", "--yes") == 3
    assert "--force" in capsys.readouterr().err
    assert run("roster", "plan", *SCHOOL86, "--org", "half", "--json") == 0
    assert json.loads(capsys.readouterr().out)["plan"]["counts"] == {}


def test_the_last_administrator_cannot_be_removed(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """R33: a staff list without anybody to administer the school is refused, forced or not."""
    files = {
        "students.csv": lines(STUDENTS, PUPIL, PUPIL_2),
        "staff.csv": lines(STAFF, HEAD, TEACHER),
        "guardians.csv": lines(GUARDIANS, MOTHER),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "staff2.csv").write_bytes(lines(STAFF, TEACHER))
    all_files = [str(tmp_path / name) for name in files]

    assert run("org", "create", "small", "Школа") == 0
    assert run("roster", "apply", *all_files, "--org", "small", "--yes", "--no-wait") == 0
    capsys.readouterr()
    assert (
        run("roster", "apply", str(tmp_path / "staff2.csv"), "--org", "small", "--yes", "--force")
        == 3
    )
    assert "без администратора" in capsys.readouterr().err


def test_questions_about_nothing_get_sentences(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown school, person or room is a sentence, whichever it is."""
    assert run("roster", "plan", *SCHOOL86, "--org", "nowhere") == 3
    assert run("why", "@uaaaaaaaa:school.test", "!nothing:school.test", "--org", "school86") == 3
    assert run("export", "members", "!nothing:school.test", "--org", "school86") == 3
    assert capsys.readouterr().err.count("нет") >= 3


def test_why_and_export_of_a_real_room(
    run: Run, server: Homeserver, capsys: pytest.CaptureFixture[str]
) -> None:
    """R51, R28: once the director has an account, she is in the staff room, and both commands say so."""
    path = "/_synapse/client/sferum/v1/orgs/school86"

    def call(method: str, rest: str, body: dict[str, object] | None = None) -> Any:
        return server.call(method, path + rest, server.service_token, body)

    (director,) = call("GET", "/people?role=director")["people"]
    user_id = call("POST", f"/people/{director['person_id']}/activate", {})["user_id"]
    assert run("roster", "apply", *SCHOOL86, "--org", "school86", "--yes") == 0
    staff = next(r["room_id"] for r in call("GET", "/rooms")["rooms"] if r["kind"] == "staff")
    capsys.readouterr()

    assert run("why", user_id, staff, "--org", "school86") == 0
    assert "должен быть: да" in capsys.readouterr().out
    assert run("export", "members", staff, "--org", "school86") == 0
    assert capsys.readouterr().out == f"{user_id}\tКоновалова\tМария\tСемёновна\n"


def test_the_school_goes_on_a_year_and_back(
    run: Run, server: Homeserver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """R35, R37: school86 from the draft's table to 34 classes, again without effect, and back; with the real module."""
    assert run("roster", "apply", *SCHOOL86, "--org", "school86", "--yes", "--no-wait") == 0
    table = tmp_path / "год.csv"
    assert run("year", "plan", "--org", "school86", "--write", str(table)) == 0
    rows = table.read_text("utf-8-sig").splitlines()
    ninth = [at for at, row in enumerate(rows) if row.startswith("ученик;") and ";9" in row]
    for at in ninth[::3][:27]:
        cells = rows[at].split(";")
        rows[at] = ";".join([*cells[:4], "10А", *cells[5:]])
    rows = [row.replace(";?;", ";выпуск;") if row.startswith("класс;") else row for row in rows]
    rows.append("новый класс;;;;10А;;;")
    table.write_text("\r\n".join(rows) + "\r\n", "utf-8")
    capsys.readouterr()

    assert run("year", "apply", str(table), "--org", "school86", "--yes", "--no-wait") == 0
    told = capsys.readouterr().out
    for words in ("классов станет: 34", "идут в 10-й класс: 27", "выбывают: 63"):
        assert words in told
    assert run("year", "apply", str(table), "--org", "school86", "--yes", "--no-wait") == 0
    assert "уже в этом учебном году" in capsys.readouterr().out
    assert run("class", "list", "--org", "school86") == 0
    assert len(capsys.readouterr().out.splitlines()) == 34
    assert run("year", "undo", "--org", "school86", "--yes", "--no-wait") == 0
    assert "названия и составы классов прежние" in capsys.readouterr().out
    assert run("year", "status", "--org", "school86") == 0
    assert "отменён" in capsys.readouterr().out
    path = "/_synapse/client/sferum/v1/orgs/school86/classes"
    assert len(server.call("GET", path, server.service_token)["classes"]) == 33
