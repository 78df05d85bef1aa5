"""The pure parts of `sferum run`: configuration, choice of demo people, what is shown."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.roster import EnrolmentRole, Role
from provisioning.run import SEED, screen
from provisioning.run.demo import DemoAccount, DemoState, choose, is_young
from provisioning.run.files import EXAMPLE, once, write, write_configuration
from provisioning.run.options import parse
from provisioning.run.place import Place
from provisioning.run.school import new_localpart, new_password
from provisioning.run.settings import ExampleChanged, homeserver_yaml, log_yaml
from provisioning.run.trouble import Trouble
from provisioning.sample import generate

TEXT = EXAMPLE.read_text("utf-8")
PLACE = Place(Path("/srv/школа 1/a\\1"))  # blanks, Cyrillic and a backslash are a path's right
TODAY = date(2026, 11, 23)


def loaded(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def leaves(value: Any, prefix: str = "") -> dict[str, Any]:
    """Every single setting by its dotted name."""
    if isinstance(value, dict):
        parts = [leaves(one, f"{prefix}.{name}") for name, one in value.items()]
    elif isinstance(value, list):
        parts = [leaves(one, f"{prefix}.{number}") for number, one in enumerate(value)]
    else:
        return {prefix[1:]: value}
    return {name: one for part in parts for name, one in part.items()} or {prefix[1:]: value}


def test_only_this_machines_own_settings_differ_from_the_example() -> None:
    """A school tries out what it would install: besides name, port, paths and demo needs, nothing differs."""
    theirs, ours = leaves(loaded(TEXT)), leaves(loaded(homeserver_yaml(TEXT, PLACE, 9123)))
    assert {name for name in ours if ours[name] != theirs.get(name)} == {
        "server_name",
        "public_baseurl",
        "pid_file",
        "listeners.0.port",
        "database.args.database",
        "signing_key_path",
        "log_config",
        "media_store_path",
        "modules.0.config.service_token_path",
        "registration_shared_secret_path",
        "background_updates.sleep_enabled",
    }
    assert theirs.keys() <= ours.keys()


def test_paths_and_port_arrive_as_they_are() -> None:
    """Quoting survives blanks, Cyrillic letters and backslashes, and the port is a number."""
    config = loaded(homeserver_yaml(TEXT, PLACE, 9123))
    assert config["database"]["args"]["database"] == str(PLACE.database)
    assert config["listeners"][0]["port"] == 9123
    assert config["public_baseurl"] == "http://127.0.0.1:9123/"


def test_comments_of_the_example_are_kept() -> None:
    """Whoever opens var/homeserver.yaml reads the same explanations."""
    comments = [line for line in TEXT.splitlines() if line.startswith("#")]
    written = homeserver_yaml(TEXT, PLACE, 8008)
    assert all(comment in written for comment in comments)


@pytest.mark.parametrize("line", ["server_name: school.example", "  - port: 8008"])
def test_a_changed_example_is_noticed(line: str) -> None:
    """A line to fill in that is missing or there twice stops the start instead of being ignored."""
    for changed in (TEXT.replace(line, "#"), TEXT.replace(line, f"{line}\n{line}")):
        with pytest.raises(ExampleChanged, match="want one line"):
            homeserver_yaml(changed, PLACE, 8008)


def test_a_changed_example_is_one_line_for_a_person(tmp_path: Path) -> None:
    """It says which line, and where one's own settings belong."""
    example = tmp_path / "homeserver.yaml.example"
    example.write_text(TEXT.replace("server_name: school.example", "server_name : x"), "utf-8")
    with pytest.raises(Trouble, match="line server_name") as found:
        write_configuration(Place(tmp_path), 8008, example)
    assert "local.yaml" in found.value.sentence("ru")


def test_the_log_configuration_is_yaml() -> None:
    """Our module's lines go to the file and to the screen once each."""
    config = loaded(log_yaml(PLACE))
    assert config["loggers"]["synapse_sferum"]["propagate"] is False
    assert config["handlers"]["file"]["filename"] == str(PLACE.log)


@pytest.mark.parametrize("pupils", [30, 60, 150, 300, 1000])
def test_demo_people_belong_together(pupils: int) -> None:
    """In a school of any size the demo pupil is in the demo teacher's class and is the demo parent's child."""
    roster = generate(SEED, pupils)
    people = {person.role: person for person in choose(roster, TODAY)}
    assert list(people) == ["director", "deputy", "homeroom_teacher", "student", "guardian"]
    ids = {role: person.source_id for role, person in people.items()}
    enrolled = {(e.person_id, e.role, e.class_id) for e in roster.enrolments}
    (class_id,) = {e.class_id for e in roster.enrolments if e.person_id == ids["student"]}
    assert (ids["homeroom_teacher"], EnrolmentRole.HOMEROOM_TEACHER, class_id) in enrolled
    links = {(link.guardian_id, link.student_id) for link in roster.guardianships}
    assert (ids["guardian"], ids["student"]) in links


def test_the_default_demo_pupil_needs_no_confirmation() -> None:
    """With eleven grades somebody is 14, so the visitor may write at once (R17)."""
    people = {person.role: person for person in choose(generate(SEED, 300), TODAY)}
    assert not people["student"].young


def test_the_same_people_are_chosen_every_time() -> None:
    """A start that was cut off goes on with the same people."""
    assert choose(generate(SEED, 300), TODAY) == choose(generate(SEED, 300), TODAY)


def test_the_sample_has_three_hundred_people() -> None:
    """The default is a school, not a toy."""
    assert len(generate(SEED, 300).people) >= 300


def test_young_means_under_fourteen_today() -> None:
    """The 14th birthday itself is not young any more; an unknown birth date is."""
    pupil = next(p for p in generate(SEED).people if Role.STUDENT in p.roles)
    assert pupil.birth_date is not None
    birthday = pupil.birth_date.replace(year=pupil.birth_date.year + 14)
    assert not is_young(pupil, birthday)
    assert is_young(pupil, date.fromordinal(birthday.toordinal() - 1))


def account(role: str = "student") -> DemoAccount:
    return DemoAccount(role, "U1", "@uabcdefgh:school.localhost", "aaaa-bbbb", "Иванов Иван", "7А")


def test_state_survives_the_file() -> None:
    """What was written to demo.json is read back as it was."""
    state = DemoState(300, ready=True, accounts={"student": account()})
    assert DemoState.from_json(state.to_json()) == state


def test_passwords_are_not_in_a_repr() -> None:
    """A traceback cannot show a password or a name."""
    assert "aaaa-bbbb" not in repr(account())
    assert "Иванов" not in repr(account())


def test_localparts_and_passwords_have_their_form() -> None:
    """`u` + 8 of base32 (contracts §4), and passwords longer than the policy's ten characters."""
    for _ in range(100):
        localpart = new_localpart()
        assert len(localpart) == 9
        assert set(localpart[1:]) <= set("abcdefghijklmnopqrstuvwxyz234567")
        assert len(new_password()) == 19


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_table_is_aligned(language: Any) -> None:
    """User ids stand below each other although roles and names differ in length."""
    state = DemoState(300, accounts={role: account(role) for role in screen.ROLES})
    lines = list(screen.welcome(PLACE, 8008, state, "sferum", language))
    columns = {line.index("@uabcdefgh") for line in lines if "@uabcdefgh" in line}
    assert len(columns) == 1


def test_a_secret_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    """Mode 0600 from the first moment; a second start keeps it."""
    secret = tmp_path / "secret"
    once(secret, lambda: "first")
    once(secret, lambda: "second")
    assert secret.read_text() == "first"
    assert secret.stat().st_mode & 0o777 == 0o600


def test_an_equal_file_is_not_written_again(tmp_path: Path) -> None:
    """The second start touches nothing."""
    path = tmp_path / "file"
    write(path, "text")
    before = path.stat().st_mtime_ns
    write(path, "text")
    assert path.stat().st_mtime_ns == before


def test_options_have_the_defaults_of_the_help() -> None:
    """Plain `sferum run` is port 8008 and var/, until stopped."""
    options = parse([], "ru")
    assert (options.port, options.root, options.pupils) == (8008, Path("var").absolute(), None)
    assert not options.once


@pytest.mark.parametrize(
    "argv", [["--port", "80"], ["--port", "x"], ["--pupils", "1"], ["--bogus"], ["--lang", "de"]]
)
def test_wrong_usage_is_exit_code_two(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong option is told in a line with the range, not in a traceback."""
    with pytest.raises(SystemExit) as stopped:
        parse(argv, "en")
    assert stopped.value.code == 2
    assert "sferum run: error" in capsys.readouterr().err
