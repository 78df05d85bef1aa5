"""What PATCH carries, and which ICE session it is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.whip.fragments import (
    MAX_BYTES,
    MAX_LINES,
    Fragment,
    parse_fragment,
    write_fragment,
)
from media.broadcast.whip.preconditions import MAX_IF_MATCH, Patch, etag_of, judge, tags_of
from media.broadcast.whip.refusals import Refused, Why
from media.sdp.api import SectionKind
from media.sdp.reach import MAX_CANDIDATES
from tests.media.broadcast.whip.offers import NEW_PWD, RFC_PWD, restart, trickle
from tests.media.sdp.goldens import LOCAL

HOST = "a=candidate:1 1 udp 7 192.0.2.1 61764 typ host\r\n"


def read(text: str) -> Fragment:
    fragment = parse_fragment(text.encode())
    assert isinstance(fragment, Fragment), fragment
    return fragment


def test_the_rfcs_candidates() -> None:
    """Three candidates, the credentials that they belong to, and their end."""
    assert read(trickle()) == Fragment(ufrag="EsAw", pwd=RFC_PWD, candidates=3, ended=True)


def test_the_rfcs_restart() -> None:
    """New credentials with the first candidate."""
    assert read(restart()) == Fragment(ufrag="ysXw", pwd=NEW_PWD, candidates=1)


def test_other_spellings() -> None:
    """Credentials before the first section (as RFC 8840 has them too), LF alone, candidates without any, mDNS, IPv6."""
    bare = f"a=ice-ufrag:ysXw\na=ice-pwd:{NEW_PWD}"
    assert read(bare) == Fragment(ufrag="ysXw", pwd=NEW_PWD)
    assert read(HOST + HOST.replace("192.0.2.1", "2001:db8::1")).candidates == 2
    hidden = HOST.replace("192.0.2.1", "4ba558af-2a59-4993-9819-544e118aae01.local")
    assert read(hidden + HOST.replace("typ host", "typ relay raddr 0.0.0.0 rport 0")) == Fragment(
        candidates=2
    )
    assert read("a=end-of-candidates\r\n").ended


def test_each_section_repeats_the_credentials() -> None:
    """Everything is bundled: the same again is no news."""
    twice = trickle() + trickle().replace("a=mid:0", "a=mid:1")
    assert read(twice).ufrag == "EsAw"


BROKEN = {
    "": 1,
    "\r\n": 1,
    "hello": 1,
    "a=mid:0\r\n\r\na=end-of-candidates": 2,
    "a=mid:a b\r\na=end-of-candidates": 1,
    "a=candidate:1 1 udp": 1,
    "a=candidate:1 1 udp x 192.0.2.1 61764 typ host": 1,
    "a=candidate:1 1 udp 7 192.0.2.1 617640 typ host": 1,
    f"a=end-of-candidates\r\na=ice-ufrag:ab\r\na=ice-pwd:{RFC_PWD}": 2,
    "a=ice-ufrag:EsAw\r\na=ice-pwd:short": 1,
    "a=ice-ufrag:EsAw\r\n": 1,
    f"a=ice-pwd:{RFC_PWD}\r\n": 0,
    f"a=ice-ufrag:EsAw\r\na=ice-pwd:{RFC_PWD}\r\na=ice-ufrag:Other": 3,
    "a=x:\0": 1,
    "a=x:" + "x" * 1100: 1,
    "a=x:\r\n" * (MAX_LINES + 1): MAX_LINES + 1,
    HOST * (MAX_CANDIDATES + 1): MAX_CANDIDATES + 1,
    "a=mid:0\r\n": 0,
}


@pytest.mark.parametrize(("text", "line"), BROKEN.items())
def test_broken_fragments(text: str, line: int) -> None:
    """400, with the line where there is one to name."""
    refused = parse_fragment(text.encode())
    assert isinstance(refused, Refused)
    assert (refused.why, refused.status) == (Why.FRAGMENT, 400)
    assert refused.line == line


def test_fragments_that_are_no_text_or_too_long() -> None:
    """Neither is looked into."""
    assert parse_fragment(b"a=x:\xff") == Refused(Why.FRAGMENT)
    assert parse_fragment(b"a" * (MAX_BYTES + 1)) == Refused(Why.TOO_LARGE)


PIECES = st.sampled_from(
    [
        *trickle().splitlines(),
        *restart().splitlines(),
        "",
        "a=ice-ufrag:",
        "a=ice-pwd:",
        "a=mid:",
        "a=candidate:",
        "a=candidate:1 1 udp ² 192.0.2.1 ² typ host",
        "m=",
    ]
)


@given(st.lists(PIECES | st.text(max_size=40), max_size=80), st.sampled_from(["\r\n", "\n", "\r"]))
def test_fuzz_fragments(lines: list[str], end: str) -> None:
    """Whatever comes is read or refused; credentials come in pairs, and no more is counted than a client may send."""
    read = parse_fragment(end.join(lines).encode())
    if isinstance(read, Refused):
        assert read.why in {Why.FRAGMENT, Why.TOO_LARGE}
    else:
        assert bool(read.ufrag) == bool(read.pwd)
        assert read.candidates <= MAX_CANDIDATES
        assert read.ufrag or read.candidates or read.ended


@given(st.binary(max_size=300))
def test_fuzz_bytes(raw: bytes) -> None:
    """Never an error."""
    assert isinstance(parse_fragment(raw), Fragment | Refused)


def test_what_we_answer_to_a_restart() -> None:
    """A fragment that we read ourselves: new credentials, every candidate, their end."""
    text = write_fragment(LOCAL, ("0", "1"), SectionKind.VIDEO)
    assert text.startswith("a=ice-lite\r\na=group:BUNDLE 0 1\r\nm=video 9 ")
    assert read(text) == Fragment(ufrag=LOCAL.ufrag, pwd=LOCAL.pwd, candidates=2, ended=True)
    assert "BUNDLE" not in write_fragment(LOCAL, ("",), SectionKind.AUDIO)


ETAG = '"abcd"'
SAME = Fragment(ufrag="EsAw", pwd=RFC_PWD, candidates=1)
OTHER = Fragment(ufrag="ysXw", pwd=NEW_PWD)
UNNAMED = Fragment(candidates=1)

CONDITIONS = [
    (None, SAME, Why.NO_CONDITION),
    (None, OTHER, Why.NO_CONDITION),
    (ETAG, SAME, Patch.TRICKLE),
    (ETAG, UNNAMED, Patch.TRICKLE),
    (f'"x", {ETAG}', SAME, Patch.TRICKLE),
    ('"x"', SAME, Why.OTHER_ICE),
    ("", SAME, Why.OTHER_ICE),
    ("abcd", SAME, Why.OTHER_ICE),
    (f"W/{ETAG}", SAME, Why.OTHER_ICE),
    (ETAG, OTHER, Why.OTHER_ICE),
    ("*", OTHER, Patch.RESTART),
    (" * ", OTHER, Patch.RESTART),
    ("*", SAME, Patch.TRICKLE),
    ("*", UNNAMED, Patch.TRICKLE),
]


@pytest.mark.parametrize(("if_match", "fragment", "found"), CONDITIONS)
def test_conditions(if_match: str | None, fragment: Fragment, found: Patch | Why) -> None:
    """RFC 9725 4.3: candidates name the ICE session by its tag, a restart says `*`, and nothing goes without either."""
    judged = judge(if_match, fragment, ETAG, "EsAw")
    assert judged == (found if isinstance(found, Patch) else Refused(found))


@given(st.text(max_size=MAX_IF_MATCH * 2))
def test_fuzz_conditions(if_match: str) -> None:
    """Whatever stands there is looked at so far and no further."""
    assert sum(map(len, tags_of(if_match))) <= MAX_IF_MATCH


def test_an_etag() -> None:
    """A strong one: the ufrag of our end in quotes."""
    assert tags_of(etag_of(LOCAL)) == {'"ours"'}
