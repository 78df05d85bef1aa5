"""The configuration of an edge: every trap that was measured is avoided, and no value gets out of its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.edge import Edge
from media.broadcast.edge_nginx import configuration
from media.broadcast.hls.names import Ask
from media.broadcast.hls.names import read as read_name
from media.broadcast.hls.values import Shape
from media.broadcast.origin.judging import REMEMBERS_S
from media.broadcast.passes import MOST_CHARS
from media.broadcast.register.watchers import FRESH_S
from media.broadcast.roll import ASKED_S, KEPT_S, MARK, MOST_S, ROUNDED_S, STALE_S, TAIL, WAY_S
from tests.media.broadcast import nginx_text
from tests.media.broadcast.nginx_text import Directive

EDGE = Edge(
    name="edge1.school.test",
    origins=("10.0.0.2:7880", "10.0.0.3:7880"),
    secret="s" * 43,
    certificate="/etc/ssl/edge.pem",
    key="/etc/ssl/edge.key",
    page="https://rtc.school.test",
)


def _tree(edge: Edge = EDGE) -> tuple[Directive, Directive, Directive, Directive]:
    """All of it, the server, where media is served, where passes are asked about."""
    main = nginx_text.read(configuration(edge))
    server = main.block("http").block("server")
    return main, server, server.block("location", "~"), server.block("location", "=", "/=auth")


def _seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_ten_thousand_connections_are_allowed() -> None:
    """Workers, descriptors, the queue of new ones, and no reconnecting after a thousand requests."""
    main, server, _, _ = _tree()
    assert main.one("worker_rlimit_nofile") == "20000"
    assert main.block("events").one("worker_connections") == "19000"
    assert main.block("http").one("keepalive_requests") == "1000000"
    assert [words[1:] for words in server.all("listen")] == [
        ("ssl", "http2", "reuseport", "backlog=4096")
    ] * 2
    small = _tree(evolve(EDGE, descriptors=1024, http2=False))
    assert small[0].block("events").one("worker_connections") == "512"
    assert "http2" not in configuration(evolve(EDGE, http2=False))


def test_one_copy_for_all_viewers() -> None:
    """The key has the file and RFC 8216bis' directives, neither the pass nor what a visitor adds; listed or not."""
    main, server, live, _ = _tree()
    ask, what = server.block("location", "@ask"), "$broadcast/$file?$msn$part$skip$seq"
    asked = main.block("http").block("map", '"$mark,$roll"', "$asked")
    assert [one.words for one in asked.inside or ()] == [
        ("default", '"unlisted"'),
        (f'"~^([A-Za-z0-9_-]{{{MARK}}}),(?:.{{{MARK + 1}}})*?\\1,"', f'"{what}"'),
    ]
    assert live.one("proxy_cache_key") == '"$asked"'
    assert live.one("proxy_pass") == "http://origin/edge/$asked"
    assert ask.one("proxy_cache_key") == f'"{what}"'
    assert ask.one("proxy_pass") == f"http://origin/edge/{what}"
    for name in ("msn", "part", "skip"):
        given = main.block("http").block("map", f"$arg__HLS_{name}", f"${name}")
        assert given.one("default") == '""'
    pages = main.block("http").block("map", '"$file $arg_seq"', "$seq")
    assert pages.one("default") == '""'
    (pattern,) = (one.name for one in pages.inside or () if one.name != "default")
    form = re.compile(pattern.strip('"').removeprefix("~").replace("(?<", "(?P<"))
    found = form.search("events.json 1800000000")
    assert found is not None
    assert found["page"] == "1800000000"
    for other in ("live.m3u8 17", "events.json ", "events.json 1x", "v720/events.json 1"):
        assert form.search(other) is None
    text = configuration(EDGE)
    assert "$args" not in text
    assert "$is_args" not in text
    assert "$request_uri" not in text


def test_nothing_that_a_visitor_sends_reaches_the_origin() -> None:
    """No header and no body; one packing; the answer does not vary."""
    _, server, live, auth = _tree()
    roll = server.block("location", "=", "/=roll")
    assert server.one("proxy_pass_request_headers") == "off"
    assert server.one("proxy_pass_request_body") == "off"
    assert ("Accept-Encoding", "gzip") in server.all("proxy_set_header")
    assert server.one("gunzip") == "on"
    assert "Vary" in live.one("proxy_ignore_headers")
    assert live.one("max_ranges") == "0"
    assert live.all("proxy_set_header") == []  # else those of the server would not hold
    for where in (server, auth, roll):
        headers = {name: value for name, value in where.all("proxy_set_header")}  # noqa: C416 (pairs)
        assert headers["X-Sferum-Edge"] == EDGE.secret
        assert headers["Connection"] == '""'


def test_a_silent_stage_does_not_send_everybody_to_the_origin() -> None:
    """One request for all; an edge waits longer than the origin holds a request, and lets nobody else through."""
    _, server, live, _ = _tree()
    assert live.one("proxy_cache_lock") == "on"
    for name in ("proxy_cache_lock_timeout", "proxy_cache_lock_age"):
        assert _seconds(live.one(name)) > EDGE.longest_wait_s
    assert _seconds(server.one("proxy_read_timeout")) > EDGE.longest_wait_s
    assert Shape().longest_wait_s == EDGE.longest_wait_s


def test_no_old_playlists() -> None:
    """Stale answers are never served, temporary files are on the same tmpfs, files that stay open are the cache's."""
    main, server, live, auth = _tree()
    for where in (live, server.block("location", "@ask"), auth):
        assert where.one("proxy_cache_use_stale") == "off"
    for where in (live, server.block("location", "@ask")):
        assert where.one("proxy_cache_background_update") == "off"
    # The cache's zone knows a file's inode; `root` and `alias` would not.
    assert not {"root", "alias", "try_files"} & {one.name for one in main.everything()}
    paths = main.block("http").all("proxy_cache_path")
    assert all("use_temp_path=off" in words for words in paths)
    assert all(words[0].startswith("/run/") for words in paths)


def test_whoever_is_out_is_out_in_half_a_minute() -> None:
    """All times for which an answer may be older than the truth are 30 s together, behind an edge and without one."""
    assert max(KEPT_S + STALE_S, ASKED_S) + WAY_S + ROUNDED_S == MOST_S
    assert FRESH_S + MOST_S <= 30
    assert FRESH_S + REMEMBERS_S <= 30


def test_an_edge_keeps_answers_for_no_longer() -> None:
    """The roll as long as the origin says, one pass's answer for ten seconds, 204 too (what cost everything once)."""
    _, server, live, auth = _tree()
    roll, ask = server.block("location", "=", "/=roll"), server.block("location", "@ask")
    assert live.one("auth_request") == "/=roll"
    assert ask.one("auth_request") == "/=auth"
    assert auth.one("proxy_cache_valid") == f"200 204 401 403 {ASKED_S}s"
    ignored = {"Expires", "X-Accel-Expires", "Set-Cookie", "Vary"}
    assert set(auth.one("proxy_ignore_headers").split()) == ignored | {"Cache-Control"}
    assert set(roll.one("proxy_ignore_headers").split()) == ignored
    assert roll.all("proxy_cache_valid") == []
    assert roll.one("proxy_cache_use_stale") == "off"  # but for what the origin allows
    assert roll.one("proxy_read_timeout") == f"{WAY_S}s"
    assert auth.one("proxy_cache_key") == '"$broadcast/$pass"'
    assert roll.one("proxy_cache_key") == '"$broadcast/$row$half"'
    for where in (auth, roll):
        assert where.all("internal") == [()]
    with pytest.raises(ValueError, match="auth_s"):
        evolve(EDGE, auth_s=ASKED_S + 1)


def test_expired_is_told_from_forbidden() -> None:
    """auth_request knows 401 and 403; the origin's header makes 410 of it."""
    _, server, live, _ = _tree()
    ask = server.block("location", "@ask")
    assert ("403", "=", "@ask") in live.all("error_page")
    assert server.one("recursive_error_pages") == "on"
    assert ("$refusal", "$upstream_http_x_sferum_refusal") in ask.all("auth_request_set")
    assert ("403", "=", "@refused") in ask.all("error_page")
    refused = server.block("location", "@refused")
    assert refused.block("if", "($refusal", "=", "expired)").one("return") == "410"
    assert refused.one("return") == "403"


def test_only_our_page_reads_it() -> None:
    """Scripts of other sites do not; nor is anything kept of who asked for what."""
    main, server, live, _ = _tree()
    for where in (
        live, *(server.block("location", name) for name in ("@ask", "@refused", "@away"))
    ):  # fmt: skip
        assert ("Access-Control-Allow-Origin", EDGE.page, "always") in where.all("add_header")
    assert main.block("http").one("access_log") == "off"
    assert main.all("error_log") == [(EDGE.log, "crit")]
    assert not any(
        one.name == "access_log" and one.words[1:] != ("off",) for one in main.everything()
    )


def test_a_slow_or_greedy_viewer_is_limited() -> None:
    """By pass, not by address: a school has one. What it can hold at once is less than a hundredth of them."""
    main, _, live, _ = _tree()
    zone = main.block("http").one("limit_req_zone")
    assert zone.startswith("$mark ")
    rate = int(zone.rpartition("rate=")[2].removesuffix("r/s"))
    burst = int(re.findall(r"burst=(\d+) nodelay", live.one("limit_req"))[0])
    assert (
        burst + rate * EDGE.longest_wait_s
        < int(main.block("events").one("worker_connections")) * EDGE.workers / 100
    )
    assert _seconds(main.block("http").one("send_timeout")) <= 15


def test_tls() -> None:
    """1.3 first, 1.2 for old phones, nothing older; towards the origin checked where it is TLS."""
    _, server, _, _ = _tree()
    assert server.one("ssl_protocols") == "TLSv1.2 TLSv1.3"
    assert server.all("proxy_ssl_verify") == []
    _, server, live, _ = _tree(evolve(EDGE, origin_ca="/etc/ssl/origin.pem"))
    assert server.one("proxy_ssl_verify") == "on"
    assert live.one("proxy_pass").startswith("https://")


#: The shortest that could be one.
PASS = "p" * (2 + MARK + TAIL)
ADDRESSES = [
    (f"/live/{PASS}/concert/main.m3u8", True),
    (f"/live/{PASS}/concert/v720/live.m3u8", True),
    (f"/live/{PASS}/concert/captions/s12.vtt", True),
    (f"/live/{PASS}/concert/events.json", True),
    (f"/live/{PASS}/concert/v720/p123456789.m4s", True),
    (f"/live/{PASS}/concert/v720/i0.mp4", True),
    (f"/live/{PASS[1:]}/concert/main.m3u8", False),
    (f"/live/{'p' * MOST_CHARS}/concert/main.m3u8", True),
    (f"/live/{'p' * (MOST_CHARS + 1)}/concert/main.m3u8", False),
    ("/live//concert/main.m3u8", False),
    (f"/live/{PASS}/concert/../auth", False),
    (f"/live/{PASS}/concert/v720/../../auth.mp4", False),
    (f"/live/{PASS}/concert/main.m3u8/", False),
    (f"/live/{PASS}/con.cert/main.m3u8", False),
]


@pytest.mark.parametrize(("path", "serves"), ADDRESSES)
def test_which_addresses_are_served(path: str, serves: bool) -> None:
    """Those that a broadcast's playlists name, and none that leaves its folder."""
    _, _, live, _ = _tree()
    pattern = live.words[2].strip('"').replace("(?<", "(?P<")
    found = re.search(pattern, path)
    assert (found is not None) == serves
    if found is not None:
        assert isinstance(read_name(found["file"]), Ask)


TEXTS = st.text(max_size=40) | st.sampled_from(
    ["a;b", "a{b", "a}b", "a b", 'a"b', "a#b", "a\nb", "$host", "a\\", "/etc/../x", "[::1]:80"]
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["name", "secret", "certificate", "key", "page", "origin_ca", "cache", "log", "user"]
        ),
        TEXTS,
        max_size=3,
    ),
    st.lists(TEXTS, min_size=1, max_size=2) | st.none(),
)
def test_no_value_gets_out_of_its_place(
    change: Mapping[str, Any], origins: list[str] | None
) -> None:
    """Whatever is set is refused, or leaves as many directives of the same names as before."""
    settings = dict(change)
    if origins is not None:
        settings["origins"] = tuple(origins)
    try:
        edge = evolve(EDGE, **settings)
    except ValueError:
        return
    plain = evolve(EDGE, origins=edge.origins, origin_ca=edge.origin_ca)
    assert _names(edge) == _names(plain)


def test_a_secret_does_not_show() -> None:
    """Neither in a log of the value, nor where it is refused."""
    assert EDGE.secret not in repr(EDGE)
    with pytest.raises(ValueError, match="secret") as refused:
        evolve(EDGE, secret="hush; hush")
    assert "hush" not in str(refused.value)
    with pytest.raises(ValueError, match="origins"):
        evolve(EDGE, origins=())


def _names(edge: Edge) -> list[tuple[str, int]]:
    tree = nginx_text.read(configuration(edge))
    return [(one.name, len(one.words)) for one in tree.everything()]
