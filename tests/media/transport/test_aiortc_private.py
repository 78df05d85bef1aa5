"""The private names of aiortc and aioice that we stand on: a new version that changes one fails here, by name."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version

import pytest
from aioice import stun
from aiortc import rtcdtlstransport as dtls
from aiortc import rtcsctptransport as sctp
from OpenSSL import SSL

from media.transport.dtls import Certificate, Dtls
from media.transport.sctp import BoundedSctp


def test_the_version() -> None:
    """1.16 is what these names were read in."""
    assert version("aiortc").startswith("1.16.")


OVERRIDDEN = [
    (BoundedSctp, "_handle_data", ["data"]),
    (BoundedSctp, "_receive_chunk", ["chunk"]),
    (BoundedSctp, "_receive_data_chunk", ["chunk"]),
    (BoundedSctp, "_receive_sack_chunk", ["chunk"]),
    (BoundedSctp, "_init", []),
    (BoundedSctp, "_update_rto", ["R"]),
    (BoundedSctp, "_get_inbound_stream", ["stream_id"]),
    (BoundedSctp, "_data_channel_receive", ["stream_id", "pp_id", "data"]),
    (BoundedSctp, "start", ["remoteCaps", "remotePort"]),
    (BoundedSctp, "stop", []),
]


@pytest.mark.parametrize(("kind", "name", "parameters"), OVERRIDDEN)
def test_methods(kind: type, name: str, parameters: list[str]) -> None:
    """What we override or call is in aiortc's class, with these parameters."""
    method = getattr(kind.__mro__[1], name)
    assert list(inspect.signature(method).parameters) == ["self", *parameters]


def test_the_certificate_makes_the_context() -> None:
    """One context for everybody is possible because the certificate makes it."""
    make = dtls.RTCCertificate._create_ssl_context
    assert list(inspect.signature(make).parameters) == ["self", "srtp_profiles"]


USED: list[tuple[object, str]] = [
    (dtls, "X509_DIGEST_ALGORITHMS"),
    (dtls.SRTP_AEAD_AES_128_GCM, "get_key_and_salt"),
    (SSL.Connection, "export_keying_material"),
    (SSL.Connection, "get_selected_srtp_profile"),
    (SSL.Connection, "set_ciphertext_mtu"),
    (SSL.Connection, "DTLSv1_get_timeout"),
    (SSL.Connection, "DTLSv1_handle_timeout"),
    (stun.Message, "check_message_integrity"),
    (stun, "parse_message"),
    (sctp, "WEBRTC_BINARY_EMPTY"),
    (sctp, "DATA_CHANNEL_OPEN"),
]


@pytest.mark.parametrize(("place", "name"), USED)
def test_names(place: object, name: str) -> None:
    """It is there."""
    assert hasattr(place, name)


FIELDS: dict[type, list[str]] = {
    sctp.RTCSctpTransport: [
        "_advertised_rwnd",
        "_data_channels",
        "_inbound_streams",
        "_last_received_tsn",
        "_reconfig_response_seq",
        "_remote_verification_tag",
        "_rto",
        "_rttvar",
        "_sack_needed",
        "_sent_queue",
        "_srtt",
    ],
}


@pytest.mark.parametrize("kind", FIELDS)
def test_fields(kind: type) -> None:
    """Its constructor sets them."""
    source = inspect.getsource(kind.__init__)  # type: ignore[misc] # of the class, on purpose
    assert [name for name in FIELDS[kind] if f"self.{name}" not in source] == []


def test_sctp_asks_nothing_else_of_dtls() -> None:
    """Ours stands below it instead of aiortc's: it has what is asked, and coroutines of it never wait."""
    source = inspect.getsource(sctp.RTCSctpTransport)
    asked = set(re.findall(r"(?:self\.__transport|self\.transport|[( ]transport)\.(\w+)", source))
    assert asked == {
        "_register_data_receiver",
        "_role",
        "_send_data",
        "_unregister_data_receiver",
        "state",
    }
    ours = Dtls(Certificate.generateCertificate(), bytes, lambda: None)
    assert [name for name in asked if not hasattr(ours, name)] == []


def test_sctp_waits_for_nothing() -> None:
    """What it awaits are its own coroutines and DTLS's: `run_through` may run them to their end."""
    source = inspect.getsource(sctp.RTCSctpTransport)
    awaited = set(re.findall(r"await ([\w.]+)", source))
    assert {one for one in awaited if not one.startswith("self._")} == set()
    assert "sleep" not in source
    assert "await super" not in source
