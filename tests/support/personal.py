"""Finds phones, e-mails, links of invites, codes and other known secrets where they must never be: in logs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

#: +7 912 345-67-89, 8(912)3456789, 79123456789, and any +number of 10-15 digits (E.164). Not: milliseconds since 1970,
#: which have 13 digits and begin with 1.
PHONE = re.compile(
    r"\+\d{10,15}(?!\w)"
    r"|(?<![\w.\-:])[78]\d{10}(?![\w.])"
    r"|(?<![\w.\-:])(?:\+7|8)[ (\-]{1,2}\d{3}[ )\-]{1,2}\d{3}[ \-]?\d{2}[ \-]?\d{2}(?!\w)"
)
#: A Matrix id (@name:server) has no @ in the middle; %40 is an @ inside an address bar.
EMAIL = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)*\.[a-zA-Zа-яА-Я]{2,}")

#: The link of an invite: whoever reads it can use it. 22 characters of base64 (bridge/invite.py).
INVITE = re.compile(r"/i/[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])")
#: The last line of an SMS with a code (bridge/texts.py).
CODE = re.compile(r"@[\w.-]+ #\d{6}(?!\d)")


#: Digits that stand alone, as a code in a sentence would.
_SIX = re.compile(r"(?<![\w.\-])\d{6}(?![\w.\-])")

#: Letters of which tokens are made: one that is somewhere in a text is in such a run of them.
_RUN = re.compile(r"[A-Za-z0-9_-]{9,}")

#: What this run has used and no log may have: names and passwords; tokens of sessions and invites by their length, as
#: there are thousands of them; and codes.
_words: set[str] = set()
_tokens: dict[int, set[str]] = {}
_codes: set[str] = set()


def watch(*words: str) -> None:
    """From now on these words are personal data: names, passwords, tokens."""
    for word in words:
        if _RUN.fullmatch(word):
            _tokens.setdefault(len(word), set()).add(word)
        elif word:
            _words.add(word)


def watch_codes(*codes: str) -> None:
    """The same for codes of six digits, which are looked for where they stand alone."""
    _codes.update(codes)


def watched(text: str, *, codes: bool = True) -> bool:
    """Whether `text` holds something that is watched for.

    Args:
        codes: False for logs full of numbers.
    """
    if any(word in text for word in _words) or any(map(_has_token, _RUN.findall(text))):
        return True
    return codes and not _codes.isdisjoint(_SIX.findall(text))


def _has_token(run: str) -> bool:
    return any(
        run[start : start + length] in tokens
        for length, tokens in _tokens.items()
        for start in range(len(run) - length + 1)
    )


def kind_of(text: str) -> str | None:
    """`phone` or `e-mail` if `text` holds one, else None."""
    if PHONE.search(text):
        return "phone"
    # Without the look before it, the search for addresses would take longer than all the rest.
    if ("@" in text or "%40" in text) and EMAIL.search(text):
        return "e-mail"
    return None


def clean(texts: Sequence[str]) -> bool:
    """Whether `kind_of` and `watched` find nothing in any of them: one search, where there are thousands to a test."""
    whole = "\n".join(texts)
    if PHONE.search(whole) or watched(whole):
        return False
    return not EMAIL.search("\n".join(text for text in texts if "@" in text or "%40" in text))


def leaks_in_file(path: Path, secrets: Iterable[str] = ()) -> Iterator[str]:
    """Every line of a log with personal data, as `path:line: kind`; the data is not repeated.

    Args:
        secrets: names, tokens, codes and passwords that this run has used; searched for as they are.
    """
    known = [word for word in secrets if word]
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            kind = kind_of(line) or _kind_in_a_log(line)
            if kind is None and (any(word in line for word in known) or watched(line, codes=False)):
                kind = "secret"
            if kind is not None:
                yield f"{path}:{number}: {kind}"


def _kind_in_a_log(line: str) -> str | None:
    """What a server must not write, and a test's own HTTP client may."""
    if INVITE.search(line):
        return "invite"
    return "code" if CODE.search(line) else None
