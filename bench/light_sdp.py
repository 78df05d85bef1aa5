"""Descriptions of a light participant: Chromium's own sections, captured once, with other names in them. Pure.

Their sizes are a browser's: a section that only receives is 0.9 kB for sound and 5 kB for pictures, as in calls.md §4.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from attrs import field, frozen

from tests.media.sdp.goldens import golden

_CANDIDATE = re.compile(r"\bcandidate:\S+ 1 udp \d+ (\S+) (\d+)", re.IGNORECASE)
_START = re.compile(r"^(?=m=)", re.MULTILINE)
_ICE = re.compile(r"^a=(ice-ufrag|ice-pwd|fingerprint|setup|mid|msid|ssrc):?.*\r\n", re.MULTILINE)
#: LiveKit's server offers `sendrecv` and takes nothing there.
_SENDS = re.compile(r"^a=send(only|recv)\b", re.MULTILINE)
#: What an answer repeats of an offered section.
_REPEATED = ("a=extmap:", "a=rtcp-mux", "a=rtcp-rsize", "a=rtpmap:", "a=rtcp-fb:", "a=fmtp:")


@frozen
class Ours:
    """ICE and DTLS of the client's end."""

    ufrag: str
    pwd: str = field(repr=False)
    fingerprint: str  # "sha-256 AB:…"

    def lines(self, setup: str) -> str:
        return (
            f"a=ice-ufrag:{self.ufrag}\r\na=ice-pwd:{self.pwd}\r\n"
            f"a=fingerprint:{self.fingerprint}\r\na=setup:{setup}\r\n"
        )


@frozen
class Candidate:
    """Where the server may be reached over UDP."""

    address: str
    port: int


@frozen
class Theirs:
    """The server's end, wherever in the description it stands.

    Attributes:
        begins: DTLS; only in an answer.
        candidates: those of the description; others come one by one (`trickled`).
    """

    ufrag: str
    pwd: str = field(repr=False)
    fingerprint: str
    begins: bool
    candidates: Sequence[Candidate] = ()


@frozen
class Shown:
    """A track in a section of the server's."""

    mid: str
    track: str
    ssrc: int


def split(text: str) -> list[str]:
    """The session's lines, then each section."""
    return _START.split(text)


def theirs(text: str) -> Theirs:
    def one(pattern: str) -> str:
        found = re.search(pattern, text, re.MULTILINE)
        assert found is not None, pattern
        return found[1].strip()

    return Theirs(
        ufrag=one(r"^a=ice-ufrag:(.+)$"),
        pwd=one(r"^a=ice-pwd:(.+)$"),
        fingerprint=one(r"^a=fingerprint:(.+)$"),
        begins="\na=setup:active" in text,
        candidates=candidates(text),
    )


def candidates(text: str) -> tuple[Candidate, ...]:
    """Component 1 over UDP, of a description or of a single `candidate:` (RFC 8839 5.1)."""
    return tuple(Candidate(address, int(port)) for address, port in _CANDIDATE.findall(text))


def trickled(init: str) -> tuple[Candidate, ...]:
    """Of an RTCIceCandidateInit in JSON, as LiveKit's `trickle` has it; the end of candidates is an empty one."""
    return candidates(json.loads(init).get("candidate") or "")


def shown(section: str) -> Shown | None:
    """What the server sends in this section; None where it sends nothing."""
    if not _SENDS.search(section):
        return None
    msid = re.search(r"^a=msid:[^|\s]+\|(\S+)", section, re.MULTILINE)
    ssrc = re.search(r"^a=ssrc(?:-group:FID |:)(\d+)", section, re.MULTILINE)
    mid = re.search(r"^a=mid:(\S+)", section, re.MULTILINE)
    if msid is None or ssrc is None or mid is None:
        return None
    return Shown(mid[1], msid[1], int(ssrc[1]))


def extensions(session: str) -> str:
    """What the session's lines say of every section; a browser's answers say it in each."""
    return "".join(re.findall(r"^a=extmap:.*\r\n", session, re.MULTILINE))


def answered(section: str, ours: Ours, general: str = "") -> str:
    """A section of an answer to the server's offer, with `extensions` of that."""
    lines = section.split("\r\n")
    mid = next(line for line in lines if line.startswith("a=mid:"))
    head = f"{lines[0]}\r\nc=IN IP4 0.0.0.0\r\n{ours.lines('active')}{mid}\r\n"
    if lines[0].startswith("m=application"):
        return f"{head}a=sctp-port:5000\r\na=max-message-size:262144\r\n"
    direction = "recvonly" if _SENDS.search(section) else "inactive"
    kept = "".join(f"{line}\r\n" for line in lines if line.startswith(_REPEATED))
    return f"{head}a={direction}\r\n{general}{kept}"


def whole(sections: Iterable[str], version: int) -> str:
    sections = list(sections)
    mids = " ".join(_mid(section) for section in sections)
    return (
        f"v=0\r\no=- 1425394801274729972 {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
        f"a=group:BUNDLE {mids}\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n{''.join(sections)}"
    )


def _mid(section: str) -> str:
    found = re.search(r"^a=mid:(\S+)", section, re.MULTILINE)
    assert found is not None
    return found[1]


@frozen
class Offered:
    """Sections of the client's own offers."""

    ours: Ours

    def data(self, mid: str) -> str:
        return self._named(_DATA, mid)

    def receiving(self, kind: str, mid: str) -> str:
        return self._named(_RECEIVING[kind], mid)

    def sending(self, kind: str, mid: str, cid: str, ssrc: int) -> str:
        """One layer, named by its SSRC."""
        named = re.sub(
            r"^a=(rid|simulcast):.*\r\n", "", self._named(_SENDING[kind], mid), flags=re.MULTILINE
        )
        return (
            f"{named}a=msid:- {cid}\r\na=ssrc:{ssrc} cname:light\r\na=ssrc:{ssrc} msid:- {cid}\r\n"
        )

    def _named(self, template: str, mid: str) -> str:
        head, rest = template.split("c=IN IP4 0.0.0.0\r\n", 1)
        return f"{head}c=IN IP4 0.0.0.0\r\n{self.ours.lines('actpass')}a=mid:{mid}\r\n{rest}"


def _template(name: str, start: str, direction: str = "") -> str:
    section = next(one for one in split(golden(name)) if one.startswith(start) and direction in one)
    return _ICE.sub("", section)


_DATA = _template("chromium_v1_join", "m=application")
_RECEIVING: Mapping[str, str] = {
    kind: _template("chromium_v1_join", f"m={kind}", "a=recvonly") for kind in ("audio", "video")
}
_SENDING: Mapping[str, str] = {
    kind: _template("chromium_v1_publish", f"m={kind}", "a=sendonly") for kind in ("audio", "video")
}
