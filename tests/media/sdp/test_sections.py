"""Which section carries which track: v1, where only the client offers, and v0, where we do."""

from __future__ import annotations

import zlib

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Codec
from media.ids import TrackSid
from media.sdp.api import (
    Description,
    Direction,
    Outgoing,
    SectionAllocator,
    SectionKind,
    SectionTable,
    build_answer,
    build_offer,
    parse,
    write,
)
from tests.media.sdp.goldens import LOCAL, camera, golden, microphone

JOIN = parse(golden("chromium_v1_join"))


def grown(offer: Description, audios: int, videos: int) -> Description:
    """The client's next offer, after it was asked for more sections."""
    by_kind = {section.kind: section for section in offer.sections}
    added = [by_kind[SectionKind.AUDIO]] * audios + [by_kind[SectionKind.VIDEO]] * videos
    mids = range(len(offer.sections), len(offer.sections) + len(added))
    new = tuple(evolve(section, mid=str(mid)) for section, mid in zip(added, mids, strict=True))
    return evolve(offer, sections=(*offer.sections, *new))


def test_free_sections_are_filled_first() -> None:
    """What is there when the client joins goes into its first answer; nothing has to be asked for."""
    allocator = SectionAllocator()
    allocator.put(camera(1))
    allocator.put(microphone(1))
    assert allocator.fill(JOIN) == {"0": microphone(1), "3": camera(1)}
    assert allocator.mid_to_track_id() == {"0": "TR_A1", "3": "TR_V1"}
    assert allocator.requirement() is None


def test_a_new_track_asks_for_another_offer_once() -> None:
    """With free sections left the client is only asked to offer again, and not a second time before it did."""
    allocator = SectionAllocator()
    allocator.fill(JOIN)
    allocator.put(camera(1))
    assert allocator.requirement() == (0, 0)
    allocator.put(camera(2))
    assert allocator.requirement() is None
    assert allocator.fill(JOIN) == {"3": camera(1), "4": camera(2)}
    assert allocator.requirement() is None


def test_more_tracks_than_sections_are_asked_for_once() -> None:
    """Five cameras for three sections: two more, and for a sixth that comes meanwhile one more."""
    allocator = SectionAllocator()
    allocator.fill(JOIN)
    for number in range(5):
        allocator.put(camera(number))
    assert allocator.requirement() == (0, 2)
    assert allocator.requirement() is None
    allocator.put(camera(5))
    assert allocator.requirement() == (0, 1)
    placed = allocator.fill(grown(JOIN, 0, 3))
    assert sorted(track.sid for track in placed.values()) == [f"TR_V{n}" for n in range(6)]
    assert allocator.requirement() is None


def test_a_section_rests_before_it_is_reused() -> None:
    """A track that ends leaves its section empty for one answer; then another one may have it."""
    allocator = SectionAllocator()
    for number in range(3):
        allocator.put(camera(number))
    allocator.fill(JOIN)
    allocator.drop(TrackSid("TR_V1"))
    allocator.put(camera(7))
    assert allocator.requirement() == (0, 0)
    assert allocator.fill(JOIN) == {"3": camera(0), "5": camera(2)}
    assert allocator.requirement() == (0, 0)
    assert allocator.fill(JOIN) == {"3": camera(0), "4": camera(7), "5": camera(2)}
    assert allocator.requirement() is None


def test_a_track_that_the_client_cannot_decode_is_set_apart() -> None:
    """More sections would not help it, so none are asked for."""
    sections = tuple(
        evolve(s, codecs=tuple(c for c in s.codecs if c.name != "AV1")) for s in JOIN.sections
    )
    offer = evolve(JOIN, sections=sections)
    allocator = SectionAllocator()
    allocator.put(camera(1, Codec.AV1))
    assert allocator.fill(offer) == {}
    assert allocator.unfit() == {"TR_V1"}
    assert allocator.requirement() is None


def test_a_section_that_the_client_took_for_itself() -> None:
    """Where it now sends, nothing of ours can be: the track moves."""
    allocator = SectionAllocator()
    allocator.put(camera(1))
    allocator.fill(JOIN)
    taken = tuple(
        evolve(s, direction=Direction.SENDONLY) if s.mid == "3" else s for s in JOIN.sections
    )
    assert allocator.fill(evolve(JOIN, sections=taken)) == {"4": camera(1)}


@given(
    st.lists(
        st.tuples(st.sampled_from(["camera", "microphone", "drop", "negotiate"]), st.integers(0, 9))
    )
)
def test_everybody_gets_a_section_in_the_end(steps: list[tuple[str, int]]) -> None:
    """Whatever comes and goes: once the client has offered as asked, every track has its own section, of its kind."""
    allocator, offer = SectionAllocator(), JOIN
    live: dict[str, Outgoing] = {}
    allocator.fill(offer)
    for step, number in steps:
        if step == "negotiate":
            asked = allocator.requirement() or (0, 0)
            offer = grown(offer, *asked)
            allocator.fill(offer)
        elif step == "drop":
            for track in (camera(number), microphone(number)):
                allocator.drop(track.sid)
                live.pop(track.sid, None)
        else:
            track = camera(number) if step == "camera" else microphone(number)
            allocator.put(track)
            live[track.sid] = track
    placed: dict[str, Outgoing] = {}
    for _ in range(4):
        offer = grown(offer, *(allocator.requirement() or (0, 0)))
        placed = allocator.fill(offer)
    assert {track.sid: track for track in placed.values()} == live
    assert allocator.requirement() is None
    answer = build_answer(offer, LOCAL, outgoing=placed)
    sent = {s.mid for s in answer.sections if s.direction is Direction.SENDONLY}
    assert sent == set(placed)
    kinds = {"audio": sum(s.kind is SectionKind.AUDIO for s in offer.sections)}
    assert kinds["audio"] <= 3 + 2 * 10, "sections do not double"


# --- v0


def test_an_offer_for_a_subscriber() -> None:
    """Data channels first; each track in a section of its own with `PA|TR`."""
    table = SectionTable()
    table.put(microphone(1))
    table.put(camera(1))
    offer = parse(write(build_offer(table.sections(), LOCAL, version=2)))
    assert [s.kind.value for s in offer.sections] == ["application", "audio", "video"]
    assert offer.sections[2].msid == ("PA_1|TR_V1", "")
    assert [c.payload_type for c in offer.sections[2].codecs] == [96, 97]
    assert offer.session_version == 2
    assert offer.bundle == ("0", "1", "2")


def test_a_stereo_track_is_announced() -> None:
    """livekit-client plays two channels only of what an offer calls stereo."""
    table = SectionTable()
    table.put(evolve(microphone(1), stereo=True))
    table.put(microphone(2))
    text = write(build_offer(table.sections(), LOCAL, version=1))
    assert "a=fmtp:111 sprop-stereo=1\r\n" in text
    stereo, plain = parse(text).sections[1:]
    assert stereo.codecs[0].parameters == {"sprop-stereo": "1"}
    assert plain.codecs[0].parameters == {}


def test_sections_are_never_removed_and_reused_after_an_answer() -> None:
    """A track that ends leaves an inactive section, which the next one takes once the client has seen it."""
    table = SectionTable()
    table.put(camera(1))
    table.drop(TrackSid("TR_V1"))
    assert table.put(camera(2)) == "2", "the first section has not been seen empty"
    offer = build_offer(table.sections(), LOCAL, version=1)
    assert [s.direction for s in offer.sections[1:]] == [Direction.INACTIVE, Direction.SENDONLY]
    assert table.answered(offer, build_answer(offer, LOCAL)) == ()
    assert table.put(camera(3)) == "1"
    assert table.mid_of(TrackSid("TR_V3")) == "1"
    assert table.put(evolve(camera(3), stereo=True)) == "1", "the same track changed"


def test_a_refused_track_is_named() -> None:
    """A client that answers `inactive` or port 0 does not receive the track."""
    table = SectionTable()
    table.put(camera(1))
    table.put(microphone(1))
    offer = build_offer(table.sections(), LOCAL, version=1)
    answer = build_answer(offer, LOCAL)
    data, picture, voice = answer.sections
    refused = (evolve(picture, port=0), evolve(voice, direction=Direction.INACTIVE))
    answer = evolve(answer, sections=(data, *refused))
    assert table.answered(offer, parse(write(answer))) == ("TR_V1", "TR_A1")


def test_the_size_of_a_full_rooms_offer() -> None:
    """A hundred people's 200 tracks are an offer of at most 70 kB, compressed 10 kB."""
    table = SectionTable()
    for number in range(100):
        table.put(microphone(number))
        table.put(camera(number))
    text = write(build_offer(table.sections(), LOCAL, version=1))
    assert len(text) < 70_000
    assert len(zlib.compress(text.encode())) < 10_000
