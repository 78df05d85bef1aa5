"""One request between the guard and Synapse's servlet."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from attrs import frozen
from synapse.module_api import parse_json_object_from_request

from synapse_sferum.guard.resource import ServletCallback
from synapse_sferum.private.routes import hand_over_requester

if TYPE_CHECKING:
    from synapse.http.site import SynapseRequest

#: What a servlet returns: status and JSON, or None when it has written the answer itself.
Answer = tuple[int, Any] | None


@frozen(eq=False)
class Ask:
    """One request on its way to Synapse's servlet."""

    request: SynapseRequest
    arguments: dict[str, str]
    callback: ServletCallback

    async def pass_on(self) -> Answer:
        """Let Synapse answer."""
        hand_over_requester(self.request)
        answer = self.callback(self.request, **self.arguments)
        found: Answer = await answer if isawaitable(answer) else answer
        return found

    def body(self) -> dict[str, Any]:
        """The JSON body; it can still be read by Synapse afterwards.

        Raises:
            SynapseError: 400, the one that Synapse would give.
        """
        found = parse_json_object_from_request(self.request)
        assert self.request.content is not None
        self.request.content.seek(0)
        return found

    def replace_body(self, body: dict[str, Any]) -> None:
        """Make Synapse read another body."""
        self.request.content = BytesIO(json.dumps(body).encode())

    def query(self, name: bytes) -> list[str]:
        """Every value of a query parameter."""
        values = (self.request.args or {}).get(name, [])
        return [value.decode("utf-8", "replace") for value in values]


Rule = Callable[[Ask], Awaitable[Answer]]
