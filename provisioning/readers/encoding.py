"""Which encoding a school's CSV is in, without guessing wrongly. Pure.

Excel in Russia writes Windows-1251 or UTF-8 with a mark; diaries write UTF-8. A wrong guess turns
every name into rubbish that looks imported, so anything else is refused with its likely name.
"""

from __future__ import annotations

import re

from provisioning.problem import Place, Problem

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"
#: Other 8-bit encodings of Russian: what the same bytes would be in them.
RIVALS = {"cp1251": "Windows-1251", "koi8-r": "KOI8-R", "cp866": "DOS 866", "mac-cyrillic": "Mac"}
WORD = re.compile(r"[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+")
RUN = re.compile(r"[^\W\d_]+")
#: The ten commonest letters are 62 % of Russian text (Национальный корпус русского языка).
COMMON = frozenset("оеаинтсрвл")
SAMPLE = 200_000  # bytes are enough to tell encodings apart
HARMLESS = frozenset(" №«»–—…“”„’‘°§©®±·•½¼\u00a0")


def decode(content: bytes, place: Place) -> str | Problem:
    """Text of a CSV file: UTF-8 with or without mark, or Windows-1251.

    Returns:
        The text without mark, or `encoding_utf16`, `encoding_damaged`, `encoding_unknown`.
    """
    if content.startswith(UTF16_MARKS) or _looks_utf16(content):
        return Problem("encoding_utf16", place)
    body = content.removeprefix(UTF8_MARK)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        row = body.count(b"\n", 0, error.start) + 1
    if len(body) != len(content) or _mostly_utf8(body):
        return Problem("encoding_damaged", Place(place.file, row))
    scores = {name: _plausibility(body, name) for name in RIVALS}
    best = max(scores, key=lambda name: scores[name])
    if best != "cp1251" or scores[best] < 0.8:
        guess = RIVALS[best] if scores[best] >= 0.8 else "?"
        return Problem("encoding_unknown", place, {"guess": guess})
    return body.decode("cp1251")


def _looks_utf16(content: bytes) -> bool:
    """Every other byte of Latin or digits in UTF-16 is zero; no text has zeros otherwise."""
    head = content[:4000]
    return len(head) >= 4 and head.count(0) > len(head) // 20


def _mostly_utf8(body: bytes) -> bool:
    """Whether damaged places are few beside whole multi-byte letters."""
    text = body[:SAMPLE].decode("utf-8", errors="replace")
    damaged = text.count("\ufffd")
    whole = sum(ord(c) > 127 for c in text) - damaged
    return whole > 4 * damaged


def _plausibility(body: bytes, encoding: str) -> float:
    """How much like Russian the bytes are in `encoding`: 0 (not at all) to 2."""
    try:
        text = body[:SAMPLE].decode(encoding)
        body.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    foreign = [c for c in text if ord(c) > 127 and c not in HARMLESS]
    if not foreign:
        return 0.0
    words = [word for word in RUN.findall(text) if any(ord(c) > 127 for c in word)]
    well_formed = sum(len(word) for word in words if WORD.fullmatch(word))
    common = sum(c.lower() in COMMON for c in foreign)
    # 0.62 of ordinary text is common letters: scaled so that Russian gets about 1.
    return well_formed / len(foreign) * 1.0 + common / len(foreign) / 0.62 - 0.5
