"""deploy/: nginx with our file in front of real servers, and systemd's own opinion of the units."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from attrs import frozen

from tests.support import personal
from tests.support.bridge import BridgeProcess, new_token
from tests.support.fleet import Fleet
from tests.support.polling import until
from tests.support.process import ROOT, ServerProcess, free_port, listens, not_installed

pytestmark = pytest.mark.integration

CONF = ROOT / "deploy" / "nginx" / "sferum.conf"
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


@frozen
class Proxy:
    """nginx on a port of its own."""

    port: int
    folder: Path
    pages: BridgeProcess

    def stranger(self) -> httpx.Client:
        """From outside."""
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            verify=False,  # noqa: S501 (self-signed)
            trust_env=False,
        )

    def ask(
        self, host: str, path: str, client: httpx.Client | None = None, **headers: str
    ) -> httpx.Response:
        """As a stranger does; a new one, unless `client` says who."""
        if client is not None:
            return client.get(path, headers={"Host": host, **headers})
        with self.stranger() as new:
            return new.get(path, headers={"Host": host, **headers})

    def logs(self) -> list[Path]:
        return [path for path in self.folder.glob("*.log") if path.exists()]


@pytest.fixture(scope="module")
def proxy(homeserver: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Synapse, the bridge, and nginx with deploy/nginx/sferum.conf: only ports, paths and certificate are replaced."""
    binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/bin")
    if binary is None:
        not_installed("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port()
    with homeserver(appservice=True) as server:
        bridge = BridgeProcess.prepare(folder / "bridge", server)
        bridge.start()
        (folder / "nginx.conf").write_text(
            _configuration(folder, port, server.main.port, bridge.port)
        )
        _certificate(folder)
        nginx = ServerProcess(
            "nginx",
            [
                binary,
                "-p",
                str(folder),
                "-c",
                str(folder / "nginx.conf"),
                "-e",
                str(folder / "start.log"),
            ],
            folder / "nginx.out",
        )
        nginx.start()
        try:
            until(lambda: nginx.is_alive() and listens(port), what="nginx")
            yield Proxy(port, folder, bridge)
        finally:
            nginx.stop()
            bridge.stop()
            bridge.api.close()


def _configuration(folder: Path, port: int, synapse: int, pages: int) -> str:
    """The file as nginx of a test can use it."""
    text = CONF.read_text("utf-8")
    changes = (
        (r"listen \[::\]:\d+( ssl http2)?;", ""),
        (r"listen 80;", f"listen 127.0.0.1:{free_port()};"),
        (r"listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"),
        (r"/etc/letsencrypt/live/school.example", str(folder)),
        (r"/var/log/nginx/", f"{folder}/"),
        (r"127\.0\.0\.1:8090", f"127.0.0.1:{pages}"),
        (r"127\.0\.0\.1:8008", f"127.0.0.1:{synapse}"),
    )
    for pattern, value in changes:
        text, found = re.subn(pattern, value, text)
        assert found, pattern
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"daemon off;\npid {folder}/pid;\nevents {{}}\nhttp {{\n{paths}{text}\n}}\n"


def _certificate(folder: Path) -> None:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            "-subj", "/CN=school.example",
            "-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("school.example", "/", 200),
        ("school.example", "/health", 200),
        ("school.example", "/.well-known/matrix/client", 200),
        ("school.example", "/.well-known/matrix/server", 404),
        ("school.example", "/service/orgs/x/listed-contacts", 404),
        ("school.example", "/_matrix/client/versions", 404),
        ("matrix.school.example", "/_matrix/client/versions", 200),
        ("matrix.school.example", "/_synapse/client/sferum/v1/health", 401),
        ("matrix.school.example", "/_synapse/admin/v1/server_version", 404),
        ("matrix.school.example", "/_synapse/admin/../admin/v1/server_version", 404),
        ("matrix.school.example", "/_matrix/../_synapse/admin/v1/server_version", 404),
        ("matrix.school.example", "/_synapse/client/../admin/v1/server_version", 404),
        ("matrix.school.example", "/_synapse/client/%2e%2e/admin/v1/server_version", 404),
        ("matrix.school.example", "/_matrix/federation/v1/version", 404),
        ("matrix.school.example", "/_matrix/key/v2/server", 404),
        ("matrix.school.example", "/health", 404),
        ("matrix.school.example", "/", 404),
        ("rtc.school.example", "/edge/auth", 404),
        ("rtc.school.example", "/live/../edge/auth", 404),
    ],
)
def test_what_the_outside_reaches(proxy: Proxy, host: str, path: str, status: int) -> None:
    """Pages, clients and the module's own interface; never the admin API, federation, or what is for this machine."""
    assert proxy.ask(host, path).status_code == status


def test_the_visitors_address_cannot_be_invented(proxy: Proxy) -> None:
    """Whoever writes an address of their own into X-Forwarded-For is still counted by the one nginx sees."""
    before = proxy.pages.api.request("GET", "/health").status
    assert before == 200
    # On one connection, and until one is refused: a new one each could be slower than what may be asked in a second.
    with proxy.stranger() as client:
        answers = (
            proxy.ask(
                "school.example", "/", client, **{"X-Forwarded-For": f"198.51.100.{n % 250}"}
            ).status_code
            for n in range(2_500)
        )
        assert 429 in answers


def test_neither_nginx_nor_the_bridge_keeps_an_address_of_a_page(proxy: Proxy) -> None:
    """An invite in the path and a word in the query are in no log."""
    invite, word = new_token(), new_token()
    proxy.ask("school.example", f"/i/{invite}?from={word}")
    log = proxy.folder / "sferum.log"
    until(lambda: " GET " in log.read_text(), what="nginx' log")
    for path in (*proxy.logs(), proxy.pages.log):
        assert not list(personal.leaks_in_file(path, [invite, word]))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_units(unit: Path, tmp_path: Path) -> None:
    """`systemd-analyze verify` says nothing, once the program is where the unit looks for it."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        not_installed("systemd-analyze")
    text = unit.read_text("utf-8")
    assert "/opt/sferum/.venv/bin/python" in text
    here = tmp_path / unit.name
    here.write_text(text.replace("/opt/sferum/.venv/bin/python", "/bin/true"))
    said = subprocess.run([analyze, "verify", str(here)], capture_output=True, check=False)
    assert (said.returncode, said.stderr.decode()) == (0, "")
