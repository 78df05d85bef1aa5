"""Tests that `pytest.mark.usefixtures("planes")` marks run on both planes."""

from tests.media.transport.world import planes

__all__ = ["planes"]
