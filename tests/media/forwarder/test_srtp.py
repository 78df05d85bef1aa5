"""SRTP against the RFCs' own numbers: key derivation, AES-GCM and AES-CM, and what is refused."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from media.forwarder.api import Drop, SrtpKeys, SrtpProfile
from media.forwarder.plain.srtp import SrtpSession
from media.ids import PeerId
from tests.media.forwarder.ends import End, rtp

GCM128, GCM256, CM = (
    SrtpProfile.AEAD_AES_128_GCM,
    SrtpProfile.AEAD_AES_256_GCM,
    SrtpProfile.AES128_CM_SHA1_80,
)


def derive(key: bytes, salt: bytes, label: int, size: int) -> bytes:
    """RFC 3711 4.3.3, key derivation rate 0."""
    salt = salt.ljust(14, b"\0")
    start = int.from_bytes(salt, "big") ^ label << 48
    return keystream(key, (start << 16).to_bytes(16, "big"), size)


def keystream(key: bytes, counter: bytes, size: int) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor().update(bytes(size))


def gcm(key: bytes, salt: bytes, packet: bytes) -> bytes:
    """RFC 7714 8 and 9, rollover counter 0; a 12-byte header."""
    number = int.from_bytes(packet[8:12] + bytes(4) + packet[2:4], "big")
    nonce = (number ^ int.from_bytes(salt, "big")).to_bytes(12, "big")
    return packet[:12] + AESGCM(key).encrypt(nonce, packet[12:], packet[:12])


def aes_cm(key: bytes, salt: bytes, auth: bytes, packet: bytes) -> bytes:
    """RFC 3711 4.1.1 and 4.2, rollover counter 0; a 12-byte header."""
    ssrc, sequence = int.from_bytes(packet[8:12], "big"), int.from_bytes(packet[2:4], "big")
    counter = int.from_bytes(salt, "big") << 16 ^ ssrc << 64 ^ sequence << 16
    stream = keystream(key, counter.to_bytes(16, "big"), len(packet) - 12)
    sealed = packet[:12] + bytes(a ^ b for a, b in zip(packet[12:], stream, strict=True))
    return sealed + hmac.digest(auth, sealed + bytes(4), hashlib.sha1)[:10]


def test_keys_are_derived_as_in_rfc_3711() -> None:
    """Its appendix B.3: cipher key, salt and authentication key."""
    key = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
    salt = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
    assert derive(key, salt, 0, 16).hex() == "c61e7a93744f39ee10734afe3ff7a087"
    assert derive(key, salt, 2, 14).hex() == "30cbbc08863d8c85d49db34a9ae1"
    assert derive(key, salt, 1, 20).hex() == "cebe321f6ff7716b6fd4ab49af256a156d38baa4"


def test_gcm_is_that_of_rfc_7714() -> None:
    """Its section 16.1.1."""
    packet = bytes.fromhex("8040f17b8041f8d35501a0b2") + b"Gallia est omnis divisa in partes tres"
    sealed = gcm(bytes(range(16)), bytes.fromhex("517569642070726f2071756f"), packet)
    assert sealed.hex() == (
        "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a"
        "51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce"
    )


@pytest.mark.parametrize("profile", SrtpProfile)
def test_what_is_sent_is_what_the_rfcs_say(profile: SrtpProfile) -> None:
    """Our session's bytes are those of the few lines above, and it reads them back, for every profile."""
    size, salt_size = (32, 12) if profile is GCM256 else (16, 14 if profile is CM else 12)
    key, salt = bytes(range(100, 100 + size)), bytes(range(salt_size))
    session = SrtpSession(SrtpKeys(profile, key, salt, key, salt))
    packet = rtp(ssrc=0xCAFEBABE, sequence=0x1234, timestamp=9, payload=b"voice" * 30)

    cipher, cipher_salt = derive(key, salt, 0, size), derive(key, salt, 2, salt_size)
    if profile is CM:
        expected = aes_cm(cipher, cipher_salt, derive(key, salt, 1, 20), packet)
    else:
        expected = gcm(cipher, cipher_salt, packet)
    assert session.protect(packet) == expected
    assert session.unprotect(expected) == packet


@pytest.mark.parametrize("profile", SrtpProfile)
def test_refusals_have_names(profile: SrtpProfile) -> None:
    """A changed byte, another's keys, the same packet twice, an old one, a giant one: for RTP and for RTCP."""
    end = End(PeerId("a"), profile)
    session, other = SrtpSession(end.keys), SrtpSession(End(PeerId("b"), profile).keys)
    first = end.protect(rtp(ssrc=1, sequence=1, payload=b"x" * 50))
    late = end.protect(rtp(ssrc=1, sequence=2, payload=b"x" * 50))
    newest = end.protect(rtp(ssrc=1, sequence=3000, payload=b"x" * 50))
    report = end.protect(bytes.fromhex("80c9000100000001"))

    assert session.unprotect(first[:-1] + bytes((first[-1] ^ 1,))) is Drop.FORGED
    assert other.unprotect(first) is Drop.FORGED
    assert isinstance(session.unprotect(first), bytes)
    assert session.unprotect(first) is Drop.REPLAYED
    assert isinstance(session.unprotect(newest), bytes)
    assert session.unprotect(late) is Drop.REPLAYED
    assert session.unprotect(bytes(1501)) is Drop.NOT_RTP
    assert session.unprotect(b"\x80\x60" + bytes(3)) is Drop.NOT_RTP
    assert session.unprotect_rtcp(report[:-1] + bytes((report[-1] ^ 1,))) is Drop.FORGED
    assert isinstance(session.unprotect_rtcp(report), bytes)
    assert session.unprotect_rtcp(report) is Drop.REPLAYED
    assert session.unprotect_rtcp(bytes(1501)) is Drop.NOT_RTP
