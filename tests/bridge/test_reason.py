"""What the school's log keeps of a written reason (R51)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.reason import LONGEST_REASON, kept_reason
from bridge.records import Action, AuditEntry
from tests.bridge.values import NOW, SCHOOL, TEACHER


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("", ""),
        ("  не из нашей\r\n школы\t", "не из нашей школы"),
        ("переезд 01.09.2026, приказ № 12-к", "переезд 01.09.2026, приказ № 12-к"),
        ("с 01.09.2026 по 05.09.2026", "с 01.09.2026 по 05.09.2026"),
        ("год 2026/2027", "год 2026/2027"),
        ("звонили на +7 (916) 123-45-67, ответа нет", "звонили на …, ответа нет"),
        ("89161234567", "…"),
        ("8 916 123 45 67", "…"),
        ("паспорт 4512 345678", "паспорт …"),
        ("просила писать на mama.ivanova@example.org", "просила писать на …"),
        ("ошибка\0\x1b[31m", "ошибка [31m"),
        ("\u202eпереворот", "переворот"),
    ],
)
def test_a_reason_is_one_line_without_contacts(written: str, kept: str) -> None:
    """What has the shape of a phone, a document's number or an e-mail is left out; a date is not."""
    assert kept_reason(written) == kept


@given(st.text(max_size=2000))
def test_a_reason_is_short_and_stays_as_it_is(written: str) -> None:
    """Whatever is written: one line within the limit, and keeping it twice changes nothing more."""
    kept = kept_reason(written)
    assert len(kept) <= LONGEST_REASON
    assert kept.isprintable()
    assert kept_reason(kept) == kept


def test_an_entry_takes_no_longer_reason() -> None:
    """The bound is the value's own; the text is in no repr, so in no log."""
    entry = AuditEntry(
        at=NOW, org_id=SCHOOL, actor=TEACHER, action=Action.LEFT, subject="p1", reason="переезд"
    )
    assert "переезд" not in repr(entry)
    with pytest.raises(ValueError, match="reason"):
        AuditEntry(
            at=NOW, org_id=SCHOOL, actor=TEACHER, action=Action.LEFT, subject="p1", reason="x" * 301
        )
