"""Headers of these pages: nothing from elsewhere, in nobody's frame, the token in no other site's log. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit


def origins(sources: Iterable[str]) -> tuple[str, ...]:
    """`https://edge1.school.test` of each folder that is on another server, once each, in order."""
    found: dict[str, None] = {}
    for source in sources:
        parts = urlsplit(source)
        if parts.scheme in {"http", "https"} and parts.netloc:
            found[f"{parts.scheme}://{parts.netloc}"] = None
    return tuple(found)


def policy(*, connect: Iterable[str] = (), media: Iterable[str] = ()) -> str:
    """Content Security Policy. hls.js plays through `blob:` (MSE); without MSE the element loads parts itself."""
    beside = " ".join(("'self'", *connect))
    playing = " ".join(("'self'", "blob:", *media))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
        f"connect-src {beside}; media-src {playing}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def headers(content_security: str, *, camera: bool = False) -> Mapping[str, str]:
    """Of a page. The address holds the viewer's token: no other site is told it, nothing keeps the page.

    Args:
        camera: the page may ask for the camera, a screen and the microphone.
    """
    devices = "(self)" if camera else "()"
    return {
        "Content-Security-Policy": content_security,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": f"camera={devices}, display-capture={devices}, geolocation=(), microphone={devices}",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Vary": "Accept-Language, Cookie",
    }
