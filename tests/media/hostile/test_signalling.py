"""One client's worst over HTTP and its WebSocket, while two others see each other."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import os
from contextlib import suppress
from functools import partial
from typing import Any

import aiohttp
import pytest
from livekit.protocol import models, rtc

from media.signal.frames import MAX_FRAME
from tests.media.hostile.intruder import intruder, until_closed
from tests.media.hostile.siege import Siege, siege
from tests.media.signal.test_doors import Raw, raw

#: Three kilobytes that become three megabytes.
BOMB = base64.urlsafe_b64encode(
    rtc.WrappedJoinRequest(
        compression=rtc.WrappedJoinRequest.GZIP, join_request=gzip.compress(bytes(3_000_000))
    ).SerializeToString()
).decode()


async def spam(socket: aiohttp.ClientWebSocketResponse, frame: bytes, times: int) -> None:
    """As fast as it goes, until cut off."""
    for number in range(times):
        if socket.closed:
            return
        try:
            await socket.send_bytes(frame)
        except ConnectionError:
            return
        if number % 100 == 0:
            await asyncio.sleep(0)
    await until_closed(socket)


def request(**fields: Any) -> bytes:
    made: bytes = rtc.SignalRequest(**fields).SerializeToString()
    return made


ADDED = request(add_track=rtc.AddTrackRequest(cid="", type="AUDIO", source="MICROPHONE"))
GIANT_SDP = "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendonly\r\n" * 25_000
#: As many sections as are allowed, each another one, with as much in them as fits.
FULL_SDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" + "".join(
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:0123456789012345678901\r\n"
    f"a=fingerprint:sha-256 {':'.join(['00'] * 32)}\r\na=setup:actpass\r\na=mid:{mid}\r\n"
    "a=sendonly\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
    + "".join(f"a=ssrc:{mid * 100 + n} cname:x\r\n" for n in range(30))
    for mid in range(500)
)

#: What is said until the connection is cut, and what is counted besides.
SPAM = {
    "pings": (request(ping=1), "too_fast"),
    "tracks": (ADDED, "refused_duplicate"),
    "mutes": (request(mute=rtc.MuteTrackRequest(sid="TR_x", muted=True)), "too_fast"),
    "sync states": (
        request(
            sync_state=rtc.SyncState(
                datachannel_receive_states=[
                    rtc.DataChannelReceiveState(publisher_sid=f"PA_{n}", last_seq=2**32 - 1)
                    for n in range(2_000)
                ],
                answer=rtc.SessionDescription(type="answer", sdp="garbage"),
                track_sids_disabled=["TR_x"] * 2_000,
            )
        ),
        "too_fast",
    ),
    "giant descriptions": (
        request(offer=rtc.SessionDescription(type="offer", sdp=GIANT_SDP, id=1)),
        "bad_sdp",
    ),
    "full descriptions": (
        request(offer=rtc.SessionDescription(type="offer", sdp=FULL_SDP, id=1)),
        "too_fast",
    ),
    "giant metadata": (
        request(update_metadata=rtc.UpdateParticipantMetadata(metadata="m" * 60_000)),
        "refused_too_large",
    ),
    "metadata": (
        request(update_metadata=rtc.UpdateParticipantMetadata(metadata="m" * 16_000)),
        "too_fast",
    ),
    "giant attributes": (
        request(
            update_metadata=rtc.UpdateParticipantMetadata(
                attributes={f"a{n}": "v" * 1_000 for n in range(500)}
            )
        ),
        "refused_too_large",
    ),
    "subscriptions to nothing": (
        request(subscription=rtc.UpdateSubscription(track_sids=["TR_x"] * 5_000, subscribe=True)),
        "too_fast",
    ),
}

#: One frame that ends the connection.
FRAMES: dict[str, bytes | str] = {
    "garbage": os.urandom(5_000),
    "a giant": bytes(MAX_FRAME + 1),
    "a giant that deflates well": bytes(20_000_000),
    "deep JSON": '{"addTrack":' * 50_000,
    "deep arrays": '{"syncState":{"dataChannels":' + "[" * 100_000,
    "JSON that is none": "{",
    "half a message": ADDED[:-3],
}


@pytest.mark.integration
async def test_a_call_goes_on_whatever_one_client_says() -> None:
    """Floods, giants and garbage are cut off, counted by reason, and hold nobody up."""
    async with siege() as call:
        for number, (name, (frame, counted)) in enumerate(SPAM.items()):
            async with raw(call.world, f"mallory{number}") as mallory:
                await call.withstands(
                    name,
                    partial(spam, mallory.socket, frame, 10_000),
                    ("wrong", "too_fast"),
                    ("wrong", counted),
                )
        for number, (name, one) in enumerate(FRAMES.items()):
            async with raw(call.world, f"eve{number}") as eve:
                await call.withstands(
                    name,
                    partial(_say_and_be_cut_off, eve, one),
                    ("wrong", "bad_frame"),
                )
        assert set(call.boris.room.remote_participants) >= {"anna"}


async def _say_and_be_cut_off(client: Raw, frame: bytes | str) -> None:
    with suppress(ConnectionError):  # reset in the middle of a giant
        if isinstance(frame, str):
            await client.socket.send_str(frame)
        else:
            await client.socket.send_bytes(frame)
    await until_closed(client.socket)


async def _come_again_and_again(call: Siege) -> None:
    """Sixty entries of one person: the last ones are refused before there is a WebSocket."""
    url = f"{call.world.ws}/rtc?access_token={call.world.token('trudy')}"
    statuses = []
    async with aiohttp.ClientSession() as http:
        for _ in range(60):
            try:
                async with http.ws_connect(url):
                    statuses.append(101)
            except aiohttp.WSServerHandshakeError as refused:
                statuses.append(refused.status)
    assert 25 <= statuses.count(101) <= 40
    assert statuses[-1] == 429


async def _bomb(call: Siege) -> None:
    url = f"{call.world.base}/rtc/v1?access_token={call.world.token('trudy')}"
    async with aiohttp.ClientSession() as http, http.get(f"{url}&join_request={BOMB}") as answer:
        assert answer.status == 400, answer.status


async def _come_with(call: Siege, query: str, status: int) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{call.world.base}/rtc/v1?{query}") as answer,
    ):
        assert answer.status == status


@pytest.mark.integration
async def test_a_call_goes_on_whoever_knocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entering again and again, bombs in the URL, wrong tokens, and clients that come and say nothing."""
    monkeypatch.setattr("media.signal.client.CONNECT_S", 0.5)
    monkeypatch.setattr("serving.patience.FIRST_S", 1.0)
    async with siege() as call:
        good = f"access_token={call.world.token('trudy')}"
        await call.withstands(
            "one person's entries",
            lambda: _come_again_and_again(call),
            ("wrong", "join_too_often"),
        )
        await call.withstands("a bomb", lambda: _bomb(call), ("wrong", "join_too_large"))
        for query, status, counted in (
            ("", 401, "join_no_token"),
            (f"{good}&join_request=%00", 400, "join_bad_join_request"),
            (good, 400, "join_no_join_request"),
            ("access_token=" + "x" * 9_000, 401, "join_no_token"),
            ("access_token=a.b.c&join_request=CAA", 401, "join_token_malformed"),
        ):
            await call.withstands(
                counted,
                partial(_come_with, call, query, status),
                ("wrong", counted),
            )
        async with raw(call.world, "silent") as silent:
            await call.withstands(
                "silence", lambda: silent.until("leave"), ("wrong", "begins_anew_join_failure")
            )
        await call.withstands("slow requests", lambda: _trickle(call), ("wrong", "http_too_slow"))


async def _trickle(call: Siege) -> None:
    """Fifty connections that never finish their first request are closed."""
    host, port = call.world.base.split("/")[2].split(":")
    opened = [await asyncio.open_connection(host, int(port)) for _ in range(50)]
    for number, (_, writer) in enumerate(opened):
        if number % 2:
            writer.write(b"GET /livekit/sfu/rtc HTTP/1.1\r\nHost: x\r\nX-A: ")
    async with asyncio.timeout(20):
        for reader, writer in opened:
            with suppress(ConnectionResetError):
                assert await reader.read(1) == b""
            writer.close()


@pytest.mark.integration
async def test_a_call_goes_on_whatever_comes_on_data_channels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Floods, giants, other people's topics, and packets that only the server sends."""
    monkeypatch.setattr("media.signal.client.DATA_BURST", 300)  # a busy machine sends no 2,000
    monkeypatch.setattr("media.signal.client.DATA_PER_SECOND", 20)
    async with siege() as call, intruder(call.world, "mallory") as mallory:
        speaker = models.DataPacket(
            speaker=models.ActiveSpeakerUpdate(speakers=[models.SpeakerInfo(sid="PA_x")])
        )

        async def say(*packets: bytes) -> None:
            for packet in packets:
                mallory.reliable.send(packet)

        await call.withstands(
            "what is no packet", lambda: say(b"\xff" * 60_000), ("wrong", "data_unknown")
        )
        await call.withstands(
            "the server's word",
            lambda: say(speaker.SerializeToString()),
            ("wrong", "data_unknown"),
        )

        async def ask() -> None:
            mallory.data("sferum.host", json.dumps({"op": "mute_all"}).encode())
            mallory.data("sferum.host", b"[" * 60_000)
            mallory.data("sferum.waiting", b"[]")

        await call.withstands("a pupil's orders", ask, ("wrong", "refused_not_a_host"))

        async def flood() -> None:
            for _ in range(100):
                for _ in range(50):
                    mallory.data("flood", b"x", reliable=False)
                await asyncio.sleep(0.01)
                if call.world.node.services.wrong["data_too_fast"] > 100:
                    return

        await call.withstands("a flood of packets", flood, ("wrong", "data_too_fast"))
        assert all(topic == "flood" for _, _, topic in call.boris.data)
