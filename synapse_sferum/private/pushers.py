"""Quiet hours (R49): pushes are held where they are sent, so that nothing of delivery changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from synapse.module_api import EventBase, ModuleApi
from synapse.push import PusherConfig
from synapse.push.httppusher import HttpPusher
from synapse.util.duration import Duration

if TYPE_CHECKING:
    from synapse.server import HomeServer
    from synapse.storage.databases.main.event_push_actions import HttpPushAction

#: Seconds after which a held pusher looks again, in case the rules have been changed; and where a gateway was away.
_LOOK_AGAIN_S, _TRY_AGAIN_S = 900, 60
#: Messages of one look. Synapse's own 20 are the oldest ones: what is urgent is often the twenty-first.
_MOST_WAITING = 10_000
#: Urgent messages that are remembered as sent already, of one device.
_MOST_AHEAD = 100


class HeldPusher(HttpPusher):
    """A device's pusher that waits while it is quiet for its owner.

    What waits stays in Synapse's own table, so a restart loses nothing. When the quiet ends one push goes out, of the
    newest message that is still unread, with the number of all; a night's forty do not ring one after the other.
    """

    def __init__(self, hs: HomeServer, config: PusherConfig, holding: Holding) -> None:
        super().__init__(hs, config)
        self._holding = holding
        # After a start it is not known whether something was held: a backlog is taken as one.
        self._held = True
        self._ahead: list[str] = []
        self._looked_at = self.last_stream_ordering
        self._ended = False

    def on_stop(self) -> None:
        """The device is gone, or the server stops."""
        self._ended = True
        super().on_stop()

    async def _unsafe_process(self) -> None:
        until_ms = await self._holding.until_ms(self.user_id)
        if until_ms is None:
            if self._held:
                await self._send_the_newest()
            await super()._unsafe_process()
            return
        self._held = True
        sent = await self._send_the_urgent()
        failing = bool(self.failing_since) or not sent
        self._wake(until_ms, _TRY_AGAIN_S if failing else _LOOK_AGAIN_S)

    async def _send_the_urgent(self) -> bool:
        """What passes goes ahead; each message is looked at once. False: the gateway was away."""
        for action in await self._waiting(max(self._looked_at, self.last_stream_ordering)):
            event = await self.store.get_event(action.event_id, allow_none=True)
            if event is not None and await self._holding.passes(event):
                if not await self._process_one(action):
                    return False
                self._ahead = [*self._ahead[1 - _MOST_AHEAD :], action.event_id]
            self._looked_at = action.stream_ordering
        return True

    async def _waiting(self, after: int) -> list[HttpPushAction]:
        found = await self.store.get_unread_push_actions_for_user_in_range_for_http(
            self.user_id, after, self.max_stream_ordering, _MOST_WAITING
        )
        return [action for action in found if action.event_id not in self._ahead]

    async def _send_the_newest(self) -> None:
        """After a hold: one push for all that waited; what went ahead does not go again."""
        until = self.max_stream_ordering
        waiting = [
            action
            for action in await self._waiting(self.last_stream_ordering)
            if action.stream_ordering <= until
        ]
        self._held = False
        if len(waiting) < 2 and not self._ahead:
            return  # nothing to leave out: Synapse's own way, which tries again when the gateway is away
        sent = not waiting or await self._process_one(waiting[-1])
        self._ahead = []
        self.last_stream_ordering = until if sent else waiting[-1].stream_ordering - 1
        await self.store.update_pusher_last_stream_ordering(
            self.app_id, self.pushkey, self.user_id, self.last_stream_ordering
        )

    def _wake(self, until_ms: int, most_s: int) -> None:
        waking: Any = self.timed_call  # Twisted types `active` without its `self`
        if waking is not None and waking.active():
            waking.cancel()
        if not self._ended:
            seconds = min(max((until_ms - self.clock.time_msec()) / 1000, 1), most_s)
            waking = self.hs.get_clock().call_later(Duration(seconds=seconds), self.on_timer)
            self.timed_call = waking


class Holding(Protocol):
    """What a pusher asks."""

    async def until_ms(self, user_id: str) -> int | None:
        """Until when it is quiet for somebody, milliseconds since 1970; None: it is not."""

    async def passes(self, event: EventBase) -> bool:
        """Whether this message is sent all the same."""


def hold_pushes(api: ModuleApi, holding: Holding) -> None:
    """From now on, pushers of this process ask first. Call before Synapse starts them."""
    types = api._hs.get_pusherpool().pusher_factory.pusher_types
    types["http"] = lambda hs, config: HeldPusher(hs, config, holding)
