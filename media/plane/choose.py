"""Which plane runs, by which forwarder does: on the engine where a build fits this version, in Python otherwise."""

from __future__ import annotations

import os

from media.forwarder.choose import Choice
from media.plane.api import Plane
from media.plane.native import NativePlane
from media.plane.plain import PlainPlane


def plane_of(choice: Choice, threads: int | None) -> Plane:
    """A new one, not open yet. `threads`: of media, None for as many as suit this machine; the plain one has none."""
    if choice.engine is None:
        return PlainPlane(choice.make())
    return NativePlane(choice.engine, media_threads(threads))


def media_threads(wanted: int | None) -> int:
    """One for each core that is ours, but for Python's loop; at least one."""
    return wanted or max(1, len(os.sched_getaffinity(0)) - 1)


def sentence(choice: Choice, threads: int | None) -> str:
    """For the log."""
    if choice.engine is None:
        return choice.why
    return f"{choice.why}, media threads: {media_threads(threads)}"
