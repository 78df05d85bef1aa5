"""A question how a school stands: the operator's is answered, anybody else's is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.district.question import AWAY_S, Question, read_claim
from synapse_sferum.district.refusals import BadRegister, RegisterRefusal
from synapse_sferum.district.status_budget import (
    MOST_ADDRESSES,
    MOST_QUESTIONS,
    WINDOW_S,
    Minute,
)
from tests.synapse_sferum.district_values import (
    DISTRICT,
    NEIGHBOUR,
    NOW_S,
    OWN,
    anchor,
    data,
    document,
    signed,
)

NONCE = "n" * 32


def question(keys: tuple[int, ...] = (1,), by: int | None = None, **changes: Any) -> dict[str, Any]:
    """What the operator sends, spoilt as a test likes."""
    whole = {
        "format": "sferum.district_question.v1",
        "district": DISTRICT,
        "server_name": OWN,
        "nonce": NONCE,
        "asked": NOW_S,
        **changes,
    }
    return signed(whole, keys, by)


def asked(found: bytes, trusted: int = 1) -> Question:
    return read_claim(found, district=DISTRICT, server_name=OWN).by_operator(anchor(trusted))


def test_the_operator_s_question_is_one() -> None:
    """The key of the settings asks, and every later one that it named; a school that followed believes the later."""
    wanted = Question(nonce=NONCE, asked_s=NOW_S)
    assert asked(data(question())) == wanted
    assert asked(data(question((1, 2, 3)))) == wanted
    assert asked(data(question((1, 2, 3))), trusted=3) == wanted
    with pytest.raises(BadRegister, match="key_chain"):
        asked(data(question((1,))), trusted=2)


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (lambda: question(district="other.example"), RegisterRefusal.OTHER_DISTRICT),
        (lambda: question(server_name=NEIGHBOUR), RegisterRefusal.MALFORMED),
        (lambda: question(format="sferum.register.v1"), RegisterRefusal.FORMAT),
        (lambda: signed(document()), RegisterRefusal.FORMAT),
        (lambda: question(unsigned={}), RegisterRefusal.FORMAT),
        (lambda: question(nonce="short"), RegisterRefusal.MALFORMED),
        (lambda: question(nonce="я" * 20), RegisterRefusal.MALFORMED),
        (lambda: question(asked="now"), RegisterRefusal.MALFORMED),
        (lambda: question(asked=True), RegisterRefusal.MALFORMED),
        (lambda: question(by=100), RegisterRefusal.SIGNATURE),
        (lambda: question((100,)), RegisterRefusal.KEY_CHAIN),
        (lambda: {**question(), "operator_keys": []}, RegisterRefusal.SIGNATURE),
        (lambda: {**question(), "operator_keys": [{}] * 33}, RegisterRefusal.MALFORMED),
        (lambda: {**question(), "nonce": "m" * 32}, RegisterRefusal.SIGNATURE),
        (lambda: {**question(), "signatures": {}}, RegisterRefusal.SIGNATURE),
    ],
)
def test_what_is_no_question(spoilt: Callable[[], dict[str, Any]], reason: RegisterRefusal) -> None:
    """Another district's, another school's, a register, a stranger's, a changed one: each is refused by name."""
    with pytest.raises(BadRegister) as refused:
        asked(data(spoilt()))
    assert refused.value.reason is reason


def test_a_stranger_behind_the_operator_s_keys_is_found_by_the_last_link() -> None:
    """The operator's chain is public; a key put behind it is not named by the one before it."""
    forged = question((1, 2, 100))
    links = forged["operator_keys"]
    links[2]["signature"] = links[1]["signature"]
    again = {name: value for name, value in forged.items() if name != "signatures"}
    with pytest.raises(BadRegister, match="key_chain"):
        asked(data(signed(again, (1, 2, 100))))


@given(st.binary(max_size=300) | st.text().map(str.encode))
def test_fuzz_any_bytes_are_refused_by_name(found: bytes) -> None:
    """Whatever is sent, it is refused with a reason and by nothing else."""
    with pytest.raises(BadRegister):
        asked(found)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(question())), _JSON)
def test_fuzz_a_field_changed_is_refused(name: str, value: Any) -> None:
    """Each field is under the signature: another value than the operator's makes it no question."""
    spoilt = {**question(), name: value}
    if spoilt == question():
        return
    with pytest.raises(BadRegister):
        asked(json.dumps(spoilt).encode())


@pytest.mark.parametrize(
    ("away_s", "of_now"),
    [(0, True), (AWAY_S, True), (-AWAY_S, True), (AWAY_S + 1, False), (-AWAY_S - 1, False)],
)
def test_a_question_of_before(away_s: int, of_now: bool) -> None:
    """Ten minutes to either side are "now"; who replays an older one learns nothing."""
    assert Question(nonce=NONCE, asked_s=NOW_S).is_of_now(NOW_S + away_s) is of_now


def test_questions_of_one_address_are_counted() -> None:
    """Thirty a minute from one address, or one network of IPv6; others are not touched, and the next minute is new."""
    minute = Minute()
    assert all(minute.takes("2001:db8::1", NOW_S) for _ in range(MOST_QUESTIONS))
    assert not minute.takes("2001:db8::2", NOW_S)
    assert minute.takes("2001:db8:1::1", NOW_S)
    assert minute.takes("192.0.2.1", NOW_S)
    assert minute.takes("", NOW_S)
    assert minute.takes("2001:db8::2", NOW_S + WINDOW_S)


def test_addresses_are_bounded() -> None:
    """However many ask, no more than so many are remembered, and who was first is still heard."""
    minute = Minute()
    for number in range(MOST_ADDRESSES):
        assert minute.takes(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", NOW_S)
    assert not minute.takes("192.0.2.1", NOW_S)
    assert minute.takes("10.0.0.0", NOW_S)
