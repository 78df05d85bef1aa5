"""A list as a file for Excel: UTF-8 with its mark, semicolons, names that a browser of any language keeps."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from aiohttp import web

#: A cell that begins so is a formula to a spreadsheet; a name typed by a newcomer must never be one (OWASP).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_file(name: str, rows: Iterable[Sequence[str]], fallback: str) -> web.Response:
    """`rows`, headings first, as a download called `name`.csv.

    Args:
        fallback: the name in ASCII, for what cannot read RFC 5987.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    body = text.getvalue().encode("utf-8-sig")
    return attachment(body, "text/csv; charset=utf-8", f"{name}.csv", f"{fallback}.csv")


def attachment(body: bytes, content_type: str, name: str, fallback: str) -> web.Response:
    """A file to be kept, not shown. It is about people: no cache keeps it."""
    disposition = f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"
    return web.Response(
        body=body,
        headers={
            "Content-Type": content_type,
            "Content-Disposition": disposition,
            "Cache-Control": "no-store",
        },
    )


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
