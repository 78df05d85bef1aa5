"""Janus as a process, and a network that it likes.

It takes no candidates of loopback, so it has to run where another address is: `namespace` starts the whole benchmark
anew in a private network with a veth pair (root, iproute2).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bench.load.server import http, place
from bench.peers.janus import ADDRESS, Janus
from tests.support.process import free_port

#: Says that we are in the private network already.
INSIDE = "SFERUM_BENCH_NAMESPACE"
_SETTINGS = """general: {{
  debug_level = 3
  event_loops = {loops}
}}
nat: {{
  ice_lite = true
}}
plugins: {{
  disable = "{plugins}"
}}
transports: {{
  disable = "{transports}"
}}
"""
#: As ours is started (`bench/load/server.py`).
_BEST = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
_WEBSOCKETS = "general: {{\n  ws = true\n  ws_port = {port}\n}}\nadmin: {{\n}}\n"
_OTHER_PLUGINS = (
    *("audiobridge", "duktape", "echotest", "lua", "nosip", "recordplay"),
    *("sip", "streaming", "textroom", "videocall", "voicemail"),
)
_OTHER_TRANSPORTS = ("http", "mqtt", "nanomsg", "pfunix", "rabbitmq")


class NoJanus(Exception):
    """What is missing for it."""


def namespace() -> None:
    """This program again, in a private network; returns where it is there already.

    Raises:
        NoJanus: not root, or no iproute2.
    """
    if os.environ.get(INSIDE):
        return
    if os.geteuid() or not shutil.which("ip") or not shutil.which("janus"):
        raise NoJanus("wants root, and apt-get install janus iproute2")
    script = (
        "ip link set lo up && ip link add bench0 type veth peer name bench1"
        f" && ip address add {ADDRESS}/24 dev bench0 && ip link set bench0 up && ip link set bench1 up"
        ' && exec "$@"'
    )
    os.environ[INSIDE] = "1"
    arguments = [sys.executable, "-m", *_module(), *sys.argv[1:]]
    os.execvp("unshare", ["unshare", "--net", "sh", "-c", script, "sh", *arguments])  # noqa: S606 - this program again


def _module() -> Sequence[str]:
    spec = sys.modules["__main__"].__spec__
    assert spec is not None
    return [spec.name.removesuffix(".__main__")]


@asynccontextmanager
async def janus(
    name: str, program: Path, *, cpus: tuple[int, int] | None, loops: int, libraries: str
) -> AsyncIterator[Janus]:
    """`loops`: event loops; 0: a thread for each connection, its default.

    `libraries`: a folder with another libsrtp than Debian's, which is built on NSS.
    """
    port = free_port()
    with TemporaryDirectory() as folder, _running(Path(folder), port, loops, libraries) as process:
        if cpus is not None:
            place(process.pid, cpus[0])
        async with http() as session:
            await _ready(session, port)
            yield Janus(
                name, port, [process.pid], session, program, None if cpus is None else cpus[1]
            )


@contextmanager
def _running(
    folder: Path, port: int, loops: int, libraries: str
) -> Iterator[subprocess.Popen[bytes]]:
    plugins = ",".join(f"libjanus_{name}.so" for name in _OTHER_PLUGINS)
    transports = ",".join(f"libjanus_{name}.so" for name in _OTHER_TRANSPORTS)
    settings = _SETTINGS.format(loops=loops, plugins=plugins, transports=transports)
    (folder / "janus.jcfg").write_text(settings, "utf-8")
    (folder / "janus.transport.websockets.jcfg").write_text(_WEBSOCKETS.format(port=port), "utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["janus", f"--configs-folder={folder}", f"--config={folder / 'janus.jcfg'}"],
            stdout=log,
            stderr=log,
            env={**os.environ, **(_BEST | {"LD_LIBRARY_PATH": libraries} if libraries else {})},
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


async def _ready(session: aiohttp.ClientSession, port: int) -> None:
    for _ in range(200):
        try:
            async with session.ws_connect(f"ws://{ADDRESS}:{port}", protocols=["janus-protocol"]):
                return
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)
    raise NoJanus("it does not listen")
