"""The signed register: what is believed, and the name of every refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signedjson.key import decode_verify_key_bytes
from signedjson.sign import verify_signed_json

from synapse_sferum.district.canonical import LARGEST, parse_bounded
from synapse_sferum.district.refusals import BadRegister, RegisterRefusal
from synapse_sferum.district.register import FORMAT, LONGEST_LIFE_S, Register
from synapse_sferum.district.signed import verified
from tests.synapse_sferum.district_values import (
    DISTRICT,
    NEIGHBOUR,
    NOW_S,
    OWN,
    anchor,
    chain,
    data,
    document,
    register,
    school,
    signed,
)


def judge(whole: bytes, trusted: int = 1) -> Register | RegisterRefusal:
    """The register, or why it is not believed."""
    try:
        return verified(whole, district=DISTRICT, anchor=anchor(trusted))
    except BadRegister as bad:
        return bad.reason


def where(unsigned: Mapping[str, Any]) -> str:
    """The field that is wrong."""
    with pytest.raises(BadRegister) as caught:
        verified(data(signed(unsigned)), district=DISTRICT, anchor=anchor())
    assert caught.value.reason is RegisterRefusal.MALFORMED
    return caught.value.where


def test_a_register_is_read_as_it_was_signed() -> None:
    """A good register comes out with its schools, keys, pairs and rooms."""
    room = {"ref": "heads", "name": "Директора", "members": ["director"], "writers": ["director"]}
    found = register(
        pairs=[["teacher", "student"], ["staff", "staff"]],
        rooms=[room],
        schools=[school(OWN), school(NEIGHBOUR, isolated=True)],
    )
    assert list(found.schools) == [OWN, NEIGHBOUR]
    assert found.schools[NEIGHBOUR].isolated
    assert len(found.schools[OWN].keys["ed25519:a_test"]) == 32
    assert found.pairs == {("student", "teacher"), ("staff", "staff")}
    assert [(one.ref, one.host, one.members) for one in found.rooms] == [
        ("heads", "", frozenset({"director"}))
    ]


def test_contacts_are_not_printed() -> None:
    """A school's contact is not in the repr of a register."""
    assert f"office@{OWN}" not in repr(register())


def test_matrix_tools_read_the_same_signature() -> None:
    """`signedjson`, which others use to check, agrees with us on what was signed."""
    whole = signed(document())
    found = decode_verify_key_bytes("ed25519:1", anchor())
    verify_signed_json(whole, DISTRICT, found)


def test_a_newer_field_is_left_alone() -> None:
    """A field of a later version is no reason to refuse, and is covered by the signature."""
    whole = signed(document(later={"x": 1}))
    assert isinstance(judge(data(whole)), Register)
    whole["later"] = {"x": 2}
    assert judge(data(whole)) is RegisterRefusal.SIGNATURE


# --- who signed


@pytest.mark.parametrize(
    ("whole", "reason"),
    [
        (signed(document(), by=100), RegisterRefusal.SIGNATURE),
        (signed(document(), [100]), RegisterRefusal.KEY_CHAIN),
        (signed(document(district="other.example")), RegisterRefusal.OTHER_DISTRICT),
        ({**signed(document()), "serial": 2}, RegisterRefusal.SIGNATURE),
        ({**signed(document()), "signatures": {}}, RegisterRefusal.SIGNATURE),
        ({**signed(document()), "signatures": []}, RegisterRefusal.SIGNATURE),
        ({**signed(document()), "signatures": {DISTRICT: []}}, RegisterRefusal.SIGNATURE),
        (
            {**signed(document()), "signatures": {DISTRICT: {"ed25519:1": "AA"}}},
            RegisterRefusal.MALFORMED,
        ),
        ({**signed(document()), "operator_keys": []}, RegisterRefusal.KEY_CHAIN),
        (document(), RegisterRefusal.MALFORMED),
    ],
)
def test_not_the_operators(whole: Mapping[str, Any], reason: RegisterRefusal) -> None:
    """Whatever the operator's key did not sign as it stands is refused, with its reason."""
    assert judge(data(whole)) is reason


def test_a_new_key_signed_by_the_old_one_is_followed() -> None:
    """A school that trusts key 1 believes what key 3 signs, when 1 named 2 and 2 named 3; one of 2 or 3 does too."""
    whole = data(signed(document(), [1, 2, 3]))
    for trusted in (1, 2, 3):
        assert isinstance(judge(whole, trusted), Register)


def test_the_old_key_is_believed_no_more() -> None:
    """A school that has followed to key 2 refuses what key 1 signs alone, or signs for a key of a thief."""
    assert judge(data(signed(document(), [1])), trusted=2) is RegisterRefusal.KEY_CHAIN
    assert judge(data(signed(document(), [1, 100])), trusted=2) is RegisterRefusal.KEY_CHAIN
    assert judge(data(signed(document(), [1, 2], by=1)), trusted=1) is RegisterRefusal.SIGNATURE


def test_a_key_that_was_not_named_by_the_one_before() -> None:
    """A link without a signature, with another's, of another district or at another place breaks the chain."""
    good = chain([1, 2])
    for link in (
        {**good[1], "signature": good[1]["signature"][::-1]},
        {**chain([100, 2])[1]},
        {**chain([1, 2], "other.example")[1]},
    ):
        spoilt = {**document(), "operator_keys": [good[0], link]}
        assert judge(data(signed(spoilt, [1, 2]))) in {
            RegisterRefusal.KEY_CHAIN,
            RegisterRefusal.MALFORMED,  # not base64 in its one spelling
        }
    moved = {**document(), "operator_keys": [chain([3])[0], good[0], good[1]]}
    assert judge(data(signed(moved, [3, 1, 2]))) is RegisterRefusal.KEY_CHAIN
    bare = {**document(), "operator_keys": [good[0], {"key": good[1]["key"]}]}
    assert judge(data(signed(bare, [1, 2]))) is RegisterRefusal.MALFORMED


# --- what is in it


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"serial": 0}, "serial"),
        ({"serial": True}, "serial"),
        ({"serial": "1"}, "serial"),
        ({"expires": NOW_S - 60}, "expires"),
        ({"expires": NOW_S + LONGEST_LIFE_S}, "expires"),
        ({"name": " "}, "name"),
        ({"name": "а" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"schools": {}}, "schools"),
        ({"schools": [1]}, "schools[0]"),
        ({"schools": [school(OWN), school(OWN)]}, "schools"),
        ({"schools": [school("School.example")]}, "schools[0].server_name"),
        ({"schools": [school("a.example/b")]}, "schools[0].server_name"),
        ({"schools": [school("a.example\n")]}, "schools[0].server_name"),
        ({"schools": [school(OWN, keys={})]}, "schools[0].keys"),
        ({"schools": [school(OWN, keys={"rsa:1": "A" * 43})]}, "schools[0].keys"),
        ({"schools": [school(OWN, keys={"ed25519:1": "A" * 42})]}, "schools[0].keys"),
        ({"schools": [school(OWN, keys={"ed25519:1": "A" * 42 + "B"})]}, "schools[0].keys"),
        ({"schools": [school(OWN, isolated=1)]}, "schools[0].isolated"),
        ({"schools": [school(OWN, contact=None)]}, "schools[0].contact"),
        ({"schools": [school(f"s{n}.example") for n in range(2001)]}, "schools"),
        ({"pairs": [["staff"]]}, "pairs[0]"),
        ({"pairs": [["staff", "head"]]}, "pairs[0]"),
        ({"pairs": [["staff", ["staff"]]]}, "pairs[0]"),
        ({"pairs": [["staff", "staff"], ["student", "student"]]}, "pairs[1]"),
        ({"pairs": [["student", "guardian"]]}, "pairs[0]"),
        ({"pairs": [["staff", "staff"]] * 65}, "pairs"),
        (
            {"rooms": [{"ref": "x", "name": "X", "members": ["student"], "writers": []}]},
            "rooms[0].members",
        ),
        (
            {"rooms": [{"ref": "x", "name": "X", "members": [], "writers": [], "host": "#x:y"}]},
            "rooms[0].host",
        ),
        (
            {"rooms": [{"ref": "x", "name": "X", "members": [], "writers": [], "subject": " А"}]},
            "rooms[0].subject",
        ),
        (
            {"rooms": [{"ref": "x", "name": "X", "members": [], "writers": []}] * 2},
            "rooms[1].ref",
        ),
        ({"unsigned": {}}, "unsigned"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], field: str) -> None:
    """What is wrong is refused by the field's name, though the operator signed it."""
    assert where(document(**changes)) == field


def test_another_format() -> None:
    """A register of another version is refused as that, not as broken."""
    assert judge(data(signed(document(format="sferum.register.v2")))) is RegisterRefusal.FORMAT
    assert FORMAT == "sferum.register.v1"


# --- bounds


def test_huge_deep_and_truncated() -> None:
    """A megabyte, brackets without end and half a file are refused before anything is believed of them."""
    good = data(signed(document()))
    assert judge(good + b" " * LARGEST) is RegisterRefusal.TOO_LARGE
    assert judge(b"[" * LARGEST) is RegisterRefusal.TOO_DEEP
    assert judge(b'{"a":' * 100_000) is RegisterRefusal.TOO_DEEP
    assert judge(good[:-1]) is RegisterRefusal.NOT_JSON
    assert judge(good[: len(good) // 2]) is RegisterRefusal.NOT_JSON
    assert judge(b"") is RegisterRefusal.NOT_JSON


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1.5}',
        '{"a":1e2}',
        '{"a":NaN}',
        '{"a":9007199254740992}',
        '{"a":' + "9" * 5000 + "}",
        '{"a":"\\ud800"}',
        '{"a":"\x00"}',
        "[]",
        "1",
        "\ufeff{}",
    ],
)
def test_json_that_two_readers_could_read_differently(text: str) -> None:
    """A key twice, a fraction, a number beyond 2^53, half a character: refused."""
    with pytest.raises(BadRegister) as caught:
        parse_bounded(text.encode())
    assert caught.value.reason is RegisterRefusal.NOT_JSON


def test_brackets_in_strings_do_not_count() -> None:
    """A name may hold brackets and quotes."""
    name = '[[[[[[[[[["{\\"'
    assert register(name=name).name == name


@given(st.binary(max_size=300))
def test_fuzz_any_bytes_are_refused_by_name(noise: bytes) -> None:
    """Bytes that nobody signed are refused, and never by another error."""
    assert isinstance(judge(noise), RegisterRefusal)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(signed(document()))), json_values)
def test_fuzz_any_field_replaced_is_refused_by_name(field: str, value: object) -> None:
    """A register with any one field replaced is refused with a reason, unless the value is the same."""
    whole = signed(document())
    found = judge(json.dumps({**whole, field: value}).encode())
    assert isinstance(found, RegisterRefusal) or value == whole[field]


@given(st.data())
def test_fuzz_any_bit_turned_is_refused(draw: st.DataObject) -> None:
    """One bit turned anywhere in the file: it is refused, or it says exactly what it said."""
    good = data(signed(document()))
    at = draw.draw(st.integers(0, len(good) - 1))
    bit = draw.draw(st.integers(0, 7))
    spoilt = good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :]
    found = judge(spoilt)
    assert isinstance(found, RegisterRefusal) or found == judge(good)
