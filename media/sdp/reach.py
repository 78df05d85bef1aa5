"""Reads how the bundle is reached: ICE, DTLS, candidates. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from media.sdp.fault import TOKEN, SdpError
from media.sdp.values import Candidate, Fingerprint, Setup, Transport

#: More than any client has.
MAX_CANDIDATES = 64

_ICE = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839 5.4: ice-char
_HASH = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){15,63}")
#: Lines that say how the bundle is reached, without their values; all others are passed over.
_OF_TRANSPORT = frozenset({"a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup", "a=candidate"})
#: What follows `a=` there, `a=ice-lite` too.
_BEGIN_TRANSPORT = frozenset({key[2] for key in _OF_TRANSPORT})


def transport_of(lines: Sequence[str], first_line: int) -> Transport:
    """ICE and DTLS as these lines have them; what they do not say is empty, `setup` then is ACTPASS.

    Raises:
        SdpError: a malformed ufrag, password, fingerprint, setup or candidate.
    """
    ufrag = pwd = ""
    fingerprints: list[Fingerprint] = []
    setup = Setup.ACTPASS
    lite = False
    candidates: list[Candidate] = []
    for number, line in enumerate(lines, first_line):
        if line[2:3] not in _BEGIN_TRANSPORT:
            continue
        key, colon, value = line.partition(":")
        if not colon:
            lite = lite or line == "a=ice-lite"
        elif key not in _OF_TRANSPORT:
            continue
        elif key == "a=ice-ufrag":
            ufrag = _ice_word(value, number, 4)
        elif key == "a=ice-pwd":
            pwd = _ice_word(value, number, 22)
        elif key == "a=fingerprint":
            algorithm, _, digest = value.partition(" ")
            if not TOKEN.fullmatch(algorithm) or not _HASH.fullmatch(digest):
                raise SdpError(number, "has no fingerprint")
            fingerprints.append(Fingerprint(algorithm.lower(), digest.upper()))
        elif key == "a=setup":
            setup = _setup(value, number)
        elif key == "a=candidate":
            candidate = parse_candidate(line[2:], number)
            if candidate is not None and len(candidates) < MAX_CANDIDATES:
                candidates.append(candidate)
        if len(fingerprints) > 8:
            raise SdpError(number, "is a ninth fingerprint")
    return Transport(
        ufrag=ufrag,
        pwd=pwd,
        fingerprints=tuple(fingerprints),
        setup=setup,
        ice_lite=lite,
        candidates=tuple(candidates),
    )


def parse_candidate(text: str, line: int = 0) -> Candidate | None:
    """A host candidate; None for other types, for names instead of addresses (mDNS) and for RTCP's component.

    Raises:
        SdpError: not a candidate at all.
    """
    words = text.removeprefix("candidate:").split()
    if len(words) < 8 or words[6] != "typ" or not (words[3].isdigit() and words[5].isdigit()):
        raise SdpError(line, "is not a candidate")
    foundation, component, protocol, priority, host, port = words[:6]
    if words[7] != "host" or component != "1" or host.endswith(".local"):
        return None
    if not priority.isascii() or not port.isascii() or len(priority) > 10 or len(port) > 5:
        raise SdpError(line, "has no priority or port")
    extra = dict(zip(words[8::2], words[9::2], strict=False))
    return Candidate(
        foundation=foundation,
        protocol=protocol.lower(),
        priority=int(priority),
        host=host,
        port=int(port),
        tcp_type=extra.get("tcptype"),
    )


def _ice_word(word: str, number: int, shortest: int) -> str:
    if not _ICE.fullmatch(word) or len(word) < shortest:
        raise SdpError(number, "has no ICE credential")
    return word


def _setup(word: str, number: int) -> Setup:
    try:
        return Setup(word)
    except ValueError:
        raise SdpError(number, "has no known setup") from None
