"""Which plane a choice of forwarder means, and with how many threads."""

from __future__ import annotations

import os

from media.forwarder.choose import Choice, choose
from media.forwarder.plain.forwarder import PlainForwarder
from media.plane.choose import media_threads, plane_of, sentence
from media.plane.native import NativePlane
from media.plane.plain import PlainPlane


def test_an_engine_makes_the_native_plane() -> None:
    """Python's own sockets where there is none; the log says which, and how many threads."""
    native = Choice("native", PlainForwarder, "forwarder: native", engine=list)
    assert isinstance(plane_of(native, 3), NativePlane)
    assert sentence(native, 3) == "forwarder: native, media threads: 3"
    plain = choose("plain")
    assert isinstance(plane_of(plain, 3), PlainPlane)
    assert sentence(plain, 3) == "forwarder: plain, as configured"


def test_one_core_is_left_to_python() -> None:
    """As many threads as there are other cores, and one where there is no other; what is configured holds."""
    cores = len(os.sched_getaffinity(0))
    assert media_threads(None) == max(1, cores - 1)
    assert media_threads(7) == 7
