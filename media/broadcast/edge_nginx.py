"""The nginx.conf of an edge, as text. Pure.

Each line that is not obvious says which measured trap it avoids (broadcast.md §2). The origin is asked, with the
edge's secret: `/edge/<broadcast>/<file>`; `/edge/roll`, who of a crowd may watch (`roll`); `/edge/auth`, whether a pass
that is not on the roll opens a broadcast.
"""

from __future__ import annotations

from media.broadcast.edge import Edge
from media.broadcast.passes import MOST_CHARS
from media.broadcast.roll import AFTER, FIRST_HALF, MARK, TAIL, WAY_S

#: Requests of a pass beyond its rate: a player that begins, or a seek.
BURST = 60
#: AES-128 is what 10,000 viewers were measured with.
_TLS12 = ":".join(
    f"ECDHE-{signed}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "CHACHA20-POLY1305")
    for signed in ("ECDSA", "RSA")
)
_TLS13 = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
#: As `passes` and `hls.names` have them.
_LETTER = "[A-Za-z0-9_-]"
_ADDRESSED = (
    f"^/live/(?<pass>{_LETTER}{{0,{MOST_CHARS - 2 - MARK - TAIL}}}"
    f"(?<row>{_LETTER})(?<next>{_LETTER})(?<mark>{_LETTER}{{{MARK}}}){_LETTER}{{{TAIL}}})/"
    r"(?<broadcast>[A-Za-z0-9_-]{1,64})/(?<file>[a-z0-9]{1,16}(/[a-z0-9]{1,16})?\.(m3u8|m4s|mp4|vtt|json))$"
)
#: A mark, the roll behind it: whole marks are compared, none that begins within another.
_LISTED = rf"^({_LETTER}{{{MARK}}}){AFTER}(?:.{{{MARK + len(AFTER)}}})*?\1{AFTER}"


def configuration(edge: Edge) -> str:
    """The whole nginx.conf, for nginx 1.22 and later."""
    return "\n".join((_main(edge), "http {", *_http(edge), *_server(edge), "}", ""))


def _main(edge: Edge) -> str:
    # A viewer has one connection; the rest is for files of the cache and the origin.
    connections = edge.descriptors - 1_000 if edge.descriptors > 2_000 else edge.descriptors // 2
    return f"""\
# Made by media/broadcast/edge_nginx.py; what is changed here is gone the next time. Holds a secret: mode 0600.
user {edge.user};
pid {edge.pid};
pcre_jit on;
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
    request_pool_size 8k;  # of a pass, its question and the answer's headers: one piece of memory instead of three
    output_buffers 1 64k;  # most parts are read at once
    # Files of the cache stay open between requests. One that was replaced has another inode, which the cache's zone
    # knows, so nothing old is served; of files that are not the cache's this would not be true.
    open_file_cache max=1000 inactive=10s;
    open_file_cache_valid 10s;
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

    # Which crowd's roll a pass is looked for on; what is fetched if it is there.
    map $next $half {{ default 1; "~{FIRST_HALF}" 0; }}
    map "$mark{AFTER}$roll" $asked {{
        default "unlisted";
        "~{_LISTED}" "$broadcast/$file?$msn$part$skip$seq";
    }}

    # Of a pass: what is before its mark could be anything while the mark is on the roll.
    # It bounds what one pass holds at once, too: what it may ask for while the origin lets it wait. limit_conn, which
    # says so directly, is a fortieth of an edge's CPU.
    limit_req_zone $mark zone=requests:16m rate={edge.requests_per_s}r/s;
    limit_req_status 429;
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

        recursive_error_pages on;  # @ask is one, and may refuse
        location ~ "{_ADDRESSED}" {{
            limit_except GET {{ deny all; }}  # HEAD too; @ask says 405
            limit_req zone=requests burst={BURST} nodelay;
            auth_request /=roll;
            auth_request_set $roll $upstream_http_x_sferum_roll;
            error_page 403 = @ask;  # what `unlisted` is answered with
            error_page 500 502 504 = @away;
            proxy_intercept_errors on;
            proxy_cache_key "$asked";  # without the pass: one copy for all
            proxy_pass {_scheme(edge)}://origin/edge/$asked;
{_file(edge, patience)}
        }}

        # Not on the roll: new, or gone, or nobody.
        location @ask {{
            if ($request_method !~ ^(GET|HEAD)$) {{ return 405; }}
            auth_request /=auth;
            # auth_request knows 401 and 403 only; the origin says in a header why.
            auth_request_set $refusal $upstream_http_x_sferum_refusal;
            error_page 403 = @refused;
            error_page 500 502 504 = @away;
            proxy_cache_key "$broadcast/$file?$msn$part$skip$seq";
            proxy_pass {_scheme(edge)}://origin/edge/$broadcast/$file?$msn$part$skip$seq;
{_file(edge, patience)}
        }}

        location = /=roll {{
            internal;
            proxy_cache auth;
            proxy_cache_key "$broadcast/$row$half";
            # The origin says how long a roll is good, and how long meanwhile: nobody waits for the next one.
            proxy_ignore_headers Expires X-Accel-Expires Set-Cookie Vary;
            proxy_cache_background_update on;
            proxy_cache_lock on;
            proxy_cache_lock_timeout {WAY_S}s;
            proxy_read_timeout {WAY_S}s;  # what is late may be old
            proxy_buffer_size 16k;
            proxy_buffers 4 16k;
            proxy_busy_buffers_size 32k;
{_question(edge)}
            proxy_set_header X-Sferum-Crowd $row$half;
            proxy_pass {_scheme(edge)}://origin/edge/roll;
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
{_question(edge)}
            proxy_set_header X-Sferum-Pass $pass;
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


def _file(edge: Edge, patience: int) -> str:
    """How something of a broadcast is kept for all and answered, whoever said that one may have it."""
    return f"""\
            proxy_cache live;
            proxy_buffer_size 2k;  # of a file in the cache this much is read once more: its key and headers are 1 kB
            proxy_cache_lock on;  # one request for all who wait
            proxy_cache_lock_timeout {patience}s;
            proxy_cache_lock_age {patience}s;
            proxy_cache_use_stale off;  # "updating" gave newcomers playlists that were minutes old
            proxy_cache_background_update off;
            proxy_cache_min_uses 1;
            proxy_ignore_headers Set-Cookie Vary;
            proxy_hide_header Set-Cookie;
            proxy_hide_header Vary;
            proxy_hide_header Cross-Origin-Resource-Policy;
            proxy_hide_header X-Content-Type-Options;
            proxy_next_upstream error timeout;
            proxy_ignore_client_abort on;
            max_ranges 0;  # parts are fetched whole

            add_header Access-Control-Allow-Origin {edge.page} always;
            add_header Cross-Origin-Resource-Policy cross-origin always;
            add_header X-Content-Type-Options nosniff always;
            add_header Vary Origin always;"""


def _question(edge: Edge) -> str:
    """About passes. Headers of the server do not hold where a location has its own."""
    return f"""\
            proxy_cache_use_stale off;
            proxy_method GET;
            proxy_set_header Connection "";
            proxy_set_header Host {edge.name};
            proxy_set_header X-Sferum-Edge {edge.secret};
            proxy_set_header Content-Length "";
            proxy_set_header Accept-Encoding "";
            proxy_set_header X-Sferum-Broadcast $broadcast;"""


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
