"""All schools are asked at once: slow, huge, hostile and absent ones cost the operator nothing but a word each."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from provisioning.district.asking import AT_ONCE, ask_all
from provisioning.district.draft import Draft, School
from provisioning.district.question import PATH, Asked, Fault
from tests.provisioning.district_schools import NOW_S, OPERATOR, answer, draft_of, signed
from tests.support.foreign import federation_settings

#: What a school of that first word answers with, else 200.
STATUSES = {"absent": 404, "clock": 403, "forbidden": 403, "broken": 500, "elsewhere": 302}


@define(eq=False)
class Servers:
    """Every school of a test behind one port; the name in the question says which is asked, and its first word how it
    answers.
    """

    port: int = 0
    asked: list[str] = field(factory=list)
    open: int = 0
    most_open: int = 0
    over: threading.Event = field(factory=threading.Event)
    _lock: threading.Lock = field(factory=threading.Lock)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        question = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        name = question["server_name"]
        with self._lock:
            self.asked.append(f"{handler.command} {handler.path} {name}")
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            self._send(handler, name, signed(answer(name, question["nonce"])))
        except OSError:
            pass  # the operator has hung up
        finally:
            with self._lock:
                self.open -= 1

    def _send(self, handler: BaseHTTPRequestHandler, name: str, data: bytes) -> None:
        kind = name.split(".", maxsplit=1)[0]
        status = STATUSES.get(kind, 200)
        bodies = {
            "clock": b'{"errcode":"M_FORBIDDEN","time":1}',
            "forbidden": b"{}",
            "huge": b" " * 10_000_000,
            "packed": b"\x1f\x8b" + data,
            "foreign": signed(answer("well.example", "n" * 32)),
        }
        body = bodies.get(kind, data)
        length = len(body) * 1000 if kind == "dripping" else len(body)
        handler.send_response(status)
        handler.send_header("Content-Length", str(length))
        if kind == "packed":
            handler.send_header("Content-Encoding", "gzip")
        if kind == "elsewhere":
            handler.send_header("Location", f"http://127.0.0.1:{self.port}{PATH}")
        handler.end_headers()
        handler.wfile.write(body)
        if kind == "dripping":
            self.over.wait()


@contextmanager
def serving(certificate: tuple[Path, Path] | None = None) -> Iterator[Servers]:
    """Servers while the block runs; with TLS when there is a certificate."""
    found = Servers()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.answer(self)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Nothing on the screen."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Connections that the operator ends are no matter."""

    server = Server(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def ask(draft: Draft, patience_s: float = 60.0) -> tuple[dict[str, Asked], int]:
    """What came of each school, and how many steps the bar was told."""
    told: list[None] = []
    numbers = iter(range(10_000))
    found = asyncio.run(
        ask_all(
            draft,
            OPERATOR,
            now_s=lambda: NOW_S,
            nonce=lambda: f"{next(numbers):020}",
            told=lambda: told.append(None),
            patience_s=patience_s,
        )
    )
    return found, len(told)


def at(port: int, *names: str, scheme: str = "http") -> Draft:
    """A district of schools that all answer on one port of this machine."""
    draft = draft_of(*names)
    schools: dict[str, School] = {
        name: evolve(school, address=f"{scheme}://127.0.0.1:{port}")
        for name, school in draft.schools.items()
    }
    return evolve(draft, schools=schools)


HOSTILE = {
    "absent.example": Fault.NOT_THERE,
    "clock.example": Fault.CLOCK,
    "forbidden.example": Fault.HTTP,
    "broken.example": Fault.HTTP,
    "elsewhere.example": Fault.HTTP,
    "huge.example": Fault.TOO_LARGE,
    "packed.example": Fault.MALFORMED,
    "foreign.example": Fault.OTHER_SCHOOL,
}


def test_each_school_its_own_word() -> None:
    """A school that answers is heard beside every kind of hostile one, each of which is named; redirects are not
    followed, what is packed is not unpacked, and every school is told of once.
    """
    with serving() as servers:
        found, told = ask(at(servers.port, "well.example", *HOSTILE))
    well = found.pop("well.example")
    assert well.status is not None
    assert well.status.serial == 12
    assert {name: asked.fault for name, asked in found.items()} == HOSTILE
    assert told == len(servers.asked) == len(HOSTILE) + 1
    assert all(line.startswith(f"POST {PATH} ") for line in servers.asked)


def test_many_schools() -> None:
    """All answers come, and never more than so many schools are asked at the same time."""
    names = [f"school{number}.example" for number in range(120)]
    with serving() as servers:
        found, told = ask(at(servers.port, *names))
    assert [name for name, asked in found.items() if asked.status is None] == []
    assert told == 120
    assert servers.most_open <= AT_ONCE


def test_a_school_that_drips_is_given_up() -> None:
    """An answer that never ends is dropped after the patience that one school has, and so is one that never begins."""
    with serving() as servers, socket.create_server(("127.0.0.1", 0)) as mute:
        draft = at(servers.port, "dripping.example")
        mute_school = at(mute.getsockname()[1], "mute.example").schools["mute.example"]
        draft = evolve(draft, schools={**draft.schools, "mute.example": mute_school})
        found, _ = ask(draft, patience_s=0.5)
    assert {asked.fault for asked in found.values()} == {Fault.SLOW}


def test_nobody_there() -> None:
    """A closed port, and names that are none for DNS, are "unreachable", and end nothing else."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    long = f"{'a' * 64}.example"
    draft = draft_of("closed.example", long, "a..b")
    schools = {
        "closed.example": evolve(
            draft.schools["closed.example"], address=f"http://127.0.0.1:{port}"
        ),
        long: draft.schools[long],
        "a..b": draft.schools["a..b"],
    }
    found, told = ask(evolve(draft, schools=schools))
    assert {name: asked.fault for name, asked in found.items()} == dict.fromkeys(
        schools, Fault.UNREACHABLE
    )
    assert told == 3


def test_a_certificate_that_nobody_signed(tmp_path: Path) -> None:
    """A server with a certificate that this machine does not believe is not asked anything."""
    made = federation_settings(tmp_path, 1, 1)
    certificate = (Path(made["tls_certificate_path"]), Path(made["tls_private_key_path"]))
    with serving(certificate) as servers:
        found, _ = ask(at(servers.port, "well.example", scheme="https"))
    assert found["well.example"].fault is Fault.CERTIFICATE
    assert servers.asked == []
