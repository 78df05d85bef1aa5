"""The operator's question is one for the school's module, and of an answer only the school's own is believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from provisioning.district.question import (
    LARGEST_ANSWER,
    Fault,
    NoStatus,
    address_of,
    question,
    read_answer,
)
from provisioning.district.signing import public
from synapse_sferum.district import question as module_question
from synapse_sferum.district import status_answer as module_answer
from synapse_sferum.district.canonical import signed_bytes as module_bytes
from synapse_sferum.district.question import read_claim
from synapse_sferum.district.status_rows import StatusFacts
from synapse_sferum.events import STATUS_PATH
from tests.provisioning.district_schools import (
    DISTRICT,
    NONCE,
    NOW_S,
    OPERATOR,
    answer,
    draft_of,
    key_of,
    signed,
)

NAME = "school86.example"
SCHOOL = draft_of(NAME).schools[NAME]


def test_the_module_takes_the_question() -> None:
    """What the operator signs for a school, its module takes as asked by the operator, and no other's does."""
    asked = question(draft_of(NAME), OPERATOR, NAME, nonce=NONCE, now_s=NOW_S)
    data = json.dumps(asked).encode()
    anchor = bytes(OPERATOR.verify_key)
    found = read_claim(data, district=DISTRICT, server_name=NAME).by_operator(anchor)
    assert (found.nonce, found.asked_s) == (NONCE, NOW_S)
    with pytest.raises(Exception, match="server_name"):
        read_claim(data, district=DISTRICT, server_name="other.example")
    assert len(data) < module_question.LARGEST_QUESTION
    assert address_of(SCHOOL) == f"https://{NAME}{STATUS_PATH}"


def test_the_operator_takes_the_module_s_answer() -> None:
    """What the module makes of its tables and signs is read as it was meant, a number too small to be told as none."""
    facts = StatusFacts(
        register={
            "standing": "open",
            "serial": 7,
            "expires_s": NOW_S + 9,
            "refusal": "rollback",
            "agreed_ms": NOW_S * 1000,
        },
        schema_found=3,
        jobs={"queued": 2, "running": 1, "dead": 4},
        oldest_s=5,
        lag_s=6,
        held=1,
        people={"active": 811, "listed": 3},
        rooms={"ready": 70, "filling": 4, "archived": 9},
        common={"ready": 2, "waiting": 1},
        orgs=2,
    )
    asked = module_question.Question(nonce=NONCE, asked_s=NOW_S)
    made = module_answer.status_answer(
        facts,
        asked,
        server_name=NAME,
        keys={"ed25519:a_test": public(key_of(NAME))},
        versions={"sferum": "0.1.0", "synapse": "1.163.2"},
        now_s=NOW_S,
    )
    found = read_answer(signed(made), SCHOOL, NONCE)
    assert (found.serial, found.refusal, found.expires_s, found.agreed_s) == (
        7,
        "rollback",
        NOW_S + 9,
        NOW_S,
    )
    assert (found.dead, found.waiting, found.held) == (4, 3, 1)
    assert (found.active, found.listed, found.rooms) == (811, None, 74)
    assert (found.common_ready, found.common_waiting, found.schools) == (2, 1, 2)
    assert json.loads(module_bytes(made)) == made


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (lambda: b"", Fault.MALFORMED),
        (lambda: b"[]", Fault.MALFORMED),
        (lambda: b"[" * 10_000, Fault.MALFORMED),
        (lambda: b'{"a":' + b"9" * 5_000 + b"}", Fault.MALFORMED),
        (lambda: b'{"a":NaN}', Fault.MALFORMED),
        (lambda: b'{"a":"\\ud800"}', Fault.MALFORMED),
        (lambda: b" " * (LARGEST_ANSWER + 1), Fault.TOO_LARGE),
        (lambda: signed(answer(NAME, format="x")), Fault.MALFORMED),
        (lambda: signed({**answer(NAME), "unsigned": {}}), Fault.MALFORMED),
        (lambda: signed(answer("other.example")), Fault.OTHER_SCHOOL),
        (lambda: signed(answer(NAME, nonce="m" * 32)), Fault.REPLAYED),
        (lambda: signed(answer(NAME), by=SigningKey(b"x" * 32)), Fault.SIGNATURE),
        (lambda: signed(answer(NAME)).replace(b"811", b"812"), Fault.SIGNATURE),
        (lambda: json.dumps(answer(NAME)).encode(), Fault.SIGNATURE),
        (lambda: signed(answer(NAME, keys={})), Fault.MALFORMED),
        (lambda: signed(answer(NAME, keys={"ed25519:a": "short"})), Fault.MALFORMED),
        (lambda: signed(answer(NAME, register__standing="open sesame")), Fault.MALFORMED),
        (lambda: signed(answer(NAME, register__serial=-1)), Fault.MALFORMED),
        (lambda: signed(answer(NAME, register__expires=2**53)), Fault.MALFORMED),
        (lambda: signed(answer(NAME, versions__sferum="<b>")), Fault.MALFORMED),
        (lambda: signed(answer(NAME, health__dead=True)), Fault.MALFORMED),
        (lambda: signed(answer(NAME, counts__rooms=None)), Fault.MALFORMED),
        (lambda: signed(answer(NAME, counts=[])), Fault.MALFORMED),
    ],
)
def test_what_is_no_answer(data: Callable[[], bytes], fault: Fault) -> None:
    """Each answer that is not the school's own to this question is dropped, and why has a name."""
    with pytest.raises(NoStatus) as refused:
        read_answer(data(), SCHOOL, NONCE)
    assert refused.value.fault is fault


def test_another_key_is_told_from_no_key() -> None:
    """A server that signs well with a key the register does not name is a finding of its own, with that key's id."""
    stranger = SigningKey(b"x" * 32)
    document = answer(NAME, keys={"ed25519:a_test": public(stranger)})
    with pytest.raises(NoStatus) as refused:
        read_answer(signed(document, by=stranger), SCHOOL, NONCE)
    assert (refused.value.fault, refused.value.detail) == (Fault.OTHER_KEY, "ed25519:a_test")


@given(st.binary(max_size=400))
def test_fuzz_any_bytes_are_dropped_by_name(data: bytes) -> None:
    """Whatever a server answers, it is dropped with a named reason and by nothing else."""
    with pytest.raises(NoStatus):
        read_answer(data, SCHOOL, NONCE)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_PLACES = sorted(
    f"{part}__{name}"
    for part in ("versions", "register", "health", "counts")
    for name in answer(NAME)[part]
)


@given(st.sampled_from([*sorted(answer(NAME)), *_PLACES]), _JSON)
def test_fuzz_a_hostile_school_may_sign_anything(place: str, value: Any) -> None:
    """A school that signs nonsense is believed or dropped by name; what is believed are bounded numbers and words."""
    document = answer(NAME, **{place: value})
    try:
        data = signed(document)
    except ValueError:  # not to be written as JSON: nobody can sign it
        return
    try:
        found = read_answer(data, SCHOOL, NONCE)
    except NoStatus:
        return
    assert all(len(word) <= 40 for word in (found.sferum, found.synapse, found.refusal))
    assert 0 <= found.expires_s <= 2**35
