"""A client that is no browser, with an offer of OBS' shape, publishes through real ports."""

from __future__ import annotations

import re

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from yarl import URL

from media.broadcast.whip.lineup import Lineup
from media.forwarder.api import Drop
from media.transport.api import Gone
from tests.media.broadcast.whip.doubles import CONCERT, KEY
from tests.media.broadcast.whip.studio import on_ports
from tests.media.transport.world import eventually

HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/sdp"}
#: What OBS says once, before the first section.
ONCE = re.compile(r"(?m)^a=(?:ice-ufrag|ice-pwd|fingerprint:sha-256|setup)[: ].*\r\n")


def as_obs(text: str) -> str:
    """ICE, DTLS and the role said once for all (the first section's: everything is bundled), and a group LS."""
    text = re.sub(r"(?m)^a=fingerprint:(?!sha-256).*\r\n", "", text)
    head, *sections = re.split(r"(?m)^(?=m=)", text)
    said = "".join(ONCE.findall(sections[0]))
    bare = "".join(ONCE.sub("", section) for section in sections)
    return f"{head}a=group:LS 0 1\r\n{said}{bare}"


def obs(picture: VideoStreamTrack | None = None) -> RTCPeerConnection:
    """Silence and a picture, green unless another is given; sound is the first section."""
    client = RTCPeerConnection()
    for track in (AudioStreamTrack(), picture or VideoStreamTrack()):
        client.addTransceiver(track, direction="sendonly")
    return client


async def publish(client: RTCPeerConnection, url: str, http: aiohttp.ClientSession) -> str:
    """The way of OBS: everything gathered, one POST. Returns where the session is."""
    await client.setLocalDescription(await client.createOffer())
    offer = as_obs(client.localDescription.sdp)
    assert offer.count("a=ice-ufrag") == offer.count("a=fingerprint") == 1
    async with http.post(f"{url}/whip/{CONCERT}", data=offer.encode(), headers=HEADERS) as response:
        answer = await response.text()
        assert response.status == 201, answer
    await client.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    return str(response.url.join(URL(response.headers["Location"])))


async def test_from_offer_to_packets_and_back() -> None:
    """It connects, both tracks are known to the forwarder, a DELETE ends it and a second one takes over meanwhile."""
    async with on_ports() as (studio, url), aiohttp.ClientSession() as http:
        first, second = obs(), obs()
        place = await publish(first, url, http)
        await eventually(lambda: studio.arrives("s1"), "the picture arrives")
        assert studio.on_air() == "s1"
        await publish(second, url, http)
        await eventually(lambda: studio.arrives("s2"), "the spare's picture arrives")
        assert studio.on_air() == "s1"
        drops = studio.listener.plane.stats().drops
        assert not {Drop.UNKNOWN_SSRC.value, Drop.UNKNOWN_PAYLOAD.value} & drops.keys()
        async with http.delete(place, headers=HEADERS) as response:
            assert response.status == 200
        assert studio.on_air() == "s2"
        assert studio.stage.ends == {"s1": Gone.CLOSED}
        await eventually(lambda: first.connectionState == "closed", "the client is told")
        await second.close()
        await eventually(lambda: studio.stage.ends.get("s2"), "its end is noticed")
        assert studio.whip.lineup(CONCERT) == Lineup()
        assert studio.on_air() is None
        await first.close()
