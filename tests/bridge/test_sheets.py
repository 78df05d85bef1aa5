"""Sheets are kept sealed, for one browser, for half an hour; printing fetches nothing and may be impossible."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
import segno

from bridge.invite import InviteId, InviteKind
from bridge.ports import Store
from bridge.printing import NEEDED, NoPrinter, pdf_of, qr_images
from bridge.records import SessionHash
from bridge.roles import ClassId
from bridge.sheets import KEPT, Sheet, SheetId, Slip, keep_in, kept_sheet
from tests.bridge.values import BROWSER, CLASS, NOW, VAULT

SHEET = Sheet(
    kind=InviteKind.CARD,
    class_id=CLASS,
    class_name="1А",
    expires_at=NOW + timedelta(days=30),
    slips=(
        Slip(invite_id=InviteId("i1"), token="secret-token", name="Петрова Мария"),
        Slip(invite_id=InviteId("i2"), token="other", code="123456789"),
    ),
)
ID = SheetId("sheet-1")


async def test_a_sheet_is_kept_for_its_browser_class_and_time(store: Store) -> None:
    """Nobody else finds it, under no other address, and after half an hour it is gone; the table holds no name."""
    async with store.begin() as work:
        await keep_in(work, ID, SHEET, BROWSER, NOW, vault=VAULT)

    async def kept(
        sheet_id: str = ID,
        class_id: ClassId = CLASS,
        session: SessionHash = BROWSER,
        after: timedelta = timedelta(0),
    ) -> Sheet | None:
        return await kept_sheet(sheet_id, class_id, session, NOW + after, store=store, vault=VAULT)

    assert await kept() == SHEET
    assert await kept(after=KEPT - timedelta(seconds=1)) == SHEET
    assert await kept(after=KEPT) is None
    assert await kept(class_id=ClassId("1Б")) is None
    assert await kept(session=SessionHash(b"x" * 32)) is None
    for guess in ("sheet-2", "", "../sheet-1", "я" * 10, "x" * 10_000):
        assert await kept(guess) is None
    assert "Петрова" not in repr(SHEET)
    assert "secret-token" not in repr(SHEET)


async def test_several_sheets_and_a_journey_do_not_disturb_each_other(store: Store) -> None:
    """A teacher prints cards and a poster, and follows a link of another child meanwhile."""
    async with store.begin() as work:
        await work.journeys.put(BROWSER, VAULT.seal(b"typed", "journey"), NOW + KEPT)
        await keep_in(work, ID, SHEET, BROWSER, NOW, vault=VAULT)
        await keep_in(work, SheetId("two"), SHEET, BROWSER, NOW, vault=VAULT)
        assert await work.journeys.get(BROWSER, NOW) is not None
    for one in (ID, "two"):
        assert await kept_sheet(one, CLASS, BROWSER, NOW, store=store, vault=VAULT) == SHEET


async def test_printing_fetches_nothing() -> None:
    """Whatever got into the HTML: no file of this machine and no address is read."""
    html = '<img src="file:///etc/hostname"><img src="http://127.0.0.1:9/x"><p>Текст</p>'
    css = '@import "file:///etc/passwd"; p { background: url(http://127.0.0.1:9/y) }'
    assert (await pdf_of(html, css)).startswith(b"%PDF-")


async def test_without_pango_one_line_says_what_to_install(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """cffi's own error is an OSError of forty lines; the log has the packages' names."""

    def missing() -> Any:
        raise OSError("cannot load library 'libpango-1.0-0'")

    with caplog.at_level(logging.ERROR), pytest.raises(NoPrinter):
        await pdf_of("<p>", "", missing)
    assert NEEDED in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_quarter_of_a_code_may_be_dirty() -> None:
    """Level Q or better, as an image that carries itself."""
    url = "https://school.example.ru/i/" + "x" * 22
    first, second = await qr_images([url, url + "y"])
    assert first.startswith("data:image/svg+xml")
    assert first != second
    assert segno.make(url, error="q").error in {"Q", "H"}
