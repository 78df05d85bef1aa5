"""Strings and shapes that several programs write for themselves agree: with each other, and with docs/contracts.md."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from attrs import fields
from nacl.signing import SigningKey

from bridge import handing_over
from bridge.web import head_words
from media.broadcast.register import tickets
from media.broadcast.register.values import Audience, Broadcast, Recording, State
from media.broadcast.whip.ids import BroadcastId
from provisioning import cli_why, homeserver, refusals, year_report, year_table
from provisioning import roster as theirs
from provisioning.district import question as district_question
from provisioning.district.draft import new_draft
from provisioning.district.signing import public
from provisioning.readers.files import Options, SourceFile, read_roster
from synapse_sferum import (
    account,
    broadcast_words,
    edits,
    events,
    ids,
    plan,
    why,
    year_check,
    year_document,
    year_plan,
)
from synapse_sferum import model as ours
from synapse_sferum import roster as wire
from synapse_sferum.api import call, routes, views
from synapse_sferum.desired import DesiredRoom
from synapse_sferum.district import question as module_question
from synapse_sferum.district import room_standing
from synapse_sferum.district.force import Standing
from synapse_sferum.district.question import Question
from synapse_sferum.district.status_answer import status_answer
from synapse_sferum.district.status_rows import StatusFacts
from tests.support import school as driver
from tests.support.openapi import Contract
from tests.support.process import ROOT

CONTRACTS = (ROOT / "docs" / "contracts.md").read_text("utf-8")
SCHOOL86 = ROOT / "tests" / "data" / "school86"
OPENAPI = Contract.load()


def section(title: str) -> str:
    """One section of docs/contracts.md."""
    found = re.search(rf"^## {re.escape(title)}.*?(?=^## |\Z)", CONTRACTS, re.M | re.S)
    assert found, f"docs/contracts.md has no section {title}"
    return found[0]


def code_words(text: str) -> set[str]:
    """Everything in `backquotes`."""
    return set(re.findall(r"`([^`\n]+)`", text))


def documented_roster() -> dict[str, Any]:
    """The example of docs/contracts.md §1."""
    found = re.search(r"```json\n(.*?)```", section("1."), re.S)
    assert found
    example: dict[str, Any] = json.loads(found[1])
    # The document shows one person of each reference only.
    example["people"].append(
        {
            "source_id": "R0001",
            "family_name": "Иванова",
            "given_name": "Анна",
            "roles": ["guardian"],
        }
    )
    return example


def read_school86(*names: str) -> theirs.Roster:
    """The fictional school as the `sferum` command reads it."""
    files = [SourceFile(name, (SCHOOL86 / name).read_bytes()) for name in names]
    reading = read_roster(files, Options(today=date(2026, 9, 1), table_year="2026/2027"))
    assert reading.roster is not None, reading.problems
    return reading.roster


@pytest.mark.parametrize(
    "names", [("ученики.csv", "сотрудники.csv", "родители.csv"), ("oneroster-1.2.zip",)]
)
def test_what_provisioning_sends_is_what_the_module_reads(names: tuple[str, ...]) -> None:
    """Every person, class, enrolment and link of a real list arrives, field by field; contacts do not."""
    sent = read_school86(*names)
    document = json.loads(sent.to_json())
    few = {k: v[:20] if isinstance(v, list) else v for k, v in document.items()}
    OPENAPI.validate({"$ref": "#/components/schemas/Roster"}, few, "to_wire")
    got = wire.parse_roster(document)
    assert (got.source, got.school_year) == (sent.source, sent.school_year)
    assert got.covers == {group.value for group in sent.covers}
    for person in sent.people:
        same = got.people[person.source_id]
        for name in ("source_id", "family_name", "given_name", "middle_name", "birth_date"):
            assert getattr(same, name) == getattr(person, name)
        assert {role.value for role in same.roles} == {role.value for role in person.roles}
    contacts = {p.phone.e164[-10:] for p in sent.people if p.phone}
    contacts |= {p.email.address for p in sent.people if p.email}
    text = sent.to_json().decode()
    assert contacts
    assert not [contact for contact in contacts if contact in text]
    assert len(got.people) == len(sent.people)
    assert {(c.source_id, c.name, c.grade) for c in got.classes.values()} == {
        (c.source_id, c.name, c.grade) for c in sent.classes
    }
    assert {(c, p, role.value) for c, p, role in got.enrolments} == {
        (e.class_id, e.person_id, e.role.value) for e in sent.enrolments
    }
    assert got.guardianships == {
        (g.guardian_id, g.student_id): g.relation for g in sent.guardianships
    }


def test_the_example_in_the_document_is_a_roster() -> None:
    """What docs/contracts.md shows is read by the module and allowed by docs/openapi.yaml."""
    example = documented_roster()
    assert wire.parse_roster(example).people.keys() == {"U0001", "R0001"}
    OPENAPI.validate({"$ref": "#/components/schemas/Roster"}, example, "docs/contracts.md")


def test_the_wire_has_the_documented_fields() -> None:
    """Sender and document use the same names in every row."""
    sent, shown = read_school86("ученики.csv", "родители.csv").to_wire(), documented_roster()
    assert set(sent) == set(shown)
    for rows in ("people", "classes", "enrolments", "guardianships"):
        sent_rows: Any = sent[rows]
        assert set(sent_rows[0]) == set(shown[rows][0]), rows


def test_roles_and_groups_are_the_same_words() -> None:
    """Provisioning, the module and docs/openapi.yaml know the same roles, class roles and groups."""
    schemas = OPENAPI.document["components"]["schemas"]
    roles = [role.value for role in ours.Role]
    assert roles == [role.value for role in theirs.Role] == schemas["Role"]["enum"]
    enrolment = [role.value for role in ours.EnrolmentRole]
    assert enrolment == [role.value for role in theirs.EnrolmentRole]
    assert enrolment == schemas["EnrolmentRole"]["enum"]
    assert list(wire.GROUPS) == [group.value for group in theirs.Group]
    assert {r.value for r in ours.STAFF} == {r.value for r in theirs.STAFF}
    assert code_words(section("1.")) >= {*roles, *enrolment, *wire.GROUPS}


def test_limits_of_the_wire_are_the_same_numbers() -> None:
    """Nobody sends what the other refuses."""
    assert wire.FORMAT == theirs.FORMAT
    assert wire.MAX_PEOPLE == theirs.MAX_PEOPLE
    assert theirs.MAX_WIRE_BYTES <= call.LARGE_BODY
    assert f"{wire.MAX_PEOPLE:,}" in section("1.")
    person = {"source_id": "x", "family_name": "a", "given_name": "b", "roles": ["guardian"]}
    document = {**documented_roster(), "enrolments": [], "guardianships": []}
    for length, fits in ((theirs.MAX_ID, True), (theirs.MAX_ID + 1, False)):
        document["people"] = [{**person, "source_id": "x" * length}]
        if fits:
            wire.parse_roster(document)
        else:
            with pytest.raises(wire.BadRoster):
                wire.parse_roster(document)


@pytest.mark.parametrize("text", ["csv", "a.b_c-1", "x" * 64, "", "CSV", "a b", "x" * 65, "школа"])
def test_both_take_the_same_sources(text: str) -> None:
    """A name of a source is good for both or for neither."""
    document = {**documented_roster(), "source": text}
    if theirs.SOURCE.fullmatch(text):
        assert wire.parse_roster(document).source == text
    else:
        with pytest.raises(wire.BadRoster):
            wire.parse_roster(document)


@pytest.mark.parametrize("text", ["2026/2027", "2026/2028", "2026-2027", "26/27", "", "1999/2000"])
def test_both_take_the_same_school_years(text: str) -> None:
    """A school year is good for both or for neither."""
    assert wire.is_school_year(text) == theirs.is_school_year(text)


def test_the_api_is_where_the_others_call_it() -> None:
    """One prefix, and every call of the table is in the document."""
    assert events.API_PREFIX == homeserver.PREFIX == driver.API
    assert f"`{events.API_PREFIX}`" in CONTRACTS
    assert OPENAPI.document["servers"][0]["url"] == events.API_PREFIX
    for route in routes.ROUTES:
        short = route.path.replace("/orgs/{org_id}/people", "…/people")
        assert route.path in section("2.") or short in section("2."), route.path


def test_error_codes_are_the_same_words() -> None:
    """What provisioning can explain, the module can say; what docs/contracts.md promises exists."""
    listed = set(
        OPENAPI.document["components"]["schemas"]["Error"]["properties"]["errcode"]["enum"]
    )
    source = Path(refusals.__file__).read_text("utf-8")
    explained = set(re.findall(r'"(SFERUM_[A-Z_]+)"', source))
    assert explained <= listed
    assert set(re.findall(r"SFERUM_[A-Z_]+", CONTRACTS)) <= listed
    assert edits.not_found().errcode == "M_NOT_FOUND"


def test_event_types_and_names() -> None:
    """The strings other programs look for in rooms and profiles are documented."""
    words = code_words(section("3.")) | code_words(section("4."))
    assert {events.ROOM, events.ROLE_FIELD} <= words
    assert f"@{events.SERVICE_LOCALPART}:<server_name>" in words
    assert {kind.value for kind in ours.RoomKind} <= words
    schemas = OPENAPI.document["components"]["schemas"]
    assert schemas["RoomKind"]["enum"] == [kind.value for kind in ours.RoomKind]
    body = plan.creation(
        ours.OrgId("o"),
        ours.RoomKey(ours.RoomKind.CLASS, "c"),
        DesiredRoom(name="5А", members={}),
        "!space",
        "s.test",
        encrypted=False,
    )
    assert body["creation_content"][events.ROOM] == {"org_id": "o", "kind": "class", "ref": "c"}


def test_localparts_are_opaque() -> None:
    """`u` and eight characters of base32, another each time."""
    made = {ids.new_localpart() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"u[a-z2-7]{8}", localpart) for localpart in made)


def test_statuses_are_the_documented_words() -> None:
    """Statuses of people and links, in code, in docs/contracts.md and in docs/openapi.yaml."""
    schemas = OPENAPI.document["components"]["schemas"]
    for enum, name in (
        (ours.PersonStatus, "PersonStatus"),
        (ours.GuardianshipStatus, "GuardianshipStatus"),
    ):
        words = [member.value for member in enum]
        assert words == schemas[name]["enum"]
        assert set(words) <= code_words(section("2."))


def test_a_person_has_the_documented_fields() -> None:
    """`Person` of docs/contracts.md, of docs/openapi.yaml and of the module's answers are one list."""
    shown = re.search(r"^Person: `\{(.*?)\}`", section("2."), re.M)
    assert shown
    person = ours.Person(
        person_id=ours.PersonId("p"), source="csv", source_id="1", family_name="a", given_name="b"
    )
    names = list(views.person_json(person, []))
    assert shown[1].split(", ") == names
    assert OPENAPI.document["components"]["schemas"]["Person"]["required"] == names


def test_settings_are_the_documented_ones() -> None:
    """A school's settings in code and in docs/openapi.yaml."""
    names = [attribute.name for attribute in fields(ours.OrgSettings)]
    assert OPENAPI.document["components"]["schemas"]["Settings"]["required"] == names


def test_ids_follow_from_the_source() -> None:
    """Other programs can say which record a row of a list is: the digest of docs/contracts.md."""
    assert driver.base32_id("p", "person", "o", "csv", "U1") == ids.person_id_of(
        ours.OrgId("o"), "csv", "U1"
    )
    assert driver.base32_id("c", "class", "o", "csv", "5А", "2026/2027") == ids.class_id_of(
        ours.OrgId("o"), "csv", "5А", "2026/2027"
    )


def test_reasons_have_sentences() -> None:
    """Every reason that puts somebody into a room can be told to a person."""
    source = Path(account.__file__).read_text("utf-8")
    body = source[source.index("def rooms_of") : source.index("def power_in")]
    assert set(re.findall(r'= "(\w+)"', body)) <= why.SENTENCES.keys()


def test_every_reason_is_said_in_russian() -> None:
    """The administration's pages know each word of the module, the command line all but the bot's."""
    assert set(head_words.WHY) == set(why.SENTENCES)
    assert set(cli_why.REASONS) == set(why.SENTENCES) - {"staff_bot"}


def test_stages_of_a_shared_room_are_the_same_words() -> None:
    """How a room of several schools stands: the module, the page and both documents agree."""
    stages = [one.value for one in room_standing.Stage]
    assert list(head_words.COMMON_STAGES) == stages
    assert set(stages) <= code_words(section("2."))
    shape = OPENAPI.document["components"]["schemas"]["CommonRoom"]["properties"]
    assert shape["stage"]["enum"] == stages
    named = shape["schools"]["properties"]["inside_names"]["maxItems"]
    assert named == room_standing.MOST_NAMES


def test_a_ticket_of_the_bridge_opens_the_calls_server() -> None:
    """docs/contracts.md §8: the same octets on both sides, the same word for the hosts' page."""
    given = ("@uabc23456:school.example", "b1", 1_800_000_000, bytes(range(16)), "t" * 40)
    assert handing_over.ticket(*given) == tickets.write(*given)
    assert handing_over.DESK == tickets.DESK


def test_stages_of_a_broadcast_are_the_module_s() -> None:
    """What the calls server says of a broadcast is what rooms and the log know, and docs/contracts.md names."""
    stages = {one.value for one in broadcast_words.Stage}
    assert stages == set(head_words.STAGES)
    assert stages <= code_words(section("2."))
    over = {"state": State.ENDED, "audience": Audience(org_id="o", school="Ш"), "title": "К"}
    rest = {"id": BroadcastId("b"), "made_by": "@a:s", "made_at": 0.0, "key_digest": b""}
    said = {Broadcast(**{**over, **rest, "state": one}).stage for one in State}  # type: ignore[arg-type]
    recording = Recording(file="b.mp4", seconds=1, size=1, made_at=0, until=1)
    said.add(Broadcast(**over, **rest, recording=recording).stage)  # type: ignore[arg-type]
    said.add(Broadcast(**over, **rest, recording_deleted=True).stage)  # type: ignore[arg-type]
    assert said == stages


def test_a_plan_of_the_school_year_is_one_document() -> None:
    """docs/contracts.md §10: its example is read by the module, allowed by docs/openapi.yaml, and kept by the table."""
    found = re.search(r"```json\n(.*?)```", section("10."), re.S)
    assert found
    example = json.loads(found[1])
    OPENAPI.validate({"$ref": "#/components/schemas/Year"}, example, "docs/contracts.md")
    assert year_document.parse_year(example).to_json() == example
    assert year_document.FORMAT == year_table.FORMAT
    fates = {fate.value for fate in (*year_document.ClassFate, *year_document.PupilFate)}
    assert fates <= code_words(section("10."))
    answer = {"plan": example, "classes": [], "students": []}
    again, problems = year_table.read_plan("x.csv", year_table.write_table(answer, "ru"))
    assert problems == []
    assert again is not None
    assert again["classes"] == example["classes"]


def test_conflicts_and_exceptions_have_words() -> None:
    """Everything that the module finds in a plan, the command can say."""
    for path, texts in (
        (year_check.__file__, year_report.CONFLICTS),
        (year_plan.__file__, year_report.EXCEPTIONS),
    ):
        source = Path(path).read_text("utf-8")
        kinds = set(re.findall(r'kind(?: =|=) ?"(\w+)"', source))
        kinds |= set(re.findall(r'else "(\w+)"', source)) - {""}
        assert kinds
        assert kinds - {"with_the_class"} <= texts.keys()
    assert set(year_report.COUNTS) == set(_counted())


def _counted() -> set[str]:
    source = Path(year_plan.__file__).read_text("utf-8")
    body = source[source.index("def _counts") : source.index("def _exceptions")]
    return set(re.findall(r'^        "(\w+)":', body, re.M))


def test_how_a_school_stands() -> None:
    """Question and answer of §12 have the fields that operator and module write, and live where the module answers."""
    text = section("12. How a school stands")
    asked, answered = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.S))
    operator = SigningKey(bytes(32))
    draft = new_draft("d.example", "Округ", public(operator))
    made = district_question.question(draft, operator, "s", nonce="n" * 16, now_s=1)
    assert set(asked) == set(made)
    facts = StatusFacts(
        register=None,
        schema_found=1,
        jobs={},
        oldest_s=0,
        lag_s=0,
        held=0,
        people={},
        rooms={},
        common={},
        orgs=0,
    )
    question = Question(nonce="n" * 16, asked_s=1)
    answer = status_answer(facts, question, server_name="s", keys={}, versions={}, now_s=1)
    assert set(answered) == {*answer, "signatures"}
    for part in ("register", "health", "counts"):
        assert set(answered[part]) == set(answer[part])
    assert f"`{events.STATUS_PATH}`" in text
    assert district_question.PATH == events.STATUS_PATH
    assert (asked["format"], answered["format"]) == (module_question.FORMAT, answer["format"])
    assert district_question.QUESTION == module_question.FORMAT
    assert f"{module_question.LARGEST_QUESTION:,}" in text
    assert district_question.LARGEST_ANSWER == module_question.LARGEST_QUESTION
    assert {one.value for one in Standing} == district_question.STANDINGS
