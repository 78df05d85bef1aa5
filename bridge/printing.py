"""HTML to PDF, by WeasyPrint with Debian's pango. One sheet after the other: thirty cards take a second or two."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import segno

logger = logging.getLogger(__name__)

#: What is to be installed; docs/operations.md says the same.
NEEDED = "libpango-1.0-0 libpangoft2-1.0-0 fonts-dejavu-core"
#: Modules of white around a QR code (ISO/IEC 18004 wants 4).
QUIET = 4

_press = ThreadPoolExecutor(max_workers=1, thread_name_prefix="printing")


class NoPrinter(Exception):
    """No PDF on this machine: pango is missing. The page offers the sheet to the browser's own printing."""


async def pdf_of(html: str, css: str, load: Callable[[], Any] | None = None) -> bytes:
    """The sheet as PDF; nothing is fetched but what the HTML carries itself (`data:`).

    Raises:
        NoPrinter: with one line in the log that says what to install.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_press, _render, html, css, load or _weasyprint)


def qr_image(url: str) -> str:
    """A QR code of level Q (a quarter of it may be dirty or torn) as an address for `<img>`; takes 10 ms."""
    return str(segno.make(url, error="q", micro=False).svg_data_uri(border=QUIET))


async def qr_images(urls: Sequence[str]) -> list[str]:
    """The same for many, beside the event loop, in the same order."""
    return await asyncio.get_running_loop().run_in_executor(_press, _qr_images, urls)


def _qr_images(urls: Sequence[str]) -> list[str]:
    return [qr_image(url) for url in urls]


def _weasyprint() -> Any:
    import weasyprint  # noqa: PLC0415 (a second of loading, and it fails without pango)

    return weasyprint


def _render(html: str, css: str, load: Callable[[], Any]) -> bytes:
    try:
        weasyprint = load()
    except (ImportError, OSError):  # cffi says OSError for a missing library
        logger.error("no PDF: install %s", NEEDED)  # noqa: TRY400 (the trace says nothing more)
        raise NoPrinter from None
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=["data"], allow_redirects=False)
    document = weasyprint.HTML(string=html, url_fetcher=fetcher)
    style = weasyprint.CSS(string=css, url_fetcher=fetcher)
    pdf: bytes = document.write_pdf(stylesheets=[style])
    return pdf
