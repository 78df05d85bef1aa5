"""Debian's Kannel with its fake SMS centre: bearerbox, smsbox, fakesmsc, on loopback ports of their own.

Except for fakesmsc's own: bearerbox binds that to every address and lets 127.0.0.1 in only.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import unquote_to_bytes
from urllib.request import urlopen

from attrs import define, field

from tests.support.polling import until
from tests.support.process import ServerProcess, free_port, listens, not_installed

FAKESMSC = Path("/usr/lib/kannel/test/fakesmsc")
SBIN = "/usr/sbin:/usr/bin"  # not in everybody's PATH
GOT = re.compile(rb"Got message \d+: <(\S+) (\S+) (ucs-2|text) (\S*)>")

CONFIGURATION = """\
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = admin
smsbox-port = {smsbox}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = fake
port = {smsc}
connect-allow-ip = 127.0.0.1

group = smsbox
smsbox-id = bridge
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
global-sender = SCHOOL

group = sendsms-user
username = bridge
password = {password}
concatenation = true
max-messages = 3
"""


@define(eq=False)
class Kannel:
    """Starts by `Kannel.start`. `received` is what arrived at the SMS centre."""

    folder: Path
    url: str
    password: str
    _admin: int
    _processes: list[ServerProcess] = field(factory=list, init=False)

    @classmethod
    def start(cls, folder: Path) -> Kannel:
        programs = {name: shutil.which(name, path=SBIN) for name in ("bearerbox", "smsbox")}
        if None in programs.values() or not FAKESMSC.exists():
            not_installed("Kannel")
        ports = {name: free_port() for name in ("admin", "smsbox", "smsc", "sendsms")}
        password = "test-password"
        configuration = folder / "kannel.conf"
        configuration.write_text(CONFIGURATION.format(password=password, **ports))
        kannel = cls(folder, f"http://127.0.0.1:{ports['sendsms']}", password, ports["admin"])
        # setpriv: should the test run be killed, they go with it. bearerbox before those who connect to it.
        kannel._run("bearerbox", [str(programs["bearerbox"]), str(configuration)])
        until(lambda: listens(ports["smsbox"]), what="start of bearerbox")
        until(lambda: listens(ports["smsc"]), what="port of the fake SMS centre")
        kannel._run("fakesmsc", [str(FAKESMSC), "-H", "127.0.0.1", "-r", str(ports["smsc"])])
        kannel._run("smsbox", [str(programs["smsbox"]), str(configuration)])
        until(lambda: listens(ports["sendsms"]), what="start of smsbox")
        until(kannel._online, what="SMS centre and smsbox in Kannel")
        return kannel

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.stop(timeout_s=5)

    @property
    def received(self) -> list[tuple[str, str]]:
        """(number, text) of every SMS that arrived."""
        log = (self.folder / "fakesmsc.log").read_bytes()
        return [(to.decode(), _text(coding, body)) for _, to, coding, body in GOT.findall(log)]

    def _run(self, name: str, command: list[str]) -> None:
        process = ServerProcess(
            name, ["setpriv", "--pdeathsig", "KILL", *command], self.folder / f"{name}.log"
        )
        process.start()
        self._processes.append(process)

    def _online(self) -> bool:
        for process in self._processes:
            process.is_alive()
        with urlopen(f"http://127.0.0.1:{self._admin}/status.txt", timeout=5) as answer:
            status = answer.read().decode()
        return "smsbox:bridge" in status and "(online" in status


def _text(coding: bytes, body: bytes) -> str:
    octets = unquote_to_bytes(body.replace(b"+", b" "))
    return octets.decode("utf-16-be" if coding == b"ucs-2" else "utf-8")
