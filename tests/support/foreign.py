"""Somebody else's homeserver: a stock Synapse on loopback, and requests signed with its key."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from signedjson.key import read_signing_keys
from signedjson.sign import sign_json
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.crypto.event_signing import add_hashes_and_signatures

from tests.support import configuration
from tests.support.http import Api, Response
from tests.support.synapse import Homeserver


def federation_settings(directory: Path, port: int, federation_port: int) -> dict[str, Any]:
    """Settings that let a server federate over loopback: TLS by our own authority, private addresses allowed."""
    authority, certificate, key = _certificate(directory)
    return {
        "listeners": [
            configuration.listener(port, "client", "openid"),
            configuration.listener(federation_port, "federation", tls=True),
        ],
        "tls_certificate_path": str(certificate),
        "tls_private_key_path": str(key),
        "federation_custom_ca_list": [str(authority)],
        "federation_sender_instances": None,
        "ip_range_whitelist": [
            "127.0.0.0/8",
            "::1",
        ],  # Synapse refuses to call private addresses otherwise
    }


@define(eq=False)
class ForeignServer:
    """A hostile (or just unknown) server. `homeserver` is its Synapse; `signed_request` needs no Synapse's consent."""

    homeserver: Homeserver
    _key: Any = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        with (self.homeserver.directory / "signing.key").open() as file:
            (self._key,) = read_signing_keys(file)

    @property
    def server_name(self) -> str:
        return self.homeserver.server_name

    def signed_request(
        self,
        target: Homeserver,
        method: str,
        path: str,
        content: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        origin: str | None = None,
    ) -> Response:
        """Send one federation request to `target`, signed as the X-Matrix scheme wants it.

        Args:
            path: from `/_matrix/federation` on, already quoted.
            content: JSON body; None sends none.
            params: query; part of what is signed.
            origin: lie about who we are; None tells the truth.
        """
        query = (
            ""
            if not params
            else "?" + "&".join(f"{name}={value}" for name, value in params.items())
        )
        origin = origin or self.server_name
        request: dict[str, Any] = {
            "method": method,
            "uri": path + query,
            "origin": origin,
            "destination": target.server_name,
        }
        if content is not None:
            request["content"] = content
        signatures = sign_json(request, origin, self._key)["signatures"][origin]
        ((key_id, signature),) = signatures.items()
        header = f'X-Matrix origin="{origin}",key="{key_id}",sig="{signature}",destination="{target.server_name}"'
        body = None if content is None else json.dumps(content).encode()
        api = Api(f"https://127.0.0.1:{target.federation_port}")
        try:
            return api.request(
                method,
                path + query,
                headers={"Authorization": header, "Content-Type": "application/json"},
                body=body,
            )
        finally:
            api.close()

    def signed_event(self, event: Mapping[str, Any], room_version: str = "12") -> dict[str, Any]:
        """`event` (a PDU without hashes) with hashes and our signature, as Synapse itself would make them."""
        signed = dict(event)
        add_hashes_and_signatures(
            KNOWN_ROOM_VERSIONS[room_version], signed, self.server_name, self._key
        )
        return signed


def _certificate(directory: Path) -> tuple[Path, Path, Path]:
    """Paths of our authority's certificate, of one it signed for localhost, and of that one's key; once per folder."""
    authority_path = directory / "tls-ca.crt"
    certificate_path, key_path = directory / "tls.crt", directory / "tls.key"
    if not certificate_path.exists():
        authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        authority = (
            _valid(authority_name, authority_name, authority_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(authority_key, hashes.SHA256())
        )
        names = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        )
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        certificate = (
            _valid(name, authority_name, key)
            .add_extension(names, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        authority_path.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return authority_path, certificate_path, key_path


def _valid(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    """A certificate good from yesterday to tomorrow, not signed yet."""
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
