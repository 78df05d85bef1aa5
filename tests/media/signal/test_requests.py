"""Requests with numbers that no client of LiveKit's sends."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from livekit.protocol import rtc

from media.forwarder.api import Layer
from media.ids import ParticipantSid, TrackSid
from media.signal.requests import new_track, track_settings

MASHA = ParticipantSid("PA_masha")
#: Of `quality`, as protobuf writes them: enums are open, any 32 bits arrive.
MINUS_ONE, FOUR = b"\xff" * 9 + b"\x01", b"\x04"


def of_quality(message: Message, number: bytes) -> Message:
    tag = message.DESCRIPTOR.fields_by_name["quality"].number << 3
    message.MergeFromString(bytes([tag]) + number)
    return message


@pytest.mark.parametrize("number", [MINUS_ONE, FOUR])
def test_a_quality_that_does_not_exist(number: bytes) -> None:
    """It says nothing, and a layer of it is none; what else the request says holds."""
    asked = rtc.UpdateTrackSettings(track_sids=["TR_1"], fps=5)
    of_quality(asked, number)
    settings = track_settings(MASHA, asked)
    assert (settings.quality, settings.fps) == (None, 5)

    added = rtc.AddTrackRequest(cid="c", type="VIDEO", source="CAMERA")
    of_quality(added.layers.add(width=1), number)
    added.layers.add(quality="MEDIUM", width=640)
    made = new_track(TrackSid("TR_1"), MASHA, added)
    assert [layer.layer for layer in made.layers] == [Layer.MEDIUM]
