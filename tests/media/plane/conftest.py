"""Tests that ask for `make` run on both planes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from media.plane.api import Plane
from tests.media.planes import PLANES


@pytest.fixture(params=list(PLANES.values()), ids=list(PLANES))
def make(request: pytest.FixtureRequest) -> Callable[[], Plane]:
    made: Callable[[], Plane] = request.param
    return made
