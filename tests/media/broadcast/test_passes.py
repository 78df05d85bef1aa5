"""Passes: ours open what they are for, until they end or are revoked; nothing else opens anything."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast import passes
from media.broadcast.passes import LIVES_S, MOST_CHARS, Kind, NoPass, Pass, Revoked

NOW = 1_800_000_000.0
OLD, NEW = b"o" * 32, b"n" * 32
ANN = "@u1:school.test"
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
ACCOUNTS = st.text(min_size=1, max_size=60)


def _pass(account: str = ANN, at: float = NOW) -> str:
    return passes.issue("concert", account, Kind.VIEWER, [NEW], at)


def _issued(account: str = ANN, broadcast: str = "concert", at: float = NOW) -> Pass:
    return Pass(broadcast, account, Kind.VIEWER, int(at), int(at) + LIVES_S)


@given(NAMES, ACCOUNTS, st.sampled_from(Kind))
def test_what_is_issued_is_read_back(broadcast: str, account: str, kind: Kind) -> None:
    """Every field, with an older key too; it fits into an address as it is, and is no longer than edges allow."""
    text = passes.issue(broadcast, account, kind, [OLD], NOW)
    found = passes.check(text, broadcast, [NEW, OLD], NOW)
    assert found == Pass(broadcast, account, kind, int(NOW), int(NOW) + LIVES_S)
    assert len(text) <= MOST_CHARS
    assert text.replace("-", "a").replace("_", "a").isalnum()


def test_the_longest_pass_fits() -> None:
    """A Matrix id of 255 octets and a broadcast's name of 64."""
    text = passes.issue("b" * 64, "@" + "я" * 127, Kind.NODE, [NEW], NOW)
    assert len(text) == MOST_CHARS
    assert isinstance(passes.check(text, "b" * 64, [NEW], NOW), Pass)


def test_each_no_has_its_status() -> None:
    """Anonymous 401, forged or of another broadcast 403, expired 410."""
    text = _pass()
    no = {
        passes.check("", "concert", [NEW], NOW): 401,
        passes.check(text, "concert", [OLD], NOW): 403,
        passes.check(text, "lesson", [NEW], NOW): 403,
        passes.check(text, "concert", [NEW], NOW + LIVES_S): 410,
        passes.check(text, "concert", [NEW], NOW - passes.LEEWAY_S - 1): 403,
    }
    assert [(one, one.status) for one in no if isinstance(one, NoPass)] == [
        (NoPass.ABSENT, 401),
        (NoPass.BAD, 403),
        (NoPass.OTHER_BROADCAST, 403),
        (NoPass.EXPIRED, 410),
    ]
    assert isinstance(passes.check(text, "concert", [NEW], NOW + LIVES_S - 1), Pass)


def test_another_spelling_is_no_pass() -> None:
    """An edge's auth cache counts by spelling: padding, other last bits and other alphabets open nothing."""
    text = passes.issue("concert", "@u12:school.test", Kind.VIEWER, [NEW], NOW)
    assert len(text) % 4
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(text[-1])
    other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1]
    for spelling in (text + "=", text[:-1] + other, text + "\n", " " + text, text + "."):
        assert passes.check(spelling, "concert", [NEW], NOW) is NoPass.BAD


@given(st.data())
def test_a_changed_pass_is_no_pass(data: st.DataObject) -> None:
    """Whichever bit of it is turned."""
    text = _pass()
    sealed = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    changed = urlsafe_b64encode(bytes(sealed)).rstrip(b"=").decode()
    assert passes.check(changed, "concert", [NEW], NOW) is NoPass.BAD


@given(st.text(max_size=600) | st.from_regex(r"[A-Za-z0-9_-]{40,500}", fullmatch=True))
def test_anything_else_is_no_pass(text: str) -> None:
    """Nothing raises, whatever stands in an address."""
    assert passes.check(text, "concert", [NEW], NOW) in (NoPass.BAD, NoPass.ABSENT)


@given(st.binary(max_size=80))
def test_what_was_sealed_but_makes_no_sense(body: bytes) -> None:
    """A body of another version of ours, with the right seal."""
    sealed = body + passes._seal(body, NEW)
    text = urlsafe_b64encode(sealed).rstrip(b"=").decode()
    found = passes.check(text, "concert", [NEW], NOW)
    assert isinstance(found, NoPass)


def test_what_no_pass_is_made_of() -> None:
    """Short keys, names with slashes, long accounts, times behind 2106: refused before anything is sealed."""
    with pytest.raises(ValueError, match="32 octets"):
        passes.issue("concert", ANN, Kind.VIEWER, [b"short"], NOW)
    for change in (
        {"broadcast": "a/b"},
        {"broadcast": ""},
        {"account": ""},
        {"account": "я" * 128},
        {"issued_at": -1},
        {"expires_at": 2**32},
    ):
        with pytest.raises(ValueError, match=r"^(a|an) "):
            evolve(_issued(), **change)


def test_an_account_does_not_show() -> None:
    """Neither a pass nor what is revoked prints whose it is."""
    revoked = Revoked()
    revoked.account("concert", ANN, NOW)
    assert ANN not in repr(_issued()) + repr(revoked)


def test_revoked_until_asked_again() -> None:
    """What an account had holds no longer, for this broadcast only; what it is given afterwards does."""
    revoked = Revoked()
    revoked.account("concert", ANN, NOW + 10)
    text = _pass(at=NOW)
    assert passes.check(text, "concert", [NEW], NOW + 11, revoked) is NoPass.REVOKED
    assert NoPass.REVOKED.status == 403
    assert not revoked.has(_issued("@u2:school.test"))
    assert not revoked.has(_issued(broadcast="lesson"))
    again = _pass(at=NOW + 11)
    assert isinstance(passes.check(again, "concert", [NEW], NOW + 12, revoked), Pass)


def test_a_whole_broadcast_is_revoked() -> None:
    """Everybody's passes until now."""
    revoked = Revoked()
    revoked.broadcast("concert", NOW)
    assert revoked.has(_issued())
    assert not revoked.has(_issued(at=NOW + 1))
    assert not revoked.has(_issued(broadcast="lesson"))


def test_what_has_expired_is_forgotten() -> None:
    """A revocation is kept as long as a pass lives, and a little."""
    revoked = Revoked()
    for number in range(100):
        revoked.account("concert", f"@u{number}:school.test", NOW)
    assert len(revoked) == 100
    revoked.broadcast("lesson", NOW + LIVES_S + passes.LEEWAY_S + 1)
    assert len(revoked) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 5), st.integers(0, 30)),
        max_size=40,
    )
)
def test_a_full_memory_forgets_nobody_who_was_revoked(
    events: list[tuple[str, int | None, int]],
) -> None:
    """Where more is revoked than is remembered, others must ask again; what was revoked stays so; bounds are kept."""
    revoked = Revoked(most=3, most_broadcasts=2)
    now, expected = NOW, []
    for broadcast, account, later in events:
        now += later
        if account is None:
            revoked.broadcast(broadcast, now)
            expected += [_issued(f"@u{one}:s", broadcast, now) for one in range(6)]
        else:
            revoked.account(broadcast, f"@u{account}:s", now)
            expected.append(_issued(f"@u{account}:s", broadcast, now))
        assert len(revoked) <= 5
        assert all(revoked.has(one) for one in expected)
        assert not revoked.has(_issued("@u0:s", "a", now + 1))
