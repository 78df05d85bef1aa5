"""`sferum run` for real: first and second start, what the demo people find, stopping, and what is in the way."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import define, field, frozen

from provisioning.roster import EnrolmentRole, Role, Roster
from provisioning.run import SEED
from provisioning.run.options import PUPILS
from provisioning.sample import generate
from tests.support import accounts, personal
from tests.support.accounts import Account
from tests.support.client import Client, MatrixError, checked
from tests.support.http import Api
from tests.support.polling import until
from tests.support.process import free_port, listens

pytestmark = pytest.mark.integration

API = "/_synapse/client/sferum/v1"
ROLES = ("director", "deputy", "homeroom_teacher", "student", "guardian")
#: Who may write where (R22, R23, R26, R27); everybody listed there may read.
WRITERS: Mapping[str, frozenset[str]] = {
    "announcements": frozenset({"director", "deputy"}),
    "staff": frozenset({"director", "deputy", "homeroom_teacher"}),
    "administration": frozenset({"director", "deputy"}),
    "materials": frozenset({"director", "deputy", "homeroom_teacher"}),
    "class": frozenset({"homeroom_teacher", "student"}),
    "class_parents": frozenset({"homeroom_teacher", "guardian"}),
}
SECRETS = (
    "secrets.yaml",
    "service.token",
    "signing.key",
    "registration.secret",
    "demo.json",
    "appservice.yaml",
    "bridge.keys",
    "media.keys",
)
Connect = Callable[[str, Account], Client]


@define(eq=False)
class Runner:
    """One `sferum run`, started as from a fresh clone: no environment at all, another working folder."""

    root: Path
    port: int
    output: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = None
    pages_port: int = field(factory=free_port)
    calls_port: int = field(factory=free_port)

    def __attrs_post_init__(self) -> None:
        self.output = self.root.with_suffix(".out")

    def start(self, *options: str) -> None:
        command = [sys.executable, "-m", "provisioning", "run", "--lang", "en"]
        command += ["--var", str(self.root), "--port", str(self.port)]
        command += ["--pages-port", str(self.pages_port), "--calls-port", str(self.calls_port)]
        command += options
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=self.root.parent, env={}, stdout=output, stderr=subprocess.STDOUT
            )

    def run_once(self, *options: str) -> int:
        """Start with `--once` and wait for the end; the exit code."""
        self.start("--once", *options)
        assert self.process is not None
        return self.process.wait(180)

    def until_ready(self) -> None:
        def ready() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.text()
            return "Ctrl-C stops it" in self.text()

        until(ready, what="sferum run", deadline_s=180)

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Ask it to end; the exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(90)

    def text(self) -> str:
        return self.output.read_text("utf-8")

    @property
    def synapse(self) -> int:
        """Process id of its Synapse."""
        return int((self.root / "synapse.pid").read_text())

    @property
    def bridge(self) -> int:
        """Process id of its bridge."""
        return int((self.root / "bridge.pid").read_text())


def alive(pid: int) -> bool:
    """Whether the process runs; a dead one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def figures(root: Path) -> dict[str, Any]:
    """What a start may not change: events, school tables, accounts and secrets."""
    with closing(sqlite3.connect(root / "homeserver.db")) as database:
        counts = {
            what: database.execute(f"SELECT {what}").fetchone()
            for what in (
                "max(stream_ordering), count(*) FROM events",
                "max(revision) FROM sferum_orgs",
                "count(*) FROM sferum_audit",
                "count(*) FROM users",
                "count(*) FROM devices",
            )
        }
    with closing(sqlite3.connect(root / "bridge.db")) as database:
        for table in ("contact", "invite", "listed_contact", "audit", "steps", "card"):
            counts[table] = database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 (our names)
    return counts | {name: (root / name).read_bytes() for name in SECRETS}


@frozen
class Browser:
    """A visitor of the pages, without a screen."""

    http: httpx.Client

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path)

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Fill in the form of the page at `path`; redirects are followed."""
        hidden = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get(path).text)
        assert hidden is not None, path
        return self.http.post(path, data={"csrf": hidden[1], **fields})

    def sign_in(self, login: str, password: str) -> bool:
        answer = self.post("/signin", login=login, password=password)
        return answer.status_code == 200 and answer.url.path == "/me"


@frozen
class School:
    """A served sample school, and what the two starts before it left."""

    runner: Runner
    api: Api
    first: dict[str, Any]
    second: dict[str, Any]
    first_text: str
    seconds: tuple[float, float]

    @property
    def token(self) -> str:
        return (self.runner.root / "service.token").read_text().strip()

    def demo(self, role: str) -> dict[str, Any]:
        rows = json.loads((self.runner.root / "demo.json").read_text("utf-8"))["accounts"]
        found: dict[str, Any] = next(row for row in rows if row["role"] == role)
        return found

    @property
    def links(self) -> dict[str, dict[str, Any]]:
        """Name → what demo.json has of the link."""
        rows = json.loads((self.runner.root / "demo.json").read_text("utf-8"))["links"]
        return {row["name"]: row for row in rows}

    def sign_in(self, role: str) -> Account:
        """With the user id and password of the table, as a visitor does."""
        demo = self.demo(role)
        return accounts.login(self.api, demo["user_id"], demo["password"])

    def call(self, path: str) -> Any:
        return self.api.call("GET", f"{API}/orgs/school{path}", self.token)

    def class_names(self) -> dict[str, str]:
        """Class id → name."""
        return {row["class_id"]: row["name"] for row in self.call("/classes")["classes"]}

    def room_ids(self) -> dict[tuple[str, str], str]:
        """(kind, class name) → room id, of every managed room."""
        names = self.class_names()
        rooms = self.call("/rooms")["rooms"]
        return {(room["kind"], names.get(room["ref"], "")): room["room_id"] for room in rooms}


@pytest.fixture
def browser(school: School) -> Iterator[Browser]:
    url = f"http://127.0.0.1:{school.runner.pages_port}"
    with httpx.Client(base_url=url, follow_redirects=True, trust_env=False) as http:
        yield Browser(http)


@pytest.fixture(scope="module")
def roster() -> Roster:
    return generate(SEED, PUPILS)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """First start, second start, then a third that stays up for the tests."""
    runner = Runner(tmp_path_factory.mktemp("run") / "var", free_port())
    found, texts, seconds = [], [], []
    for _ in range(2):
        began = time.monotonic()  # noqa: TID251 - the second start has a time limit
        code = runner.run_once()
        seconds.append(time.monotonic() - began)  # noqa: TID251 - as above
        assert code == 0, runner.text()
        found.append(figures(runner.root))
        texts.append(runner.text())
    runner.start()
    api = Api(f"http://127.0.0.1:{runner.port}")
    try:
        runner.until_ready()
        yield School(runner, api, found[0], found[1], texts[0], (seconds[0], seconds[1]))
    finally:
        api.close()
        assert runner.process is not None
        if runner.process.poll() is None:
            runner.stop()


def rooms_by_the_rules(roster: Roster, source_id: str) -> set[tuple[str, str]]:
    """R21-R26 read aloud, without the module: (kind, class name) of every room this person belongs in."""
    roles = next(person.roles for person in roster.people if person.source_id == source_id)
    names = {c.source_id: c.name for c in roster.classes}
    rooms = {("school", ""), ("announcements", ""), ("materials", "")}
    if roles & {Role.DIRECTOR, Role.DEPUTY, Role.ADMINISTRATOR, Role.TEACHER}:
        rooms.add(("staff", ""))
    if roles & {Role.DIRECTOR, Role.DEPUTY, Role.ADMINISTRATOR}:
        rooms.add(("administration", ""))
    children = {link.student_id for link in roster.guardianships if link.guardian_id == source_id}
    for enrolment in roster.enrolments:
        name = names[enrolment.class_id]
        if enrolment.person_id == source_id and enrolment.role is EnrolmentRole.STUDENT:
            rooms.add(("class", name))
        if enrolment.person_id == source_id and enrolment.role is EnrolmentRole.HOMEROOM_TEACHER:
            rooms |= {("class", name), ("class_parents", name)}
        if enrolment.person_id in children and enrolment.role is EnrolmentRole.STUDENT:
            rooms.add(("class_parents", name))
    return rooms


def test_the_first_start_shows_what_a_visitor_needs(school: School) -> None:
    """Address, log, and for each of the five roles a user id with its password are on the screen."""
    text = school.first_text
    assert f"http://127.0.0.1:{school.runner.port}" in text
    assert str(school.runner.root / "logs" / "homeserver.log") in text
    for role in ROLES:
        demo = school.demo(role)
        assert f"{demo['user_id']}  {demo['password']}" in text


def test_the_pages_and_links_for_newcomers_are_shown(school: School) -> None:
    """Their address, and a link with its code for a pupil of the demo class, a parent, and anybody."""
    text = school.first_text
    url = f"http://127.0.0.1:{school.runner.pages_port}"
    assert url in text
    assert set(school.links) == {"pupil", "parent", "school"}
    for link in school.links.values():
        assert f"{url}{link['path']}" in text
        code = link["code"]
        assert (f"code {code[:3]} {code[3:6]} {code[6:]}" in text) is bool(code)


def test_calls_are_served_and_synapse_says_where(school: School) -> None:
    """A pupil's client learns the address of calls from Synapse, and gets a token for the call of its class."""
    pupil = school.demo("student")
    me = accounts.login(school.api, pupil["user_id"], pupil["password"])
    found = school.api.call(
        "GET", "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports", me.access_token
    )
    (transport,) = found["rtc_transports"]
    url = f"http://127.0.0.1:{school.runner.calls_port}"
    assert transport["livekit_service_url"] == f"{url}/livekit/jwt"
    path = f"/_matrix/client/v3/user/{me.user_id}/openid/request_token"
    token = school.api.call("POST", path, me.access_token, {})
    rooms = school.api.call("GET", "/_matrix/client/v3/joined_rooms", me.access_token)
    calls = Api(url)
    try:
        answers = [
            calls.request(
                "POST",
                "/livekit/jwt/sfu/get",
                json={"room": room, "openid_token": token, "device_id": me.device_id},
            )
            for room in [*rooms["joined_rooms"], "!nobodys"]
        ]
    finally:
        calls.close()
    *own, nobodys = [answer.status for answer in answers]
    assert 200 in own
    assert nobodys == 403


@pytest.mark.parametrize("role", ROLES)
def test_each_role_signs_in_on_the_pages(school: School, browser: Browser, role: str) -> None:
    """With the id and, where the list has one, with the phone; a wrong password opens nothing."""
    demo = school.demo(role)
    assert not browser.sign_in(demo["user_id"], "wrong-password")
    for login in filter(None, (demo["phone"], demo["user_id"])):
        browser.http.cookies.clear()
        assert browser.sign_in(login, demo["password"]), login


@pytest.mark.parametrize("role", ["director", "deputy", "homeroom_teacher", "guardian"])
def test_a_demo_phone_signs_in_to_any_client(school: School, role: str) -> None:
    """The contact is bound through the bridge, so Synapse knows it, typed the way people type."""
    demo = school.demo(role)
    typed = (
        f"8 ({demo['phone'][2:5]}) {demo['phone'][5:8]}-{demo['phone'][8:10]}-{demo['phone'][10:]}"
    )
    account = accounts.login(school.api, typed, demo["password"])
    assert account.user_id == demo["user_id"]


def test_a_newcomer_of_the_list_is_in_after_two_forms(school: School, browser: Browser) -> None:
    """The link and the phone on the screen, the code from the screen, a password: in, in any client too, by phone."""
    demo = json.loads((school.runner.root / "demo.json").read_text("utf-8"))
    phone = demo["newcomer"]["phone"]
    assert phone in school.first_text
    before = len(school.runner.text())
    link = school.links["pupil"]["path"]
    waits = browser.post(link, do="contact", phone=phone)
    shown = until(lambda: re.search(r"#(\d{6})\b", school.runner.text()[before:]), what="the code")
    password = "Klasse-7-Fruehling"
    answer = browser.post(waits.url.path, code=shown[1], password=password)
    assert answer.url.path == "/welcome"
    account = accounts.login(school.api, phone, password)
    found = school.api.call("GET", f"{API}/accounts/{account.user_id}", school.token)
    (person,) = found["persons"]
    assert f"{person['family_name']} {person['given_name']}" == demo["newcomer"]["name"]


def test_a_code_appears_on_the_screen_and_nowhere_else(school: School, browser: Browser) -> None:
    """Whoever forgot the password reads the code on the terminal, types it, and is in."""
    demo = school.demo("deputy")
    before = len(school.runner.text())
    waits = browser.post("/signin/code", contact=demo["phone"])
    assert waits.status_code == 200
    shown = until(lambda: re.search(r"#(\d{6})\b", school.runner.text()[before:]), what="the code")
    answer = browser.post(waits.url.path, code=shown[1])
    assert answer.url.path.startswith("/me")
    for path in school.runner.root.rglob("*"):
        if path.is_file() and path.suffix in {".log", ".db", ".json", ".yaml"}:
            assert shown[1].encode() not in path.read_bytes(), path


def test_the_whole_log_holds_nobodys_data(school: School, roster: Roster) -> None:
    """After a first start, set-up, second start and visits: no name, phone, e-mail, password, token, link or code."""
    root = school.runner.root
    demo = json.loads((root / "demo.json").read_text("utf-8"))
    tokens = [(root / name).read_text().strip() for name in ("service.token", "bridge.keys")]
    registration = json.loads((root / "appservice.yaml").read_text())
    secrets = [
        *tokens,
        registration["as_token"],
        registration["hs_token"],
        *(row["password"] for row in demo["accounts"]),
        *(row["code"] for row in demo["links"]),
        *(row["path"] for row in demo["links"]),
        *{f"{one.family_name} {one.given_name}" for one in roster.people},
    ]
    logs = list((root / "logs").iterdir())
    assert {log.name for log in logs} >= {"homeserver.log", "brief.log", "bridge.log"}
    assert [leak for log in logs for leak in personal.leaks_in_file(log, secrets)] == []


def test_the_sample_school_is_there_whole(school: School, roster: Roster) -> None:
    """At least 300 people and every class with a pupil are in the directory."""
    assert school.call("/people?limit=1")["total"] == len(roster.people) >= 300
    assert set(school.class_names().values()) == {c.name for c in roster.classes}


def test_a_second_start_changes_nothing(school: School, roster: Roster) -> None:
    """No event, no revision, no log entry, no account and no secret is new; the roster's plan is empty."""
    assert school.second == school.first
    plan = school.api.call(
        "POST", f"{API}/orgs/school/roster/plan", school.token, {"roster": roster.to_wire()}
    )
    assert not any(plan["counts"].values())
    assert plan["changes"] == []


def test_sample_writes_the_lists_of_this_very_school(school: School) -> None:
    """What the screen proposes works: the files of `sferum sample` change nothing until somebody changes a line."""
    lists = school.runner.root / "lists"
    sferum = [sys.executable, "-m", "provisioning"]
    subprocess.run([*sferum, "sample", str(lists)], env={}, check=True, stdout=subprocess.DEVNULL)
    options = ["--org", "school", "--url", school.api.base_url, "--lang", "en"]
    options += ["--token-file", str(school.runner.root / "service.token")]
    files = [str(path) for path in sorted(lists.glob("*.csv"))]
    plan = subprocess.run(
        [*sferum, "roster", "plan", *files, *options], env={}, check=True, capture_output=True
    )
    assert "Nothing will change." in plan.stdout.decode()


def test_a_second_start_is_fast(school: School) -> None:
    """It takes less than ten seconds, stopping included."""
    assert school.seconds[1] < 10


def test_secrets_are_their_owners_only(school: School) -> None:
    """Nobody else on the machine reads a key, a token, a password or the database."""
    root = school.runner.root
    assert root.stat().st_mode & 0o077 == 0
    for name in (*SECRETS, "bridge.db"):
        assert (root / name).stat().st_mode & 0o777 == 0o600, name


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_finds_exactly_its_rooms(
    school: School, roster: Roster, client: Connect, role: str
) -> None:
    """A real client is in the rooms that R21-R26 give, in no other, and all of them are under the school's space."""
    visitor = client(school.api.base_url, school.sign_in(role))
    joined = set((await visitor.sync()).rooms.join)
    names = school.class_names()
    found = {}
    for room_id in joined:
        answer = await checked(visitor.nio.room_get_state_event(room_id, "org.sferum.room"))
        mark = answer.content
        found[mark["kind"], names.get(mark["ref"], "")] = room_id
    assert set(found) == rooms_by_the_rules(roster, school.demo(role)["source_id"])
    space = found["school", ""]
    hierarchy = school.api.call(
        "GET", f"/_matrix/client/v1/rooms/{space}/hierarchy", visitor.account.access_token
    )
    assert {room["room_id"] for room in hierarchy["rooms"]} == joined


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_writes_where_it_may_and_nowhere_else(
    school: School, roster: Roster, client: Connect, role: str
) -> None:
    """Of all managed rooms of the school a role writes to its own, as R22-R26 say; the others refuse."""
    visitor = client(school.api.base_url, school.sign_in(role))
    mine = rooms_by_the_rules(roster, school.demo(role)["source_id"])
    class_name = school.demo("student")["class_name"]
    for (kind, name), room_id in school.room_ids().items():
        if kind == "school" or name not in {"", class_name, "1А"}:
            continue  # one's own class and another are enough; each message costs a tenth of a second
        allowed = (kind, name) in mine and role in WRITERS[kind]
        if allowed:
            await visitor.send(room_id, f"{role} в {kind}")
        else:
            with pytest.raises(MatrixError, match="M_FORBIDDEN"):
                await visitor.send(room_id, "нельзя")


async def test_an_announcement_reaches_the_pupil(school: School, client: Connect) -> None:
    """What the director writes to the channel, the pupil reads (R26)."""
    director = client(school.api.base_url, school.sign_in("director"))
    pupil = client(school.api.base_url, school.sign_in("student"))
    room_id = school.room_ids()["announcements", ""]
    await pupil.sync()
    await director.send(room_id, "Завтра первый урок в 9:00")
    await pupil.until_message(room_id, "Завтра первый урок в 9:00")


async def test_a_required_member_cannot_leave(school: School, client: Connect) -> None:
    """The pupil is told that membership comes from the school list (R25)."""
    pupil = client(school.api.base_url, school.sign_in("student"))
    room_id = school.room_ids()["class", school.demo("student")["class_name"]]
    with pytest.raises(MatrixError, match="school list"):
        await checked(pupil.nio.room_leave(room_id))


def test_a_folder_in_use_is_one_clear_line(school: School) -> None:
    """A second `sferum run` on the same folder ends at once, and the first goes on."""
    other = Runner(school.runner.root, free_port(), school.runner.process)
    other.output = school.runner.root.with_suffix(".other")
    assert other.run_once() == 2
    (line,) = other.text().splitlines()
    assert "Another sferum run uses" in line
    assert listens(school.runner.port)


def test_another_size_is_one_clear_line(school: School) -> None:
    """`--pupils` for a school that exists already is refused before anything starts."""
    school.runner.stop()
    other = Runner(school.runner.root, school.runner.port)
    other.output = school.runner.root.with_suffix(".other")
    assert other.run_once("--pupils", "40") == 2
    (line,) = other.text().splitlines()
    assert "300 pupils" in line
    assert figures(school.runner.root)["demo.json"] == school.second["demo.json"]


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    """The line names the port and the option, and nothing is left running."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        runner = Runner(tmp_path / "var", taken.getsockname()[1])
        assert runner.run_once() == 2
        (line,) = runner.text().splitlines()
    assert f"Port {runner.port} is taken" in line
    assert "sferum run --port " in line
    assert not (tmp_path / "var" / "synapse.pid").exists()


def test_a_taken_port_of_the_pages_is_one_line(tmp_path: Path) -> None:
    """It names the pages' own option, and Synapse was not started for nothing."""
    runner = Runner(tmp_path / "var", free_port())
    with socket.create_server(("127.0.0.1", runner.pages_port)):
        assert runner.run_once() == 2
        (line,) = runner.text().splitlines()
    assert f"Port {runner.pages_port} is taken" in line
    assert "sferum run --pages-port " in line
    assert not (tmp_path / "var" / "synapse.pid").exists()


def test_pages_that_cannot_start_say_why(tmp_path: Path) -> None:
    """Keys that others may read end the run with the bridge's own words, and Synapse goes with it."""
    root = tmp_path / "var"
    root.mkdir()
    (root / "bridge.keys").write_text("0" * 64)
    (root / "bridge.keys").chmod(0o644)
    runner = Runner(root, free_port())
    assert runner.run_once("--pupils", "30") == 1
    assert "bridge ended by itself (code 2)" in runner.text()
    assert "bridge: keys_file: " in runner.text()
    assert not listens(runner.port)


def test_stopping_in_the_middle_takes_the_children_along(tmp_path: Path) -> None:
    """Ctrl-C, SIGTERM and a closed window during the set-up end Synapse too; the next start goes on and finishes."""
    runner = Runner(tmp_path / "var", free_port())
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        runner.start("--pupils", "30")
        until(lambda: "Sample school" in runner.text(), what="set-up", deadline_s=180)
        pids = runner.synapse, runner.bridge
        assert runner.stop(how) == 130, how
        assert not any(map(alive, pids)), how
        assert not listens(runner.port), how
        assert not listens(runner.pages_port), how
    assert runner.run_once() == 0, runner.text()
    demo = json.loads((tmp_path / "var" / "demo.json").read_text("utf-8"))
    assert (demo["pupils"], demo["ready"]) == (30, True)


def test_leftovers_are_found_and_ended(tmp_path: Path) -> None:
    """After a crash of `sferum run` (SIGKILL) its Synapse and bridge are named, stopped, and new ones serve."""
    runner = Runner(tmp_path / "var", free_port())
    runner.start("--pupils", "30")
    until(lambda: "Sample school" in runner.text(), what="set-up", deadline_s=180)
    pid, bridge = runner.synapse, runner.bridge
    assert runner.process is not None
    runner.process.kill()
    runner.process.wait()
    try:
        assert alive(pid)
        assert alive(bridge)
        runner.start()
        runner.until_ready()
        assert f"Synapse (process {pid})" in runner.text().splitlines()[0]
        assert f"bridge (process {bridge})" in runner.text().splitlines()[1]
        assert not alive(pid)
        assert not alive(bridge)
        child = runner.synapse
        assert child != pid
        assert runner.stop() == 0
        assert not alive(child)
    finally:
        for left in (pid, bridge):
            with suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)


def test_a_bridge_that_dies_ends_the_run(tmp_path: Path) -> None:
    """Killed from outside, it is said, Synapse is stopped too, and the next start serves again."""
    runner = Runner(tmp_path / "var", free_port())
    runner.start("--pupils", "30")
    runner.until_ready()
    synapse = runner.synapse
    os.kill(runner.bridge, signal.SIGKILL)
    assert runner.process is not None
    assert runner.process.wait(90) == 1
    assert "bridge ended by itself (code -9)" in runner.text()
    assert not alive(synapse)
    assert runner.run_once() == 0, runner.text()


def test_a_synapse_that_cannot_start_says_why(tmp_path: Path) -> None:
    """A mistake in local.yaml ends with Synapse's own words, exit code 1."""
    root = tmp_path / "var"
    root.mkdir()
    (root / "local.yaml").write_text("default_room_version: no-such-version\n")
    runner = Runner(root, free_port())
    assert runner.run_once() == 1
    assert "Synapse ended by itself" in runner.text()
    assert "no-such-version" in runner.text()
