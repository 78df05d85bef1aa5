"""`sferum year` as an operator meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from provisioning.cli import main
from provisioning.homeserver import Homeserver
from tests.provisioning.fake_module import TOKEN, FakeModule
from tests.provisioning.test_year_table import CLASS_9A, answer

Run = Callable[..., int]


@pytest.fixture
def module() -> FakeModule:
    orgs = {"s1": {"org_id": "s1", "name": "Школа", "school_year": "2026/2027"}}
    return FakeModule(orgs=orgs, year=answer())


@pytest.fixture
def run(module: FakeModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call it with arguments; the server is the fake module, the clock stands still, files are in tmp_path."""
    (tmp_path / "token").write_text(TOKEN + "\n")
    real = Homeserver.connect

    def connect(url: str, token: str, sleep: object, *, insecure: bool) -> Homeserver:
        transport = httpx.MockTransport(module.answer)
        return real("http://127.0.0.1:1", token, module.slept.append, transport=transport)

    monkeypatch.setattr(Homeserver, "connect", connect)
    monkeypatch.setattr("provisioning.cli_year.time.sleep", module.slept.append)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SFERUM_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    return lambda *argv: main(argv)


def decide(path: Path) -> None:
    """The secretary ends 9А in the table."""
    lines = path.read_text("utf-8-sig").splitlines()
    changed = [line.replace(";?;", ";выпуск;") if CLASS_9A in line else line for line in lines]
    path.write_text("\r\n".join(changed) + "\r\n", "utf-8")


def test_draft_edit_apply_undo(
    run: Run, module: FakeModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way: the draft is written, decided in the table, shown again, applied, taken back."""
    assert run("year", "plan", "--write", "год.csv") == 0
    told = capsys.readouterr().out
    assert "Нужно решить:" in told
    assert "9А: 2" in told
    assert run("year", "apply", "год.csv", "--yes") == 3
    assert "не всё решено" in capsys.readouterr().err
    assert module.promoted == []

    decide(tmp_path / "год.csv")
    assert run("year", "plan", "год.csv") == 0
    assert "Нужно решить" not in capsys.readouterr().out
    assert run("year", "apply", "год.csv", "--yes") == 0
    assert "Готово" in capsys.readouterr().out
    assert [line["fate"] for line in module.promoted[0]["classes"]] == [
        "continues",
        "ends",
        "ends",
        "new",
    ]
    assert run("year", "undo", "--yes") == 0
    told = capsys.readouterr().out
    assert "отменить можно до 1970-01-15" in told
    assert "названия и составы классов прежние" in told


def test_repeated_it_only_waits(
    run: Run, module: FakeModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After an interruption the same command finds the school promoted and waits for the rooms."""
    run("year", "plan", "--write", "год.csv")
    decide(tmp_path / "год.csv")
    module.waiting = 2
    assert run("year", "apply", "год.csv", "--yes", "--no-wait") == 0
    assert run("year", "apply", "год.csv", "--yes") == 0
    assert "уже в этом учебном году" in capsys.readouterr().out
    assert len(module.promoted) == 1
    assert module.waiting == 0


def test_nobody_at_the_keyboard_means_no(run: Run, module: FakeModule, tmp_path: Path) -> None:
    """Without --yes and without a terminal nothing is written, nor taken back."""
    run("year", "plan", "--write", "год.csv")
    decide(tmp_path / "год.csv")
    assert run("year", "apply", "год.csv") == 3
    assert run("year", "undo") == 3
    assert module.promoted == []


def test_somebodys_work_is_not_overwritten(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is there stays; one that cannot be written is told."""
    (tmp_path / "год.csv").write_text("моё")
    assert run("year", "plan", "--write", "год.csv") == 3
    assert (tmp_path / "год.csv").read_text() == "моё"
    assert run("year", "plan", "--write", "нет/год.csv") == 3
    assert "не удалось записать" in capsys.readouterr().err


def test_broken_files_end_with_one(
    run: Run, module: FakeModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Problems of the table are told on stderr, and the server is not asked."""
    (tmp_path / "год.csv").write_text("a;b\n1;2\n", "utf-8")
    assert run("year", "apply", "год.csv", "--yes") == 1
    assert run("year", "plan", "нет.csv") == 1
    told = capsys.readouterr().err
    assert "год.csv:1: в первой строке нет нужных заголовков" in told
    assert module.calls == []


def test_there_may_be_nothing_to_undo(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal says why."""
    assert run("year", "undo", "--yes") == 3
    assert "больше 14 дней" in capsys.readouterr().err


def test_for_machines(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints one JSON object; a plan as JSON goes the same way as a table."""
    assert run("year", "plan", "--write", "год.json", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ready"] is False
    plan = json.loads((tmp_path / "год.json").read_text("utf-8"))
    plan["classes"] = [line for line in plan["classes"] if line["fate"] != "undecided"]
    (tmp_path / "год.json").write_text(json.dumps(plan))
    assert run("year", "apply", "год.json", "--json") == 0
    assert json.loads(capsys.readouterr().out)["applied"]["applied"] is True
    assert run("year", "status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["school_year"] == "2027/2028"
    assert run("year", "undo", "--json") == 0
    assert json.loads(capsys.readouterr().out)["undone"]["exact"] is True
    assert run("year", "status", "--lang", "en") == 0
    assert "School year: 2026/2027" in capsys.readouterr().out


def test_an_undo_that_is_not_exact_says_so(
    run: Run, module: FakeModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was changed by hand since has stayed, and pupils without a class are counted."""
    run("year", "plan", "--write", "год.csv")
    decide(tmp_path / "год.csv")
    run("year", "apply", "год.csv", "--yes", "--no-wait")
    module.no = "something was changed since"
    capsys.readouterr()
    assert run("year", "undo", "--yes", "--no-wait") == 0
    told = capsys.readouterr().out
    assert "осталось. Учеников без класса: 2." in told
