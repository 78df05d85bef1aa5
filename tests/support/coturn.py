"""Debian's coturn with deploy/coturn/turnserver.conf: only ports, addresses, certificate and secret are replaced."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from tests.support.polling import until
from tests.support.process import ROOT, ServerProcess, free_port, listens, not_installed

CONF = ROOT / "deploy" / "coturn" / "turnserver.conf"


@frozen
class Coturn:
    """`secret`: its `static-auth-secret`."""

    port: int
    secret: str = field(repr=False)


@contextmanager
def coturn(folder: Path) -> Iterator[Coturn]:
    """A relay on 127.0.0.1 that reaches 127.0.0.1 only."""
    binary = shutil.which("turnserver")
    if binary is None:
        not_installed("coturn")
    port, secret = free_port(), secrets.token_urlsafe(32)
    text = CONF.read_text("utf-8")
    changes = (
        (
            r"listening-port=3478",
            f"listening-port={port}\nlistening-ip=127.0.0.1\nrelay-ip=127.0.0.1",
        ),
        (r"tls-listening-port=443\n", ""),
        (r"cert=.*\n", "no-tls\nno-dtls\n"),
        (r"pkey=.*\n", "allow-loopback-peers\n"),
        (r"static-auth-secret=CHANGE", f"static-auth-secret={secret}"),
        (r"allowed-peer-ip=198.51.100.7", "allowed-peer-ip=127.0.0.1"),
        (r"log-file=/dev/null", f"log-file=stdout\npidfile={folder}/pid\nuserdb={folder}/db"),
    )
    for pattern, value in changes:
        text, found = re.subn(rf"^{pattern}", value, text, flags=re.M)
        assert found == 1, pattern
    (folder / "turn.conf").write_text(text)
    turn = ServerProcess("coturn", [binary, "-c", str(folder / "turn.conf")], folder / "turn.out")
    turn.start()
    try:
        until(lambda: turn.is_alive() and listens(port), what="coturn")
        yield Coturn(port, secret)
    finally:
        turn.stop()
