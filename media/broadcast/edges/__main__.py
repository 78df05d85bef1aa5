"""`python -m media.broadcast.edges --name edge1.school.example …`: the nginx.conf of one edge, on the standard output.

The secret comes from a file, which is made with `--make-secret` where there is none: the same one on every edge and in
`broadcasts.edge_secret_file` of media.yaml. Exit codes: those of `serving.process`.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import fields

from media.broadcast.edge import Edge
from media.broadcast.edge_nginx import configuration
from serving.process import exit_code_of
from serving.secret_files import BadSecret, read_secret
from serving.settings import BadConfig

#: Octets of chance in a secret: 256 bits, 43 characters.
SECRET_BYTES = 32
#: Settings of `Edge` that are numbers; their defaults are its own.
NUMBERS = ("port", "cache_mb", "workers", "descriptors", "requests_per_s")


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    os.umask(0o077)
    return exit_code_of("edge", lambda: sys.stdout.write(_text(options)))


def _text(options: argparse.Namespace) -> str:
    """The configuration.

    Raises:
        BadConfig: names the option.
    """
    secret_file: Path = options.secret_file
    try:
        if options.make_secret and not secret_file.exists():
            with secret_file.open("x", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(SECRET_BYTES) + "\n")
        secret = read_secret(secret_file)
    except (BadSecret, OSError) as error:
        raise BadConfig(f"--secret-file: {error}") from None
    given = {name: getattr(options, name) for name in NUMBERS}
    try:
        edge = Edge(
            name=options.name,
            origins=tuple(options.origin),
            secret=secret,
            certificate=options.certificate,
            key=options.key,
            page=options.page.rstrip("/"),
            origin_ca=options.origin_ca,
            cache=options.cache,
            **given,
        )
    except ValueError as error:
        raise BadConfig(str(error)) from None
    return configuration(edge)


def _parser() -> argparse.ArgumentParser:
    defaults = {one.name: one.default for one in fields(Edge)}
    parser = argparse.ArgumentParser(
        prog="python -m media.broadcast.edges",
        description="The nginx.conf of an edge: a cache between many viewers and the calls server.",
    )
    add = parser.add_argument
    add("--name", required=True, help="of this machine, as viewers know it: edge1.school.example")
    add(
        "--origin",
        required=True,
        action="append",
        help="host:port of the calls server; more: spares",
    )
    add("--page", required=True, help="public_url of media.yaml: the site that may play from here")
    add(
        "--secret-file", required=True, type=Path, help="what the edge proves itself with, mode 600"
    )
    add("--make-secret", action="store_true", help="make that file where there is none")
    add("--certificate", required=True, help="path of the certificate, with its chain")
    add("--key", required=True, help="path of its private key")
    add("--origin-ca", help="certificates that the origin's is checked with [plain HTTP]")
    add("--cache", default=defaults["cache"], help="folder on tmpfs [%(default)s]")
    for name in NUMBERS:
        option = f"--{name.replace('_', '-')}"
        add(option, type=int, default=defaults[name], help="[%(default)s]")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
