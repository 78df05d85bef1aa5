"""The guard's pure parts: the pinned routes, the listeners, the bodies."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.guard import bodies
from synapse_sferum.guard.listeners import AmbiguousListeners, Listener, Serving, by_tag, serving
from synapse_sferum.guard.resource import GuardedRoutes
from synapse_sferum.guard.routes import (
    OPEN,
    UNREACHABLE,
    Route,
    Surface,
    UnknownRoute,
    parse,
    pinned,
)

# --- routes


def test_the_pinned_list_is_whole() -> None:
    """All 214 routes of a closed 1.163.2 are pinned, and 35 that come with other configurations."""
    assert len(pinned()) == 214 + 35


def test_routes_are_patterns() -> None:
    """Every pinned pattern is a regular expression."""
    for route in pinned():
        re.compile(route.pattern)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("client GET open", "line 1: want `surface method rule pattern`"),
        ("client GET open ^/x$\nclient GET closed ^/x$", "line 2: GET \\^/x\\$ is there twice"),
        ("server GET open ^/x$", "server"),
    ],
)
def test_a_broken_list(text: str, message: str) -> None:
    """A broken line is named."""
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_an_unknown_route_says_what_to_do() -> None:
    """The message names the route and the ways out."""
    error = UnknownRoute([Route(Surface.CLIENT, "GET", "^/new$")])
    assert "client GET ^/new$" in str(error)
    assert "1.163.x" in str(error)


class Recorder:
    """An HttpServer that only remembers."""

    def __init__(self) -> None:
        self.registered: dict[tuple[str, str], Any] = {}

    def register_paths(
        self, method: str, path_patterns: Any, callback: Any, servlet_classname: str
    ) -> None:
        assert servlet_classname == "Servlet"
        for pattern in path_patterns:
            self.registered[method, pattern.pattern] = callback


def wrapped(rule: str, callback: Any) -> Any:
    """What a guarded route looks like here."""
    return rule, callback


def test_routes_get_their_rules() -> None:
    """Open routes pass as they are, guarded ones are wrapped, unreachable and unknown ones are not registered."""
    rules = parse(
        "client GET open ^/a$\nclient GET profile ^/b$\nclient GET unreachable ^/c$\nclient GET closed ^/d$"
    )
    server = Recorder()
    routes = GuardedRoutes(Surface.CLIENT, rules, server, wrapped)
    patterns = [re.compile(f"^/{letter}$") for letter in "abcde"]
    routes.register_paths("GET", patterns, "servlet", "Servlet")  # type: ignore[arg-type]
    assert server.registered["GET", "^/a$"] == "servlet"
    assert server.registered["GET", "^/b$"] == ("profile", "servlet")
    assert server.registered["GET", "^/d$"] != "servlet"
    assert set(server.registered) == {("GET", f"^/{letter}$") for letter in "abd"}
    assert routes.unknown == [Route(Surface.CLIENT, "GET", "^/e$")]


def test_nothing_of_the_admin_api_is_served() -> None:
    """Synapse registers some /_synapse/admin routes on the client resource; they are unreachable here."""
    for route, rule in pinned().items():
        assert (rule == UNREACHABLE) == route.pattern.startswith("^/_synapse")


def test_federation_is_closed_by_default() -> None:
    """Only version and openid are open to every server."""
    found = {
        r.pattern
        for r, rule in pinned().items()
        if r.surface is Surface.FEDERATION and rule == OPEN
    }
    assert found == {"^/_matrix/federation/v1/version$", "^/_matrix/federation/v1/openid/userinfo$"}


# --- listeners


def listener(*names: str, tag: str = "8008", compress: bool = False) -> Listener:
    return Listener(tag=tag, names=frozenset(names), compress=compress)


@pytest.mark.parametrize(
    ("names", "client", "federation"),
    [
        (["client"], Serving(groups=None), None),
        (["client", "openid"], Serving(groups=None), Serving(groups=("openid",))),
        (["federation"], None, Serving(groups=None)),
        (["federation", "openid", "media"], Serving(groups=("media",)), Serving(groups=None)),
        (["openid"], None, Serving(groups=("openid",))),
        (["media"], Serving(groups=("media",)), Serving(groups=("media",))),
        (["openid", "media"], Serving(groups=("media",)), Serving(groups=("openid", "media"))),
        (["health"], None, None),
        (["replication"], None, None),
        (["metrics", "keys", "static", "consent"], None, None),
    ],
)
def test_what_a_listener_serves(
    names: list[str], client: Serving | None, federation: Serving | None
) -> None:
    """A listener serves what Synapse would serve there, and nothing on replication or health."""
    assert serving(listener(*names), Surface.CLIENT, True) == client
    assert serving(listener(*names), Surface.FEDERATION, True) == federation


def test_no_media_without_a_repository() -> None:
    """A process without the media repository serves no media group."""
    assert serving(listener("media"), Surface.CLIENT, False) is None
    assert serving(listener("openid", "media"), Surface.FEDERATION, False) == Serving(
        groups=("openid",)
    )


def test_listeners_by_tag() -> None:
    """Listeners are told apart by tag; two that are alike may share one, two that differ may not."""
    found = by_tag(
        [
            listener("client", compress=True),
            listener("health", tag="9"),
            listener("health", tag="9"),
        ],
        Surface.CLIENT,
        True,
    )
    assert found == {"8008": Serving(groups=None, compress=True)}
    with pytest.raises(AmbiguousListeners, match="'8008'"):
        by_tag([listener("client"), listener("replication")], Surface.CLIENT, True)


# --- bodies

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(ANYTHING)
def test_any_body_is_read(body: Any) -> None:
    """No body, however strange, makes the readers fail."""
    bodies.named_users(body, "x")
    bodies.well_formed(body, "x", dict)
    bodies.pusher_is_allowed(body, ["x"])
    bodies.invited_in(body)


def test_named_users() -> None:
    """Users are the keys of a field that maps users."""
    assert bodies.named_users({"messages": {"@a:s": {}, "@b:s": {}}}, "messages") == [
        "@a:s",
        "@b:s",
    ]
    assert bodies.named_users({"messages": []}, "messages") is None
    assert bodies.named_users({"messages": {1: {}}}, "messages") is None
    assert bodies.named_users([], "messages") is None


def test_without() -> None:
    """Hidden users are taken out, the rest of the body stays."""
    body = {"messages": {"@a:s": 1, "@b:s": 2}, "other": 3}
    assert bodies.without(body, "messages", {"@a:s"}) == {"messages": {"@b:s": 2}, "other": 3}
    assert body["messages"] == {"@a:s": 1, "@b:s": 2}


@pytest.mark.parametrize(
    ("header", "origin"),
    [
        ('X-Matrix origin="a.example",key="k",sig="s"', "a.example"),
        ("X-Matrix origin=a.example,key=k,sig=s", "a.example"),
        ('X-Matrix destination="b",origin="a.example:8448",key="k",sig="s"', "a.example:8448"),
        ('x-matrix  key="k" , origin="a.example"', "a.example"),
        ("Bearer token", None),
        ("X-Matrix key=k", None),
    ],
)
def test_claimed_origins(header: str, origin: str | None) -> None:
    """The server a request says it is from, in every spelling of the header."""
    assert bodies.claimed_origins([header]) == ({origin} if origin else set())


@pytest.mark.parametrize(
    ("body", "allowed"),
    [
        ({"kind": None}, True),
        ({}, True),
        ([], True),
        ({"kind": "http", "data": {"url": "https://push.example/"}}, True),
        ({"kind": "http", "data": {"url": "https://evil.example/"}}, False),
        ({"kind": "http"}, False),
        ({"kind": "email", "data": {"url": "https://push.example/"}}, False),
    ],
)
def test_pushers(body: Any, allowed: bool) -> None:
    """Pushers go to listed gateways; removing one is always allowed."""
    assert bodies.pusher_is_allowed(body, {"https://push.example/"}) is allowed


def test_who_is_invited() -> None:
    """The invited user of /invite, version 1 and 2."""
    event = {"type": "m.room.member", "state_key": "@a:s"}
    assert bodies.invited_in(event) == "@a:s"
    assert bodies.invited_in({"event": event, "room_version": "12"}) == "@a:s"
    assert bodies.invited_in({"event": 7}) is None
    assert bodies.invited_in({"event": {"state_key": 7}}) is None


def test_well_formed() -> None:
    """A field maps users to values of one kind."""
    assert bodies.well_formed({"m": {"@a:s": {}}}, "m", dict)
    assert not bodies.well_formed({"m": {"@a:s": []}}, "m", dict)
    assert not bodies.well_formed({"m": 7}, "m", dict)
    assert not bodies.well_formed({}, "m", dict)
