"""`sferum doctor`'s pure checks: a table of values and what is found in each."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from provisioning.doctor_finding import Finding, Level, worst
from provisioning.doctor_machine import (
    DatabaseFacts,
    DiskFacts,
    FileFacts,
    check_database,
    check_disk,
    check_files,
)
from provisioning.doctor_probe import EXAMPLE, read_yaml
from provisioning.doctor_rules import HARMLESS, RULES
from provisioning.doctor_server import (
    PublicFacts,
    ServerFacts,
    check_public,
    check_server,
    check_versions,
)
from provisioning.doctor_settings import check_settings, client_ports, is_trial, value_of
from provisioning.doctor_texts import TEXTS, remedy, report, sentence

EXAMPLE_SETTINGS = dict(read_yaml(EXAMPLE))
REMOVED = object()
ERROR, WARNING = Level.ERROR, Level.WARNING


def settings(**changes: Any) -> dict[str, Any]:
    """A school's good settings with changes: `a__b=value` is the setting a.b; REMOVED deletes the line."""
    found: dict[str, Any] = copy.deepcopy(EXAMPLE_SETTINGS) | {
        "server_name": "school86.ru",
        "public_baseurl": "https://matrix.school86.ru/",
        "matrix_rtc": {"transports": []},
        "extra_well_known_client_content": {},
        "database": {"name": "psycopg2", "args": {"dbname": "synapse"}},
    }
    for name, value in changes.items():
        *path, last = name.split("__")
        place = found
        for part in path:
            place = place.setdefault(part, {})
        if value is REMOVED:
            del place[last]
        else:
            place[last] = value
    return found


def found_in(changed: dict[str, Any], *, trial: bool = False) -> set[tuple[str, str, Level]]:
    findings = check_settings(changed, EXAMPLE_SETTINGS, trial=trial)
    return {(finding.code, finding.subject, finding.level) for finding in findings}


def listener(*names: str, port: int = 8008, **rest: Any) -> dict[str, Any]:
    """One of loopback, with changes; REMOVED deletes a line."""
    made = {
        "port": port,
        "type": "http",
        "bind_addresses": ["127.0.0.1"],
        "resources": [{"names": list(names)}],
    }
    return {name: value for name, value in (made | rest).items() if value is not REMOVED}


def test_the_example_filled_in_is_good() -> None:
    """A school that changed only the lines marked CHANGE, and took PostgreSQL, hears nothing."""
    (finding,) = check_settings(settings(), EXAMPLE_SETTINGS, trial=False)
    assert (finding.code, finding.level) == ("settings_good", Level.OK)


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("enable_registration", True, ERROR),
        ("allow_guest_access", True, ERROR),
        ("federation_domain_whitelist", REMOVED, ERROR),
        ("federation_domain_whitelist", None, ERROR),
        ("allow_public_rooms_over_federation", True, ERROR),
        ("require_auth_for_profile_requests", REMOVED, ERROR),
        ("enable_3pid_changes", REMOVED, ERROR),
        ("account_threepid_delegates", {"msisdn": "http://x"}, ERROR),
        ("trusted_key_servers", REMOVED, WARNING),
        ("enable_authenticated_media", False, ERROR),
        ("default_room_version", "11", ERROR),
        ("push.include_content", True, ERROR),
        ("push.include_content", REMOVED, ERROR),
        ("password_config.policy.minimum_length", 4, WARNING),
        ("alias_creation_rules", [{"action": "allow"}], WARNING),
        ("alias_creation_rules", REMOVED, WARNING),
        ("room_list_publication_rules", [{"action": "allow"}], WARNING),
        ("encryption_enabled_by_default_for_room_type", "all", WARNING),
        ("email", {"smtp_host": "x"}, WARNING),
        ("app_service_config_files", ["x.yaml"], WARNING),
    ],
)
def test_a_dangerous_setting_is_found(name: str, value: Any, level: Level) -> None:
    """A value, or a deleted line that Synapse's own default stands for, is judged by the rule of its name."""
    code = "setting_missing" if value is REMOVED else "setting_dangerous"
    changed = settings(**{name.replace(".", "__"): value})
    assert found_in(changed) == {(code, name, level)}


def test_the_bridges_application_service_belongs_here() -> None:
    """One file while the module names the bridge's account is as it should be; a second one is somebody else's."""
    changed = settings(app_service_config_files=["bridge.yaml"])
    changed["modules"][0]["config"] |= {"bridge_user": "sferum-bridge", "staff_bot": "sferum-bot"}
    assert {code for code, _, _ in found_in(changed)} == {"settings_good"}
    changed["app_service_config_files"] = ["bridge.yaml", "other.yaml"]
    found = ("setting_dangerous", "app_service_config_files", WARNING)
    assert found_in(changed) == {found}


@pytest.mark.parametrize(
    ("changes", "code", "subject", "level"),
    [
        ({"no_such_setting": 1}, "setting_unknown", "no_such_setting", WARNING),
        ({"push__no_such": True}, "setting_unknown", "push.no_such", WARNING),
        (
            {"experimental_features__msc9999_enabled": True},
            "setting_unknown",
            "experimental_features.msc9999_enabled",
            WARNING,
        ),
        ({"modules": []}, "module_missing", "", ERROR),
        ({"modules": REMOVED}, "module_missing", "", ERROR),
        ({"listeners": []}, "no_client_listener", "", ERROR),
        ({"public_baseurl": REMOVED}, "no_public_baseurl", "", WARNING),
        ({"public_baseurl": "http://school.ru/"}, "plain_http", "http://school.ru/", ERROR),
        ({"public_baseurl": "https://school.example/"}, "placeholder", "public_baseurl", WARNING),
        (
            {"registration_shared_secret": "x"},
            "shared_secret",
            "registration_shared_secret",
            WARNING,
        ),
        ({"database": {"name": "sqlite3"}}, "sqlite", "database", WARNING),
        (
            {"federation_domain_whitelist": ["school2.ru"]},
            "sends_to_nobody",
            "federation_sender_instances",
            WARNING,
        ),
    ],
)
def test_other_dangers_are_found(
    changes: dict[str, Any], code: str, subject: str, level: Level
) -> None:
    """One change of the good file, and exactly what is said about it."""
    assert found_in(settings(**changes)) == {(code, subject, level)}


ANYWHERE: dict[str, Any] = {"bind_addresses": ["::"]}


@pytest.mark.parametrize(
    ("listeners", "code", "subject", "level"),
    [
        ([listener("client", "federation")], "federation_listener", "8008", ERROR),
        ([listener("client", **ANYWHERE)], "open_listener", "8008", WARNING),
        ([listener("client", bind_addresses=REMOVED)], "open_listener", "8008", WARNING),
        (
            [listener("client"), listener("replication", port=9093, **ANYWHERE)],
            "internal_listener",
            "9093",
            ERROR,
        ),
        (
            [listener("client"), {"port": 9000, "type": "metrics"}],
            "internal_listener",
            "9000",
            ERROR,
        ),
    ],
)
def test_an_open_port_is_found(
    listeners: list[dict[str, Any]], code: str, subject: str, level: Level
) -> None:
    """A port without addresses is open to everybody: that is Synapse's default."""
    assert found_in(settings(listeners=listeners)) == {(code, subject, level)}


@pytest.mark.parametrize(
    "changes",
    [
        {
            "federation_domain_whitelist": ["school2.ru"],
            "federation_sender_instances": REMOVED,
            "listeners": [listener("client", "federation")],
        },
        {"listeners": [listener("client"), listener("replication", port=9093)]},
        {"listeners": [listener("client"), {"path": "/run/x.sock", "type": "http", "resources": []}]},
        {"redis": {"enabled": True}, "instance_map": {}, "worker_replication_secret_path": "/x"},
        {"turn_uris": ["turn:x"], "macaroon_secret_key": "x"},
        {"encryption_enabled_by_default_for_room_type": False},
    ],
)  # fmt: skip
def test_what_a_school_may_need_is_not_complained_about(changes: dict[str, Any]) -> None:
    """A district, workers, TURN and secrets are ordinary."""
    assert found_in(settings(**changes)) == {("settings_good", "", Level.OK)}


def test_a_worker_is_examined_with_its_own_file() -> None:
    """Its ports are judged too, and it is the one that is asked."""
    worker = {"worker_app": "synapse.app.generic_worker", "worker_name": "w1"}
    inside = settings(**worker, worker_listeners=[listener("client", port=8083)])
    assert client_ports(inside) == [8083, 8008]
    assert found_in(inside) == {("settings_good", "", Level.OK)}
    outside = settings(**worker, worker_listeners=[listener("client", port=8083, **ANYWHERE)])
    assert found_in(outside) == {("open_listener", "8083", WARNING)}


def test_a_misspelt_module_option_is_an_error() -> None:
    """Synapse would not start with it."""
    changed = settings()
    changed["modules"][0]["config"]["aply_rate"] = 5
    assert found_in(changed) == {("module_option_unknown", "aply_rate", Level.ERROR)}


def test_another_module_is_named() -> None:
    """Callbacks of several modules are asked in turn, so a second one is worth a look."""
    changed = settings()
    changed["modules"].append({"module": "other.Module"})
    assert found_in(changed) == {("other_module", "other.Module", Level.WARNING)}


def test_a_trial_run_may_be_a_trial_run() -> None:
    """SQLite, the registration secret and example addresses are fine in `sferum run`'s folder only."""
    changed = settings(
        server_name="school.localhost",
        public_baseurl="http://127.0.0.1:8008/",
        registration_shared_secret_path="/x",
        database={"name": "sqlite3", "args": {}},
        matrix_rtc=EXAMPLE_SETTINGS["matrix_rtc"],
    )
    assert is_trial(changed)
    assert not is_trial(settings())
    assert found_in(changed, trial=True) == {("settings_good", "", Level.OK)}


def test_every_rule_is_kept_by_the_example() -> None:
    """The example itself is safe, and no rule is about a setting it leaves to chance."""
    for rule in RULES:
        value = value_of(EXAMPLE_SETTINGS, rule.name, REMOVED)
        assert rule.is_safe(rule.default if value is REMOVED else value), rule.name


def test_the_words_of_the_tables_do_not_overlap() -> None:
    """A setting is either in the example, harmless, or under a rule; none is harmless and shown at once."""
    assert not HARMLESS & EXAMPLE_SETTINGS.keys()
    assert not HARMLESS & {rule.name for rule in RULES}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"listeners": "x"},
        {"modules": "x"},
        {"modules": [1]},
        {"database": 1},
        {"listeners": [1]},
    ],
)
def test_malformed_settings_do_not_stop_the_doctor(changed: dict[str, Any]) -> None:
    """A patient in any state is examined."""
    assert worst(check_settings(changed, EXAMPLE_SETTINGS, trial=False)) is Level.ERROR


HEALTH = {
    "version": "0.1.0",
    "schema": {"found": 1, "wanted": 1},
    "guard": {"client": True, "federation": True},
    "time_ms": 1_000_000,
}
PROGRESS = {"held": "", "lag_s": 0.0, "jobs": {"dead": 0}}


def server(status: int = 200, **changes: Any) -> list[Finding]:
    facts = {
        "url": "http://127.0.0.1:8008",
        "status": status,
        "health": HEALTH | changes.pop("health", {}),
        "local_ms": 1_000_000,
        "progress": {"school86": PROGRESS | changes.pop("progress", {})},
        "module_version": "0.1.0",
    }
    return check_server(ServerFacts(**{**facts, **changes}))


def bad(findings: list[Finding]) -> list[tuple[str, Level]]:
    return [(f.code, f.level) for f in findings if f.level is not Level.OK]


def test_a_well_server_is_well() -> None:
    """Module, guard, rooms and clock each give one good line."""
    assert [finding.code for finding in server()] == [
        "module_runs",
        "guard_on",
        "rooms_in_time",
        "clock_good",
    ]


@pytest.mark.parametrize(
    ("status", "code"),
    [(0, "server_silent"), (-1, "server_silent"), (401, "token_refused"), (403, "token_refused"),
     (404, "module_absent"), (500, "server_failing"), (502, "server_failing")],
)  # fmt: skip
def test_a_server_that_does_not_answer_is_one_finding(status: int, code: str) -> None:
    """Nothing else is said about a server that said nothing."""
    assert [(f.code, f.level) for f in server(status)] == [(code, Level.ERROR)]


@pytest.mark.parametrize(
    ("changes", "code", "level"),
    [
        ({"health": {"schema": {"found": 0, "wanted": 1}}}, "schema_behind", Level.ERROR),
        ({"health": {"schema": None}}, "schema_behind", Level.ERROR),
        ({"module_version": "0.2.0"}, "module_not_restarted", Level.WARNING),
        ({"health": {"guard": {"client": True, "federation": False}}}, "guard_off", Level.ERROR),
        ({"health": {"guard": None}}, "guard_off", Level.ERROR),
        ({"progress": {"held": "removals"}}, "held", Level.WARNING),
        ({"progress": {"lag_s": 61.0}}, "rooms_late", Level.WARNING),
        ({"progress": {"lag_s": 601.0}}, "rooms_late", Level.ERROR),
        ({"progress": {"jobs": {"dead": 2}}}, "dead_jobs", Level.WARNING),
        ({"local_ms": 1_006_000}, "clock_off", Level.WARNING),
        ({"local_ms": 930_000}, "clock_off", Level.ERROR),
        ({"health": {"time_ms": None}}, "clock_unknown", Level.WARNING),
    ],
)  # fmt: skip
def test_an_ill_server_is_diagnosed(changes: dict[str, Any], code: str, level: Level) -> None:
    """One symptom, one finding."""
    assert bad(server(**changes)) == [(code, level)]


def test_a_server_without_a_school_says_how_to_make_one() -> None:
    """A fresh installation is not broken, only empty."""
    facts = ServerFacts(url="x", status=200, health=HEALTH, local_ms=1_000_000)
    assert bad(check_server(facts)) == [("no_school", Level.WARNING)]


@pytest.mark.parametrize(
    ("facts", "federates", "codes"),
    [
        ({"versions": 200, "admin": 404, "federation": 404}, False, ["public_good"]),
        ({"versions": 200, "admin": 403, "federation": 404}, False, ["public_good"]),
        ({"versions": 200, "admin": 401, "admin_errcode": "M_MISSING_TOKEN"}, False, ["admin_reachable"]),
        ({"versions": 200, "admin": 200}, False, ["admin_reachable"]),
        ({"versions": 200, "admin": 404, "federation": 200}, False, ["federation_reachable"]),
        ({"versions": 200, "admin": 404, "federation": 200}, True, ["public_good"]),
        ({"versions": 0}, False, ["public_silent"]),
    ],
)  # fmt: skip
def test_what_strangers_reach(facts: dict[str, Any], federates: bool, codes: list[str]) -> None:
    """The admin API must not be there; federation only in a district."""
    found = check_public(PublicFacts(url="https://x/", **facts), federates=federates)
    assert [finding.code for finding in found] == codes


@pytest.mark.parametrize(
    ("python", "synapse", "codes"),
    [
        ((3, 11), "1.163.2", ["versions_good"]),
        ((3, 13), "", ["versions_good"]),
        ((3, 10), "1.163.2", ["python_old"]),
        ((3, 11), "1.164.0", ["synapse_version"]),
        ((3, 11), "1.16.3", ["synapse_version"]),
    ],
)
def test_versions(python: tuple[int, int], synapse: str, codes: list[str]) -> None:
    """The guard was verified on one Synapse only."""
    assert [finding.code for finding in check_versions(python, synapse)] == codes


def secret(mode: int | None, length: int | None = None) -> FileFacts:
    return FileFacts(path="/x/key", setting="signing_key_path", mode=mode, length=length)


@pytest.mark.parametrize(
    ("file", "code", "level"),
    [
        (secret(0o100600), "files_good", Level.OK),
        (secret(0o100640), "files_good", Level.OK),
        (secret(0o100600, 64), "files_good", Level.OK),
        (secret(0o100644), "file_readable", Level.ERROR),
        (secret(0o100660), "file_group_writable", Level.WARNING),
        (secret(None), "file_missing", Level.ERROR),
        (secret(0o100600, 8), "token_short", Level.ERROR),
    ],
)
def test_secrets_belong_to_the_server(file: FileFacts, code: str, level: Level) -> None:
    """Debian's group may read; everybody may not."""
    assert [(f.code, f.level) for f in check_files([file])] == [(code, level)]


@pytest.mark.parametrize(
    ("free_b", "code"),
    [(10**8, "disk_full"), (5 * 10**9, "disk_filling"), (5 * 10**10, "disk_good")],
)
def test_the_disk(free_b: int, code: str) -> None:
    """A warning comes weeks before the server stops."""
    assert check_disk(DiskFacts(path="/x", free_b=free_b, total_b=10**12)).code == code


@pytest.mark.parametrize(
    ("problem", "code"),
    [("", "database_good"), (None, "database_not_tried"), ("OperationalError", "database_silent")],
)
def test_the_database(problem: str | None, code: str) -> None:
    """Answered, could not be tried, or did not answer."""
    assert check_database(DatabaseFacts(kind="psycopg2", problem=problem)).code == code


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_texts_ask_for_the_same_figures_in_both_languages(code: str) -> None:
    """A figure that only one language fills in would break the other's line."""
    text = TEXTS[code]
    names = [set(re.findall(r"(?<!{){(\w+)}", part)) for part in text]
    assert names[0] == names[1]
    assert bool(text.do_ru) == bool(text.do_en)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_finding_can_be_told(language: Any) -> None:
    """All findings of a very ill patient print with what to do, the worst last."""
    findings = [
        *check_settings({"email": {}, "x": 1}, EXAMPLE_SETTINGS, trial=False),
        *server(progress={"held": "x"}, health={"guard": None, "schema": None, "time_ms": 0}),
        *check_public(PublicFacts(url="https://x/", versions=200, admin=200), federates=False),
        *check_files([secret(0o100644), secret(None), secret(0o100600, 3)]),
        check_disk(DiskFacts(path="/x", free_b=1, total_b=10)),
        check_database(DatabaseFacts(kind="psycopg2", problem="OperationalError")),
    ]
    lines = list(report(findings, language))
    marks = [line[0] for line in lines if not line.startswith(" ")]
    assert marks == sorted(marks, key="✔!✘".index)
    for finding in findings:
        assert sentence(finding, language)
        assert bool(remedy(finding, language)) == (finding.level is not Level.OK)
