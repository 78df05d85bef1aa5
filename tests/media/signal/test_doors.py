"""The doors by raw HTTP and WebSocket: who is let in, what is answered, what ill-behaved clients get."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from attrs import define, evolve, field
from livekit.protocol import models, rtc

from media.access.claims import Leave, Member, Source
from media.ids import Identity, ParticipantSid, PeerId, RoomName
from media.room.events import Event
from media.signal.frames import MAX_FRAME
from media.signal.node import Node
from tests.media.world import LESSON, World, calls, eventually


@define
class Raw:
    """A client that only signals; `told` is everything the server said."""

    socket: aiohttp.ClientWebSocketResponse
    told: list[rtc.SignalResponse]

    async def say(self, **request: Any) -> None:
        await self.socket.send_bytes(rtc.SignalRequest(**request).SerializeToString())

    async def until(self, kind: str) -> rtc.SignalResponse:
        """The last message of this kind, when one is there."""
        await eventually(lambda: kind in self.kinds(), f"{kind}; told {self.kinds()}")
        return next(one for one in reversed(self.told) if one.WhichOneof("message") == kind)

    def kinds(self) -> list[str]:
        return [one.WhichOneof("message") or "" for one in self.told]


@asynccontextmanager
async def raw(world: World, identity: str, **grants: Any) -> AsyncIterator[Raw]:
    url = f"{world.ws}/rtc?access_token={world.token(identity, **grants)}"
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        client = Raw(socket, [])

        async def listen() -> None:
            async for message in socket:
                client.told.append(rtc.SignalResponse.FromString(message.data))

        async with asyncio.TaskGroup() as group:
            listening = group.create_task(listen())
            try:
                yield client
            finally:
                listening.cancel()


def member(name: str, **more: Any) -> Member:
    return Member(room_id="!r:s", user_id=f"@{name}:s", **more)


@pytest.mark.parametrize("path", ["/rtc", "/rtc/validate", "/rtc/v1", "/rtc/v1/validate"])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 401),
        ("access_token=garbage", 401),
        ("access_token=OTHER", 401),
        ("access_token=GOOD&join_request=%25%25%25", None),
    ],
)
async def test_shut_doors_say_why_and_allow_pages_to_read_it(
    path: str, query: str, status: int | None
) -> None:
    """No token, a bad one, one that does not let into a room: 401; and CORS on each answer."""
    async with calls() as world, aiohttp.ClientSession() as http:
        query = query.replace("OTHER", world.service_token(admin=True, room=LESSON))
        query = query.replace("GOOD", world.token("anna"))
        if "join_request" not in query:
            query += "&join_request=CAA"
        expected = status or (400 if "v1" in path else 200 if "validate" in path else 426)
        async with http.get(f"{world.base}{path}?{query}") as answer:
            assert answer.status == expected, await answer.text()
            assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "wrong", [{"Upgrade": "h2c"}, {"Sec-WebSocket-Version": "99"}, {"Sec-WebSocket-Key": "short"}]
)
async def test_what_is_no_websocket_of_ours_is_answered_and_comes_into_no_call(
    wrong: dict[str, str],
) -> None:
    """With a good token: 426 with CORS, and nobody is in the room."""
    good = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "c2l4dGVlbiBvZiB0aGVtIQ==",
    }
    async with calls() as world, aiohttp.ClientSession() as http:
        url = f"{world.base}/rtc?access_token={world.token('anna')}"
        async with http.get(url, headers={**good, **wrong}) as answer:
            assert answer.status == 426
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert not world.node.halls


FOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
FOX_ON_IOS = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 FxiOS/153.0 Safari/605.1.15"


@pytest.mark.parametrize(("browser", "status"), [(FOX, 404), (FOX_ON_IOS, 400), ("", 400)])
async def test_firefox_finds_no_v1(browser: str, status: int) -> None:
    """With a good token too; what is called so on iOS is WebKit. The door of v0 is there for all."""
    headers = {"User-Agent": browser}
    async with calls() as world, aiohttp.ClientSession(headers=headers) as http:
        good = f"access_token={world.token('anna')}"
        for path in ("/rtc/v1/validate", "/rtc/v1"):
            async with http.get(f"{world.base}{path}?{good}&join_request=%25") as answer:
                assert answer.status == status
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
                assert "room does not exist" not in await answer.text()
        async with http.get(f"{world.base}/rtc/validate?{good}") as answer:
            assert answer.status == 200


async def test_without_v1_its_door_is_404_with_cors() -> None:
    """livekit-client then comes again with v0; without CORS it would give up (calls.md §2.1)."""
    async with calls(v1=False) as world, aiohttp.ClientSession() as http:
        for path in ("/rtc/v1/validate", "/rtc/v1"):
            async with http.get(f"{world.base}{path}?access_token=x") as answer:
                assert answer.status == 404
                assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_the_101st_is_told_that_the_call_is_full() -> None:
    """503 before there is a WebSocket: Element Call shows it as "insufficient capacity" (R41)."""
    async with (
        calls() as world,
        aiohttp.ClientSession() as http,
        raw(world, "a", member=member("a", limit=1)),
    ):
        late = world.token("b", member=member("b", limit=1))
        for path in ("/rtc", "/rtc/validate"):
            async with http.get(f"{world.base}{path}?access_token={late}") as answer:
                assert (answer.status, await answer.text()) == (503, "full")


async def test_who_may_not_start_a_call_waits_for_one() -> None:
    """404 while nobody is in: Element Call says that the call cannot be started."""
    async with calls() as world, aiohttp.ClientSession() as http:
        token = world.token("pupil", member=member("pupil", may_start=False))
        url = f"{world.base}/rtc/validate?access_token={token}"
        async with http.get(url) as answer:
            assert answer.status == 404
        async with (
            raw(world, "teacher", member=member("teacher", host=True)),
            http.get(url) as answer,
        ):
            assert answer.status == 200


async def test_the_join_response_has_what_clients_insist_on() -> None:
    """Permission, server version, pings above zero, codecs: without any of them some SDK refuses (calls.md §2.2)."""
    async with calls() as world, raw(world, "anna") as anna:
        join = (await anna.until("join")).join

        assert join.participant.sid.startswith("PA_")
        assert join.room.sid.startswith("RM_")
        assert join.participant.permission.can_publish
        assert join.participant.permission.can_subscribe
        assert join.server_info.version == join.server_version != ""
        assert join.ping_interval > 0
        assert join.ping_timeout > join.ping_interval
        assert len(join.sif_trailer) > 0
        assert "video/VP8" in [one.mime for one in join.enabled_publish_codecs]
        assert join.subscriber_primary
        assert (await anna.until("offer")).offer.id == 1


async def test_json_is_answered_in_json() -> None:
    """A client that writes text frames is read and answered in JSON from then on."""
    async with calls() as world, aiohttp.ClientSession() as http:
        url = f"{world.ws}/rtc?access_token={world.token('anna')}"
        async with http.ws_connect(url) as socket:
            await socket.send_str('{"pingReq": {"timestamp": "7"}}')
            while (message := await socket.receive(10)).type is not aiohttp.WSMsgType.TEXT:
                assert message.type is aiohttp.WSMsgType.BINARY
            assert json.loads(message.data)["pongResp"]["lastPingTimestamp"] == "7"


async def test_unknown_requests_are_counted_and_the_call_goes_on() -> None:
    """A message from the future changes nothing."""
    async with calls() as world, raw(world, "anna") as anna:
        await anna.socket.send_bytes(b"\xfa\x3e\x02\x08\x01")
        await anna.say(simulate=rtc.SimulateScenario(speaker_update=1))
        await anna.say(ping_req=rtc.Ping(timestamp=3))

        assert (await anna.until("pong_resp")).pong_resp.last_ping_timestamp == 3
        assert world.node.services.wrong["request"] == 1
        assert world.node.services.wrong["request_simulate"] == 1


@pytest.mark.parametrize("frame", [b"\xff" * 40, bytes(MAX_FRAME + 1)], ids=["garbage", "giant"])
async def test_garbage_ends_one_connection_only(frame: bytes) -> None:
    """Whoever sends what is no request is cut off; the others notice nothing."""
    async with calls() as world, raw(world, "anna") as anna, raw(world, "boris") as boris:
        await anna.socket.send_bytes(frame)
        await eventually(lambda: anna.socket.closed, "anna is cut off")
        await boris.say(ping_req=rtc.Ping(timestamp=3))
        await boris.until("pong_resp")


async def test_a_flood_of_requests_ends_the_connection() -> None:
    """Thousands of requests at once are no client's need."""
    async with calls() as world, raw(world, "anna") as anna:
        for _ in range(2000):
            if anna.socket.closed:
                break
            await anna.say(ping=1)
        await eventually(lambda: anna.socket.closed, "anna is cut off")
        assert world.node.services.wrong["too_fast"] == 1


@pytest.mark.parametrize("sdp", ["", "garbage", "v=0\r\nm=audio 9 X 1\r\n", "v=0\r\n" * 10_000])
async def test_descriptions_that_are_none_change_nothing(sdp: str) -> None:
    """Broken offers and answers are counted, and signalling goes on."""
    async with calls() as world, raw(world, "anna") as anna:
        await anna.until("offer")
        await anna.say(offer=rtc.SessionDescription(type="offer", sdp=sdp, id=1))
        await anna.say(answer=rtc.SessionDescription(type="answer", sdp=sdp, id=1))
        await anna.say(ping_req=rtc.Ping(timestamp=3))
        await anna.until("pong_resp")
        assert world.node.services.wrong["bad_sdp"] == 2


async def test_data_tracks_are_declined() -> None:
    """Clients that ask for LiveKit's data tracks are told that there are none, and use packets."""
    async with calls() as world, raw(world, "anna") as anna:
        await anna.say(
            publish_data_track_request=rtc.PublishDataTrackRequest(pub_handle=1, name="n")
        )
        answer = (await anna.until("request_response")).request_response
        assert answer.reason == rtc.RequestResponse.UNSUPPORTED_TYPE


async def test_a_source_that_was_not_granted_is_refused_by_name() -> None:
    """A pupil without the right to share a screen is answered, not published (R43)."""
    async with calls() as world:
        sources = frozenset({Source.MICROPHONE})
        async with raw(world, "pupil", sources=sources) as pupil:
            await pupil.say(
                add_track=rtc.AddTrackRequest(cid="c", type="VIDEO", source="SCREEN_SHARE")
            )
            answer = (await pupil.until("request_response")).request_response
            assert (answer.reason, answer.message) == (rtc.RequestResponse.NOT_ALLOWED, "source")
            assert answer.add_track.cid == "c"


async def test_somebody_elses_sid_resumes_nobody() -> None:
    """Whoever names another participant's sid begins anew, and that participant stays."""
    async with calls() as world, raw(world, "anna") as anna, aiohttp.ClientSession() as http:
        sid = (await anna.until("join")).join.participant.sid
        url = f"{world.ws}/rtc?access_token={world.token('eve')}&reconnect=1&sid={sid}"
        async with http.ws_connect(url) as socket:
            told = rtc.SignalResponse.FromString((await socket.receive(10)).data)
        assert told.leave.action == rtc.LeaveRequest.RECONNECT
        await anna.say(ping_req=rtc.Ping(timestamp=3))
        await anna.until("pong_resp")


async def test_who_stood_in_the_door_when_the_node_drains_is_sent_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let in by HTTP a moment before, on the WebSocket a moment after: told to come again, and no room is opened."""
    async with calls() as world:
        entering = Node._enter

        def late(node: Node, *arguments: Any) -> Any:
            node.draining = True
            return entering(node, *arguments)

        monkeypatch.setattr(Node, "_enter", late)
        async with raw(world, "anna") as anna:
            leave = (await anna.until("leave")).leave
        assert leave.action == rtc.LeaveRequest.RECONNECT
        assert leave.reason == models.SERVER_SHUTDOWN
        assert not world.node.halls


async def test_who_leaves_is_gone_at_once() -> None:
    """A leave ends the participant for the others without waiting for a resume."""
    async with calls() as world, raw(world, "anna") as anna, raw(world, "boris") as boris:
        await boris.until("join")
        await anna.say(leave=rtc.LeaveRequest())

        def left() -> bool:
            updates = [p for one in boris.told for p in one.update.participants]
            return any(p.identity == "anna" and p.state == p.DISCONNECTED for p in updates)

        await eventually(left, "boris is told")


@pytest.mark.parametrize(
    ("named", "size", "heard"),
    [
        ((), 1, 200),
        (("teacher",), 1, 2000),
        (("teacher",), 15_000, 2000),
        (("teacher",), 63_900, 500),
    ],
)
async def test_a_packet_costs_as_much_as_it_is_long_and_has_receivers(
    named: tuple[str, ...], size: int, heard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One pupil cannot send five hundred packets a second to each of a hundred people, nor of 64 kB to one of them."""
    user = models.UserPacket(payload=b"x" * size)
    packet = models.DataPacket(user=user, destination_identities=named)
    async with calls() as world, raw(world, "anna") as anna:
        sid = (await anna.until("join")).join.participant.sid
        client = world.node.halls[LESSON].clients[ParticipantSid(sid)]
        said: list[Event] = []
        crowd: Any = SimpleNamespace(people=100, handle=said.append)
        monkeypatch.setattr(client, "place", crowd)
        monkeypatch.setattr(client, "services", evolve(client.services, clock=lambda: 1.0))
        for _ in range(3000):
            client.message(PeerId("p"), "_reliable", packet.SerializeToString())
        monkeypatch.undo()
        assert len(said) == heard
        assert world.node.services.wrong["data_too_fast"] == 3000 - heard


@define
class Leaves:
    """What was said of whom."""

    said: list[tuple[str, ParticipantSid]] = field(factory=list)

    def connected(
        self, room: RoomName, identity: Identity, sid: ParticipantSid, leave: Leave | None
    ) -> None:
        assert (room, identity, leave) == (LESSON, "anna", Leave("syd_1", 60_000))
        self.said.append(("in", sid))

    def disconnected(self, _room: RoomName, _identity: Identity, sid: ParticipantSid) -> None:
        self.said.append(("out", sid))


async def test_who_begins_anew_is_in_before_anything_is_heard() -> None:
    """Else a client whose media takes three seconds on a bad network would be sent out of the call meanwhile."""
    leaves = Leaves()
    leaver = member("anna", leave=Leave("syd_1", 60_000))
    async with calls(leaves=leaves) as world, raw(world, "anna", member=leaver) as first:
        one = (await first.until("join")).join.participant.sid
        async with raw(world, "anna", member=leaver) as second:
            two = (await second.until("join")).join.participant.sid
            assert leaves.said == [("in", one), ("out", one), ("in", two)]


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        ("", None),
        ("permessage-deflate", "permessage-deflate; server_no_context_takeover"),
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover",
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
        ),
    ],
)
async def test_clients_are_told_that_each_message_stands_alone(
    offered: str, agreed: str | None
) -> None:
    """Where deflate is agreed on; whoever does not want it is sent plain messages."""
    async with calls() as world, aiohttp.ClientSession() as http:
        headers = {"Sec-WebSocket-Extensions": offered} if offered else {}
        url = f"{world.ws}/rtc?access_token={world.token('anna')}"
        async with http.ws_connect(url, headers=headers, compress=0) as socket:
            assert socket._response.headers.get("Sec-WebSocket-Extensions") == agreed


@pytest.mark.parametrize("compress", [0, 9, 15])
async def test_messages_are_read_with_and_without_deflate(compress: int) -> None:
    """Long and short ones, also by a client whose window is smaller than ours."""
    async with calls() as world, aiohttp.ClientSession() as http:
        url = f"{world.ws}/rtc?access_token={world.token('anna')}"
        headers = {}
        if compress == 9:
            offer = "permessage-deflate; server_max_window_bits=9"
            headers, compress = {"Sec-WebSocket-Extensions": offer}, 0
        async with http.ws_connect(url, compress=compress, headers=headers) as socket:
            kinds = []
            for _ in range(2):
                response = rtc.SignalResponse.FromString(await socket.receive_bytes())
                kinds.append(response.WhichOneof("message"))
            assert kinds == ["join", "offer"]
            for number in (1, 2):
                await socket.send_bytes(rtc.SignalRequest(ping=number).SerializeToString())
                pong = rtc.SignalResponse.FromString(await socket.receive_bytes())
                assert pong.WhichOneof("message") == "pong"


async def test_who_does_not_read_is_cut_off() -> None:
    """When so much waits that nobody would still want it; the others' server does not keep it."""
    async with calls() as world, raw(world, "anna") as anna:
        await anna.until("join")
        (client,) = world.node.halls[LESSON].clients.values()
        connection = client.connection
        assert connection is not None
        for _ in range(100):  # nothing is read meanwhile, and the system keeps a few megabytes
            client.tell(rtc.SignalResponse(refresh_token="x" * 1_000_000))
        assert world.node.services.wrong["slow_reader"] == 1
        assert connection.closed
        await eventually(lambda: anna.socket.closed, "the client notices")
