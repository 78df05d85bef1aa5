"""A node proves who asks: nothing that was changed, kept, or meant for somebody else is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.fanout.asking import (
    LEEWAY_S,
    MOST_ONCE,
    Judge,
    No,
    Question,
    public_key,
    read_question,
    write_public,
)

NOW = 1_800_000_000
KEY = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
ASKED = Question("b.example", "a.example", "concert", "c" * 22, NOW, "n" * 22).signed(KEY)


def _judge() -> Judge:
    schools = {"b.example": KEY.public_key(), "c.example": OTHER.public_key()}
    return Judge("a.example", schools.get)


def test_a_question_arrives() -> None:
    """What was signed is read again as it was, and believed once."""
    read = read_question(json.loads(json.dumps(ASKED.as_json())))
    assert read == ASKED
    judge = _judge()
    assert judge.judge(ASKED, NOW) is None
    assert judge.judge(ASKED, NOW + 1) is No.STALE


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"node": "c.example"}, No.STRANGER),
        ({"node": "d.example"}, No.STRANGER),
        ({"broadcast": "lesson"}, No.STRANGER),
        ({"code": "d" * 22}, No.STRANGER),
        ({"at": NOW + 1}, No.STRANGER),
        ({"once": "m" * 22}, No.STRANGER),
        ({"to": "c.example"}, No.STRANGER),
    ],
)
def test_what_was_changed(changed: dict[str, Any], why: No) -> None:
    """Whatever of it is changed, the signature does not fit any more."""
    assert _judge().judge(evolve(ASKED, **changed), NOW) is why


def test_what_is_not_for_us_or_of_another_time() -> None:
    """A school cannot use what it was asked at another one; nobody can use it later, or from the future."""
    assert _judge().judge(evolve(ASKED, to="c.example").signed(KEY), NOW) is No.NOT_FOR_US
    assert _judge().judge(ASKED, NOW + LEEWAY_S + 1) is No.STALE
    assert _judge().judge(ASKED, NOW - LEEWAY_S - 1) is No.STALE
    assert _judge().judge(evolve(ASKED, node="c.example").signed(KEY), NOW) is No.STRANGER


def test_what_is_remembered_has_a_bound() -> None:
    """Too many questions at once are refused, and room is there again when the old ones are too old to be believed."""
    judge = _judge()
    judge._used |= {("b.example", str(number)): NOW for number in range(MOST_ONCE)}
    assert judge.judge(ASKED, NOW) is No.STALE
    later = evolve(ASKED, at=NOW + 200).signed(KEY)
    assert judge.judge(later, NOW + 200) is None
    assert len(judge._used) == 1


def test_keys_of_settings() -> None:
    """A key is written as a line of settings and read again; anything else is refused, and not quoted."""
    assert public_key(write_public(KEY)) == KEY.public_key()
    for wrong in ("", "short", "ж" * 43, write_public(KEY) + "A"):
        with pytest.raises(ValueError, match="43 characters"):
            public_key(wrong)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=90),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(_JSON | st.fixed_dictionaries(dict.fromkeys(ASKED.as_json(), _JSON)))
def test_fuzz_questions(given_: Any) -> None:
    """No JSON raises anything; what is read can be judged, and is not believed."""
    read = read_question(given_)
    assert read is No.MALFORMED or (
        isinstance(read, Question) and _judge().judge(read, NOW) is not None
    )


@given(st.sampled_from(list(ASKED.as_json())), _JSON)
def test_fuzz_one_field(name: str, value: Any) -> None:
    """A real question with one field of another kind is refused, or is the same."""
    raw = ASKED.as_json()
    read = read_question(raw | {name: value})
    if isinstance(read, Question) and read != ASKED:
        assert _judge().judge(read, NOW) is not None
