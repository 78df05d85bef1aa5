"""Peers that other people's code makes, against one UDP and one TCP port."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import attrs
import pylibsrtp
import pytest
from aiortc import RTCCertificate, RTCPeerConnection, RTCSessionDescription
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from media.forwarder.api import SrtpProfile
from media.ids import PeerId
from media.plane.plain import PlainPlane
from media.sdp.api import Local, build_answer, parse, write
from media.sdp.values import Setup
from media.transport.api import Gone, PeerState, RemoteParameters, Sent
from media.transport.dtls import Dtls
from tests.media.transport.raw_client import RawClient
from tests.media.transport.world import (
    CERTIFICATE,
    Recorder,
    eventually,
    heard,
    joined,
    listen,
    media_of,
    settings,
)

pytestmark = pytest.mark.usefixtures("planes")

#: A minimal RTP packet: version 2, payload type 96, number 1, SSRC 7.
RTP = bytes.fromhex("8060000100000000000000070102030405060708")


async def test_aiortc_connects_and_its_channel_echoes() -> None:
    """aiortc's RTCPeerConnection, which we did not write, is answered by our SDP and exchanges data."""
    async with listen(settings(), CERTIFICATE) as listener:
        recorder = Recorder()
        peer = listener.add_peer(PeerId("anna"), recorder)
        client = RTCPeerConnection()
        channel = client.createDataChannel("_reliable")
        heard: list[bytes] = []
        channel.on("message", heard.append)
        await client.setLocalDescription(await client.createOffer())
        offer = parse(client.localDescription.sdp)
        local = Local(
            ufrag=peer.local.ufrag,
            pwd=peer.local.pwd,
            fingerprint=listener.fingerprint,
            candidates=listener.candidates,
        )
        peer.start(
            RemoteParameters(
                ufrag=offer.transport.ufrag,
                pwd=offer.transport.pwd,
                fingerprints=offer.transport.fingerprints,
                setup=offer.transport.setup,
            )
        )
        await client.setRemoteDescription(
            RTCSessionDescription(write(build_answer(offer, local)), "answer")
        )
        await eventually(lambda: recorder.channels == ["_reliable"], "the channel is open")
        channel.send(b"hello")
        await eventually(lambda: recorder.messages == [("_reliable", b"hello")], "hello arrives")
        assert peer.send_message("_reliable", b"hello yourself") is Sent.QUEUED
        await eventually(lambda: heard == [b"hello yourself"], "the answer arrives")
        await client.close()
        await eventually(lambda: recorder.why is Gone.CLOSED_BY_CLIENT, "the end is noticed")


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_both_sides_have_the_same_srtp_keys(tcp: bool) -> None:
    """What aiortc's client protects is opened with the keys that were handed out, and the other way round."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, recorder = await joined(listener, tcp=tcp)
        keys = recorder.keys
        assert keys is not None
        assert keys.profile is SrtpProfile.AEAD_AES_128_GCM  # ours is the order that counts
        await client.dtls._send_rtp(RTP)
        await eventually(lambda: heard(listener), "the packet arrives")
        ours = pylibsrtp.Session(
            pylibsrtp.Policy(
                key=keys.rx_key + keys.rx_salt,
                ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND,
                srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
            )
        )
        if isinstance(listener.plane, PlainPlane):  # the native one says that it could open it
            assert ours.unprotect(media_of(listener)[0]) == RTP
        towards = pylibsrtp.Session(
            pylibsrtp.Policy(
                key=keys.tx_key + keys.tx_salt,
                ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
                srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
            )
        )
        assert listener._peers[PeerId("anna")].send(towards.protect(RTP))
        await eventually(lambda: client.media, "the packet arrives at the client")
        assert client.dtls._rx_srtp.unprotect(client.media[0]) == RTP
        await client.close()


async def test_a_client_with_an_rsa_certificate_connects() -> None:
    """Browsers make others by themselves; not everybody who publishes is a browser."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "encoder")])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2126, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    async with listen(settings(), CERTIFICATE) as listener:
        certificate = RTCCertificate(cast(ec.EllipticCurvePrivateKey, key), made)
        client, recorder = await joined(listener, client=RawClient(certificate=certificate))
        assert recorder.keys is not None
        await client.close()


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_channels_of_both_sides(tcp: bool) -> None:
    """The server's channels (v0) open at the client; the client's own carry messages both ways; a third is ignored."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, recorder = await joined(listener, tcp=tcp)
        peer = listener._peers[PeerId("anna")]
        heard: list[tuple[str, bytes]] = []
        client.sctp.on(
            "datachannel",
            lambda c: c.on("message", lambda data: heard.append((c.label, data))),
        )
        peer.open_channel("_reliable")
        peer.open_channel("_lossy", ordered=False, max_retransmits=0)
        await eventually(lambda: len(recorder.channels) == 2, "both channels are open")
        assert peer.send_message("_lossy", b"1") is Sent.QUEUED
        assert peer.send_message("_reliable", bytes(60_000)) is Sent.QUEUED
        assert peer.send_message("_reliable", bytes(65_537)) is Sent.TOO_LONG
        assert peer.send_message("_data_track", b"1") is Sent.NO_CHANNEL
        await eventually(lambda: len(heard) == 2, "both messages arrive")
        assert sorted(heard) == [("_lossy", b"1"), ("_reliable", bytes(60_000))]
        ignored = client.channel("_data_track")
        await eventually(lambda: ignored.readyState == "open", "the third channel is open")
        ignored.send(b"frame")
        ignored.send("text")
        await eventually(lambda: sum(listener.ignored().values()) == 2, "its messages are counted")
        assert recorder.messages == []
        await client.close()


@pytest.mark.parametrize("as_client", [False, True], ids=["server", "client"])
async def test_keys_are_known_before_our_last_flight_goes(as_client: bool) -> None:
    """Whoever has it sends media at once: a keyframe that finds no keys is lost."""
    queue: list[tuple[Dtls, bytes]] = []
    log: list[str] = []
    prints = (CERTIFICATE.fingerprint,)

    def sent(datagram: bytes) -> None:
        log.append("sent")
        queue.append((other, datagram))

    ours = Dtls(CERTIFICATE, sent, lambda: log.append(ours.state))
    other = Dtls(CERTIFICATE, lambda datagram: queue.append((ours, datagram)), lambda: None)
    ours.begin(as_client=as_client, fingerprints=prints)
    other.begin(as_client=not as_client, fingerprints=prints)
    while queue:
        to, datagram = queue.pop(0)
        to.receive(datagram)
    assert ours.srtp is not None
    assert other.state == "connected"
    last = log.index("connected")
    assert "sent" in log[:last]
    assert log[last + 1 :] == ([] if as_client else ["sent"])


async def test_a_server_that_is_the_dtls_client() -> None:
    """A client that answers `passive` waits for our ClientHello, and gets it after its first check."""
    async with listen(settings(), CERTIFICATE) as listener:
        client, recorder = RawClient(), Recorder()
        client.dtls._set_role("server")
        peer = listener.add_peer(PeerId("anna"), recorder)
        peer.start(attrs.evolve(client.remote_parameters, setup=Setup.PASSIVE))
        await client.open(listener)
        await client.checked(peer.local)
        await client.connect(listener)
        await eventually(lambda: peer.state is PeerState.CONNECTED, "connected")
        await client.dtls._send_rtp(RTP)
        await eventually(lambda: heard(listener), "media arrives")
        await client.close()
