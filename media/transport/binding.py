"""STUN binding requests of ICE and our answers to them (RFC 8489, RFC 8445 7.3). Pure.

Whoever sends a request with a message integrity made with our password has read our SDP. Anything else is a stranger's,
gets no answer, and costs no more than finding that out.
"""

from __future__ import annotations

import hmac
import ipaddress
import struct
import zlib

from attrs import field

from media.frozen import frozen
from media.transport.api import IceCredentials, Ignored

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_COOKIE = 0x2112A442
_COOKIE_BYTES = _COOKIE.to_bytes(4, "big")
_REQUEST, _SUCCESS, _ERROR = 0x0001, 0x0101, 0x0111  # of binding
# Attributes, RFC 8489 18.3 and RFC 8445 16.1.
_USERNAME, _INTEGRITY, _ERROR_CODE, _XOR_MAPPED_ADDRESS = 0x0006, 0x0008, 0x0009, 0x0020
_PRIORITY, _USE_CANDIDATE = 0x0024, 0x0025
_FINGERPRINT, _CONTROLLED = 0x8028, 0x8029
_FINGERPRINT_XOR = 0x5354554E  # RFC 8489 14.7
#: Bytes of both with their headers.
_INTEGRITY_SIZE, _FINGERPRINT_SIZE = 24, 8
_IPV4, _IPV6 = 1, 2
#: RFC 8445 5.1.2: of a peer-reflexive candidate; nobody here compares it.
_OUR_PRIORITY = (110 << 24) + (65535 << 8) + 255
#: Bytes: 256 for each ufrag and a colon (RFC 8839 5.4).
_MAX_USERNAME = 513


@frozen
class _Message:
    """Attributes:

    named: attributes before the message integrity, and the fingerprint; the first of each.
    sealed: bytes before the message integrity; 0: it has none.
    """

    kind: int
    named: dict[int, bytes]
    datagram: bytes = field(repr=False)
    sealed: int

    @property
    def transaction(self) -> bytes:
        return self.datagram[8 : _HEADER.size]

    def is_made_with(self, pwd: str) -> bool:
        if not self.sealed:
            return False
        said = self.datagram[self.sealed + _ATTRIBUTE.size : self.sealed + _INTEGRITY_SIZE]
        return hmac.compare_digest(said, _integrity(self.datagram[: self.sealed], pwd))


@frozen
class Binding:
    """A binding request; its sender is not known before `is_made_with` said yes."""

    local_ufrag: str  # ours
    remote_ufrag: str
    use_candidate: bool
    controlled: bool  # the client thinks that we control
    _message: _Message = field(repr=False)

    def is_made_with(self, pwd: str) -> bool:
        return self._message.is_made_with(pwd)

    def success(self, source: tuple[str, int], pwd: str) -> bytes:
        """The answer that tells the client under which address it is seen."""
        transaction = self._message.transaction
        address = _attribute(_XOR_MAPPED_ADDRESS, _xored(source, transaction))
        return _made(_SUCCESS, transaction, address, pwd)

    def role_conflict(self, pwd: str) -> bytes:
        """We are never the controlling side (RFC 8445 6.1.1, 7.3.1.1)."""
        why = struct.pack("!HBB", 0, 4, 87) + b"Role Conflict"
        return _made(_ERROR, self._message.transaction, _attribute(_ERROR_CODE, why), pwd)


def ufrag_of(datagram: bytes) -> str | Ignored:
    """Whose ufrag a binding request names, found without parsing the rest."""
    if len(datagram) < _HEADER.size:
        return Ignored.STUN_MALFORMED
    kind, length, cookie, _ = _HEADER.unpack_from(datagram)
    if cookie != _COOKIE or len(datagram) != _HEADER.size + length:
        return Ignored.STUN_MALFORMED
    if kind != _REQUEST:
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
    message = _read(datagram)
    if message is None:
        return Ignored.STUN_MALFORMED
    if message.kind != _REQUEST:
        return Ignored.NOT_A_REQUEST
    try:
        local, colon, remote = message.named.get(_USERNAME, b"").decode().partition(":")
    except UnicodeDecodeError:
        return Ignored.STUN_MALFORMED
    if not colon:
        return Ignored.STUN_MALFORMED
    return Binding(
        local_ufrag=local,
        remote_ufrag=remote,
        use_candidate=_USE_CANDIDATE in message.named,
        controlled=_CONTROLLED in message.named,
        message=message,
    )


def question(theirs: IceCredentials, our_ufrag: str, transaction: bytes) -> bytes:
    """A check of ours: whoever answers it receives what goes to that address (RFC 7675 5.1)."""
    attributes = (
        _attribute(_USERNAME, f"{theirs.ufrag}:{our_ufrag}".encode())
        + _attribute(_PRIORITY, _OUR_PRIORITY.to_bytes(4, "big"))
        + _attribute(_CONTROLLED, transaction[:8])
    )
    return _made(_REQUEST, transaction, attributes, theirs.pwd)


def is_answer(datagram: bytes) -> bool:
    """Whether it may be the answer to a question of ours."""
    return datagram[:2] == b"\x01\x01" and len(datagram) >= _HEADER.size


def answers(datagram: bytes, transaction: bytes, pwd: str) -> bool:
    """Whether it is the answer to this question: made with the client's password."""
    if datagram[8 : _HEADER.size] != transaction:
        return False
    message = _read(datagram)
    return message is not None and message.is_made_with(pwd)


def _read(datagram: bytes) -> _Message | None:
    """None: lengths that do not fit, another cookie, or a wrong fingerprint.

    What stands after the message integrity is nobody's word (RFC 8489 9), but for the fingerprint.
    """
    if len(datagram) < _HEADER.size:
        return None
    kind, length, cookie, _ = _HEADER.unpack_from(datagram)
    if cookie != _COOKIE or len(datagram) != _HEADER.size + length:
        return None
    named: dict[int, bytes] = {}
    sealed = 0
    at = _HEADER.size
    while at + _ATTRIBUTE.size <= len(datagram):
        name, size = _ATTRIBUTE.unpack_from(datagram, at)
        value = datagram[at + _ATTRIBUTE.size : at + _ATTRIBUTE.size + size]
        if len(value) != size:
            return None
        if name == _FINGERPRINT:
            if value != _fingerprint(datagram[:at]):
                return None
        elif name == _INTEGRITY and not sealed:
            if size != _INTEGRITY_SIZE - _ATTRIBUTE.size:
                return None
            sealed = at
        elif not sealed:
            named.setdefault(name, value)
        at += _ATTRIBUTE.size + size + -size % 4
    return _Message(kind, named, datagram, sealed)


def _made(kind: int, transaction: bytes, attributes: bytes, pwd: str) -> bytes:
    """A message with integrity and fingerprint."""
    message = _HEADER.pack(kind, len(attributes), _COOKIE, transaction) + attributes
    message += _attribute(_INTEGRITY, _integrity(message, pwd))
    message += _attribute(_FINGERPRINT, _fingerprint(message))
    return _of_length(message, 0)


def _integrity(before: bytes, pwd: str) -> bytes:
    """RFC 8489 14.5, of all that stands before it."""
    return hmac.digest(pwd.encode(), _of_length(before, _INTEGRITY_SIZE), "sha1")


def _fingerprint(before: bytes) -> bytes:
    """RFC 8489 14.7, of all that stands before it."""
    found = zlib.crc32(_of_length(before, _FINGERPRINT_SIZE)) ^ _FINGERPRINT_XOR
    return found.to_bytes(4, "big")


def _of_length(message: bytes, more: int) -> bytes:
    """Whose header counts so many bytes that are not there yet."""
    length = len(message) - _HEADER.size + more
    return message[:2] + length.to_bytes(2, "big") + message[4:]


def _attribute(name: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4)


def _xored(source: tuple[str, int], transaction: bytes) -> bytes:
    """RFC 8489 14.2, padded by its family."""
    host, port = source
    address = _packed(host)
    plain = port.to_bytes(2, "big") + address
    pad = (_COOKIE_BYTES[:2] + _COOKIE_BYTES + transaction)[: len(plain)]
    hidden = int.from_bytes(plain, "big") ^ int.from_bytes(pad, "big")
    family = _IPV4 if len(address) == 4 else _IPV6
    return bytes((0, family)) + hidden.to_bytes(len(plain), "big")


def _packed(host: str) -> bytes:
    """A socket for both families shows IPv4 addresses as `::ffff:…`; the client knows itself without."""
    if ":" not in host:
        return bytes(map(int, host.split(".")))
    address = ipaddress.IPv6Address(host.partition("%")[0])
    return (address.ipv4_mapped or address).packed
