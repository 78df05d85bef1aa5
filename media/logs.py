"""What of the calls server's log is its own: the figure of its answers, the route that is asked for all day."""

from __future__ import annotations

from media.metrics import ANSWERS
from serving import logs


class AccessLog(logs.AccessLog):
    """Of the calls server."""

    seconds = ANSWERS
    #: Ten thousand viewers ask for a file four times a second, and say once in 30 s how it goes.
    dull = (
        "/healthz",
        "/live/{token}/{broadcast}/{file}",
        "/live/{token}/{id}/heartbeat",
        "/live/{token}/{id}/figures",
        "/edge/{broadcast}/{file}",
        "/edge/auth",
    )
