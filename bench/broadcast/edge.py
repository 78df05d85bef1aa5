"""Stock nginx with the product's configuration, in front of an origin of this machine."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from bench.units import environment
from media.broadcast.edge import Edge
from media.broadcast.edge_nginx import configuration
from tests.support.polling import until
from tests.support.process import ROOT, ServerProcess, free_port, listens

NAME = "edge.test"
#: The only site whose pages may read what is served.
PAGE = "https://rtc.school.test"
#: Where Debian puts it; not every PATH has /usr/sbin.
PLACES = "/usr/sbin:/usr/bin:/bin"
#: As an edge's nginx is started.
UNIT = ROOT / "deploy" / "edge" / "nginx.service.conf"
#: Of one broadcast's live window and passes: enough.
CACHE_MB = 512


class NoNginx(Exception):
    """It is not installed."""


@frozen
class Running:
    """Attributes:
    cache: where it is: "tmpfs", or "disk" where nothing may be mounted here.
    pids: of its master and workers.
    """

    port: int
    certificate: Path
    cache: str
    process: ServerProcess = field(repr=False)

    @property
    def pids(self) -> list[int]:
        master = self.process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return [master, *map(int, children)]


def certificate(folder: Path) -> Path:
    """`cert.pem` and `key.pem` for NAME, ECDSA P-256 as broadcast.md's handshakes; → the first."""
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", f"/CN={NAME}",
            "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


@contextmanager
def edge(folder: Path, cert: Path, origin_port: int, secret: str) -> Iterator[Running]:
    """`folder`: for its files; what it caches is on a tmpfs that nobody else sees.

    Raises:
        NoNginx: says how to get it.
    """
    binary = shutil.which("nginx", path=PLACES)
    if binary is None:
        raise NoNginx("nginx is not installed; run scripts/install-services")
    cache = folder / "cache"
    cache.mkdir()
    made = Edge(
        name=NAME,
        origins=(f"127.0.0.1:{origin_port}",),
        secret=secret,
        certificate=str(cert),
        key=str(cert.with_name("key.pem")),
        page=PAGE,
        port=free_port(),
        cache=str(cache),
        cache_mb=CACHE_MB,
        log=str(folder / "error.log"),
        pid=str(folder / "pid"),
        user=getpass.getuser(),
    )
    file = folder / "nginx.conf"
    file.write_text(configuration(made))
    command = ["env", *environment(UNIT), binary, "-p", str(folder), "-c", str(file)]
    command += ["-e", str(folder / "start.log"), "-g", "daemon off;"]
    mounts = _may_mount(cache)
    if mounts:
        command = [*_mounted(cache), *command]
    process = ServerProcess("nginx", command, folder / "nginx.out")
    process.start()
    try:
        until(lambda: process.is_alive() and listens(made.port), what="nginx")
        yield Running(made.port, cert, "tmpfs" if mounts else "disk", process)
    finally:
        process.stop()


def _mounted(folder: Path) -> list[str]:
    """Begins a command for which this folder is on tmpfs."""
    script = f'mount -t tmpfs -o size={2 * CACHE_MB}m none {folder} && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


def _may_mount(folder: Path) -> bool:
    done = subprocess.run([*_mounted(folder), "true"], capture_output=True, check=False)
    return done.returncode == 0
