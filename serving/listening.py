"""A port of this machine, and the figures for Prometheus on one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from serving.settings import BadConfig

LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def listening(
    runner: web.AppRunner, host: str, port: int, setting: str
) -> AsyncIterator[None]:
    """Answer on a port until the end of the block; requests under way are then answered, as long as the runner waits.

    Raises:
        BadConfig: the port is taken or may not be used.
    """
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise BadConfig(f"{setting}: {host}:{port}: {os.strerror(error.errno or 0)}") from None
        yield
    finally:
        await runner.cleanup()


def metrics_app(*more: CollectorRegistry) -> web.Application:
    """`/metrics`, to be served on this machine only. `more`: figures beside those that everybody counts into."""

    async def metrics(_request: web.Request) -> web.Response:
        body = b"".join(generate_latest(one) for one in (*more, REGISTRY))
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app
