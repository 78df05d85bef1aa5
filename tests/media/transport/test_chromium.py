"""Chromium takes our SDP, connects over UDP and over TCP alone, and keeps its session over an ICE restart."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pylibsrtp
import pytest
import pytest_asyncio
from playwright.async_api import Page

from media.ids import PeerId, TrackSid
from media.sdp.api import (
    Cache,
    Description,
    Local,
    Outgoing,
    SectionAllocator,
    SectionTable,
    build_answer,
    build_offer,
    incoming,
    parse,
    write,
)
from media.sdp.codecs import MID, REPAIRED_RID, RID
from media.transport.api import Gone, IceCredentials, RemoteParameters, Sent
from media.transport.listener import PortListener
from media.transport.peer import ClientPeer
from tests.media.sdp.goldens import camera, microphone
from tests.media.transport.chromium import chromium_page, seen
from tests.media.transport.world import (
    CERTIFICATE,
    Recorder,
    eventually,
    listen,
    media_of,
    settings,
)
from tests.support.polling import until_async

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    async with chromium_page() as opened:
        yield opened


def local_of(listener: PortListener, peer: ClientPeer, *, tcp_only: bool = False) -> Local:
    wanted = [c for c in listener.candidates if not tcp_only or c.protocol == "tcp"]
    return Local(
        ufrag=peer.local.ufrag,
        pwd=peer.local.pwd,
        fingerprint=listener.fingerprint,
        candidates=tuple(wanted),
    )


def remote_of(description: Description) -> RemoteParameters:
    transport = description.transport
    return RemoteParameters(
        ufrag=transport.ufrag,
        pwd=transport.pwd,
        fingerprints=transport.fingerprints,
        setup=transport.setup,
    )


async def offered(page: Page, cache: Cache, options: str = "{}") -> Description:
    return parse(await page.evaluate(f"offer({options})"), cache)


async def answer(page: Page, answered: Description) -> None:
    await page.evaluate("sdp => answered(sdp)", write(answered))


@pytest.mark.parametrize("tcp_only", [False, True], ids=["udp", "tcp"])
async def test_a_single_connection(page: Page, tcp_only: bool) -> None:
    """v1: channels both ways, a microphone and a camera are received, and free sections carry other people's tracks."""
    async with listen(settings(), CERTIFICATE) as listener:
        recorder, cache, allocator = Recorder(), Cache(), SectionAllocator()
        peer = listener.add_peer(PeerId("anna"), recorder)
        local = local_of(listener, peer, tcp_only=tcp_only)
        await page.evaluate("make(); free(); channels()")
        offer = await offered(page, cache)
        peer.start(remote_of(offer))
        await answer(page, build_answer(offer, local))
        allocator.fill(offer)
        await eventually(lambda: len(recorder.channels) == 2, "both channels are open")
        await page.evaluate("_reliable.send(new Uint8Array(3000))")
        await eventually(lambda: ("_reliable", bytes(3000)) in recorder.messages, "a message comes")
        assert peer.send_message("_lossy", bytes(20)) is Sent.QUEUED

        await page.evaluate("void pc.addTransceiver(tone(), {direction: 'sendonly'})")
        await page.evaluate("void simulcast(picture())")
        allocator.put(camera(1))
        allocator.put(microphone(1))
        assert allocator.requirement() == (0, 0)
        offer = await offered(page, cache)
        answered = build_answer(offer, local, outgoing=allocator.fill(offer))
        await answer(page, answered)
        tracks = sorted(await seen(page, "tracks"))
        assert [[kind, stream, mid] for kind, stream, _, mid in tracks] == [
            ["audio", "PA_1|TR_A1", "0"],
            ["video", "PA_1|TR_V1", "3"],
        ]
        came = await until_async(lambda: seen(page, "messages"), what="a message at the page")
        assert came == [["_lossy", 20]]
        picture = incoming(offer.sections[8], answered.sections[8])
        assert picture is not None
        assert (picture.extensions.transport_cc, picture.extensions.rid) != (0, 0)
        assert list(picture.rids) == ["q", "h", "f"]
        await eventually(lambda: len(media_of(listener)) > 20, "media comes")
        assert _opened(recorder, media_of(listener)) > 20
        await page.evaluate("pc.close()")
        await eventually(lambda: recorder.why is Gone.CLOSED_BY_CLIENT, "the end is noticed")


def _opened(recorder: Recorder, packets: list[bytes]) -> int:
    """How many RTP packets the exported keys open; anything but SRTP of this client raises."""
    keys = recorder.keys
    assert keys is not None
    session = pylibsrtp.Session(
        pylibsrtp.Policy(
            key=keys.rx_key + keys.rx_salt,
            ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND,
            srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
        )
    )
    rtp = [p for p in packets if not 192 <= p[1] <= 223]
    for packet in rtp:
        session.unprotect(packet)
    return len(rtp)


async def test_a_subscribers_connection(page: Page) -> None:
    """v0: Chromium answers our offer, our channels open, tracks come and go in sections that are used again."""
    async with listen(settings(), CERTIFICATE) as listener:
        recorder, table = Recorder(), SectionTable()
        peer = listener.add_peer(PeerId("anna"), recorder)
        local = local_of(listener, peer)
        peer.open_channel("_reliable")
        peer.open_channel("_lossy", ordered=False, max_retransmits=0)
        await page.evaluate("make()")
        table.put(microphone(1))
        table.put(camera(1))
        offer = await _negotiate(page, table, local, 1)
        peer.start(remote_of(offer))
        await eventually(lambda: len(recorder.channels) == 2, "both channels are open")
        assert await _streams(page) == ["PA_1|TR_A1", "PA_1|TR_V1"]
        table.drop(TrackSid("TR_V1"))
        await _negotiate(page, table, local, 2)
        assert table.put(camera(2)) == "2"
        await _negotiate(page, table, local, 3)
        assert await _streams(page) == ["PA_1|TR_A1", "PA_1|TR_V1", "PA_2|TR_V2"]
        peer.close()
        assert recorder.why is Gone.CLOSED
        await page.evaluate("pc.close()")


async def _negotiate(page: Page, table: SectionTable, local: Local, version: int) -> Description:
    offer = build_offer(table.sections(), local, version=version)
    answered = parse(await page.evaluate("sdp => offered(sdp)", write(offer)))
    assert table.answered(offer, answered) == ()
    return answered


async def _streams(page: Page) -> list[str]:
    return [track[1] for track in await seen(page, "tracks")]


async def test_layers_are_published_after_short_answers(page: Page) -> None:
    """v1: filled sections take few extensions; what is published later, and once more, still has names of layers."""
    async with listen(settings(), CERTIFICATE) as listener:
        peer, cache, allocator = (
            listener.add_peer(PeerId("anna"), Recorder()),
            Cache(),
            SectionAllocator(),
        )
        local = local_of(listener, peer)
        for number in range(3):
            allocator.put(camera(number))
            allocator.put(microphone(number))
        await page.evaluate("make(); free(); channels()")
        for last in ("8", "10"):
            offer = await offered(page, cache)
            await answer(page, build_answer(offer, local, outgoing=allocator.fill(offer)))
            await page.evaluate("void pc.addTransceiver(tone(), {direction: 'sendonly'})")
            await page.evaluate("void simulcast(picture())")
            offer = await offered(page, cache)
            answered = build_answer(offer, local, outgoing=allocator.fill(offer))
            await answer(page, answered)
            pictures = next(section for section in answered.sections if section.mid == last)
            assert pictures.simulcast_recv == ("q", "h", "f")
            assert {line.uri for line in pictures.extensions} >= {MID, RID, REPAIRED_RID}
            filled = next(section for section in offer.sections if section.mid == "5")
            assert len(filled.extensions) == 1, "as we answered"
        assert len(await _streams(page)) == 6
        await page.evaluate("pc.close()")


async def test_an_ice_restart(page: Page) -> None:
    """New credentials on the same DTLS session: the connection and its channels live on, the old ufrag ends."""
    async with listen(settings(), CERTIFICATE) as listener:
        recorder, cache = Recorder(), Cache()
        peer = listener.add_peer(PeerId("anna"), recorder)
        await page.evaluate("make(); channels()")
        offer = await offered(page, cache)
        peer.start(remote_of(offer))
        await answer(page, build_answer(offer, local_of(listener, peer)))
        await eventually(lambda: len(recorder.channels) == 2, "both channels are open")
        before = peer.local
        offer = await offered(page, cache, "{iceRestart: true}")
        assert offer.transport.ufrag != peer.remote_ufrag
        after = peer.restart_ice(IceCredentials(offer.transport.ufrag, offer.transport.pwd))
        assert after != before
        await answer(page, build_answer(offer, local_of(listener, peer)))
        await eventually(lambda: peer.ufrags() == {after.ufrag}, "the new credentials are used")
        await page.evaluate("_reliable.send(new Uint8Array(5))")
        await eventually(lambda: recorder.messages, "the channel still works")
        assert recorder.channels == ["_reliable", "_lossy"]
        assert recorder.why is None
        await page.evaluate("pc.close()")


async def test_a_full_room(page: Page) -> None:
    """Two hundred sections in one offer are all accepted."""
    async with listen(settings(), CERTIFICATE) as listener:
        peer = listener.add_peer(PeerId("anna"), Recorder())
        table = SectionTable()
        everybody: list[Outgoing] = [make(n) for n in range(100) for make in (microphone, camera)]
        for track in everybody:
            table.put(track)
        await page.evaluate("make()")
        await _negotiate(page, table, local_of(listener, peer), 1)
        assert len(await _streams(page)) == 200
        await page.evaluate("pc.close()")
