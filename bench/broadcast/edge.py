"""Stock nginx with the product's configuration, in front of an origin of this machine."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from media.broadcast.edge import Edge, configuration
from tests.support.polling import until
from tests.support.process import ServerProcess, free_port, listens

NAME = "edge.test"
#: The only site whose pages may read what is served.
PAGE = "https://rtc.school.test"
#: Where Debian puts it; not every PATH has /usr/sbin.
PLACES = "/usr/sbin:/usr/bin:/bin"


class NoNginx(Exception):
    """It is not installed."""


@frozen
class Running:
    """Attributes:
    pids: of its master and workers.
    """

    port: int
    certificate: Path
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
    """`folder`: its cache; on tmpfs, where there is one.

    Raises:
        NoNginx: says how to get it.
    """
    binary = shutil.which("nginx", path=PLACES)
    if binary is None:
        raise NoNginx("nginx is not installed; run scripts/install-services")
    made = Edge(
        name=NAME,
        origins=(f"127.0.0.1:{origin_port}",),
        secret=secret,
        certificate=str(cert),
        key=str(cert.with_name("key.pem")),
        page=PAGE,
        port=free_port(),
        cache=str(folder),
        log=str(folder / "error.log"),
        pid=str(folder / "pid"),
        user=getpass.getuser(),
    )
    file = folder / "nginx.conf"
    file.write_text(configuration(made))
    command = [binary, "-p", str(folder), "-c", str(file), "-e", str(folder / "start.log")]
    process = ServerProcess("nginx", [*command, "-g", "daemon off;"], folder / "nginx.out")
    process.start()
    try:
        until(lambda: process.is_alive() and listens(made.port), what="nginx")
        yield Running(made.port, cert, process)
    finally:
        process.stop()
