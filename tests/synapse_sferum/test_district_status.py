"""What a school tells the operator: numbers and states out of its tables, and nothing of any person."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from synapse.module_api import LoggingTransaction

from synapse_sferum import schema
from synapse_sferum.district import rows
from synapse_sferum.district.force import Standing
from synapse_sferum.district.question import Question
from synapse_sferum.district.status_answer import FEWEST, shown, status_answer
from synapse_sferum.district.status_rows import StatusFacts, facts_txn
from tests.synapse_sferum.district_values import DISTRICT, NOW_S, OWN, anchor, register

NOW_MS = NOW_S * 1000
QUESTION = Question(nonce="n" * 32, asked_s=NOW_S)


def test_a_school_before_its_first_list(txn: LoggingTransaction) -> None:
    """Nothing is there: every number is 0, and there is no register."""
    assert facts_txn(txn, NOW_MS) == StatusFacts(
        register=None,
        schema_found=schema.VERSION,
        jobs={"queued": 0, "running": 0, "done": 0, "dead": 0},
        oldest_s=0,
        lag_s=0,
        held=0,
        people={},
        rooms={},
        common={},
        orgs=0,
    )


def test_a_school_at_work(txn: LoggingTransaction) -> None:
    """Each number is read where it is kept: people, rooms, tasks and their age, what waits for a yes, common rooms."""
    txn.execute(
        "INSERT INTO sferum_orgs (org_id, name, timezone, revision, dirty_since_ms, held)"
        " VALUES ('a', 'А', 'Europe/Moscow', 2, ?, 'too many')",
        (NOW_MS - 90_000,),
    )
    for number, status in enumerate(["active"] * 7 + ["listed"] * 3 + ["left"]):
        txn.execute(
            "INSERT INTO sferum_people (person_id, org_id, source, source_id, family_name, given_name, status)"
            " VALUES (?, 'a', 'csv', ?, 'Ф', 'И', ?)",
            (f"p{number}", str(number), status),
        )
    for ref, room_id in (("news", "!r:s"), ("maths", "")):
        txn.execute(
            "INSERT INTO sferum_common_rooms (host, ref, name, members, writers, room_id, state)"
            " VALUES ('h', ?, 'К', '[]', '[]', ?, 'open')",
            (ref, room_id),
        )
    rows.write_state_txn(
        txn, DISTRICT, register(serial=12), Standing.OPEN, None, NOW_MS, NOW_MS - 5_000
    )
    facts = facts_txn(txn, NOW_MS)
    assert (facts.held, facts.lag_s, facts.orgs) == (1, 90, 1)
    assert facts.people == {"active": 7, "listed": 3, "left": 1}
    assert facts.common == {"ready": 1, "waiting": 1}
    answer = status_answer(
        facts,
        QUESTION,
        server_name=OWN,
        keys={"ed25519:a_test": "k"},
        versions={"sferum": "0.1.0", "synapse": "1.163.2"},
        now_s=NOW_S,
    )
    assert answer["register"] == {
        "standing": "open",
        "serial": 12,
        "expires": register().expires_s,
        "refusal": "",
        "agreed": NOW_S - 5,
    }
    assert answer["counts"] == {
        "schools": 1,
        "active": 7,
        "listed": None,
        "rooms": 0,
        "common_ready": 1,
        "common_waiting": 1,
    }
    assert (answer["nonce"], answer["time"]) == (QUESTION.nonce, NOW_S)


def test_the_operator_s_key_that_is_trusted(txn: LoggingTransaction) -> None:
    """It is the last of the register held, for every process to read; none before the first register."""
    assert rows.trusted_key_txn(txn) is None
    for held, wanted in ((register((1, 2)), anchor(2)), (None, None)):
        rows.write_state_txn(txn, DISTRICT, held, Standing.OPEN, None, NOW_MS, NOW_MS)
        assert rows.trusted_key_txn(txn) == wanted


def test_before_the_first_look(txn: LoggingTransaction) -> None:
    """A module that has not looked for its register yet says that it has none."""
    facts = facts_txn(txn, NOW_MS)
    answer = status_answer(facts, QUESTION, server_name=OWN, keys={}, versions={}, now_s=NOW_S)
    assert answer["register"]["standing"] == "none"
    assert answer["register"]["serial"] == 0


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_few_people_are_not_counted_out(active: int, listed: int) -> None:
    """A number under five says nothing but "few" (R50); nothing of the people is in the answer besides."""
    facts = StatusFacts(
        register=None,
        schema_found=schema.VERSION,
        jobs={},
        oldest_s=0,
        lag_s=0,
        held=0,
        people={"active": active, "listed": listed},
        rooms={"ready": 3, "archived": 2},
        common={},
        orgs=1,
    )
    answer = status_answer(facts, QUESTION, server_name=OWN, keys={}, versions={}, now_s=NOW_S)
    for name, count in (("active", active), ("listed", listed)):
        assert answer["counts"][name] == (count if count == 0 or count >= FEWEST else None)
    assert answer["counts"]["rooms"] == 3
    fewer = evolve(facts, people={"active": 1})
    assert status_answer(fewer, QUESTION, server_name=OWN, keys={}, versions={}, now_s=NOW_S)[
        "counts"
    ]["active"] == shown(4)
