"""What the host page is told of a call."""

from __future__ import annotations

from typing import Any

from media.forwarder.api import Kind
from media.ids import Identity, ParticipantSid, RoomName, RoomSid, TrackSid
from media.pages import shown
from media.room.model import (
    Participant,
    Permission,
    Person,
    RoomInfo,
    Settings,
    Source,
    State,
    Track,
)
from media.room.room import View

MASHA, BORIS = Person("@masha:school.test"), Person("@boris:school.test")
OWNERS = {"PA_phone": MASHA, "PA_computer": MASHA, "PA_boris": BORIS}


def connection(sid: str, *tracks: Track, joined_at: float = 0.0, **ours: str) -> Participant:
    return Participant(
        sid=ParticipantSid(sid),
        identity=Identity(f"identity of {sid}"),
        state=State.ACTIVE,
        permission=Permission(
            can_subscribe=True,
            can_publish=True,
            sources=frozenset({Source.CAMERA}),
            can_publish_data=True,
            can_update_metadata=True,
            hidden=False,
        ),
        joined_at=joined_at,
        version=1,
        attributes={f"sferum.{name}": value for name, value in ours.items()},
        tracks=tracks,
    )


def track(source: Source, *, muted: bool = False) -> Track:
    return Track(
        sid=TrackSid(f"TR_{source.value}"),
        publisher=ParticipantSid("PA"),
        cid="c",
        kind=Kind.VIDEO,
        source=source,
        muted=muted,
    )


def view(*participants: Participant, **changes: Any) -> View:
    info = RoomInfo(
        sid=RoomSid("RM_1"),
        name=RoomName("lesson"),
        created_at=100.0,
        participants=len(participants),
        publishers=0,
        limit=100,
        empty_timeout_s=300.0,
        departure_timeout_s=20.0,
    )
    return View(
        info=info,
        settings=Settings(**changes),
        participants=participants,
        waiting=(),
        hands=(MASHA,),
        attendance=(),
        starter=BORIS,
    )


def owner(one: Participant) -> Person:
    return OWNERS[one.sid]


def test_two_devices_are_one_person() -> None:
    """A phone and a computer are one entry: what either shows, and the earlier arrival."""
    phone = connection("PA_phone", joined_at=5.0, hand="7000", held="microphone")
    computer = connection("PA_computer", track(Source.CAMERA), joined_at=9.0)
    masha, boris = shown.persons([phone, connection("PA_boris", host="1"), computer], owner)
    assert (masha["user_id"], masha["connections"], masha["joined_at"]) == (MASHA, 2, 5.0)
    assert (masha["hand"], masha["held"], masha["host"]) == (7000, ["microphone"], False)
    assert [one["source"] for one in masha["tracks"]] == ["camera"]
    assert (boris["user_id"], boris["host"], boris["hand"], boris["held"]) == (
        BORIS,
        True,
        None,
        [],
    )


def test_the_connection_with_a_picture_stands_for_the_person() -> None:
    """A spotlight is on one connection: the one with a camera, not the one that came first."""
    silent = connection("PA_phone", track(Source.MICROPHONE), track(Source.SCREEN))
    seen = connection("PA_computer", track(Source.CAMERA))
    (masha,) = shown.persons([silent, seen], owner)
    assert masha["identity"] == seen.identity


def test_the_spotlight_names_the_person() -> None:
    """Whichever connection the room remembers, the page is told whose it is; of who has gone, nobody's."""
    here = view(connection("PA_phone"), spotlight=Identity("identity of PA_phone"))
    assert shown.call(here, owner)["settings"]["spotlight"] == MASHA
    gone = view(connection("PA_phone"), spotlight=Identity("gone"))
    assert shown.call(gone, owner)["settings"]["spotlight"] is None


def test_what_the_page_reads() -> None:
    """The call, its hands in order and its settings, R41's limit among them."""
    found = shown.call(view(connection("PA_boris"), limit=25), owner)
    assert (found["id"], found["began_at"], found["hands"]) == ("RM_1", 100.0, [MASHA])
    assert found["settings"]["limit"] == 25
