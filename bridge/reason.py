"""Why somebody was refused, taken out or kept a number, as the school's log keeps it (R51). Pure.

Free text of whoever decided. The log outlives an erasure and refuses changes, so what is a contact by its shape is
taken out; pages ask to write no names.
"""

from __future__ import annotations

import re

#: Characters. Longer ones are cut: a log says why, not what was talked about.
LONGEST_REASON = 300
#: Ten digits and more with what people write between them, eight without: phones, ids, cards; not a date.
NUMBER = re.compile(r"(?<!\w)\+?(?:\d[\s().-]{0,3}){9,}\d(?!\w)|(?<!\w)\+?\d{8,}(?!\w)")
MAIL = re.compile(r"[^\s@]+@[^\s@]+")
GONE = "…"


def kept_reason(text: str) -> str:
    """One line of at most LONGEST_REASON characters; phones and e-mails are replaced by «…»."""
    printable = "".join(char if char.isprintable() else " " for char in text[: 4 * LONGEST_REASON])
    line = " ".join(printable.split())
    return NUMBER.sub(GONE, MAIL.sub(GONE, line))[:LONGEST_REASON].rstrip()
