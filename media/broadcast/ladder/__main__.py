"""A coder: `python -m media.broadcast.ladder vp8 v360:640x360:450000:30 …`. Pictures on stdin, pictures on stdout.

It gives way to calls (nice), and has an end of its own: memory, and its stdin.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Sequence

from media.broadcast.ladder.coding import LadderCoder, Undecodable
from media.broadcast.ladder.values import Coded, Rung
from media.broadcast.ladder.wire import (
    DONE,
    FORCE,
    KEY,
    KEY_WANTED,
    MAKE,
    TO_CODER,
    Message,
    Reader,
    write,
)
from media.broadcast.ladder.words import read_words

#: Bytes of address space: some pictures of 4096 × 4096, coders, libraries.
MEMORY = 2 << 30
NICE = 10
_READ = 1 << 16


def main(words: Sequence[str]) -> None:
    codec, rungs = read_words(words)
    # The calls server is told to stop; it drains first, and ends this by closing stdin, or with SIGKILL.
    for told in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told, signal.SIG_IGN)
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold pictures
    coder = LadderCoder(codec, rungs)
    reader = Reader(TO_CODER)
    while data := os.read(sys.stdin.fileno(), _READ):
        for message in reader.feed(data):
            answer(coder, rungs, message)


def answer(coder: LadderCoder, rungs: Sequence[Rung], message: Message) -> None:
    kind = message.kind
    coded = Coded(message.ticks, bool(kind & KEY), message.data)
    try:
        for number, made in coder.take(coded, make=bool(kind & MAKE), key=bool(kind & FORCE)):
            _say(Message(number, message.ticks, made))
    except Undecodable:
        _say(Message(KEY_WANTED, message.ticks))
    _say(Message(DONE, message.ticks))


def _say(message: Message) -> None:
    sys.stdout.buffer.write(write(message))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
