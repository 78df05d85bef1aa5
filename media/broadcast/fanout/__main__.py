"""`python -m media.broadcast.fanout FOLDER NAME URL`: our entry for another school's list; makes the key if need be."""

from __future__ import annotations

import sys
from pathlib import Path

from media.broadcast.fanout.asking import write_public
from media.broadcast.fanout.keys import node_key
from media.broadcast.fanout.schools import schools_of
from serving.secret_files import BadSecret
from serving.settings import BadConfig


def entry(folder: Path, name: str, url: str) -> str:
    """For their file.

    Raises:
        BadSecret, BadConfig: the key cannot be used or made; no name, no address.
    """
    text = f"- name: {name}\n  url: {url}\n  key: {write_public(node_key(folder))}\n"
    schools_of(text)
    return text


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit("usage: python -m media.broadcast.fanout FOLDER NAME URL")
    try:
        print(entry(Path(sys.argv[1]), *sys.argv[2:]), end="")
    except (BadSecret, BadConfig) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
