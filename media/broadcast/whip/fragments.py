"""What PATCH carries (RFC 8840 9): a client's candidates and new credentials, our new ones. Pure.

Nothing is sent to a client's candidates: it comes to us (ICE-lite). They are read, so that a broken piece is refused,
and counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import field, frozen

from media.broadcast.whip.refusals import Refused, Why
from media.sdp.api import Local, SdpError, SectionKind, parse_candidate
from media.sdp.reach import MAX_CANDIDATES, transport_of
from media.sdp.section import is_mid
from media.sdp.writer import candidate_text

MEDIA_TYPE = "application/trickle-ice-sdpfrag"
#: Bytes, lines, characters of a line. A browser with six networks sends 2 kB in 20 lines.
MAX_BYTES = 16_384
MAX_LINES = 256
MAX_LINE = 1024
_LINE = re.compile(r"[a-z]=[^\x00-\x1f\x7f]*")


@frozen(kw_only=True)
class Fragment:
    """What a client says of its ICE.

    Attributes:
        ufrag, pwd: "" where it says nothing of them.
        candidates: how many, usable or not.
        ended: no more will come.
    """

    ufrag: str = ""
    pwd: str = field(default="", repr=False)
    candidates: int = 0
    ended: bool = False


def parse_fragment(raw: bytes) -> Fragment | Refused:
    """What `raw` says; a refusal names the line."""
    if len(raw) > MAX_BYTES:
        return Refused(Why.TOO_LARGE)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Refused(Why.FRAGMENT)
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) > MAX_LINES:
        return Refused(Why.FRAGMENT, MAX_LINES + 1)
    candidates = 0
    ended = False
    ufrag: tuple[str, int] = ("", 0)
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE or not _LINE.fullmatch(line):
            return Refused(Why.FRAGMENT, number)
        if line.startswith("a=mid:") and not is_mid(line.removeprefix("a=mid:")):
            return Refused(Why.FRAGMENT, number)
        if line.startswith("a=ice-ufrag:"):
            if ufrag[0] not in {"", line}:  # RFC 8839 5.4: everything is bundled and has one
                return Refused(Why.FRAGMENT, number)
            ufrag = (line, number)
        if line.startswith("a=candidate:"):
            candidates += 1
            fault = candidates > MAX_CANDIDATES or not _is_candidate(line)
            if fault:
                return Refused(Why.FRAGMENT, number)
        ended = ended or line == "a=end-of-candidates"
    try:
        told = transport_of([line for line in lines if line.startswith("a=ice-")], 1)
    except SdpError:
        return Refused(Why.FRAGMENT, ufrag[1])
    fragment = Fragment(ufrag=told.ufrag, pwd=told.pwd, candidates=candidates, ended=ended)
    nothing = not (fragment.ufrag or candidates or ended)
    if nothing or bool(fragment.ufrag) != bool(fragment.pwd):
        return Refused(Why.FRAGMENT, ufrag[1])
    return fragment


def write_fragment(local: Local, mids: Sequence[str], kind: SectionKind) -> str:
    """Our end after a restart, whole: a client replaces all it knew. `kind`: of the section of `mids[0]`."""
    lines = ["a=ice-lite"]
    if len(mids) > 1:
        lines.append("a=group:BUNDLE " + " ".join(mids))
    lines.append(f"m={kind.value} 9 UDP/TLS/RTP/SAVPF 0")
    lines += [f"a=mid:{mid}" for mid in mids[:1] if mid]
    lines += [f"a=ice-ufrag:{local.ufrag}", f"a=ice-pwd:{local.pwd}"]
    lines += [f"a={candidate_text(candidate)}" for candidate in local.candidates]
    lines.append("a=end-of-candidates")
    return "".join(f"{line}\r\n" for line in lines)


def _is_candidate(line: str) -> bool:
    try:
        parse_candidate(line.removeprefix("a="))
    except SdpError:
        return False
    return True
