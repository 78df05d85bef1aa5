"""`sferum class` as an operator meets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from provisioning.cli import main
from provisioning.homeserver import Homeserver
from tests.provisioning.fake_module import TOKEN, FakeModule

Run = Callable[..., int]


def class_(name: str, **more: Any) -> dict[str, Any]:
    """A class of the API."""
    row = {"class_id": f"c{name}", "name": name, "grade": 5, "students": 2, "active_students": 1}
    return {**row, "homeroom_teachers": ["pt1"], "substitutes": [], **more}


def person(source_id: str, *classes: str) -> dict[str, Any]:
    """A record of the API."""
    mine = [{"class_id": f"c{one}", "name": one, "role": "student"} for one in classes]
    return {"person_id": f"p{source_id}", "source_id": source_id, "classes": mine}


@pytest.fixture
def module() -> FakeModule:
    until = [{"person_id": "pt2", "until": "2027-03-01"}]
    return FakeModule(
        orgs={"s1": {"org_id": "s1", "name": "Школа", "school_year": "2026/2027"}},
        classes=[class_("5А"), class_("5Б", substitutes=until)],
        people=[person("U1", "5А"), person("U2", "5А"), person("T2"), person("U9")],
    )


@pytest.fixture
def run(module: FakeModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call it with arguments; the server is the fake module."""
    (tmp_path / "token").write_text(TOKEN + "\n")
    real = Homeserver.connect

    def connect(url: str, token: str, sleep: object, *, insecure: bool) -> Homeserver:
        transport = httpx.MockTransport(module.answer)
        return real("http://127.0.0.1:1", token, module.slept.append, transport=transport)

    monkeypatch.setattr(Homeserver, "connect", connect)
    monkeypatch.setenv("SFERUM_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    return lambda *argv: main(("class", *argv))


@pytest.mark.parametrize(
    ("argv", "change"),
    [
        (
            ("move", "U1", '5 "б"', "--reason", "заявление"),
            (
                "people/pU1/move",
                {"from_class_id": "c5А", "to_class_id": "c5Б", "reason": "заявление"},
            ),
        ),
        (
            ("split", "5А", "5-в", "U1", "U2"),
            ("classes/c5А/split", {"name": "5В", "person_ids": ["pU1", "pU2"]}),
        ),
        (
            ("merge", "5А", "5Б", "--name", "5A"),
            ("classes/merge", {"class_ids": ["c5А", "c5Б"], "name": "5А"}),
        ),
        (
            ("substitute", "5А", "T2", "--until", "01.03.2027"),
            ("classes/c5А/substitute", {"person_id": "pT2", "until": "2027-03-01"}),
        ),
        (
            ("substitute", "5А", "T2", "--end"),
            ("classes/c5А/substitute", {"person_id": "pT2", "until": None}),
        ),
    ],
)
def test_each_command_is_one_change(
    run: Run, module: FakeModule, argv: tuple[str, ...], change: tuple[str, dict[str, Any]]
) -> None:
    """Classes by any spelling of their name, people by their number in the list."""
    assert run(*argv) == 0
    assert module.changes == [change]


def test_the_classes_are_listed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, with the last day of a substitute."""
    assert run("list") == 0
    assert capsys.readouterr().out.splitlines() == ["5А\t2\t1\t1\t", "5Б\t2\t1\t1\t2027-03-01"]


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (("move", "U1", "9А"), 3, "нет класса 9А"),
        (("move", "U7", "5Б"), 3, "с таким номером в списке нет"),
        (("move", "U9", "5Б"), 3, "не в одном классе"),
        (("move", "U1", "12А"), 2, ""),
        (("merge", "5А", "--name", "5В"), 2, ""),
        (("substitute", "5А", "T2"), 2, ""),
        (("substitute", "5А", "T2", "--until", "x"), 2, ""),
        (("substitute", "5А", "T2", "--end", "--until", "2027-03-01"), 2, ""),
    ],
)
def test_what_cannot_be_meant(
    run: Run,
    module: FakeModule,
    capsys: pytest.CaptureFixture[str],
    argv: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    """Unknown classes and numbers, bad dates: said in words, and nothing is sent."""
    assert run(*argv) == code
    assert told in capsys.readouterr().err
    assert module.changes == []


@pytest.mark.parametrize(
    ("no", "told"),
    [
        ("SFERUM_NAME_TAKEN", "уже есть"),
        ("SFERUM_NOT_IN_CLASS", "не все эти ученики"),
    ],
)
def test_the_server_may_say_no(
    run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str], no: str, told: str
) -> None:
    """Each refusal has its sentence."""
    module.no = no
    assert run("split", "5А", "5В", "U1") == 3
    assert told in capsys.readouterr().err
    module.no = "SFERUM_IS_TEACHER"
    assert run("substitute", "5А", "T2", "--end") == 3
    assert "классный руководитель" in capsys.readouterr().err
