"""Offers of real clients, as `capture.py` wrote them, and ends of ours for answers."""

from __future__ import annotations

from pathlib import Path

from media.forwarder.api import Codec
from media.ids import ParticipantSid, TrackSid
from media.sdp.api import Candidate, Fingerprint, Local, Outgoing, SectionKind

FOLDER = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in FOLDER.glob("*.sdp"))

LOCAL = Local(
    ufrag="ours",
    pwd="a" * 32,
    fingerprint=Fingerprint("sha-256", ":".join(["AB"] * 32)),
    candidates=(
        Candidate(foundation="1", protocol="udp", priority=7, host="192.0.2.1", port=5000),
        Candidate(
            foundation="2",
            protocol="tcp",
            priority=3,
            host="192.0.2.1",
            port=5001,
            tcp_type="passive",
        ),
    ),
)


def golden(name: str) -> str:
    return (FOLDER / f"{name}.sdp").read_bytes().decode()


def camera(number: int = 1, codec: Codec = Codec.VP8) -> Outgoing:
    return Outgoing(
        sid=TrackSid(f"TR_V{number}"),
        publisher=ParticipantSid(f"PA_{number}"),
        kind=SectionKind.VIDEO,
        codec=codec,
        ssrc=1000 + number,
        rtx_ssrc=2000 + number,
        cname="c",
    )


def microphone(number: int = 1) -> Outgoing:
    return Outgoing(
        sid=TrackSid(f"TR_A{number}"),
        publisher=ParticipantSid(f"PA_{number}"),
        kind=SectionKind.AUDIO,
        codec=Codec.OPUS,
        ssrc=3000 + number,
        rtx_ssrc=0,
        cname="c",
    )
