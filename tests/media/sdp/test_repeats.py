"""Descriptions that mostly repeat the last one: the same text as without any memory, and within calls.md §4."""

from __future__ import annotations

from typing import Any, cast

from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st

from bench.light_sdp import Offered, Ours, whole
from media.sdp.api import (
    Answers,
    Built,
    Cache,
    Looks,
    Outgoing,
    Section,
    SectionAllocator,
    SectionTable,
    Texts,
    Wish,
    build_answer,
    build_offer,
    parse,
    sending,
    write,
)
from media.sdp.writer import candidate_text
from tests.media.sdp.goldens import LOCAL, camera, microphone

#: What happens one after the other: which of the tracks, whether it goes, whether something about it differs.
STEPS = st.lists(st.tuples(st.integers(0, 23), st.booleans(), st.booleans()), max_size=30)
OURS = Ours("light", "p" * 24, "sha-256 " + ":".join(["CD"] * 32))


def people(count: int) -> list[Outgoing]:
    return [make(number) for number in range(count) for make in (microphone, camera)]


def chromium(tracks: int) -> str:
    """Its offer with sections for so many microphones and as many cameras, one of its own, and data channels."""
    offered = Offered(OURS)
    sections = [offered.data("0"), offered.sending("video", "1", "cid", 7)]
    for _ in range(tracks):
        for kind in ("audio", "video"):
            sections.append(offered.receiving(kind, str(len(sections))))
    return whole(sections, tracks)


@given(STEPS)
def test_offers_are_the_same_with_and_without_memory(steps: list[tuple[int, bool, bool]]) -> None:
    """Whatever tracks come, go and change, and when ICE restarts (v0)."""
    table, built, texts, tracks = SectionTable(), Built(), Texts(), people(12)
    for version, (number, goes, differs) in enumerate(steps, 1):
        if goes:
            table.drop(tracks[number].sid)
        else:
            table.put(evolve(tracks[number], stereo=differs))
        local = evolve(LOCAL, ufrag=f"ufrag{version // 10}")
        offer = build_offer(table.sections(), local, version=version, built=built)
        fresh = build_offer(table.sections(), local, version=version)
        assert offer == fresh
        assert write(offer, texts) == write(fresh)
        table.answered(offer, parse(write(offer)))


@given(STEPS)
def test_answers_are_the_same_with_and_without_memory(steps: list[tuple[int, bool, bool]]) -> None:
    """Whatever sections the client adds, whatever goes into them, and however it wants its own answered (v1)."""
    allocator, cache, answers, texts = SectionAllocator(), Cache(), Answers(), Texts()
    tracks = people(12)
    for size, (number, goes, differs) in enumerate(steps, 1):
        if goes:
            allocator.drop(tracks[number].sid)
        else:
            allocator.put(tracks[number])
        text = chromium(size // 2 + 1)
        offer, wishes = parse(text, cache), {"1": Wish(dtx=differs)}
        filled = allocator.fill(offer)
        answer = build_answer(offer, LOCAL, outgoing=filled, wishes=wishes, answers=answers)
        fresh = build_answer(parse(text), LOCAL, outgoing=filled, wishes=wishes)
        assert write(answer, texts) == write(fresh)


def test_sections_that_are_gone_are_forgotten() -> None:
    """A client that names its sections anew in each offer costs no more memory than one offer."""
    answers, text = Answers(), chromium(3)
    for number in range(5):
        offer = parse(text.replace("a=mid:", f"a=mid:{number}"))
        build_answer(offer, LOCAL, answers=answers)
        assert len(answers._sections) == len(offer.sections)


def test_a_hundred_people_are_within_bounds() -> None:
    """Microphones and cameras of 100 (calls.md §4): the offer of v0; v1's answer has Chromium's extensions too."""
    table = SectionTable()
    for track in people(100):
        table.put(track)
    assert len(write(build_offer(table.sections(), LOCAL, version=1))) <= 70_000
    allocator, offer = SectionAllocator(), parse(chromium(100))
    for track in people(100):
        allocator.put(track)
    answer = build_answer(offer, LOCAL, outgoing=allocator.fill(offer))
    assert len(allocator.mid_to_track_id()) == 200
    assert len(write(answer)) <= 72_000


def test_ice_and_dtls_are_said_once() -> None:
    """They hold for every section, and candidates stand in the first (RFC 8839 5.4)."""
    table = SectionTable()
    table.put(microphone())
    offer = build_offer(table.sections(), LOCAL, version=1)
    text = write(offer)
    session, first, _second = text.split("m=")
    assert text.count("a=fingerprint:") == text.count("a=ice-pwd:") == 1
    assert f"a=ice-ufrag:{LOCAL.ufrag}\r\n" in session
    assert all(candidate_text(one) in first for one in LOCAL.candidates)
    read = parse(text)
    assert read.transport == offer.transport
    assert read.sections[1].msid == ("PA_1|TR_A1", "")


def test_a_section_under_another_mid_is_the_same_otherwise() -> None:
    """No field is forgotten, whatever it holds."""
    marks = {each.name: object() for each in fields(Section)}
    section = Section(**cast(Any, marks))

    named = section.named("7", section.transport)

    assert named.mid == "7"
    left = {name: getattr(named, name) for name in marks if name != "mid"}
    assert left == {name: mark for name, mark in marks.items() if name != "mid"}


def test_sections_with_the_same_codecs_are_looked_at_once() -> None:
    """What they mean is what it would be without memory, whichever of them comes first."""
    description = parse(chromium(6))
    looks = Looks()

    assert [sending(one, looks) for one in description.sections] == [
        sending(one) for one in description.sections
    ]


def test_a_track_that_comes_again_takes_its_own_section_or_a_free_one() -> None:
    """A track that stays keeps its section; another takes the first free one of its kind after an answer showed it."""
    table, tracks = SectionTable(), people(4)
    mids = [table.put(track) for track in tracks]
    assert mids == [table.put(track) for track in tracks]

    table.drop(tracks[2].sid)
    table.drop(tracks[0].sid)
    assert table.put(tracks[0]) == "9"
    offer = build_offer(table.sections(), LOCAL, version=1)
    table.answered(offer, parse(write(offer)))

    assert (table.put(tracks[2]), table.mid_of(tracks[2].sid)) == ("1", "1")
    assert table.drop(tracks[0].sid) == "9"
    assert table.mid_of(tracks[0].sid) is None
