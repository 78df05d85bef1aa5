"""What of the calls server's log is its own: the figure of its answers, the route that is asked for all day."""

from __future__ import annotations

from media.metrics import ANSWERS
from serving import logs


class AccessLog(logs.AccessLog):
    """Of the calls server."""

    seconds = ANSWERS
    dull = ("/healthz",)
