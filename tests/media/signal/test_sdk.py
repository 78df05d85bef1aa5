"""LiveKit's own Python SDK against our server: what one sends, the other decodes."""

from __future__ import annotations

import pytest

from media.transport.api import Sent
from tests.media.world import LESSON, World, calls, eventually, silent_tone

BOTH = pytest.mark.parametrize("v1", [False, True], ids=["v0", "v1"])


def data_channels_open(world: World, people: int) -> bool:
    clients = world.node.halls[LESSON].clients.values()
    peers = [one.negotiation.data_peer for one in clients]
    probes = [peer.send_message("_lossy", b"") for peer in peers if peer is not None]
    return probes == [Sent.QUEUED] * people


@BOTH
async def test_two_people_see_and_hear_each_other(v1: bool) -> None:
    """Pictures and a tone of each are decoded by the other."""
    async with calls() as world:
        anna = await world.join("anna", v1=v1)
        boris = await world.join("boris", v1=v1)
        await anna.publish_camera()
        await anna.publish_tone()
        await boris.publish_tone()
        await boris.publish_camera()

        await boris.hears("anna")
        await boris.sees("anna")
        await anna.hears("boris")
        await anna.sees("boris")


@BOTH
async def test_who_comes_later_gets_what_was_published_before(v1: bool) -> None:
    """Somebody who joins a lesson that is under way is sent everything of it."""
    async with calls() as world:
        anna = await world.join("anna", v1=v1)
        await anna.publish_camera()
        await anna.publish_tone()
        boris = await world.join("boris", v1=v1)

        await boris.sees("anna")
        await boris.hears("anna")


async def test_v0_and_v1_meet_in_one_room() -> None:
    """Old and new clients see each other."""
    async with calls() as world:
        old = await world.join("old", v1=False)
        new = await world.join("new", v1=True)
        await old.publish_camera()
        await new.publish_camera()

        await old.sees("new")
        await new.sees("old")


async def test_a_client_falls_back_to_v0() -> None:
    """A node without v1 answers 404 there, and the SDK comes again with v0."""
    async with calls(v1=False) as world:
        anna = await world.join("anna")
        boris = await world.join("boris")
        await anna.publish_tone()

        await boris.hears("anna")


@BOTH
async def test_muting_is_shown_to_the_others(v1: bool) -> None:
    """Mute and unmute of a publisher arrive as events, and sound comes back."""
    async with calls() as world:
        anna = await world.join("anna", v1=v1)
        boris = await world.join("boris", v1=v1)
        tone = await anna.publish_tone()
        await boris.hears("anna")

        assert tone.track is not None
        tone.track.mute()
        await eventually(lambda: boris.muted == [("anna", True)], "the mute is shown")
        boris.loudest_hz.clear()
        tone.track.unmute()
        await eventually(lambda: boris.muted[-1] == ("anna", False), "the unmute is shown")
        await boris.hears("anna")


@BOTH
async def test_unpublished_tracks_end_and_their_sections_are_used_again(v1: bool) -> None:
    """A camera that goes off and on again is seen again, three times."""
    async with calls() as world:
        anna = await world.join("anna", v1=v1)
        boris = await world.join("boris", v1=v1)
        for ended in (1, 2, 3):
            camera = await anna.publish_camera()
            await boris.sees("anna")
            await anna.room.local_participant.unpublish_track(camera.sid)
            await boris.until_happened("track_unsubscribed", ended)


@BOTH
@pytest.mark.parametrize("reliable", [True, False], ids=["reliable", "lossy"])
async def test_data_arrives_with_its_sender(v1: bool, reliable: bool) -> None:
    """A packet to everyone reaches the others, one to somebody reaches that one."""
    async with calls() as world:
        anna = await world.join("anna", v1=v1)
        boris = await world.join("boris", v1=v1)
        vera = await world.join("vera", v1=v1)
        speaker = anna.room.local_participant
        if (
            not reliable
        ):  # what is sent before the channels are open is lost, as lossy packets may be
            await eventually(lambda: data_channels_open(world, 3), "channels are open")

        await speaker.publish_data(b"all", reliable=reliable, topic="t")
        await speaker.publish_data(b"one", reliable=reliable, destination_identities=["vera"])
        await eventually(lambda: len(vera.data) == 2, "both arrive")
        await speaker.publish_data(b"end", reliable=reliable)
        await eventually(lambda: len(boris.data) == 2, "both arrive")

        assert vera.data[:2] == [("anna", b"all", "t"), ("anna", b"one", "")]
        assert boris.data == [("anna", b"all", "t"), ("anna", b"end", "")]
        assert anna.data == []


async def test_metadata_name_and_attributes_are_told() -> None:
    """What a participant says of themselves is seen by the others."""
    async with calls() as world:
        anna = await world.join("anna")
        boris = await world.join("boris")
        me = anna.room.local_participant
        await me.set_metadata("m")
        await me.set_name("A.")
        await me.set_attributes({"a": "1"})

        seen = boris.room.remote_participants["anna"]
        await eventually(lambda: seen.attributes.get("a") == "1", "attributes")
        await eventually(lambda: (seen.metadata, seen.name) == ("m", "A."), "metadata and name")


async def test_attributes_of_the_server_are_not_for_clients() -> None:
    """A pupil who writes `sferum.host` writes nothing, whatever else is in the request."""
    async with calls() as world:
        anna = await world.join("anna")
        boris = await world.join("boris")
        me = anna.room.local_participant
        await me.set_attributes({"sferum.host": "1", "a": "1"})
        await me.set_attributes({"b": "1"})

        seen = boris.room.remote_participants["anna"]
        await eventually(lambda: "b" in seen.attributes, "the allowed one arrives")
        assert dict(seen.attributes) == {"b": "1"}


async def test_the_same_identity_again_replaces_the_first() -> None:
    """Who opens the call in another window is thrown out of the first."""
    async with calls() as world:
        first = await world.join("anna")
        await world.join("anna")
        boris = await world.join("boris")

        await eventually(lambda: "disconnected" in first.happened, "the first is out")
        assert list(boris.room.remote_participants) == ["anna"]


@BOTH
async def test_twelve_publishers_reach_one_subscriber(v1: bool) -> None:
    """More tracks than the three and three sections that a v1 client brings along."""
    async with calls() as world:
        boris = await world.join("boris", v1=v1)
        tones = {}
        for number in range(12):
            pupil = await world.join(f"pupil{number}", v1=number % 2 == 0, auto_subscribe=False)
            tones[pupil.name] = await silent_tone(pupil)

        for name, tone in tones.items():  # one by one: of all at once the three loudest are heard
            tone.unmute()
            await boris.hears(name, deadline_s=60)
            tone.mute()
