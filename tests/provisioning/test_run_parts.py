"""The pure parts of `sferum run`: configuration, choice of demo people, what is shown."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import evolve
from sqlalchemy.engine import make_url

from bridge.config import config_of
from media.config import config_of as read_media
from provisioning.roster import EnrolmentRole, Role
from provisioning.run import SEED, screen
from provisioning.run.demo import (
    DemoAccount,
    DemoLink,
    DemoState,
    Newcomer,
    choose,
    is_young,
    newcomer_of,
)
from provisioning.run.files import (
    BRIDGE_EXAMPLE,
    EXAMPLE,
    MEDIA_EXAMPLE,
    once,
    write,
    write_configuration,
)
from provisioning.run.options import parse
from provisioning.run.place import Place
from provisioning.run.school import new_localpart, new_password
from provisioning.run.settings import (
    Calls,
    ExampleChanged,
    bridge_yaml,
    homeserver_yaml,
    log_yaml,
    media_yaml,
    registration,
)
from provisioning.run.trouble import Trouble
from provisioning.sample import generate

TEXT = EXAMPLE.read_text("utf-8")
BRIDGE_TEXT = BRIDGE_EXAMPLE.read_text("utf-8")
PAGES = "http://127.0.0.1:8090"
PLACE = Place(Path("/srv/школа 1/a\\1"))  # blanks, Cyrillic and a backslash are a path's right
CALLS = Calls(
    port=9300,
    media_port=9400,
    address="10.1.2.3",
    pages=Path("/srv/школа 1/b\\2"),
    player=Path("/srv/школа 1/h\\3"),
)
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
    theirs, ours = (
        leaves(loaded(TEXT)),
        leaves(loaded(homeserver_yaml(TEXT, PLACE, 9123, 9205, CALLS))),
    )
    assert {name for name in ours if ours[name] != theirs.get(name)} == {
        "server_name",
        "public_baseurl",
        "pid_file",
        "listeners.0.port",
        "database.args.database",
        "signing_key_path",
        "log_config",
        "media_store_path",
        "matrix_rtc.transports.0.livekit_service_url",
        "extra_well_known_client_content.org.matrix.msc4143.rtc_foci.0.livekit_service_url",
        "modules.0.config.service_token_path",
        "modules.0.config.pages_url",
        "modules.0.config.bridge_user",
        "modules.0.config.staff_bot",
        "app_service_config_files.0",
        "registration_shared_secret_path",
        "background_updates.sleep_enabled",
    }
    assert theirs.keys() <= ours.keys()


def test_paths_and_port_arrive_as_they_are() -> None:
    """Quoting survives blanks, Cyrillic letters and backslashes, and the port is a number."""
    config = loaded(homeserver_yaml(TEXT, PLACE, 9123, 9205, CALLS))
    assert config["database"]["args"]["database"] == str(PLACE.database)
    assert config["listeners"][0]["port"] == 9123
    assert config["public_baseurl"] == "http://127.0.0.1:9123/"


def test_comments_of_the_example_are_kept() -> None:
    """Whoever opens var/homeserver.yaml reads the same explanations."""
    comments = [line for line in TEXT.splitlines() if line.startswith("#")]
    written = homeserver_yaml(TEXT, PLACE, 8008, 9205, CALLS)
    assert all(comment in written for comment in comments)


@pytest.mark.parametrize(
    "line",
    [
        "server_name: school.example",
        "  - port: 8008",
        "      livekit_service_url: https://rtc.school.example/livekit/jwt",
    ],
)
def test_a_changed_example_is_noticed(line: str) -> None:
    """A line to fill in that is missing or there twice stops the start instead of being ignored."""
    for changed in (TEXT.replace(line, "#", 1), TEXT.replace(line, f"{line}\n{line}", 1)):
        with pytest.raises(ExampleChanged, match="want one line"):
            homeserver_yaml(changed, PLACE, 8008, 9205, CALLS)


def test_a_changed_example_is_one_line_for_a_person(tmp_path: Path) -> None:
    """It says which line, and where one's own settings belong."""
    example = tmp_path / "homeserver.yaml.example"
    example.write_text(TEXT.replace("server_name: school.example", "server_name : x"), "utf-8")
    with pytest.raises(Trouble, match="line server_name") as found:
        write_configuration(Place(tmp_path), 8008, 8090, CALLS, example)
    assert "local.yaml" in found.value.sentence("ru")


def bridge_settings() -> dict[str, Any]:
    return loaded(bridge_yaml(BRIDGE_TEXT, PLACE, 9123, 9205, CALLS))


def test_only_this_machines_own_bridge_settings_differ_from_the_example() -> None:
    """The pages are tried out as they would be installed: addresses, paths, and numbers that nobody has."""
    theirs, ours = leaves(loaded(BRIDGE_TEXT)), leaves(bridge_settings())
    assert {name for name in ours if ours[name] != theirs.get(name)} == {
        "public_url",
        "listen_port",
        "metrics_port",
        "database",
        "keys_file",
        "homeserver_url",
        "server_name",
        "service_token_file",
        "appservice_file",
        "clients.homeserver_url",
        "clients.calls",
        "bot_store",
        "materials_folder",
        "limits.own_networks.0",
        "phones.also.0",
        "phones.also.1",
        "phones.also.2",
    }


def test_no_page_leads_to_calls_that_are_not_served() -> None:
    """Without npm there is no call page, so the onboarding pages have no link to it."""
    config = config_of(bridge_settings(), PLACE.root)
    assert config.clients.calls == CALLS.url
    without = loaded(bridge_yaml(BRIDGE_TEXT, PLACE, 9123, 9205, evolve(CALLS, pages=None)))
    assert config_of(without, PLACE.root).clients.calls == ""


def test_the_bridge_reads_what_was_written() -> None:
    """Paths with blanks, Cyrillic letters and backslashes arrive, and every phone of the sample gets its code."""
    config = config_of(bridge_settings(), PLACE.root)
    assert config.keys_file == PLACE.bridge_keys
    assert make_url(config.database).database == str(PLACE.bridge_database)
    assert config.sms["console"] is True
    for person in generate(SEED, 60).people:
        assert person.phone is None or config.phones.refusal(person.phone) is None


def media_settings() -> dict[str, Any]:
    return loaded(media_yaml(MEDIA_EXAMPLE.read_text("utf-8"), PLACE, 9123, 9124, CALLS))


def test_only_this_machines_own_settings_of_calls_differ_from_the_example() -> None:
    """Calls are tried out as they would be installed: addresses, ports and paths."""
    theirs = leaves(loaded(MEDIA_EXAMPLE.read_text("utf-8")))
    ours = leaves(media_settings())
    assert {name for name in ours if ours[name] != theirs.get(name)} == {
        "public_url",
        "listen_port",
        "metrics_port",
        "homeserver_url",
        "server_name",
        "client_url",
        "service_token_file",
        "keys_file",
        "udp_port",
        "tcp_port",
        "addresses.0",
        "addresses.1",
        "pages",
        "broadcasts.folder",
        "broadcasts.player",
        "broadcasts.sign_in_url",
        "drain_s",
    }


def test_the_calls_server_reads_what_was_written() -> None:
    """Paths arrive as they are, and browsers are offered the machine's own address first."""
    config = read_media(media_settings(), PLACE.root)
    assert config.keys_file == PLACE.media_keys
    assert config.pages == CALLS.pages
    assert config.broadcasts is not None
    assert (config.broadcasts.folder, config.broadcasts.player) == (PLACE.broadcasts, CALLS.player)
    assert config.broadcasts.sign_in_url == "http://127.0.0.1:9124"
    assert config.addresses == ("10.1.2.3", "127.0.0.1")
    assert config.sfu_url == "ws://127.0.0.1:9300/livekit/sfu"


def test_without_a_player_there_are_no_broadcasts() -> None:
    """Where npm is missing the calls server starts all the same, and the screen says why."""
    text = media_yaml(
        MEDIA_EXAMPLE.read_text("utf-8"), PLACE, 9123, 9124, evolve(CALLS, player=None)
    )
    config = read_media(loaded(text), PLACE.root)
    assert config.broadcasts is None
    assert config.forwarder == "auto"


def test_the_registration_names_both_accounts_of_the_module() -> None:
    """Synapse sends nothing to it, and the bot is all that it may sign in."""
    section = loaded(homeserver_yaml(TEXT, PLACE, 9123, 9205, CALLS))["modules"][0]["config"]
    written = loaded(registration("a" * 64, "b" * 64))
    assert written["sender_localpart"] == section["bridge_user"]
    assert written["url"] is None
    (namespace,) = written["namespaces"]["users"]
    assert re.fullmatch(namespace["regex"], f"@{section['staff_bot']}:school.localhost")
    assert not re.fullmatch(namespace["regex"], "@uabcdefgh:school.localhost")


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


def test_links_survive_the_file() -> None:
    """Links and the newcomer are read back; a file of an earlier version has none."""
    link = DemoLink("pupil", "/i/abc", "123456789", "2027-01-01T00:00:00+00:00")
    state = DemoState(
        300,
        accounts={"student": account()},
        links={"pupil": link},
        newcomer=Newcomer("Петров Пётр", "7А", "+75001000000"),
    )
    assert DemoState.from_json(state.to_json()) == state
    old = json.loads(state.to_json())
    del old["links"], old["newcomer"], old["accounts"][0]["phone"]
    assert DemoState.from_json(json.dumps(old)).links == {}


@pytest.mark.parametrize(("day", "good"), [(30, True), (31, False)])
def test_links_are_made_anew_when_the_first_is_over(day: int, good: bool) -> None:
    """Nothing is done to a school whose links still open something."""
    ends = ("2027-01-01T00:00:00+00:00", "2026-12-31T00:00:00+00:00")
    links = {end: DemoLink(end, "/i/abc", "", end) for end in ends}
    assert DemoState(300, links=links).are_links_good(datetime(2026, 12, day, tzinfo=UTC)) is good
    assert not DemoState(300).are_links_good(datetime(2026, 12, day, tzinfo=UTC))


def test_the_newcomer_is_of_the_class_and_has_a_phone() -> None:
    """In every sample school somebody of the demo class can be tried by phone, and it is not the demo pupil."""
    roster = generate(SEED, 300)
    pupil = choose(roster, TODAY)[3]
    found = newcomer_of(roster, pupil.class_name, but=pupil.source_id)
    assert found is not None
    assert found.class_name == pupil.class_name
    assert found.name != pupil.name
    assert newcomer_of(roster, "нет такого", but="") is None


@pytest.mark.parametrize("language", ["ru", "en"])
def test_links_stand_on_the_screen_with_their_code(language: Any) -> None:
    """A visitor sees the whole address and the code in threes."""
    links = {
        name: DemoLink(name, f"/i/{name}", "123456789" if name != "parent" else "", "")
        for name in screen.LINKS
    }
    state = DemoState(300, accounts={"student": account()}, links=links)
    text = "\n".join(screen.welcome(PLACE, 8008, PAGES, CALLS, state, "sferum", language))
    for name in links:
        assert f"{PAGES}/i/{name}" in text
    assert text.count("123 456 789") == 2


def test_requests_are_not_shown_on_the_screen() -> None:
    """Decisions and warnings are."""
    line = "2026-11-28 04:44:53,246 {} code requested"
    assert screen.is_worth_showing(line.format("INFO bridge.onboarding"))
    assert screen.is_worth_showing(line.format("WARNING bridge.requests"))
    assert not screen.is_worth_showing(line.format("INFO bridge.requests"))


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
    lines = list(screen.welcome(PLACE, 8008, PAGES, CALLS, state, "sferum", language))
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
    assert (options.pages_port, options.calls_port) == (8090, 8100)
    assert not options.once


def test_another_port_moves_both() -> None:
    """Two schools on one machine need one option each; the pages' own option wins."""
    assert parse(["--port", "8009"], "ru").pages_port == 8091
    assert parse(["--port", "8009"], "ru").calls_port == 8101
    assert parse(["--port", "8009", "--pages-port", "9000"], "ru").pages_port == 9000


@pytest.mark.parametrize(
    "argv",
    [
        ["--port", "80"],
        ["--port", "x"],
        ["--pages-port", "80"],
        ["--calls-port", "80"],
        ["--pupils", "1"],
        ["--bogus"],
        ["--lang", "de"],
    ],
)
def test_wrong_usage_is_exit_code_two(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong option is told in a line with the range, not in a traceback."""
    with pytest.raises(SystemExit) as stopped:
        parse(argv, "en")
    assert stopped.value.code == 2
    assert "sferum run: error" in capsys.readouterr().err
