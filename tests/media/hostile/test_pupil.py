"""A pupil with a hex editor: every way in which something can be asked, each refused (R43, R44). The tables are whole.

Whoever adds an operation, a method of Twirp or a request of signalling adds a row here, or these tests fail.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast, get_args

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define
from livekit.protocol import models, room, rtc

from media.access.claims import Claims, Source
from media.access.rights import ModuleRights
from media.access.tokens import mint
from media.pages.host import ASK, REGISTER, STATE, HostDesk
from media.room import operations
from media.room.model import Participant
from media.room.operations import Lock, Operation, parse_operation
from media.room.room import View
from media.signal import hearing, twirp
from tests.media.hostile.intruder import SSRC, Intruder, intruder, offer
from tests.media.signal.test_doors import Raw, member, raw
from tests.media.transport.raw_client import RawClient
from tests.media.world import KEY, LESSON, World, calls, eventually, wall

TEACHER, PUPIL = "teacher", "pupil"

#: By the word of `op`: what a pupil would ask. TRACK is the teacher's.
ORDERS: Mapping[str, Mapping[str, Any]] = {
    "mute_track": {"track": "TRACK"},
    "mute_all": {},
    "stop_camera": {"identity": TEACHER},
    "stop_screen": {},
    "let_unmute": {"identity": PUPIL},
    "let_camera": {"identity": PUPIL},
    "remove": {"identity": TEACHER},
    "end_for_all": {},
    "lock": {},
    "unlock": {},
    "waiting_room": {"on": True},
    "one_share": {"on": False},
    "lower_hand": {"identity": TEACHER},
    "lower_hands": {},
    "admit": {"identity": PUPIL},
    "admit_all": {},
    "back_to_waiting": {"identity": TEACHER},
    "spotlight": {"identity": PUPIL},
}

#: By LiveKit's method.
CALLS: Mapping[str, Mapping[str, Any]] = {
    "CreateRoom": {"name": "mine"},
    "ListRooms": {},
    "DeleteRoom": {"room": LESSON},
    "ListParticipants": {"room": LESSON},
    "GetParticipant": {"room": LESSON, "identity": TEACHER},
    "RemoveParticipant": {"room": LESSON, "identity": TEACHER},
    "MutePublishedTrack": {
        "room": LESSON,
        "identity": TEACHER,
        "trackSid": "TRACK",
        "muted": True,
    },
    "UpdateParticipant": {
        "room": LESSON,
        "identity": PUPIL,
        "permission": {"canPublish": True, "canSubscribe": True, "hidden": True},
    },
    "UpdateSubscriptions": {"room": LESSON, "identity": TEACHER, "trackSids": ["TRACK"]},
    "SendData": {"room": LESSON, "data": "eA==", "kind": "RELIABLE"},
    "UpdateRoomMetadata": {"room": LESSON, "metadata": "{}"},
    "ForwardParticipant": {"room": LESSON, "identity": TEACHER, "destinationRoom": "mine"},
    "MoveParticipant": {"room": LESSON, "identity": TEACHER, "destinationRoom": "mine"},
    "PerformRpc": {"room": LESSON, "destinationIdentity": TEACHER, "method": "x"},
}


def requests(track: str, teacher: str) -> Mapping[str, tuple[list[Any], str | None]]:
    """By signalling's request: what a pupil says about the teacher and their track; how it is counted, if it is.

    What is not counted is about the pupil's own connection, or about nothing.
    """
    description = rtc.SessionDescription(type="answer", sdp="v=0\r\n", id=0)
    return {
        "offer": ([rtc.SessionDescription(type="offer", sdp="v=0\r\n", id=9)], "bad_sdp"),
        "answer": ([description], "bad_sdp"),
        "trickle": ([rtc.TrickleRequest(candidateInit="{}", target="PUBLISHER")], None),
        "add_track": (
            [
                rtc.AddTrackRequest(cid="s", type="VIDEO", source="SCREEN_SHARE"),
                rtc.AddTrackRequest(cid="a", type="AUDIO", source="SCREEN_SHARE_AUDIO"),
                rtc.AddTrackRequest(cid="d", type="AUDIO", source="CAMERA"),
                rtc.AddTrackRequest(cid="u", type="VIDEO", source="UNKNOWN"),
                rtc.AddTrackRequest(cid="x", type="VIDEO", sid=track),
            ],
            "refused_source",
        ),
        "mute": (
            [
                rtc.MuteTrackRequest(sid=track, muted=True),
                rtc.MuteTrackRequest(sid=track, muted=False),
            ],
            None,
        ),
        "subscription": (
            [
                rtc.UpdateSubscription(
                    track_sids=[track],
                    subscribe=subscribe,
                    participant_tracks=[
                        models.ParticipantTracks(participant_sid=teacher, track_sids=[track])
                    ],
                )
                for subscribe in (False, True)
            ],
            None,
        ),
        "track_setting": (
            [rtc.UpdateTrackSettings(track_sids=[track], disabled=True, priority=2**32 - 1)],
            None,
        ),
        "leave": ([], None),  # said last: it is the pupil's own
        "update_layers": ([rtc.UpdateVideoLayers(track_sid=track)], None),
        "subscription_permission": (
            [
                rtc.SubscriptionPermission(
                    all_participants=False,
                    track_permissions=[
                        rtc.TrackPermission(participant_sid=teacher, track_sids=[track])
                    ],
                )
            ],
            None,
        ),
        "sync_state": (
            [
                rtc.SyncState(
                    answer=description,
                    offer=description,
                    publish_tracks=[rtc.TrackPublishedResponse(cid="voice")],
                    datachannel_receive_states=[
                        rtc.DataChannelReceiveState(publisher_sid=teacher, last_seq=0)
                    ],
                )
            ],
            None,
        ),
        "simulate": (
            [
                rtc.SimulateScenario(server_leave=True),
                rtc.SimulateScenario(node_failure=True),
                rtc.SimulateScenario(migration=True),
                rtc.SimulateScenario(disconnect_signal_on_resume=True),
            ],
            "request_simulate",
        ),
        "ping": ([1], None),
        "update_metadata": (
            [
                rtc.UpdateParticipantMetadata(attributes={"sferum.host": "1"}),
                rtc.UpdateParticipantMetadata(attributes={"sferum.held": "", "sferum.x": "1"}),
            ],
            "refused_ours",
        ),
        "ping_req": ([rtc.Ping(timestamp=1)], None),
        "update_audio_track": ([rtc.UpdateLocalAudioTrack(track_sid=track)], None),
        "update_video_track": ([rtc.UpdateLocalVideoTrack(track_sid=track, width=1)], None),
        "publish_data_track_request": (
            [rtc.PublishDataTrackRequest(pub_handle=1, name="n")],
            None,
        ),
        "unpublish_data_track_request": (
            [rtc.UnpublishDataTrackRequest(pub_handle=1)],
            "request_unpublish_data_track_request",
        ),
        "update_data_subscription": (
            [rtc.UpdateDataSubscription()],
            "request_update_data_subscription",
        ),
        "store_data_blob_request": ([rtc.StoreDataBlobRequest()], None),
        "get_data_blob_request": ([rtc.GetDataBlobRequest()], None),
    }


def test_the_tables_are_whole() -> None:
    """Every word, operation, method and request has its row."""
    assert set(ORDERS) == set(operations._WORDS)
    asked = {type(parse_operation({"op": op, **fields})) for op, fields in ORDERS.items()}
    assert asked == set(get_args(Operation))
    service = room.DESCRIPTOR.services_by_name["RoomService"]
    assert set(CALLS) == {method.name for method in service.methods}
    assert set(CALLS) == set(twirp.METHODS) | twirp.MISSING
    members = rtc.SignalRequest.DESCRIPTOR.oneofs_by_name["message"].fields
    assert set(requests("", "")) == {one.name for one in members}
    assert set(hearing._REQUESTS) <= set(requests("", ""))


@define
class Lesson:
    """A host with an open microphone; a classmate; the pupil is who the test is about."""

    world: World
    teacher: Intruder
    classmate: Raw
    track: str

    @property
    def view(self) -> View:
        return self.world.node.halls[LESSON].room.view(self.world.node.services.clock())

    def of(self, identity: str) -> Participant:
        return next(one for one in self.view.participants if one.identity == identity)

    def standing(self) -> object:
        """What no pupil may change."""
        view = self.view
        people = [
            (one.identity, one.permission, one.name, one.metadata, dict(one.attributes), one.tracks)
            for one in view.participants
            if one.identity != PUPIL
        ]
        hall = self.world.node.halls[LESSON]
        taken = {
            member.identity: set(member.subscriptions)
            for member in hall.room._call.members.values()
            if member.identity != PUPIL
        }
        return people, view.settings, view.info.metadata, view.waiting, view.hands, taken

    def wrong(self, why: str) -> int:
        return self.world.node.services.wrong[why]


@asynccontextmanager
async def lesson() -> AsyncIterator[Lesson]:
    async with (
        calls() as world,
        intruder(world, TEACHER, cid="voice", member=member(TEACHER, host=True)) as teacher,
        raw(world, "classmate", member=member("classmate")) as classmate,
    ):
        await teacher.signal.say(
            add_track=rtc.AddTrackRequest(cid="voice", type="AUDIO", source="MICROPHONE")
        )
        sid = (await teacher.signal.until("track_published")).track_published.track.sid
        begun = Lesson(world, teacher, classmate, sid)
        await eventually(lambda: begun.of(TEACHER).tracks, "the teacher speaks")
        members = world.node.halls[LESSON].room._call.members.values()
        await eventually(lambda: any(one.subscriptions for one in members), "the class listens")
        yield begun


RIGHTS: Mapping[str, Any] = {
    "member": member(PUPIL, muted_on_entry=True),
    "sources": frozenset({Source.MICROPHONE, Source.CAMERA}),
}


async def test_a_pupils_orders_over_the_data_channel() -> None:
    """Each of them is answered with `not_a_host`, counted, and nothing changes for anybody."""
    async with lesson() as now, intruder(now.world, PUPIL, **RIGHTS) as pupil:
        heard: list[bytes] = []
        pupil.wire.sctp.on("datachannel", lambda channel: channel.on("message", heard.append))
        before = now.standing()
        for op, fields in ORDERS.items():
            asked = {"op": op, **fields} | ({"track": now.track} if "track" in fields else {})
            pupil.data("sferum.host", json.dumps(asked).encode())
        await eventually(lambda: now.wrong("refused_not_a_host") == len(ORDERS), "all are refused")
        for other in (b"", b"[]", b"{}", b'{"op": "no"}', b"[" * 1_000, b"\xff"):
            pupil.data("sferum.host", other)
        await eventually(lambda: now.wrong("refused_bad_request") == 6, "these are none")
        for topic in ("sferum.waiting", "sferum.held", "sferum."):
            pupil.data(topic, b"1")
        pupil.data("sferum.host", json.dumps({"op": "lock"}).encode())
        await eventually(lambda: now.wrong("refused_not_a_host") == len(ORDERS) + 1, "the last one")
        assert now.standing() == before


async def test_a_pupils_requests_over_the_websocket() -> None:
    """Whatever is said of somebody else's track, rights or attributes changes nothing; what is refused is counted."""
    async with lesson() as now, raw(now.world, PUPIL, **RIGHTS) as pupil:
        await pupil.until("offer")
        teacher, before = now.of(TEACHER).sid, now.standing()
        for kind, (said, counted) in requests(now.track, teacher).items():
            count = now.wrong(counted) if counted else 0
            for one in said:
                await pupil.say(**{kind: one})
            await pupil.say(ping_req=rtc.Ping(timestamp=len(kind)))
            pupil.told.clear()
            await pupil.until("pong_resp")
            assert now.standing() == before, kind
            if counted:
                assert now.wrong(counted) > count, kind
        assert not now.of(PUPIL).tracks
        assert not any(key.startswith("sferum.host") for key in now.of(PUPIL).attributes)
        await pupil.say(leave=rtc.LeaveRequest(action="DISCONNECT", reason="ROOM_DELETED"))
        await eventually(lambda: PUPIL not in [p.identity for p in now.view.participants], "left")
        assert now.standing() == before


async def test_a_second_screen_is_refused() -> None:
    """While the teacher shares, a pupil who may share gets `share_taken` (R45)."""
    async with lesson() as now:
        screen = rtc.AddTrackRequest(cid="s", type="VIDEO", source="SCREEN_SHARE")
        await now.teacher.signal.say(add_track=screen)
        tracks = now.world.node.halls[LESSON].tracks
        await eventually(lambda: len(tracks) == 2, "the teacher shares")
        await now.classmate.say(add_track=screen)
        refused = (await now.classmate.until("request_response")).request_response
        assert (refused.reason, refused.message) == (
            rtc.RequestResponse.NOT_ALLOWED,
            "share_taken",
        )
        assert now.wrong("refused_share_taken") == 1


async def test_media_without_a_word() -> None:
    """A section that sends, and no AddTrack: nobody is told, the packets are of an unknown stream."""
    async with lesson() as now, intruder(now.world, PUPIL, cid="sly", **RIGHTS) as pupil:
        for number in range(20):
            await pupil.rtp(SSRC, number, bytes(60))
        stats = now.world.node.services.plane.stats
        await eventually(lambda: stats().drops.get("unknown_ssrc", 0) >= 20, "all are dropped")
        assert now.of(PUPIL).tracks == ()


def tokens(world: World) -> Mapping[str, tuple[str, int]]:
    """What a pupil may show instead of a service's token, and the status of the answer."""
    own = world.token(PUPIL, **RIGHTS)
    head, body, sign = own.split(".")
    claims = jwt.decode(own, options={"verify_signature": False})
    powerful = claims | {"video": claims["video"] | {"roomAdmin": True, "roomCreate": True}}
    edited = jwt.encode(powerful, "x" * 32, "HS256").split(".")[1]
    now, admin = wall(), {"admin": True, "create": True, "list_rooms": True}
    return {
        "none": ("", 401),
        "own": (own, 403),
        "own, edited": (f"{head}.{edited}.{sign}", 401),
        "own, cut": (f"{head}.{body}.", 401),
        "another's key": (jwt.encode(powerful, "x" * 32, "HS256"), 401),
        "no algorithm": (jwt.encode(powerful, "", "none"), 401),
        "another key's name": (jwt.encode(powerful | {"iss": "no"}, KEY.secret, "HS256"), 401),
        "another algorithm": (jwt.encode(powerful, KEY.secret * 2, "HS512"), 401),
        "expired": (
            mint_of(now - 9_000, room=LESSON, **admin),
            401,
        ),
        "of tomorrow": (mint_of(now + 9_000, room=LESSON, **admin), 401),
        "of another room": (world.service_token(admin=True, room="another"), 403),
        "of every room": (world.service_token(admin=True), 403),
        "garbage": ("a.b.c", 401),
    }


def mint_of(at: float, **grants: Any) -> str:
    return mint(Claims(**grants), [KEY], at)


async def test_a_pupils_calls_of_twirp() -> None:
    """Every method with every token that is not a service's of this room: 401 or 403, and nothing changes."""
    async with lesson() as now, aiohttp.ClientSession() as http:
        before, rooms = now.standing(), set(now.world.node.halls)
        for whose, (token, status) in tokens(now.world).items():
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            for method, fields in CALLS.items():
                body = {**fields} | ({"trackSid": now.track} if "trackSid" in fields else {})
                url = f"{now.world.base}/twirp/livekit.RoomService/{method}"
                async with http.post(url, json=body, headers=headers) as answer:
                    wanted = 501 if status == 403 and method in twirp.MISSING else status
                    assert answer.status == wanted, (whose, method)
        assert now.standing() == before
        assert set(now.world.node.halls) == rooms


class _NobodysRights:
    """The module's answer about a pupil."""

    asked = 0

    async def of(self, _user_id: str, _room_id: str) -> Any:
        self.asked += 1
        return SimpleNamespace(member=RIGHTS["member"], sources=RIGHTS["sources"], hidden=False)


async def test_a_pupil_at_the_hosts_page() -> None:
    """Its questions are answered for hosts: 403 for a pupil's token, 401 for any that is none of ours."""
    async with lesson() as now, aiohttp.ClientSession() as http:
        app = web.Application()
        desk = HostDesk(now.world.node, cast(ModuleRights, _NobodysRights()))
        desk.add_routes(app)
        before = now.standing()
        async with TestServer(app) as server:
            for whose, (token, status) in tokens(now.world).items():
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                # services' tokens are nobody's of the school
                wanted = 401 if whose.startswith("of ") else status
                async with http.get(server.make_url(STATE), headers=headers) as answer:
                    assert answer.status == wanted, whose
                async with http.post(server.make_url(REGISTER), headers=headers) as answer:
                    assert answer.status == wanted, whose
                for op, fields in ORDERS.items():
                    asked = {"op": op, **fields}
                    async with http.post(server.make_url(ASK), json=asked, headers=headers) as told:
                        assert told.status == wanted, (whose, op)
        assert now.standing() == before


async def test_the_hosts_page_asks_the_module_for_nobody_without_end() -> None:
    """A person's questions are counted, hosts' or not: over the limit they are 429, and the module hears of none."""
    async with lesson() as now, aiohttp.ClientSession() as http:
        rights = _NobodysRights()
        desk = HostDesk(now.world.node, cast(ModuleRights, rights))
        app = web.Application()
        desk.add_routes(app)
        headers = {"Authorization": f"Bearer {now.world.token(PUPIL, **RIGHTS)}"}
        async with TestServer(app) as server:
            answers = []
            for _ in range(150):
                async with http.get(server.make_url(STATE), headers=headers) as answer:
                    answers.append(answer.status)
        assert answers[:100] == [403] * 100
        assert answers.count(429) == 150 - rights.asked > 0


FLAGS = (
    "hidden=1&recorder=1&agent=1&publish=x&identity=teacher&room=another&name=Teacher"
    "&attributes=eyJzZmVydW0uaG9zdCI6IjEifQ&permission=all&admin=1&canPublish=1"
)


@pytest.mark.parametrize("flags", ["", FLAGS])
async def test_what_a_join_asks_for_is_what_the_token_gives(flags: str) -> None:
    """Flags in the query, and attributes and metadata of a v1 join, make nobody hidden, a host, or somebody else."""
    async with lesson() as now, aiohttp.ClientSession() as http:
        request = rtc.JoinRequest(
            metadata="m",
            participant_attributes={"sferum.host": "1", "sferum.waiting": ""},
            add_track_requests=[
                rtc.AddTrackRequest(cid=f"{n}", type="VIDEO", source="SCREEN_SHARE")
                for n in range(50)
            ],
            publisher_offer=rtc.SessionDescription(
                type="offer", sdp=offer(RawClient(), "voice"), id=1
            ),
            connection_settings=rtc.ConnectionSettings(auto_subscribe=True),
        )
        packed = rtc.WrappedJoinRequest(join_request=request.SerializeToString())
        token = now.world.token(PUPIL, **RIGHTS)
        query = base64.urlsafe_b64encode(packed.SerializeToString()).decode()
        url = f"{now.world.ws}/rtc/v1?access_token={token}&join_request={query}&{flags}"
        async with http.ws_connect(url) as socket:
            told = rtc.SignalResponse.FromString((await socket.receive(10)).data).join
            assert told.participant.identity == PUPIL
            assert told.room.name == LESSON
            me = now.of(PUPIL)
            assert not me.permission.hidden
            assert me.permission.sources == {
                s for s in me.permission.sources if "screen" not in s.value
            }
            assert "sferum.host" not in me.attributes
            assert me.metadata == ""
            await eventually(lambda: now.wrong("refused_source") == 8, "no screen is shared")


async def test_a_locked_call_stays_shut() -> None:
    """Neither a fresh token nor a resume of somebody else's connection lets anybody in."""
    async with lesson() as now, aiohttp.ClientSession() as http:
        assert now.world.node.halls[LESSON].ask(Lock()) is None
        token = now.world.token(PUPIL, **RIGHTS)
        for path in ("/rtc", "/rtc/validate"):
            async with http.get(f"{now.world.base}{path}?access_token={token}") as answer:
                assert (answer.status, await answer.text()) == (403, "locked")
        teacher = now.of(TEACHER).sid
        url = f"{now.world.ws}/rtc?access_token={token}&reconnect=1&sid={teacher}"
        async with http.ws_connect(url) as socket:
            told = rtc.SignalResponse.FromString((await socket.receive(10)).data)
            assert told.leave.action == rtc.LeaveRequest.RECONNECT
        assert now.of(TEACHER).sid == teacher


async def test_who_waits_does_nothing() -> None:
    """From the waiting room no track is got, no screen shared, no name changed, nobody spoken to (R44)."""
    async with lesson() as now:
        waits = member(PUPIL, waits=True)
        async with intruder(now.world, PUPIL, cid="voice", member=waits) as pupil:
            before = now.standing()
            await pupil.signal.say(
                add_track=rtc.AddTrackRequest(cid="s", type="VIDEO", source="SCREEN_SHARE")
            )
            await pupil.signal.say(update_metadata=rtc.UpdateParticipantMetadata(name="Teacher"))
            await pupil.signal.say(
                subscription=rtc.UpdateSubscription(track_sids=[now.track], subscribe=True)
            )
            pupil.data("chat", b"let me in")
            pupil.data("sferum.host", json.dumps({"op": "admit_all"}).encode())
            await eventually(lambda: now.wrong("refused_waiting") == 2, "both are refused")
            await eventually(lambda: now.wrong("refused_not_a_host") == 1, "so is the order")
            assert now.standing() == before
            join = (await pupil.signal.until("join")).join
            assert not join.other_participants
