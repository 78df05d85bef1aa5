"""Passwords for the relay, made for each person: coturn's `use-auth-secret` (draft-uberti-behave-turn-rest). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac

from attrs import field, frozen
from livekit.protocol import rtc

#: Seconds a password holds: longer than a school day, as a relay asks for it again while a call lasts.
HOLDS_S = 43_200


@frozen
class Relay:
    """Attributes:
    secret: coturn's `static-auth-secret`.
    """

    urls: tuple[str, ...]
    secret: str = field(repr=False)

    def server(self, now: float) -> rtc.ICEServer:
        """For one client. `now`: seconds since 1970; the name says nothing of who it is."""
        name = f"{int(now) + HOLDS_S}:sferum"
        # HMAC-SHA1 is the draft's choice.
        digest = hmac.new(self.secret.encode(), name.encode(), hashlib.sha1).digest()
        password = base64.b64encode(digest).decode()
        return rtc.ICEServer(urls=list(self.urls), username=name, credential=password)
