"""What a packet is, and the parts that decide without a socket."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from media.transport import parameters
from media.transport.api import IceCredentials, Ignored
from media.transport.binding import Binding, answers, question, read_binding, ufrag_of
from media.transport.demux import PacketKind, kind_of
from media.transport.framing import MAX_FRAME, BadFrame, Framer, frame
from media.transport.records import MAX_DATAGRAM, datagrams
from tests.media.transport.raw_client import binding_request

OURS = IceCredentials("ours", "p" * 32)


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (0, PacketKind.STUN),
        (3, PacketKind.STUN),
        (4, None),
        (19, None),
        (20, PacketKind.DTLS),
        (63, PacketKind.DTLS),
        (64, None),
        (127, None),
        (128, PacketKind.MEDIA),
        (191, PacketKind.MEDIA),
        (192, None),
        (255, None),
    ],
)
def test_a_packet_is_what_its_first_byte_says(first: int, kind: PacketKind | None) -> None:
    """RFC 7983 7, at the borders of its ranges."""
    assert kind_of(bytes([first])) is kind
    assert kind_of(b"") is None


def test_a_binding_request() -> None:
    """Its ufrag is found without parsing; its sender is believed only with the password."""
    request = binding_request(OURS, "theirs")
    assert ufrag_of(request) == "ours"
    read = read_binding(request)
    assert isinstance(read, Binding)
    assert (read.local_ufrag, read.remote_ufrag) == ("ours", "theirs")
    assert read.use_candidate
    assert not read.controlled
    assert read.is_made_with(OURS.pwd)
    assert not read.is_made_with("q" * 32)


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::7%eth0", "2001:db8::7"),
    ],
)
def test_a_client_is_told_how_it_is_seen(source: str, seen: str) -> None:
    """IPv4 on a socket of both families is named as IPv4; the answer is made with our password."""
    read = read_binding(binding_request(OURS, "theirs"))
    assert isinstance(read, Binding)
    answer = stun.parse_message(read.success((source, 9), OURS.pwd))
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == (seen, 9)
    assert answer.check_message_integrity(OURS.pwd.encode())


@given(
    st.binary(min_size=12, max_size=12),
    st.text("abcdefgh+/0", min_size=4, max_size=32),
    st.text("abcdefgh+/0", min_size=22, max_size=64),
    st.ip_addresses(),
    st.integers(1, 65_535),
)
def test_what_we_write_is_what_aioice_writes(
    transaction: bytes, ufrag: str, pwd: str, host: IPv4Address | IPv6Address, port: int
) -> None:
    """Questions and both answers, byte for byte: XORs, paddings, integrity and fingerprint."""
    asked = question(IceCredentials("theirs", pwd), ufrag, transaction)
    words = {
        "USERNAME": f"theirs:{ufrag}",
        "PRIORITY": (110 << 24) + (65535 << 8) + 255,
        "ICE-CONTROLLED": int.from_bytes(transaction[:8], "big"),
    }
    made = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, transaction, words)
    made.add_message_integrity(pwd.encode())
    assert asked == bytes(made)

    read = read_binding(asked)
    assert isinstance(read, Binding)
    mapped = isinstance(host, IPv6Address) and host.ipv4_mapped
    for ours, kind, said in (
        (
            read.success((str(host), port), pwd),
            stun.Class.RESPONSE,
            {"XOR-MAPPED-ADDRESS": (str(mapped or host), port)},
        ),
        (read.role_conflict(pwd), stun.Class.ERROR, {"ERROR-CODE": (487, "Role Conflict")}),
    ):
        theirs = stun.Message(stun.Method.BINDING, kind, transaction, said)
        theirs.add_message_integrity(pwd.encode())
        assert ours == bytes(theirs)
        assert answers(ours, transaction, pwd)
        assert not answers(ours, transaction, pwd + "x")


def test_what_stands_after_the_integrity_is_nobodys_word() -> None:
    """Whoever is on the way may add to a check; a nomination is believed only where its sender sealed it."""
    request = binding_request(OURS, "theirs", use_candidate=False)[:-8]  # without its fingerprint
    added = request + b"\x00\x25\x00\x00"
    added = added[:2] + (len(added) - 20).to_bytes(2, "big") + added[4:]

    read = read_binding(added)

    assert isinstance(read, Binding)
    assert not read.use_candidate
    assert read.is_made_with(OURS.pwd)


def test_what_is_no_binding_request() -> None:
    """Each is named: too short, cut, a response, without a name."""
    request = binding_request(OURS, "theirs")
    assert ufrag_of(b"\0\1") is Ignored.STUN_MALFORMED
    assert ufrag_of(request[:-1]) is Ignored.STUN_MALFORMED
    assert ufrag_of(b"\1\1" + request[2:]) is Ignored.NOT_A_REQUEST
    nameless = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    assert ufrag_of(bytes(nameless)) is Ignored.STUN_MALFORMED
    assert read_binding(bytes(nameless)) is Ignored.STUN_MALFORMED
    indication = stun.Message(stun.Method.BINDING, stun.Class.INDICATION)
    assert read_binding(bytes(indication)) is Ignored.NOT_A_REQUEST
    colonless = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": "x"})
    assert ufrag_of(bytes(colonless)) is Ignored.STUN_MALFORMED


@given(st.binary(max_size=200), st.integers(0, 199), st.integers(0, 255))
def test_any_stun_is_survived(junk: bytes, at: int, byte: int) -> None:
    """Junk, and a good request with any byte changed: a value or a reason, never an exception, never believed."""
    for packet in (junk, b"\0\1\0\x10!\x12\xa4B" + junk):
        ufrag_of(packet)
        read_binding(packet)
    good = binding_request(OURS, "theirs")
    at %= len(good)
    changed = good[:at] + bytes([byte]) + good[at + 1 :]
    ufrag_of(changed)
    read = read_binding(changed)
    if isinstance(read, Binding) and changed != good and at < len(good) - 8:
        assert not read.is_made_with(OURS.pwd), "only the fingerprint may change unnoticed"


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20), st.data())
def test_frames_survive_any_cut(packets: list[bytes], data: st.DataObject) -> None:
    """However TCP cuts the stream, the same packets come out."""
    stream = b"".join(frame(packet) for packet in packets)
    framer = Framer()
    out: list[bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        out += framer.feed(stream[:size])
        stream = stream[size:]
    assert out == packets


@given(st.lists(st.binary(max_size=100), max_size=20))
def test_any_stream_is_survived(chunks: list[bytes]) -> None:
    """Junk yields packets or BadFrame, and no more is kept than a frame."""
    framer = Framer()
    try:
        for chunk in chunks:
            list(framer.feed(chunk))
    except BadFrame:
        return
    assert len(framer._rest) <= MAX_FRAME + 2


def test_frames_have_a_longest() -> None:
    """2048 bytes are taken, one more ends the connection; empty frames are nothing."""
    assert list(Framer().feed(frame(bytes(MAX_FRAME)))) == [bytes(MAX_FRAME)]
    assert list(Framer().feed(b"\0\0\0\0")) == []
    with pytest.raises(BadFrame, match="2049"):
        list(Framer().feed(frame(bytes(MAX_FRAME + 1))))


def record(size: int) -> bytes:
    return b"\x16\xfe\xfd" + bytes(8) + size.to_bytes(2, "big") + bytes(size)


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=12))
def test_no_record_is_torn(sizes: list[int]) -> None:
    """A flight is cut between records only, into as few datagrams of 1200 bytes as that allows, nothing lost."""
    records = [record(size) for size in sizes]
    flight = b"".join(records)
    cut = list(datagrams(flight))
    assert b"".join(cut) == flight
    borders = {sum(map(len, records[:n])) for n in range(len(records) + 1)}
    at = 0
    for one, following in zip(cut, [*cut[1:], b""], strict=True):
        at += len(one)
        assert at in borders
        assert len(one) <= MAX_DATAGRAM or one in records
        first = 13 + int.from_bytes(following[11:13], "big") if following else MAX_DATAGRAM + 1
        assert len(one) + first > MAX_DATAGRAM


@given(st.binary(max_size=3000))
def test_any_flight_is_survived(flight: bytes) -> None:
    """What is no DTLS comes out as it went in."""
    assert b"".join(datagrams(flight)) == flight


@pytest.mark.parametrize(
    ("packet", "ends"),
    [
        ("", True),
        ("04000008" + "00010004", True),
        ("04000008" + "00010000", False),
        ("04000008" + "00010003", False),
        ("0400000c" + "0001000500000000", True),
        ("8200000c" + "000d000400000002", False),
        ("01000018" + "00" * 16 + "00010000", False),
        ("01000014" + "00" * 16, True),
        ("00000014" + "00" * 16, True),
        ("03000010" + "00" * 12 + "04000008" + "00010000", False),
        ("03000002" + "00" * 12, True),
        ("040000ff" + "00010004", True),
    ],
)
def test_parameters_lead_to_an_end(packet: str, ends: bool) -> None:
    """A length below its own header stands still; chunks without parameters may hold any bytes."""
    assert parameters.ends(bytes(12) + bytes.fromhex(packet)) is ends
