"""The nginx of an edge, as text: stock nginx between ten thousand viewers and one Python origin. Pure.

Each line that is not obvious says which measured trap it avoids (broadcast.md §2). The origin is asked
`/edge/<broadcast>/<file>` with the edge's secret, and `/edge/auth` whether a pass opens a broadcast.
"""

from __future__ import annotations

import re

from attrs import field, frozen
from attrs.validators import ge, le

from media.broadcast.passes import MOST_CHARS

#: Seconds that a pass's answer is kept: R27's and the issue's limit of a revocation.
MOST_AUTH_S = 30

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


#: AES-128 is what 10,000 viewers were measured with.
_TLS12 = ":".join(
    f"ECDHE-{signed}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "CHACHA20-POLY1305")
    for signed in ("ECDSA", "RSA")
)
_TLS13 = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
#: As `passes` and `hls.names` have them.
_ADDRESSED = (
    f"^/live/(?<pass>[A-Za-z0-9_-]{{1,{MOST_CHARS}}})/(?<broadcast>[A-Za-z0-9_-]{{1,64}})/"
    r"(?<file>[a-z0-9]{1,16}(/[a-z0-9]{1,16})?\.(m3u8|m4s|mp4|vtt|json))$"
)


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
    auth_s: int = field(default=MOST_AUTH_S, validator=[ge(1), le(MOST_AUTH_S)])
    longest_wait_s: int = field(default=15, validator=[ge(1), le(180)])
    requests_per_s: int = field(default=30, validator=[ge(5), le(1_000)])

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


def configuration(edge: Edge) -> str:
    """The whole nginx.conf, for nginx 1.22 and later."""
    return "\n".join((_main(edge), "http {", *_http(edge), *_server(edge), "}", ""))


def _main(edge: Edge) -> str:
    # A viewer has one connection; the rest is for files of the cache and the origin.
    connections = edge.descriptors - 1_000 if edge.descriptors > 2_000 else edge.descriptors // 2
    return f"""\
# Made by media/broadcast/edge.py; what is changed here is gone the next time. Holds a secret: mode 0600.
user {edge.user};
pid {edge.pid};
worker_processes {edge.workers};
worker_rlimit_nofile {edge.descriptors};
error_log {edge.log} crit;  # less than that quotes addresses, which hold passes
events {{
    worker_connections {connections};  # Debian's 768 are full after a minute
    multi_accept on;
}}"""


def _http(edge: Edge) -> list[str]:
    servers = "\n".join(
        f"        server {one} max_fails=1 fail_timeout=2s{' backup' if index else ''};"
        for index, one in enumerate(edge.origins)
    )
    return [
        f"""\
    access_log off;
    server_tokens off;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    open_file_cache off;  # would serve a playlist that was replaced for as long as it is valid
    keepalive_timeout 75s;
    keepalive_requests 1000000;  # 1000 would make every player connect anew after some minutes
    # Slow and idle visitors: what they hold is taken back.
    client_header_timeout 10s;
    client_body_timeout 10s;
    client_max_body_size 1k;
    client_header_buffer_size 2k;
    large_client_header_buffers 4 4k;
    send_timeout 15s;
    reset_timedout_connection on;

    upstream origin {{
{servers}
        keepalive 64;
        keepalive_requests 1000000;
    }}

    # In memory, renamed within it: a temporary file elsewhere would be copied.
    client_body_temp_path {edge.cache}/body;
    proxy_temp_path {edge.cache}/proxy;
    fastcgi_temp_path {edge.cache}/fastcgi;
    uwsgi_temp_path {edge.cache}/uwsgi;
    scgi_temp_path {edge.cache}/scgi;
    proxy_cache_path {edge.cache}/live levels=1:2 keys_zone=live:16m inactive=90s
        max_size={edge.cache_mb}m use_temp_path=off;
    proxy_cache_path {edge.cache}/auth levels=1:2 keys_zone=auth:16m inactive=60s
        max_size=128m use_temp_path=off;  # a page of memory for each viewer

    # Nothing but RFC 8216bis' directives gets to the origin and into the cache's key: new entries are not at will.
    map $arg__HLS_msn $msn {{ default ""; "~^(0|[1-9][0-9]{{0,8}})$" "_HLS_msn=$arg__HLS_msn&"; }}
    map $arg__HLS_part $part {{ default ""; "~^(0|[1-9][0-9]{{0,8}})$" "_HLS_part=$arg__HLS_part&"; }}
    map $arg__HLS_skip $skip {{ default ""; "~^(YES|v2)$" "_HLS_skip=YES&"; }}

    # The page of an event list, and of nothing else.
    map "$file $arg_seq" $seq {{ default ""; "~^events\\.json (?<page>0|[1-9][0-9]{{0,9}})$" "seq=$page&"; }}

    limit_req_zone $pass zone=requests:16m rate={edge.requests_per_s}r/s;
    limit_conn_zone $pass zone=connections:16m;
    limit_req_status 429;
    limit_conn_status 429;
"""
    ]


def _server(edge: Edge) -> list[str]:
    http2 = " http2" if edge.http2 else ""
    # Longer than the origin holds a request: else every waiter goes to Python at once when the stage falls silent.
    patience = edge.longest_wait_s + 10
    return [
        f"""\
    server {{
        listen {edge.port} ssl{http2} reuseport backlog=4096;
        listen [::]:{edge.port} ssl{http2} reuseport backlog=4096;
        server_name {edge.name};
        ssl_certificate {edge.certificate};
        ssl_certificate_key {edge.key};
        ssl_protocols TLSv1.2 TLSv1.3;  # 1.2: Android before 10
        ssl_ciphers {_TLS12};
        ssl_conf_command Ciphersuites {_TLS13};
        ssl_conf_command Options PrioritizeChaCha;  # phones without AES in hardware put it first
        ssl_prefer_server_ciphers on;
        ssl_ecdh_curve X25519:prime256v1;
        ssl_session_cache shared:tls:16m;
        ssl_session_timeout 1h;
        ssl_buffer_size 16k;
        ssl_early_data off;

        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host {edge.name};
        proxy_set_header X-Sferum-Edge {edge.secret};
        proxy_set_header Accept-Encoding gzip;  # one spelling: one copy, packed once by the origin
        # Nothing that a visitor sends can differ in what is kept for all.
        proxy_pass_request_headers off;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_connect_timeout 2s;
        proxy_read_timeout {patience}s;
{_tls_to_origin(edge)}
        gzip off;
        gunzip on;

        location ~ "{_ADDRESSED}" {{
            if ($request_method !~ ^(GET|HEAD)$) {{ return 405; }}
            limit_req zone=requests burst=60 nodelay;
            limit_conn connections 16;
            auth_request /=auth;
            # auth_request knows 401 and 403 only; the origin says in a header why.
            auth_request_set $refusal $upstream_http_x_sferum_refusal;
            error_page 403 = @refused;
            error_page 500 502 504 = @away;

            proxy_cache live;
            proxy_cache_key "$broadcast/$file?$msn$part$skip$seq";  # without the pass: one copy for all
            proxy_cache_lock on;  # one request for all who wait
            proxy_cache_lock_timeout {patience}s;
            proxy_cache_lock_age {patience}s;
            proxy_cache_use_stale off;  # "updating" gave newcomers playlists that were minutes old
            proxy_cache_background_update off;
            proxy_cache_min_uses 1;
            proxy_ignore_headers Set-Cookie Vary;
            proxy_hide_header Set-Cookie;
            proxy_hide_header Vary;
            proxy_next_upstream error timeout;
            proxy_ignore_client_abort on;
            max_ranges 0;  # parts are fetched whole
            proxy_pass {_scheme(edge)}://origin/edge/$broadcast/$file?$msn$part$skip$seq;

            add_header Access-Control-Allow-Origin {edge.page} always;
            add_header Cross-Origin-Resource-Policy cross-origin always;
            add_header X-Content-Type-Options nosniff always;
            add_header Vary Origin always;
        }}

        location = /=auth {{
            internal;
            proxy_cache auth;
            proxy_cache_key "$broadcast/$pass";
            # 204 is what the origin says; with 200 alone nothing was kept, and every request reached Python.
            proxy_cache_valid 200 204 401 403 {edge.auth_s}s;
            proxy_ignore_headers Cache-Control Expires X-Accel-Expires Set-Cookie Vary;
            proxy_cache_lock on;
            proxy_cache_lock_timeout {patience}s;
            proxy_cache_use_stale off;
            proxy_method GET;
            proxy_set_header Connection "";
            proxy_set_header Host {edge.name};
            proxy_set_header X-Sferum-Edge {edge.secret};
            proxy_set_header Content-Length "";
            proxy_set_header Accept-Encoding "";
            proxy_set_header X-Sferum-Pass $pass;
            proxy_set_header X-Sferum-Broadcast $broadcast;
            proxy_pass {_scheme(edge)}://origin/edge/auth;
        }}

        location @refused {{
            add_header Access-Control-Allow-Origin {edge.page} always;
            add_header Cache-Control no-store always;
            if ($refusal = expired) {{ return 410; }}
            if ($refusal = absent) {{ return 401; }}
            return 403;
        }}

        location @away {{
            add_header Access-Control-Allow-Origin {edge.page} always;
            add_header Cache-Control no-store always;
            add_header Retry-After 1 always;
            return 503;
        }}

        # No pass in it that could be one.
        location /live/ {{
            add_header Access-Control-Allow-Origin {edge.page} always;
            return 401;
        }}

        location = /status {{
            allow 127.0.0.1;
            allow ::1;
            deny all;
            stub_status;
        }}

        location / {{ return 404; }}
    }}"""
    ]


def _scheme(edge: Edge) -> str:
    return "http" if edge.origin_ca is None else "https"


def _tls_to_origin(edge: Edge) -> str:
    if edge.origin_ca is None:
        return ""
    return f"""\
        proxy_ssl_protocols TLSv1.3;
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate {edge.origin_ca};
        proxy_ssl_server_name on;
        proxy_ssl_session_reuse on;"""
