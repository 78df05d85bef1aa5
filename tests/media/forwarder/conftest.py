"""Every implementation of `media.forwarder.api.Forwarder` runs through the same tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from media.forwarder.api import Forwarder
from media.forwarder.plain.forwarder import PlainForwarder

#: Name → how to make one. The native forwarder is added here.
IMPLEMENTATIONS: dict[str, Callable[[], Forwarder]] = {"plain": PlainForwarder}


@pytest.fixture(params=list(IMPLEMENTATIONS.values()), ids=list(IMPLEMENTATIONS))
def make(request: pytest.FixtureRequest) -> Callable[[], Forwarder]:
    """Makes a new, empty forwarder."""
    made: Callable[[], Forwarder] = request.param
    return made
