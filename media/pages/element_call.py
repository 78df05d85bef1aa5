"""Element Call in the browser, for whoever has no client: its own files (npm), our configuration.

The npm package holds the whole application (calls.md §6.1). Its file names have hashes in them, `index.html` and
`config.json` do not. One thing of ours is put into the page: `static/buttons.js`.
"""

from __future__ import annotations

import json
from pathlib import Path

from aiohttp import web

#: Before everything else in the page, so that it sees each WebSocket.
BUTTONS = Path(__file__).parent / "static" / "buttons.js"
#: Seconds a browser keeps a file whose name changes with its contents: a year.
KEEP_S = 31_536_000


class NoCallPage(Exception):
    """The folder has no Element Call in it."""


def add_routes(app: web.Application, folder: Path, *, client_url: str, server_name: str) -> None:
    """Add them last: whatever no other route answers is the application, which reads the address itself.

    Raises:
        NoCallPage: no `index.html` in the folder, or not that of Element Call.
    """
    index = folder / "index.html"
    if not index.is_file():
        raise NoCallPage(str(folder))
    config = json.dumps(
        {
            "default_server_config": {
                "m.homeserver": {"base_url": client_url, "server_name": server_name}
            },
            "matrix_rtc_mode": "compatibility",
        }
    )

    async def configuration(_request: web.Request) -> web.StreamResponse:
        return web.Response(
            text=config, content_type="application/json", headers={"Cache-Control": "no-cache"}
        )

    page = with_buttons(index.read_text("utf-8"), BUTTONS.read_text("utf-8"))

    async def application(_request: web.Request) -> web.StreamResponse:
        return web.Response(
            text=page, content_type="text/html", headers={"Cache-Control": "no-cache"}
        )

    async def asset(request: web.Request) -> web.StreamResponse:
        """Any `…/assets/x`: the application asks relative to where it is."""
        path = folder / "assets" / request.match_info["name"]
        if not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": f"public, max-age={KEEP_S}"})

    app.router.add_get("/config.json", configuration)
    app.router.add_get(r"/{above:(?:.*/)?}assets/{name:[A-Za-z0-9_.@-]+}", asset)
    for path in ("/", "/room", "/room/{name:.*}"):
        app.router.add_get(path, application)


def with_buttons(page: str, script: str) -> str:
    """Element Call's `index.html` with our script first.

    Raises:
        NoCallPage: it has no head.
    """
    before, head, after = page.partition("<head>")
    if not head:
        raise NoCallPage("index.html has no <head>")
    return f"{before}{head}<script>{script}</script>{after}"
