"""Every implementation of `media.forwarder.api.Forwarder` runs through the same tests."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from media.forwarder.api import Forwarder
from media.forwarder.choose import NoForwarder, choose


def _implementations() -> dict[str, Callable[[], Forwarder]]:
    """The native one where a build fits; with CI=true one must."""
    found = {"plain": choose("plain").make}
    try:
        found["native"] = choose("native").make
    except NoForwarder:
        if os.environ.get("CI") == "true":
            raise
    return found


#: Name → how to make one.
IMPLEMENTATIONS = _implementations()


@pytest.fixture(params=list(IMPLEMENTATIONS.values()), ids=list(IMPLEMENTATIONS))
def make(request: pytest.FixtureRequest) -> Callable[[], Forwarder]:
    """Makes a new, empty forwarder."""
    made: Callable[[], Forwarder] = request.param
    return made
