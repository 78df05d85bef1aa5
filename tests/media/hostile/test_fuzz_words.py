"""Every reader of text, JSON and protobuf: real requests, damaged. Only its own refusals come out, and soon.

`make fuzz T=tests/media/hostile` does it for hours.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
import yaml
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import example, given
from hypothesis import strategies as st
from livekit.protocol import models, rtc

from media.access.claims import Claims
from media.access.refusals import Refused
from media.access.rights import rights_of
from media.access.tokens import BadToken, Key, mint, verify
from media.cluster.placement import NodeSign
from media.cluster.registry import _text
from media.config import Config, config_of, read_config
from media.forwarder.plain.forwarder import PlainForwarder
from media.ids import Identity, ParticipantSid, RoomName
from media.pages.register_file import BadRequest, request_of
from media.plane.plain import PlainPlane
from media.room.operations import BadOperation, parse_operation
from media.sdp.api import SdpError, build_answer, incoming, parse, sending, write
from media.signal import twirp
from media.signal.connection import Connection
from media.signal.data import read_packet
from media.signal.frames import BadFrame, Frames
from media.signal.joining import BadJoin, Joining, Version, read_joining
from media.signal.node import open_node
from media.signal.socket import Socket
from serving.json_http import Answer, NoAnswer
from serving.json_object import JsonObject
from serving.settings import BadConfig
from tests.media.access.test_requests import BODIES, HOME, PARSERS
from tests.media.hostile.damage import JSON, bounded, damaged, damaged_text, share
from tests.media.hostile.test_pupil import CALLS, ORDERS
from tests.media.sdp.goldens import LOCAL, NAMES, golden
from tests.media.transport.world import CERTIFICATE, settings
from tests.media.world import KEY, LESSON, calls, wall
from tests.support.process import ROOT

SDPS = tuple(golden(name) for name in NAMES)


def answered(text: str) -> None:
    """As far as signalling takes an offer."""
    offer = parse(text)
    answer = build_answer(offer, LOCAL)
    for theirs, ours in zip(offer.sections, answer.sections, strict=True):
        incoming(theirs, ours)
        sending(ours)
    parse(write(answer))


@share(2)
@given(damaged_text(SDPS))
def test_fuzz_offers(text: str) -> None:
    """An offer of a browser, damaged, is answered with something that can be read, or refused by line."""
    with bounded(), suppress(SdpError):
        answered(text)


HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
VIDEO = HEAD + (
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n"
    f"a=ice-pwd:{'p' * 22}\r\na=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\n"
    "a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
)
LINES = 15_000
#: Texts that are as long as is allowed, of one kind of line.
WORST = {
    "ssrcs": "".join(f"a=ssrc:{n} cname:x\r\n" for n in range(LINES)),
    "groups": "".join(f"a=ssrc-group:FID {n} {n + 1}\r\n" for n in range(LINES)),
    "candidates": "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * LINES,
    "rids": "".join(f"a=rid:r{n} send\r\n" for n in range(LINES)),
    "simulcast": "a=simulcast:send " + ";".join(f"r{n}" for n in range(1_000)) + "\r\n",
    "codecs": "".join(f"a=rtpmap:{n % 128} VP8/90000\r\n" for n in range(LINES)),
    "parameters": f"a=fmtp:96 {';'.join(f'a{n}=1' for n in range(800))}\r\n" * 200,
    "feedback": "a=rtcp-fb:96 nack pli\r\n" * LINES,
    "extensions": "".join(f"a=extmap:{n % 15} urn:{n}\r\n" for n in range(LINES)),
    "fingerprints": f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\n" * 5_000,
    "msids": "a=msid:a b\r\n" * LINES,
    "blanks": "a=fmtp:96 " + " " * 8_000 + "\r\n",
    "semicolons": "a=fmtp:96 " + ";" * 8_000 + "\r\n",
    "colons": "a=fingerprint:sha-256 " + ":" * 8_000 + "\r\n",
    "digits": "a=ssrc:" + "9" * 8_000 + " cname:x\r\n",
    "unknown": "a=x\r\n" * LINES,
}


@pytest.mark.parametrize("name", WORST)
def test_fuzz_the_worst_offers(name: str) -> None:
    """Thousands of lines of one kind cost no more than anything else of their length."""
    with bounded(), suppress(SdpError):
        answered(VIDEO + WORST[name])


REQUESTS = (
    rtc.SignalRequest(add_track=rtc.AddTrackRequest(cid="c", type="VIDEO", source="CAMERA")),
    rtc.SignalRequest(offer=rtc.SessionDescription(type="offer", sdp=SDPS[0], id=1)),
    rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid="TR_x", muted=True)),
    rtc.SignalRequest(subscription=rtc.UpdateSubscription(track_sids=["TR_x"], subscribe=True)),
    rtc.SignalRequest(ping_req=rtc.Ping(timestamp=1, rtt=2)),
)
BINARY = tuple(one.SerializeToString() for one in REQUESTS)
TEXTS = tuple(
    json.dumps(one)
    for one in (
        {"addTrack": {"cid": "c", "type": "VIDEO", "layers": [{"quality": "HIGH", "width": 1}]}},
        {"pingReq": {"timestamp": "7"}},
        {"trackSetting": {"trackSids": ["TR_x"], "quality": "LOW", "width": 4294967295}},
        {"updateMetadata": {"attributes": {"a": "b"}}},
    )
)


@given(damaged(BINARY) | damaged_text(TEXTS) | JSON.map(json.dumps))
def test_fuzz_frames(frame: bytes | str) -> None:
    """Protobuf or JSON: a request, nothing, or `BadFrame`."""
    with bounded(), suppress(BadFrame):
        Frames().read(frame)


def packed(body: bytes, compression: int) -> bytes:
    made: bytes = rtc.WrappedJoinRequest(
        compression=cast(Any, compression), join_request=body
    ).SerializeToString()
    return made


JOIN = rtc.JoinRequest(
    publisher_offer=rtc.SessionDescription(type="offer", sdp=SDPS[0]), participant_sid="PA_x"
).SerializeToString()
JOINS = (packed(JOIN, 0), packed(gzip.compress(JOIN), 1), packed(gzip.compress(bytes(9_000)), 1))


@given(damaged(JOINS), st.dictionaries(st.sampled_from(["sid", "protocol", "sdk"]), st.text()))
def test_fuzz_joins(raw: bytes, query: dict[str, str]) -> None:
    """A query and its join_request: what is wanted, or `BadJoin`."""
    text = base64.urlsafe_b64encode(raw).decode()
    for version in Version:
        with bounded(), suppress(BadJoin):
            read_joining(version, {**query, "access_token": "t", "join_request": text}, "")


PACKETS = tuple(
    one.SerializeToString()
    for one in (
        models.DataPacket(user=models.UserPacket(topic="sferum.host", payload=b'{"op": "lock"}')),
        models.DataPacket(destination_identities=["a"], sequence=2**32 - 1),
        models.DataPacket(chat_message=models.ChatMessage(message="x")),
    )
)


@given(damaged(PACKETS))
def test_fuzz_data_packets(raw: bytes) -> None:
    """A packet, or None."""
    with bounded():
        read_packet(ParticipantSid("PA_x"), "_reliable", raw)


# --- what is read becomes events: one participant says anything at all


WORDS = st.sampled_from(
    ("", "c", "TR_x", "PA_x", "anna", "sferum.hand", "sferum.host", "audio/opus", "vp8", "q", "f")
)


@st.composite
def messages(draw: Callable[[Any], Any], kind: type[Message], depth: int = 0) -> Message:
    """Any message of this kind, by its description."""
    made = kind()
    fields = list(kind.DESCRIPTOR.fields)
    for one in draw(st.lists(st.sampled_from(fields), max_size=6)) if fields else ():
        many = getattr(one, "is_repeated", False)
        if one.message_type is not None and one.message_type.GetOptions().map_entry:
            getattr(made, one.name)[draw(WORDS)] = draw(WORDS)
        elif one.message_type is not None:
            if depth < 3:
                value = draw(messages(one.message_type._concrete_class, depth + 1))
                if many:
                    getattr(made, one.name).append(value)
                else:
                    getattr(made, one.name).CopyFrom(value)
        elif many:
            getattr(made, one.name).append(draw(_scalar(one)))
        else:
            setattr(made, one.name, draw(_scalar(one)))
    return made


def _scalar(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return st.binary(max_size=20)
        case FieldDescriptor.CPPTYPE_STRING:
            if field.name == "sdp":
                return st.sampled_from(SDPS) | st.just("v=0\r\n")
            return WORDS | st.text(max_size=5)
        case FieldDescriptor.CPPTYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.CPPTYPE_ENUM:
            return st.integers(0, 12)
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return st.floats(width=32)
        case _:
            return st.sampled_from((0, 1, 2, 9, 2**31 - 1))


SAID = st.one_of(
    *(
        messages(one.message_type._concrete_class).map(
            lambda value, name=one.name: rtc.SignalRequest(**{name: value})  # type: ignore[misc]
        )
        for one in rtc.SignalRequest.DESCRIPTOR.oneofs_by_name["message"].fields
        if one.message_type is not None
    ),
    st.sampled_from(REQUESTS),
)


@share(4)
@given(
    st.lists(SAID, max_size=25),
    st.lists(damaged(PACKETS), max_size=10),
    st.sampled_from(Version),
    st.sampled_from((None, *SDPS)),
)
def test_fuzz_what_a_participant_says(
    said: list[rtc.SignalRequest], packets: list[bytes], version: Version, sdp: str | None
) -> None:
    """Requests and data packets in any order, with whatever is in them: no bug is met."""

    async def run() -> None:
        offer = None if sdp is None else rtc.SessionDescription(type="offer", sdp=sdp, id=1)
        chance = itertools.count()
        async with open_node(
            settings(tcp_port=None),
            CERTIFICATE,
            plane=PlainPlane(PlainForwarder()),
            keys=[KEY],
            wall=wall,
            bits=lambda n: next(chance) % 2**n,
        ) as node:
            clients = []
            for name in ("anna", "mallory"):
                connection = Connection(
                    cast(Socket, None), node.services.clock, node.services.wrong
                )
                claims = Claims(
                    identity=Identity(name),
                    room=RoomName("r"),
                    join=True,
                    can_update_own_metadata=True,
                )
                joining = Joining(version=version, token="t", offer=offer)
                entered = node._enter(connection, joining, claims)
                assert entered is not None
                clients.append((entered, connection))
            client, connection = clients[1]
            for request in said:
                frame = SimpleNamespace(data=request.SerializeToString())
                connection._take(cast(Any, frame), client.hear)
            for packet in packets:
                client.message(client.negotiation.primary, "_reliable", packet)
            for hall in list(node.halls.values()):
                hall.check(node.services.clock())
            assert not node.services.wrong["bug"]

    with bounded():
        asyncio.run(run())


# --- tokens, questions, settings, what other nodes wrote


NOW = 1_790_000_000.0
TOKEN = mint(Claims(identity=Identity("a"), room=RoomName("r"), join=True), [KEY], NOW)


@given(damaged([TOKEN.encode()]), JSON)
def test_fuzz_tokens(raw: bytes, claims: object) -> None:
    """A token that was touched opens nothing; one with our signature and any JSON in it raises nothing."""
    with bounded():
        text = raw.decode("latin-1")
        if text != TOKEN:
            found = verify(text, [KEY], NOW)
            # base64 has spare bits at its end: the same signature may be written twice
            assert isinstance(found, BadToken) or text[:-1] == TOKEN[:-1]
        head = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        for key in ("", text[:40]):
            assert isinstance(verify(f"{head}.{body}.{key}", [KEY], NOW), BadToken)
        verify(text, [Key("", "x" * 32)], NOW)


@given(
    st.sampled_from(sorted(PARSERS)), damaged([json.dumps(one).encode() for one in BODIES.values()])
)
def test_fuzz_questions(form: str, raw: bytes) -> None:
    """Bodies of /sfu/get, /get_token and /delegate_delayed_leave: what is asked, or a refusal that can be written."""
    with bounded():
        found = PARSERS[form](raw, HOME)
    if isinstance(found, Refused):
        json.dumps(found.body)


@share(2)
@given(st.sampled_from(sorted(ORDERS)), st.dictionaries(st.text(max_size=9), JSON, max_size=4))
def test_fuzz_orders(op: str, fields: dict[str, Any]) -> None:
    """Of hosts, on the page or in a data packet; and questions for a register."""
    with bounded():
        for known in ({}, ORDERS[op]):
            with suppress(BadOperation):
                parse_operation({**fields, **known, "op": op})
            with suppress(BadOperation):
                parse_operation({**known, **dict.fromkeys(known, fields), "op": op})
        for name in ("call", "lang", "zone", "names"):
            with suppress(BadRequest):
                request_of({"call": "c", **fields, name: fields.get("x", "../../etc/passwd")})


@share(2)
@given(st.dictionaries(st.sampled_from(["member", "roles", "limit", "may_publish", "host"]), JSON))
def test_fuzz_rights(raw: dict[str, Any]) -> None:
    """The module's answer: rights, none, or `NoAnswer`."""
    with bounded(), suppress(NoAnswer):
        rights_of(Answer(200, JsonObject({"member": True, **raw})), "@a:s", "!r:s")


SIGN = NodeSign(name="a", url="http://a", load=1, rooms=1).to_json().encode()


@given(damaged([SIGN]) | JSON.map(json.dumps))
@example('{"name": "a", "url": "u", "load": Infinity, "rooms": 1, "draining": false}')
@example("[" * 100_000)
@example(b"\xff\xfe")
def test_fuzz_the_registry(raw: bytes | str) -> None:
    """What is in Redis: a node's sign of life, or nobody's."""
    with bounded():
        NodeSign.from_json(raw)
        _text(raw)


EXAMPLE = (ROOT / "media.yaml.example").read_text("utf-8")
SETTINGS: Mapping[str, Any] = yaml.safe_load(EXAMPLE)


@share(2)
@given(st.dictionaries(st.sampled_from(sorted(SETTINGS)), JSON, max_size=4))
def test_fuzz_settings(changes: dict[str, Any]) -> None:
    """Any values: a configuration, or a sentence about the setting."""
    with bounded(), suppress(BadConfig):
        assert isinstance(config_of({**SETTINGS, **changes}, Path("/etc")), Config)


@share(10)
@given(text=damaged_text([EXAMPLE]))
@example(text="a: 2026-99-99")
@example(text="[" * 1_500)
def test_fuzz_the_settings_file(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any file."""
    file = tmp_path_factory.getbasetemp() / "fuzz-media.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with bounded(), suppress(BadConfig):
        read_config(file)


TWIRP = tuple(json.dumps(one).encode() for one in CALLS.values())


@pytest.mark.integration
@share(10)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(CALLS)),
            st.sampled_from((twirp.JSON, twirp.PROTOBUF, "text/plain")),
            damaged((*TWIRP, *BINARY)) | JSON.map(lambda one: json.dumps(one).encode()),
        ),
        max_size=20,
    )
)
def test_fuzz_services(asked: list[tuple[str, str, bytes]]) -> None:
    """A service with every right sends any body to any method: done, or one of Twirp's codes."""

    async def run() -> None:
        grants = {"admin": True, "create": True, "list_rooms": True, "room": LESSON}
        async with calls() as world, aiohttp.ClientSession() as http:
            token = {"Authorization": f"Bearer {world.service_token(**grants)}"}
            for method, kind, body in asked:
                url = f"{world.base}/twirp/livekit.RoomService/{method}"
                headers = token | {"Content-Type": kind}
                async with http.post(url, data=body, headers=headers) as answer:
                    assert answer.status == 200 or answer.status in twirp.STATUS.values(), (
                        await answer.text()
                    )

    asyncio.run(run())
