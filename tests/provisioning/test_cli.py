"""The `sferum` command as an operator meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from provisioning.bridge import Bridge
from provisioning.cli import COMMANDS, PROGRAMS, main
from provisioning.homeserver import Homeserver
from provisioning.refusals import Refusal
from tests.provisioning.fake_module import TOKEN, FakeModule, refused
from tests.provisioning.files import PUPIL, school

Run = Callable[..., int]


@pytest.fixture
def module() -> FakeModule:
    return FakeModule(orgs={"s1": {"org_id": "s1", "name": "Школа", "school_year": "2026/2027"}})


@pytest.fixture
def run(module: FakeModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call it with arguments; the server is the fake module, the clock stands still, files are in tmp_path."""
    (tmp_path / "token").write_text(TOKEN + "\n")
    real = Homeserver.connect

    def connect(url: str, token: str, sleep: object, *, insecure: bool) -> Homeserver:
        real(url, token, module.slept.append, insecure=insecure).close()  # the same refusals
        transport = httpx.MockTransport(module.answer)
        return real("http://127.0.0.1:1", token, module.slept.append, transport=transport)

    monkeypatch.setattr(Homeserver, "connect", connect)
    monkeypatch.setattr("provisioning.cli_roster.time.sleep", module.slept.append)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SFERUM_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.delenv("SFERUM_URL", raising=False)
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    write(tmp_path, school())
    return lambda *argv: main(argv)


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


FILES = ("students.csv", "staff.csv", "guardians.csv")
PLAN = ("roster", "plan", *FILES, "--org", "s1")
APPLY = ("roster", "apply", *FILES, "--org", "s1")


def test_check_needs_no_server(
    run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str]
) -> None:
    """`roster check` reads files only."""
    assert run("roster", "check", *FILES) == 0

    assert module.calls == []
    assert "учеников 2, классов 1, сотрудников 2, родителей 1" in capsys.readouterr().out


def test_errors_end_with_one_and_ask_nothing(
    run: Run, module: FakeModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Broken files are told on stderr with row and column; no plan is asked for; exit code 1."""
    write(tmp_path, school(students=(PUPIL, "U2;Ким;Ян;;;;;")))

    assert run(*APPLY, "--yes") == 1

    told = capsys.readouterr().err
    assert "students.csv:3 «Класс»: у ученика нет класса → впишите класс" in told
    assert not any("roster" in call for call in module.calls)


def test_the_plan_is_told_in_both_languages(
    run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str]
) -> None:
    """Totals, classes that change, every exception, and how many leave; nothing is written."""
    assert run(*PLAN) == 0
    russian = capsys.readouterr().out
    assert run(*PLAN, "--lang", "en") == 0
    english = capsys.readouterr().out

    for words in ("новых людей: 5", "5А", "нет классного руководителя: 8В", "4 из 40", "без изменений: 1",
                  "роль задана вручную: Орлова Мария"):  # fmt: skip
        assert words in russian
    for words in ("people added: 5", "no homeroom teacher: 8В", "4 of 40"):
        assert words in english
    assert not any("apply" in call for call in module.calls)


def test_the_plan_for_machines(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints one JSON object and nothing else, of a plan or of the problems."""
    assert run(*PLAN, "--json") == 0
    assert json.loads(capsys.readouterr().out)["plan"]["counts"]["person_added"] == 5

    assert run("roster", "plan", "nothing.csv", "--org", "s1", "--json") == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["code"], problem["file"]) == ("file_unreadable", "nothing.csv")


def test_apply_writes_waits_and_can_be_repeated(
    run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str]
) -> None:
    """Apply shows the plan, writes, and follows the rooms; again, it writes nothing and only waits."""
    module.waiting = 3

    assert run(*APPLY, "--yes") == 0
    assert "Готово" in capsys.readouterr().out
    assert sum("apply" in call for call in module.calls) == 1

    module.waiting = 2
    assert run(*APPLY, "--yes") == 0
    assert "Ничего не изменится" in capsys.readouterr().out
    assert sum("apply" in call for call in module.calls) == 1
    assert module.waiting == 0


def test_nobody_at_the_keyboard_means_no(run: Run, module: FakeModule) -> None:
    """Without --yes and without a terminal nothing is written."""
    assert run(*APPLY) == 3
    assert module.rosters == {}


def test_an_unsafe_plan_needs_force(
    run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plan that empties rooms is refused with the way out; --force goes on."""
    module.refusal = "unsafe"

    assert run(*APPLY, "--yes") == 3
    assert "--force" in capsys.readouterr().err
    assert module.rosters == {}

    assert run(*APPLY, "--yes", "--force") == 0
    assert module.forced


def test_the_last_administrator_stays(
    run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str]
) -> None:
    """R33: no --force removes the last administrator."""
    module.refusal = "last_administrator"

    assert run(*APPLY, "--yes", "--force") == 3
    assert "без администратора" in capsys.readouterr().err
    assert module.rosters == {}


def test_a_stale_plan_is_made_again(run: Run, module: FakeModule) -> None:
    """When the school changed meanwhile, the plan is shown and applied anew, three times at most."""
    module.stale = 2
    assert run(*APPLY, "--yes") == 0

    module.rosters, module.stale = {}, 9
    assert run(*APPLY, "--yes") == 3


def test_held_rooms_go_on_with_force(run: Run, module: FakeModule) -> None:
    """A change of the rooms that the server holds back waits for a person, who says --force."""
    module.held = "unsafe"
    assert run(*APPLY, "--yes") == 5

    module.held = "unsafe"
    assert run(*APPLY, "--yes", "--force") == 0
    assert module.held == ""


def test_failed_tasks_are_told_and_can_be_retried(
    run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dead letters end apply with code 5 and are listed by `sferum org jobs`."""
    module.dead = [
        {"job_id": "j1", "kind": "room", "ref": "class/c1", "tries": 9, "error": "timeout"}
    ]

    assert run(*APPLY, "--yes") == 5
    assert run("org", "jobs", "--retry") == 0
    assert "j1\troom" in capsys.readouterr().out
    assert module.dead == []


def test_ctrl_c_is_calm(run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str]) -> None:
    """Interrupting says that repeating continues; exit code 130."""

    def interrupt(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    module.failures = [interrupt]

    assert run(*APPLY, "--yes") == 130
    assert "повторите ту же команду" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("org", "list", "--url", "http://school.example"), 3, "https://"),
        (("org", "list", "--token-file", "absent"), 3, "--token-file"),
        (("roster", "plan", "students.csv", "--org", "s9"), 3, "sferum org list"),
        (("roster", "plan", "students.csv"), 2, "--org"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_refusals_are_sentences(
    run: Run, capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], code: int, words: str
) -> None:
    """Whatever goes wrong, the operator reads a sentence and no traceback."""
    assert run(*argv) == code

    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told


def test_a_server_that_is_off(
    run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str]
) -> None:
    """No answer is exit code 4 and says how to start the server."""

    def off(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("off", request=request)

    module.failures = [off]

    assert run("org", "list") == 4
    assert "sferum run" in capsys.readouterr().err


def test_schools_are_made_and_listed(
    run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str]
) -> None:
    """`org create` makes a school once; `org list` shows them."""
    assert run("org", "create", "s2", "Школа № 2", "--school-year", "2026/2027") == 0
    assert run("org", "create", "s2", "Школа № 2") == 3
    assert run("org", "create", "s3", "Школа", "--school-year", "2026") == 2
    capsys.readouterr()
    assert run("org", "list") == 0
    assert "s2\tШкола № 2\t2026/2027" in capsys.readouterr().out


def test_why_tells_every_reason(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """R51: membership, rights and reasons, also those this version does not know."""
    assert run("why", "@uaaaaaaaa:school", "!room:school") == 0

    out = capsys.readouterr().out
    assert "Сейчас в чате; должен быть: да" in out
    assert "классный руководитель этого класса" in out
    assert "something the client does not know" in out


def test_with_several_schools_the_org_must_be_named(
    run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is guessed between two schools."""
    module.orgs["s2"] = {"org_id": "s2"}

    assert run("why", "@u:s", "!r:s") == 2
    assert "s1, s2" in capsys.readouterr().err
    assert run("why", "@u:s", "!r:s", "--org", "s1") == 0


def test_members_export_is_safe_in_a_spreadsheet(
    run: Run, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """R28: a CSV Excel opens; a name that begins like a formula stays text."""
    assert run("export", "members", "!room:school", "--csv") == 0

    out = capfdbinary.readouterr().out
    assert out.startswith(b"\xef\xbb\xbfuser_id;family_name;given_name;middle_name\r\n")
    assert "'=cmd|" in out.decode()
    assert "'@uaaaaaaaa:school;Иванов" in out.decode()


def test_a_mapping_is_saved_and_used(run: Run, tmp_path: Path) -> None:
    """--save-mapping writes what was recognised; --mapping reads it."""
    assert run("roster", "check", *FILES, "--save-mapping", "m.toml") == 0
    assert '[students]\nid = "ИД"' in (tmp_path / "m.toml").read_text(encoding="utf-8")
    assert run("roster", "check", *FILES, "--mapping", "m.toml") == 0

    (tmp_path / "m.toml").write_text("[pupils]\n")
    assert run("roster", "check", *FILES, "--mapping", "m.toml") == 1
    assert run("roster", "check", *FILES, "--mapping", "absent.toml") == 1


def test_kinds_before_file_names(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """students=FILE states the kind; another word before = is told."""
    assert run("roster", "check", "students=students.csv", "staff=staff.csv") == 0
    assert run("roster", "check", "pupils=students.csv") == 1
    assert "students, staff или guardians" in capsys.readouterr().err


def test_a_sample_school_can_be_imported(run: Run, tmp_path: Path) -> None:
    """`sferum sample` writes lists that `sferum roster check` accepts."""
    assert run("sample", "made-up", "--pupils", "40") == 0
    assert run("roster", "check", *(str(p) for p in sorted((tmp_path / "made-up").iterdir()))) == 0


def test_every_command_loads_and_has_help(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands are loaded when called; `--help` of each says what it does."""
    for command in COMMANDS:
        assert run(command, "--help") == 0
    capsys.readouterr()
    assert run("--help") == 0
    help_text = capsys.readouterr().out
    assert all(name in help_text for name in (*COMMANDS, *PROGRAMS))


def test_programs_get_their_arguments_untouched(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sferum run …` and `sferum doctor …` hand everything on and return their exit code."""
    seen: list[list[str]] = []

    class Program:
        @staticmethod
        def main(argv: list[str]) -> int:
            seen.append(argv)
            return 7

    monkeypatch.setattr("provisioning.cli.importlib.import_module", lambda _: Program)

    assert run("doctor", "--fix", "x", "--help") == 7
    assert seen == [["--fix", "x", "--help"]]


def test_a_refusal_without_a_name_still_speaks() -> None:
    """The base of all refusals has sentences too."""
    assert Refusal().sentence("ru")
    assert refused(400, "X").status_code == 400


def bridged(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response) -> list[httpx.Request]:
    """A bridge that gives this answer; what it was asked."""
    asked: list[httpx.Request] = []
    real = Bridge.connect

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    monkeypatch.setattr(
        Bridge,
        "connect",
        lambda url, token: real(url, token, transport=httpx.MockTransport(handle)),
    )
    return asked


def test_the_bridge_is_told_the_phones_after_the_lists_are_written(
    run: Run,
    module: FakeModule,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`--bridge`: with the same token, past Synapse; how many contacts is told, none of them."""
    asked = bridged(monkeypatch, httpx.Response(200, json={"listed": 3}))

    assert run(*APPLY, "--yes", "--bridge", "http://127.0.0.1:8090") == 0

    (request,) = asked
    assert request.url.path == "/service/orgs/s1/listed-contacts"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert any("apply" in call for call in module.calls)
    assert "Телефонов и адресов передано: 3" in capsys.readouterr().out


def test_a_bridge_elsewhere_is_refused_before_anything_is_written(
    run: Run, module: FakeModule, capsys: pytest.CaptureFixture[str]
) -> None:
    """The token never goes to another machine, and no half is done."""
    assert run(*APPLY, "--yes", "--bridge", "https://bridge.example") == 3

    assert "--bridge http://127.0.0.1:8090" in capsys.readouterr().err
    assert not any("apply" in call for call in module.calls)


def test_a_bridge_that_refuses_is_told_of(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lists are written; repeating the command tells the phones."""
    bridged(monkeypatch, httpx.Response(502, text="<html>"))

    assert run(*APPLY, "--yes", "--bridge", "http://127.0.0.1:8090") == 4

    assert "телефоны из списка ей не переданы" in capsys.readouterr().err
