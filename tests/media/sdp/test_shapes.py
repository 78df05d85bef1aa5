"""Clients of a kind say the same of everything but themselves, and that is read once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.light_sdp import split
from media.sdp.api import SdpError, parse
from media.sdp.section import parse_section
from tests.media.sdp.goldens import golden

GOLDENS = sorted(
    path.stem for path in (Path(__file__).parent / "golden").iterdir() if path.suffix == ".sdp"
)


def another(text: str) -> str:
    """What a second client of the kind says: its own credentials, its own mids."""
    text = re.sub(r"a=ice-ufrag:\S+", "a=ice-ufrag:another1", text)
    text = re.sub(r"a=ice-pwd:\S+", "a=ice-pwd:" + "q" * 24, text)
    text = re.sub(r"a=fingerprint:\S+ \S+", "a=fingerprint:sha-256 " + ":".join(["EF"] * 32), text)
    text = re.sub(r"a=mid:(\S+)", r"a=mid:other\1", text)
    return re.sub(r"(a=group:BUNDLE).*", r"\1", text)


@pytest.mark.parametrize("name", GOLDENS)
def test_a_section_is_what_it_is_when_read_by_itself(name: str) -> None:
    """Whoever was read before, of the same kind or not: every field, and how it is reached."""
    for text in (golden(name), another(golden(name)), golden(name)):
        session, *parts = split(text)
        if "a=extmap:" in session:
            continue  # said once for all sections
        alone = [parse_section(part.rstrip("\r\n").split("\r\n"), 1) for part in parts]
        assert list(parse(text).sections) == alone


def test_two_clients_of_a_kind_share_what_they_have_in_common() -> None:
    """Codecs and extensions are the same objects, so what they mean is found once; mids and credentials are not."""
    text = golden("chromium_v1_join")
    one, other = parse(text).sections, parse(another(text)).sections
    assert all(
        a.codecs is b.codecs and a.extensions is b.extensions
        for a, b in zip(one, other, strict=True)
    )
    assert all(f"other{a.mid}" == b.mid for a, b in zip(one, other, strict=True))
    assert other[0].transport is not None
    assert other[0].transport.ufrag == "another1"


def test_a_mistake_is_named_by_its_line_in_the_whole() -> None:
    """Also in a line that clients do not have in common, of a section whose shape is known."""
    text = golden("chromium_v1_join")
    parse(text)
    wrong = text.replace("a=ice-pwd:", "a=ice-pwd:?", 1)
    line = wrong.splitlines().index(next(x for x in wrong.splitlines() if "a=ice-pwd:?" in x)) + 1
    with pytest.raises(SdpError) as raised:
        parse(wrong)
    assert raised.value.line == line
