"""Reads session descriptions. Pure.

A client's text is a stranger's: every count and length is bounded, numbers are checked, and what we do not understand
is left out, so that nothing of it can come back in what we write. A v1 client in a room of a hundred offers 579 kB of
which one section is new (calls.md §4): `Cache` keeps the sections of the last text. Two clients of a kind say the same,
but of themselves: `_shape` keeps what sections say without that.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from attrs import define, evolve, field, frozen

from media.sdp.fault import SdpError
from media.sdp.reach import parse_candidate, transport_of
from media.sdp.section import is_mid, parse_section, session_extensions
from media.sdp.values import Description, Section, SectionKind, Transport

__all__ = ["Cache", "Limits", "SdpError", "parse", "parse_candidate"]


@frozen(kw_only=True)
class Limits:
    """The defaults hold a full room twice: 200 sections measured 579 kB and 14,000 lines (calls.md §4)."""

    characters: int = 1_500_000
    sections: int = 512
    lines: int = 50_000
    line_characters: int = 8192


@define
class Cache:
    """Sections of one connection's last description, by their text; the next one mostly repeats them."""

    _sections: dict[str, Section] = field(factory=dict)
    hits: int = 0

    def get(self, text: str) -> Section | None:
        section = self._sections.get(text)
        self.hits += section is not None
        return section

    def keep_only(self, sections: dict[str, Section]) -> None:
        self._sections = sections


DEFAULT_LIMITS = Limits()
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SESSION_LINE = re.compile(r"^[a-z]=")
#: Lines in which two clients of a kind differ: those of `transport_of`, and the mid.
_OWN_LINE = re.compile(
    r"^a=(?:(?:ice-ufrag|ice-pwd|fingerprint|setup|candidate|mid):.*|ice-lite\r?)(?:\n|\Z)",
    re.MULTILINE,
)
#: How many shapes are kept, and of how many characters at most: 2 MB of text.
SHAPES, SHAPE_CHARACTERS = 256, 8192


def parse(text: str, cache: Cache | None = None, limits: Limits = DEFAULT_LIMITS) -> Description:
    """What `text` says, as far as we understand it.

    Raises:
        SdpError: too big, or a line that we understand is malformed; the message names the line's number, not its text.
    """
    if len(text) > limits.characters:
        raise SdpError(0, f"is longer than {limits.characters} characters")
    if text.count("\n") > limits.lines:
        raise SdpError(0, f"has more than {limits.lines} lines")
    bounds = [*_starts(text, limits), len(text)]
    session = _session(_lines(text[: bounds[0]], 1, limits))
    line = text.count("\n", 0, bounds[0]) + 1
    parsed: dict[str, Section] = {}
    alike = _Alike()
    sections: list[Section] = []
    for start, end in itertools.pairwise(bounds):
        part = text[start:end]
        section = parsed.get(part) or (cache.get(part) if cache is not None else None)
        if section is None:
            section = alike.section(part, line, limits)
        parsed[part] = section
        sections.append(section)
        line += part.count("\n")
    if cache is not None:
        cache.keep_only(parsed)
    _check_mids(sections)
    return evolve(
        session,
        extensions=(),
        sections=tuple(_extended(section, session) for section in sections),
        transport=_transport(session, sections),
    )


@define
class _Alike:
    """Sections of one text that differ in nothing but their mids, as most of a browser's do, are read once."""

    _sections: dict[tuple[str, str], Section] = field(factory=dict)

    def section(self, part: str, first: int, limits: Limits) -> Section:
        head, _, rest = part.partition("\na=mid:")
        mid, _, tail = rest.partition("\n")
        mid = mid.removesuffix("\r")
        if not is_mid(mid) or tail.startswith("a=mid:") or "\na=mid:" in tail:
            return parse_section(_lines(part, first, limits), first)
        known = self._sections.get((head, tail))
        if known is not None:
            return known.named(mid, known.transport)
        section = _shaped(part, mid, limits) or parse_section(_lines(part, first, limits), first)
        self._sections[head, tail] = section
        return section


def _shaped(part: str, mid: str, limits: Limits) -> Section | None:
    """As another client's section said the same; None: it has to be read by itself, maybe because it is malformed."""
    if len(part) > SHAPE_CHARACTERS:
        return None
    try:
        own = _lines("".join(_OWN_LINE.findall(part)), 1, limits)
        shape = _shape(_OWN_LINE.sub("", part), limits)
        transport = transport_of(own, 1)
    except SdpError:  # which names another line
        return None
    has_own = transport.ufrag or transport.fingerprints or transport.candidates
    return shape.named(mid, transport if has_own else None)


@lru_cache(maxsize=SHAPES)
def _shape(text: str, limits: Limits) -> Section:
    """A section without what is one client's own. Whoever says the same is given the same object."""
    return parse_section(_lines(text, 1, limits), 1)


def _starts(text: str, limits: Limits) -> list[int]:
    """Where sections begin. Of a text that mostly repeats the last, this and looks at `Cache` are the work."""
    starts: list[int] = []
    at = text.find("\nm=")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\nm=", at + 1)
    if len(starts) > limits.sections:
        raise SdpError(0, f"has more than {limits.sections} sections")
    return starts


def _lines(part: str, first: int, limits: Limits) -> list[str]:
    """Of one section, or of what stands before; `first` is the number of its first line in the whole."""
    part = part.replace("\r\n", "\n")
    if (odd := _CONTROL.search(part)) is not None:
        raise SdpError(first + part.count("\n", 0, odd.start()), "holds a control character")
    lines = part.rstrip("\n").split("\n")
    for number, line in enumerate(lines, first):
        if len(line) > limits.line_characters:
            raise SdpError(number, f"is longer than {limits.line_characters} characters")
    return lines


def _session(lines: list[str]) -> Description:
    """The lines before the first section; its `transport` has what is said for all sections."""
    if lines[0] != "v=0":
        raise SdpError(1, "does not begin with v=0")
    session_id = session_version = 1
    bundle: tuple[str, ...] = ()
    mixed = False
    for number, line in enumerate(lines, 1):
        if not _SESSION_LINE.match(line):
            raise SdpError(number, "is not of the form x=value")
        if line.startswith("o="):
            session_id, session_version = _origin(line, number)
        elif line.startswith("a=group:BUNDLE"):
            bundle = tuple(line.removeprefix("a=group:BUNDLE").split())
        elif line == "a=extmap-allow-mixed":
            mixed = True
    return Description(
        session_id=session_id,
        session_version=session_version,
        transport=transport_of(lines, 1),
        bundle=bundle,
        extmap_allow_mixed=mixed,
        extensions=session_extensions(lines),
        sections=(),
    )


def _extended(section: Section, session: Description) -> Section:
    """With the session's extensions, unless it has its own."""
    if not session.extensions or section.extensions or section.kind is SectionKind.DATA:
        return section
    return evolve(section, extensions=session.extensions)


def _origin(line: str, number: int) -> tuple[int, int]:
    words = line[2:].split(" ")
    if len(words) != 6 or not all(_is_number(word, digits=20) for word in words[1:3]):
        raise SdpError(number, "o= has not six words with two numbers")
    return int(words[1]), int(words[2])


def _is_number(word: str, *, digits: int) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= digits


def _check_mids(sections: list[Section]) -> None:
    mids = [section.mid for section in sections if section.mid]
    if len(set(mids)) != len(mids):
        raise SdpError(0, "has two sections with the same mid")


def _transport(session: Description, sections: list[Section]) -> Transport:
    """Of the first section that has its own, completed by what the session says (Firefox: the fingerprint; we: all).

    Where the session has ICE for all (OBS), DTLS may still be said in the sections (RFC 8842 5).
    """
    general = session.transport
    theirs = [section.transport for section in sections if section.transport is not None]
    own = next((transport for transport in theirs if transport.ufrag), None)
    if own is None:
        candidates = next((one.candidates for one in theirs if one.candidates), ())
        general = evolve(general, candidates=general.candidates or candidates)
        proving = next((one for one in theirs if one.fingerprints), None)
        if general.fingerprints or proving is None:
            return general
        return evolve(general, fingerprints=proving.fingerprints, setup=proving.setup)
    return evolve(
        own,
        fingerprints=own.fingerprints or general.fingerprints,
        ice_lite=general.ice_lite,
    )
