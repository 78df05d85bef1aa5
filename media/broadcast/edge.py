"""One edge: stock nginx between ten thousand viewers and one Python origin. Its text is `edge_nginx`. Pure."""

from __future__ import annotations

import re

from attrs import field, frozen
from attrs.validators import ge, le

from media.broadcast.roll import ASKED_S

_HOST = r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]{2,39}\])"
_ADDRESS = re.compile(_HOST + r":[0-9]{1,5}")
_NAME = re.compile(_HOST)
_ORIGIN = re.compile(r"https://" + _HOST + r"(?::[0-9]{1,5})?")
_PATH = re.compile(r"/[A-Za-z0-9._/-]{1,200}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{32,128}")


def _matches(pattern: re.Pattern[str], what: str, value: str) -> None:
    """What could end a directive, or begin another one, gets into no configuration."""
    if pattern.fullmatch(value) is None:
        raise ValueError(f"{what} is not of the form {pattern.pattern}")


@frozen(kw_only=True)
class Edge:
    """One edge.

    Attributes:
        origins: `host:port` of the media process; more than one: the next is asked when the first is away.
        secret: proves to the origin that an edge asks; the text holds it, so its file is for root's eyes only.
        page: origin of the watch page, the only site whose scripts may read what is served here.
        origin_ca: certificates that the origin's is checked with; None: plain HTTP, in a network of one's own.
        cache: a folder on tmpfs, which is there before nginx starts.
        cache_mb: the live window of every broadcast at once; 30 s of 3 Mbit/s are 12 MB.
        auth_s: that the answer about one pass is kept.
        longest_wait_s: of the origin, until it answers 503 by itself.
        requests_per_s: of one pass; a player makes 4 with half-second parts, and more while it begins.
    """

    name: str
    origins: tuple[str, ...]
    secret: str = field(repr=False)
    certificate: str
    key: str
    page: str
    origin_ca: str | None = None
    port: int = field(default=443, validator=[ge(1), le(65_535)])
    http2: bool = True
    cache: str = "/run/sferum-edge"
    log: str = "/var/log/nginx/sferum-edge-error.log"
    pid: str = "/run/sferum-edge.pid"
    user: str = "www-data"
    cache_mb: int = field(default=512, validator=[ge(16), le(65_536)])
    workers: int = field(default=2, validator=[ge(1), le(128)])
    descriptors: int = field(default=20_000, validator=[ge(1_024), le(1_000_000)])
    auth_s: int = field(default=ASKED_S, validator=[ge(1), le(ASKED_S)])
    longest_wait_s: int = field(default=15, validator=[ge(1), le(180)])
    requests_per_s: int = field(default=15, validator=[ge(5), le(1_000)])

    def __attrs_post_init__(self) -> None:
        if not 1 <= len(self.origins) <= 8:
            raise ValueError("origins: one to eight")
        for one in self.origins:
            _matches(_ADDRESS, "an origin", one)
        _matches(_NAME, "name", self.name)
        _matches(_ORIGIN, "page", self.page)
        _matches(re.compile(r"[a-z_][a-z0-9_-]{0,31}"), "user", self.user)
        paths = (self.certificate, self.key, self.cache, self.log, self.pid, self.origin_ca)
        for path in paths:
            if path is not None:
                _matches(_PATH, "a path", path)
        if _SECRET.fullmatch(self.secret) is None:  # never quoted
            raise ValueError("secret is not 32 to 128 of A-Z, a-z, 0-9, _ and -")
