"""Bytes of what we write for N people with a microphone and a camera each: not above what calls.md §4 measured.

A client's CPU goes with its own descriptions, which it makes of ours; ours are what we can keep short.
"""

from __future__ import annotations

import re
import zlib

import pytest

from bench.descriptions import answer_to, offer_of, people
from bench.light_sdp import Offered, Ours, whole
from media.forwarder.api import Codec
from media.sdp.api import Description, Direction, Section, SectionKind, parse
from media.sdp.codecs import ABS_SEND_TIME, DEPENDENCY_DESCRIPTOR, TRANSPORT_CC
from tests.media.sdp.goldens import camera

#: People → kB of the server's v0 offer and of its v1 answer (calls.md §4).
MEASURED = {10: (8, 7), 50: (36, 36), 100: (73, 72)}
OURS = Ours("light", "p" * 24, "sha-256 " + ":".join(["CD"] * 32))


def watching(count: int) -> str:
    """Chromium's offer with free sections for so many people, as it sends it at first."""
    offered = Offered(OURS)
    kinds = ["audio", "video"] * count
    sections = [offered.receiving(kind, str(mid)) for mid, kind in enumerate(kinds)]
    return whole([*sections, offered.data(str(len(sections)))], 1)


def kilobytes(text: str) -> int:
    return round(len(text) / 1000)


def of_kind(description: Description, kind: SectionKind) -> list[Section]:
    return [section for section in description.sections if section.kind is kind]


@pytest.mark.parametrize("count", MEASURED)
def test_what_we_write_is_not_longer_than_measured(count: int) -> None:
    """Offers (v0) and answers (v1) for 10, 50 and 100 people are within calls.md §4; the line carries a tenth of it."""
    offer, answer = offer_of(people(count)), answer_to(watching(count), people(count))
    sent = [s for s in parse(answer).sections if s.direction is Direction.SENDONLY]
    assert len(sent) == len(parse(offer).sections) - 1 == 2 * count
    assert kilobytes(offer) <= MEASURED[count][0]
    assert kilobytes(answer) <= MEASURED[count][1]
    if count == 100:
        assert len(zlib.compress(offer.encode())) < 7_000
        assert len(zlib.compress(answer.encode())) < 7_000


def test_nothing_stands_in_a_section_that_could_stand_once() -> None:
    """Addresses, ICE, DTLS and candidates of both are in the session or in the first section (RFC 8866, 8839, 8843)."""
    for text in (offer_of(people(20)), answer_to(watching(20), people(20))):
        for once in ("c=", "a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:"):
            assert len(re.findall(f"^{once}", text, re.MULTILINE)) == 1
        assert text.index("c=") < text.index("m=")
        assert text.rindex("a=candidate:") < text.index("m=", text.index("m=") + 1)
        assert "a=rtcp:" not in text


def test_a_section_has_one_codec_and_each_ssrc_once() -> None:
    """The track's own codec with its RTX, and one line for each SSRC; opus without wishes, as nothing comes back."""
    for text in (offer_of(people(20)), answer_to(watching(20), people(20))):
        read = parse(text)
        for section in of_kind(read, SectionKind.VIDEO):
            assert [codec.name for codec in section.codecs] == ["VP8", "rtx"]
            feedback = section.codecs[0].feedback
            assert {"nack", "nack pli"} <= set(feedback)
            assert "ccm fir" not in feedback
        for section in of_kind(read, SectionKind.AUDIO):
            assert [(codec.name, codec.parameters) for codec in section.codecs] == [("opus", {})]
        assert text.count("a=ssrc:") == 3 * 20
        assert len(set(re.findall(r"^a=ssrc:\d+", text, re.MULTILINE))) == 3 * 20


def test_an_offer_says_its_extensions_once() -> None:
    """All sections of an offer have the same (RFC 8285 5); that of layered codecs only while one is there."""
    text = offer_of(people(20))
    said = parse(text).sections[1].extensions
    assert text.count("a=extmap:") == len(said)
    assert text.rindex("a=extmap:") < text.index("m=")
    assert {section.extensions for section in parse(text).sections[1:]} == {said}
    layered = parse(offer_of([*people(1), camera(9, Codec.AV1)])).sections[1].extensions
    assert [line.uri for line in layered] == [*(line.uri for line in said), DEPENDENCY_DESCRIPTOR]
    assert "a=extmap:" not in offer_of([])


def test_an_answer_takes_what_packets_carry() -> None:
    """In the first section of each kind all that is ever wanted, else what tells when pictures were sent."""
    answer = parse(answer_to(watching(3), people(3)))
    audio, video = of_kind(answer, SectionKind.AUDIO), of_kind(answer, SectionKind.VIDEO)
    assert [len(one.extensions) for one in audio] == [3, 0, 0]
    assert [len(one.extensions) for one in video] == [5, 1, 1]
    assert {one.uri for one in video[1].extensions} <= {ABS_SEND_TIME, TRANSPORT_CC}
