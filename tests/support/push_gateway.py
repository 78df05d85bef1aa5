"""A push gateway (Matrix Push Gateway API): it keeps which events rang at whose device."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from attrs import define, field

PATH = "/_matrix/push/v1/notify"


@define(eq=False)
class Gateway:
    """Silent changes of the number on the icon are left out.

    Attributes:
        away: it refuses everything.
        refused: pushes it has refused.
    """

    url: str = ""
    away: bool = False
    refused: int = 0
    rang: list[str] = field(factory=list)

    def pusher(self) -> dict[str, Any]:
        """What a device asks of Synapse (`POST /pushers/set`)."""
        return {
            "kind": "http",
            "app_id": "app",
            "app_display_name": "app",
            "device_display_name": "phone",
            "pushkey": "key",
            "lang": "ru",
            "data": {"url": self.url, "format": "event_id_only"},
        }


@contextmanager
def push_gateway() -> Iterator[Gateway]:
    """One on a free port of this machine."""
    kept = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            notification = json.loads(self.rfile.read(length))["notification"]
            body = b'{"rejected": []}'
            away = kept.away
            if notification.get("event_id"):
                if away:
                    kept.refused += 1
                else:
                    kept.rang.append(notification["event_id"])
            self.send_response(502 if away else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}{PATH}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
