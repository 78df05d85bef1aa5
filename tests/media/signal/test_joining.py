"""Requests to join, as clients put them into a URL (calls.md §2.1)."""

from __future__ import annotations

import base64
import contextlib
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol import rtc

from media.signal.joining import (
    MAX_JOIN_REQUEST,
    BadJoin,
    Version,
    Wrong,
    read_joining,
)

OFFER = rtc.SessionDescription(type="offer", sdp="v=0\r\n", id=3)


def packed(request: rtc.JoinRequest, *, zipped: bool = False) -> str:
    body = request.SerializeToString()
    wrapped = rtc.WrappedJoinRequest(
        compression="GZIP" if zipped else "NONE",
        join_request=gzip.compress(body) if zipped else body,
    )
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode().rstrip("=")


def test_v0_reads_the_query_of_livekit_client() -> None:
    """The flags of a browser's v0 join arrive as values; the token comes from the query."""
    query = {
        "access_token": "t.o.k",
        "auto_subscribe": "0",
        "sdk": "js",
        "version": "2.15.7",
        "protocol": "16",
        "adaptive_stream": "1",
    }

    joining = read_joining(Version.V0, query, "")

    assert (
        joining.token,
        joining.auto_subscribe,
        joining.adaptive_stream,
        joining.reconnect_sid,
    ) == ("t.o.k", False, True, "")


def test_the_header_has_the_token_of_rust_and_python() -> None:
    """SDKs put their token into the Authorization header, and it wins."""
    assert read_joining(Version.V0, {"access_token": "a"}, "Bearer b").token == "b"


def test_a_v0_reconnect_names_the_participant() -> None:
    """`sid` counts only with reconnect=1."""
    query = {"access_token": "t", "sid": "PA_x", "reconnect_reason": "1"}

    assert read_joining(Version.V0, query, "").reconnect_sid == ""
    assert read_joining(Version.V0, {**query, "reconnect": "1"}, "").reconnect_sid == "PA_x"


@pytest.mark.parametrize("zipped", [False, True])
def test_v1_reads_the_join_request(zipped: bool) -> None:
    """A v1 client's whole request, with its first offer, is in the URL."""
    request = rtc.JoinRequest(
        connection_settings=rtc.ConnectionSettings(auto_subscribe=True, adaptive_stream=True),
        publisher_offer=OFFER,
        reconnect=True,
        participant_sid="PA_x",
        add_track_requests=[rtc.AddTrackRequest(cid="mic")],
    )

    joining = read_joining(Version.V1, {"join_request": packed(request, zipped=zipped)}, "Bearer t")

    assert joining.adaptive_stream
    assert joining.offer == OFFER
    assert joining.reconnect_sid == "PA_x"
    assert [one.cid for one in joining.add_tracks] == ["mic"]


def test_firefox_sends_no_offer_with_its_join() -> None:
    """An empty publisher_offer is no offer: it comes as the first message."""
    assert (
        read_joining(
            Version.V1, {"join_request": packed(rtc.JoinRequest(metadata="m"))}, "Bearer t"
        ).offer
        is None
    )


def test_a_gzip_bomb_is_not_inflated() -> None:
    """A kilobyte that would become many megabytes is refused at the limit."""
    wrapped = rtc.WrappedJoinRequest(
        compression="GZIP", join_request=gzip.compress(bytes(20 * MAX_JOIN_REQUEST))
    )
    bomb = base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()

    with pytest.raises(BadJoin) as bad:
        read_joining(Version.V1, {"join_request": bomb}, "Bearer t")
    assert Wrong.TOO_LARGE is bad.value.wrong


@pytest.mark.parametrize(
    ("query", "header", "wrong"),
    [
        ({}, "", Wrong.NO_TOKEN),
        ({"access_token": "x" * 20_000}, "", Wrong.NO_TOKEN),
        ({}, "Basic eDp5", Wrong.NO_TOKEN),
        ({}, "Bearer t", Wrong.NO_JOIN_REQUEST),
        ({"join_request": "%%%"}, "Bearer t", Wrong.BAD_JOIN_REQUEST),
        ({"join_request": "_____w"}, "Bearer t", Wrong.BAD_JOIN_REQUEST),
    ],
)
def test_refused_requests_have_a_name(query: dict[str, str], header: str, wrong: Wrong) -> None:
    """Each request that cannot be read is refused for its own reason."""
    with pytest.raises(BadJoin) as bad:
        read_joining(Version.V1, query, header)
    assert wrong is bad.value.wrong


@given(
    st.text(max_size=300)
    | st.binary(max_size=300).map(lambda b: base64.urlsafe_b64encode(b).decode())
)
def test_any_join_request_is_read_or_refused(text: str) -> None:
    """No join_request raises anything but BadJoin."""
    with contextlib.suppress(BadJoin):
        read_joining(Version.V1, {"join_request": text}, "Bearer t")
