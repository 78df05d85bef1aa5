"""STUN binding requests of ICE and our answers to them (RFC 8489, RFC 8445 7.3). Pure.

Whoever sends a request with a message integrity made with our password has read our SDP. Anything else is a stranger's,
gets no answer, and costs no more than finding that out.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Any

from aioice import stun
from attrs import field, frozen

from media.transport.api import IceCredentials, Ignored

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_USERNAME = 0x0006
_BINDING_REQUEST = 0x0001
_BINDING_SUCCESS = b"\x01\x01"
#: RFC 8445 5.1.2: of a peer-reflexive candidate; nobody here compares it.
_PRIORITY = (110 << 24) + (65535 << 8) + 255
#: Bytes: 256 for each ufrag and a colon (RFC 8839 5.4).
_MAX_USERNAME = 513


@frozen
class Binding:
    """A binding request; its sender is not known before `is_made_with` said yes."""

    local_ufrag: str  # ours
    remote_ufrag: str
    use_candidate: bool
    controlled: bool  # the client thinks that we control
    _message: stun.Message = field(repr=False)

    def is_made_with(self, pwd: str) -> bool:
        return self._message.check_message_integrity(pwd.encode())

    def success(self, source: tuple[str, int], pwd: str) -> bytes:
        """The answer that tells the client under which address it is seen."""
        return self._answer(
            stun.Class.RESPONSE, {"XOR-MAPPED-ADDRESS": (_unmapped(source[0]), source[1])}, pwd
        )

    def role_conflict(self, pwd: str) -> bytes:
        """We are never the controlling side (RFC 8445 6.1.1, 7.3.1.1)."""
        return self._answer(stun.Class.ERROR, {"ERROR-CODE": (487, "Role Conflict")}, pwd)

    def _answer(self, kind: stun.Class, attributes: dict[str, Any], pwd: str) -> bytes:
        message = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=kind,
            transaction_id=self._message.transaction_id,
            attributes=attributes,
        )
        message.add_message_integrity(pwd.encode())
        return bytes(message)


def ufrag_of(datagram: bytes) -> str | Ignored:
    """Whose ufrag a binding request names, found without parsing the rest."""
    if len(datagram) < _HEADER.size:
        return Ignored.STUN_MALFORMED
    kind, length, cookie, _ = _HEADER.unpack_from(datagram)
    if cookie != stun.COOKIE or len(datagram) != _HEADER.size + length:
        return Ignored.STUN_MALFORMED
    if kind != _BINDING_REQUEST:
        return Ignored.NOT_A_REQUEST
    at = _HEADER.size
    while at + _ATTRIBUTE.size <= len(datagram):
        name, size = _ATTRIBUTE.unpack_from(datagram, at)
        at += _ATTRIBUTE.size
        if name == _USERNAME:
            word = datagram[at : at + size]
            local, colon, _ = word.partition(b":")
            if not colon or size > _MAX_USERNAME or len(word) != size or not local.isascii():
                return Ignored.STUN_MALFORMED
            return local.decode()
        at += size + -size % 4
    return Ignored.STUN_MALFORMED


def read_binding(datagram: bytes) -> Binding | Ignored:
    try:
        message = stun.parse_message(datagram)
    except (ValueError, struct.error):
        return Ignored.STUN_MALFORMED
    if (message.message_method, message.message_class) != (
        stun.Method.BINDING,
        stun.Class.REQUEST,
    ):
        return Ignored.NOT_A_REQUEST
    local, colon, remote = str(message.attributes.get("USERNAME", "")).partition(":")
    if not colon:
        return Ignored.STUN_MALFORMED
    return Binding(
        local_ufrag=local,
        remote_ufrag=remote,
        use_candidate="USE-CANDIDATE" in message.attributes,
        controlled="ICE-CONTROLLED" in message.attributes,
        message=message,
    )


def question(theirs: IceCredentials, our_ufrag: str, transaction: bytes) -> bytes:
    """A check of ours: whoever answers it receives what goes to that address (RFC 7675 5.1)."""
    message = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.REQUEST,
        transaction_id=transaction,
        attributes={
            "USERNAME": f"{theirs.ufrag}:{our_ufrag}",
            "PRIORITY": _PRIORITY,
            "ICE-CONTROLLED": int.from_bytes(transaction[:8], "big"),
        },
    )
    message.add_message_integrity(theirs.pwd.encode())
    return bytes(message)


def is_answer(datagram: bytes) -> bool:
    """Whether it may be the answer to a question of ours."""
    return datagram[:2] == _BINDING_SUCCESS and len(datagram) >= _HEADER.size


def answers(datagram: bytes, transaction: bytes, pwd: str) -> bool:
    """Whether it is the answer to this question: made with the client's password."""
    if datagram[8 : _HEADER.size] != transaction:
        return False
    try:
        return stun.parse_message(datagram).check_message_integrity(pwd.encode())
    except (ValueError, struct.error):
        return False


def _unmapped(host: str) -> str:
    """A socket for both families shows IPv4 addresses as `::ffff:…`; the client knows itself without."""
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
