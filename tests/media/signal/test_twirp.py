"""LiveKit's own service client (livekit-api) against our RoomService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from livekit import api
from livekit.protocol import models

from media.access.claims import Member
from tests.media.signal.test_resuming import client_of
from tests.media.world import KEY, LESSON, World, calls, eventually

WAITS = Member(room_id="!r:school.test", user_id="@boris:school.test", waits=True)


@asynccontextmanager
async def service(world: World) -> AsyncIterator[api.LiveKitAPI]:
    client = api.LiveKitAPI(world.base, KEY.name, KEY.secret)
    try:
        yield client
    finally:
        await client.aclose()


async def test_rooms_are_created_listed_and_deleted() -> None:
    """What was created is there with its timeouts, twice is once, and deleted it is gone."""
    async with calls() as world, service(world) as lk:
        wanted = api.CreateRoomRequest(
            name="r", empty_timeout=300, departure_timeout=20, metadata="m"
        )
        first = await lk.room.create_room(wanted)
        again = await lk.room.create_room(wanted)

        assert first.sid.startswith("RM_")
        assert first == again
        assert (first.empty_timeout, first.departure_timeout, first.metadata) == (300, 20, "m")
        rooms = (await lk.room.list_rooms(api.ListRoomsRequest())).rooms
        assert [one.name for one in rooms] == ["r"]
        await lk.room.delete_room(api.DeleteRoomRequest(room="r"))
        assert not (await lk.room.list_rooms(api.ListRoomsRequest())).rooms


async def test_participants_are_listed_told_and_removed() -> None:
    """A service sees who is in, writes their metadata, and throws them out."""
    async with calls() as world, service(world) as lk:
        anna = await world.join("anna")
        boris = await world.join("boris")
        people = (
            await lk.room.list_participants(api.ListParticipantsRequest(room=LESSON))
        ).participants
        assert sorted(one.identity for one in people) == ["anna", "boris"]

        await lk.room.update_participant(
            api.UpdateParticipantRequest(
                room=LESSON, identity="anna", metadata="m", name="A.", attributes={"k": "v"}
            )
        )
        seen = boris.room.remote_participants["anna"]
        await eventually(lambda: seen.metadata == "m" and seen.attributes.get("k") == "v", "told")

        await lk.room.remove_participant(api.RoomParticipantIdentity(room=LESSON, identity="anna"))
        await eventually(lambda: "disconnected" in anna.happened, "anna is out")
        with pytest.raises(api.TwirpError) as missing:
            await lk.room.get_participant(api.RoomParticipantIdentity(room=LESSON, identity="anna"))
        assert (missing.value.code, missing.value.status) == ("not_found", 404)


async def test_a_service_mutes_and_data_arrives() -> None:
    """A muted track is silent for everybody; a service's packet reaches those it names."""
    async with calls() as world, service(world) as lk:
        anna = await world.join("anna")
        boris = await world.join("boris")
        tone = await anna.publish_tone()
        await boris.hears("anna")

        muted = await lk.room.mute_published_track(
            api.MuteRoomTrackRequest(room=LESSON, identity="anna", track_sid=tone.sid, muted=True)
        )
        assert muted.track.muted
        await eventually(lambda: boris.muted == [("anna", True)], "the mute is shown")
        forwarded = world.node.services.plane.stats().packets_out
        await eventually(
            lambda: (
                world.node.services.plane.stats().drops.get("muted", 0) > 0
                or world.node.services.plane.stats().packets_out < forwarded + 100
            ),
            "nothing goes on",
        )

        await lk.room.send_data(
            api.SendDataRequest(
                room=LESSON,
                data=b"x",
                kind=models.DataPacket.RELIABLE,
                topic="t",
                destination_identities=["boris"],
            )
        )
        await eventually(lambda: boris.data == [("", b"x", "t")], "data")
        assert anna.data == []


async def test_permissions_change_at_run_time() -> None:
    """Who may no longer publish loses their tracks at once."""
    async with calls() as world, service(world) as lk:
        anna = await world.join("anna")
        boris = await world.join("boris")
        await anna.publish_tone()
        await boris.hears("anna")

        await lk.room.update_participant(
            api.UpdateParticipantRequest(
                room=LESSON,
                identity="anna",
                permission=models.ParticipantPermission(can_subscribe=True, can_publish=False),
            )
        )
        await eventually(lambda: "track_unsubscribed" in boris.happened, "the track is gone")


async def test_words_that_are_refused() -> None:
    """A service learns that its words were not taken, and then its rights were not either; hiding is no error."""
    async with calls() as world, service(world) as lk:
        await world.join("anna")

        async def update(**fields: Any) -> models.ParticipantInfo:
            asked = api.UpdateParticipantRequest(room=LESSON, identity="anna", **fields)
            return await lk.room.update_participant(asked)

        silent = models.ParticipantPermission(can_subscribe=True)
        for wrong in ({"metadata": "x" * 20_000}, {"attributes": {"sferum.host": "1"}}):
            with pytest.raises(api.TwirpError) as refused:
                await update(permission=silent, **wrong)
            assert refused.value.code == "invalid_argument"
        anna = await lk.room.get_participant(
            api.RoomParticipantIdentity(room=LESSON, identity="anna")
        )
        assert anna.permission.can_publish
        hidden = models.ParticipantPermission(can_subscribe=True, hidden=True)
        assert (await update(permission=hidden)).identity == "anna"


async def test_who_waits_is_told_nothing_of_the_others() -> None:
    """R44: a service's packet to everyone is for those who are in; one by name arrives."""
    async with calls() as world, service(world) as lk:
        anna = await world.join("anna")
        boris = await world.join("boris", member=WAITS)

        async def send(topic: str, *to: str) -> None:
            packet = api.SendDataRequest(
                room=LESSON,
                data=b"x",
                kind=models.DataPacket.RELIABLE,
                topic=topic,
                destination_identities=to,
            )
            await lk.room.send_data(packet)

        await send("all")
        await send("boris", "boris")
        await eventually(lambda: anna.data == [("", b"x", "all")], "to everyone")
        await eventually(lambda: boris.data == [("", b"x", "boris")], "by name")


async def test_subscriptions_and_room_metadata() -> None:
    """A service takes a track away from somebody, and writes on the room."""
    async with calls() as world, service(world) as lk:
        anna = await world.join("anna")
        boris = await world.join("boris")
        tone = await anna.publish_tone()
        await boris.hears("anna")

        await lk.room.update_subscriptions(
            api.UpdateSubscriptionsRequest(
                room=LESSON, identity="boris", track_sids=[tone.sid], subscribe=False
            )
        )
        taken_away = client_of(world, "boris").subscriptions
        await eventually(lambda: tone.sid not in taken_away, "it is taken away")
        await lk.room.update_room_metadata(
            api.UpdateRoomMetadataRequest(room=LESSON, metadata="board")
        )
        await eventually(lambda: boris.room.metadata == "board", "the room's metadata")


REFUSED = [
    ({}, "ListRooms", {}, 401, "unauthenticated"),
    ({"list_rooms": True}, "CreateRoom", {"name": "r"}, 403, "permission_denied"),
    ({"create": True}, "ListRooms", {}, 403, "permission_denied"),
    (
        {"admin": True, "room": "other"},
        "ListParticipants",
        {"room": LESSON},
        403,
        "permission_denied",
    ),
    ({"admin": True, "room": "none"}, "ListParticipants", {"room": "none"}, 404, "not_found"),
    ({"create": True}, "CreateRoom", {}, 400, "invalid_argument"),
    ({"create": True}, "CreateRoom", {"name": 5}, 400, "malformed"),
    ({"create": True}, "CreateRoom", [1], 400, "malformed"),
    ({"admin": True, "room": LESSON}, "MoveParticipant", {}, 501, "unimplemented"),
    ({"admin": True, "room": LESSON}, "Nonsense", {}, 404, "bad_route"),
]


@pytest.mark.parametrize(("grants", "method", "body", "status", "code"), REFUSED)
async def test_what_is_refused_has_twirps_code(
    grants: dict[str, Any], method: str, body: object, status: int, code: str
) -> None:
    """Every refusal is JSON with a code and the status that belongs to it, and CORS for pages."""
    async with calls() as world, aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {world.service_token(**grants)}"} if grants else {}
        url = f"{world.base}/twirp/livekit.RoomService/{method}"
        async with http.post(url, json=body, headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (status, code)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_participants_token_opens_nothing_here() -> None:
    """A pupil who posts to Twirp with the token of the call is refused everything (R43)."""
    async with calls() as world, aiohttp.ClientSession() as http:
        await world.join("anna")
        headers = {"Authorization": f"Bearer {world.token('anna')}"}
        for method, body in (
            ("ListParticipants", {"room": LESSON}),
            ("RemoveParticipant", {"room": LESSON, "identity": "anna"}),
            ("MutePublishedTrack", {"room": LESSON}),
            ("UpdateParticipant", {"room": LESSON, "identity": "anna"}),
            ("SendData", {"room": LESSON}),
            ("UpdateRoomMetadata", {"room": LESSON}),
            ("DeleteRoom", {"room": LESSON}),
            ("CreateRoom", {"name": "x"}),
            ("ListRooms", {}),
        ):
            url = f"{world.base}/twirp/livekit.RoomService/{method}"
            async with http.post(url, json=body, headers=headers) as answer:
                assert answer.status == 403, method
