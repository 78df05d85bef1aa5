"""The web resources that stand where Synapse's own would be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from re import Pattern
from typing import TYPE_CHECKING, Any

from synapse.module_api.errors import Codes, SynapseError
from twisted.web.resource import Resource

from synapse_sferum.guard.routes import CLOSED, OPEN, UNREACHABLE, Route, Surface
from synapse_sferum.metrics import DECISIONS
from synapse_sferum.policy import Deny
from synapse_sferum.private.routes import HttpServer, site_tag_of

if TYPE_CHECKING:
    from synapse.http.site import SynapseRequest

#: A servlet's method: takes the request and the parts of its path.
ServletCallback = Callable[..., Any]


async def closed(request: SynapseRequest, **arguments: str) -> tuple[int, Any]:
    """The answer of a closed route: the same for everybody and everything.

    Raises:
        SynapseError: always 403.
    """
    del request, arguments
    DECISIONS.labels(CLOSED, Deny.FORBIDDEN_ROUTE.value).inc()
    raise SynapseError(403, "Not available on this server", Codes.FORBIDDEN)


class GuardedRoutes:
    """Takes the routes that Synapse registers, and passes them on with the rule of each in front.

    Routes nobody has judged are collected in `unknown` and passed on to nobody.
    """

    def __init__(
        self,
        surface: Surface,
        rules: Mapping[Route, str],
        server: HttpServer,
        guarded: Callable[[str, ServletCallback], ServletCallback],
    ) -> None:
        self._surface = surface
        self._rules = rules
        self._server = server
        self._guarded = guarded
        self.unknown: list[Route] = []

    def register_paths(
        self,
        method: str,
        path_patterns: Iterable[Pattern[str]],
        callback: ServletCallback,
        servlet_classname: str,
    ) -> None:
        """Synapse's `HttpServer` interface."""
        for pattern in path_patterns:
            route = Route(self._surface, method, pattern.pattern)
            rule = self._rules.get(route)
            if rule is None:
                self.unknown.append(route)
            elif rule != UNREACHABLE:
                answer = self._with_rule(rule, callback)
                self._server.register_paths(method, (pattern,), answer, servlet_classname)

    def _with_rule(self, rule: str, callback: ServletCallback) -> ServletCallback:
        if rule == OPEN:
            return callback
        if rule == CLOSED:
            return closed
        return self._guarded(rule, callback)


class PerListener(Resource):
    """One API on all listeners of a process: what each may serve, and "no such thing" elsewhere."""

    def __init__(self, by_tag: Mapping[str, Resource], nothing: Resource) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Twisted has no types
        self._by_tag = by_tag
        self._nothing = nothing

    def getChildWithDefault(self, path: bytes, request: SynapseRequest) -> Resource:  # noqa: N802 - Twisted's name
        """Twisted's way to the resource that answers: the one of the request's listener.

        It is found, not called, because Twisted takes compression from the resource it found.
        """
        return self._by_tag.get(site_tag_of(request), self._nothing)

    def render(self, request: SynapseRequest) -> Any:
        """The bare prefix, without anything after it."""
        return self._nothing.render(request)  # type: ignore[no-untyped-call] # Twisted has no types
