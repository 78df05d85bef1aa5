"""Behind the pages of viewers: who comes in, what they are shown, what runs. `leads` has the hosts' pages.

Rights are asked of the register at each request, who asks the module; here is what runs: audiences, hands, the stage.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from attrs import define, evolve, field

from media.broadcast.desk.shown import Unable
from media.broadcast.hls.captions import MOST_CHARS
from media.broadcast.house import floor_json, refusing, showing
from media.broadcast.house.audience import Audience
from media.broadcast.house.floor_store import FloorStore
from media.broadcast.house.raised import Raised
from media.broadcast.house.schools import OtherSchools
from media.broadcast.house.signing import Signing
from media.broadcast.house.staging import Staging
from media.broadcast.house.talk import Talk
from media.broadcast.pages.asking import Asked, BadLine, Question
from media.broadcast.pages.heartbeat import Heartbeat
from media.broadcast.pages.shown import Broadcast as Shown
from media.broadcast.pages.shown import Figures, Phase, Refusal, Said, Seat
from media.broadcast.passes import NoPass
from media.broadcast.register import api
from media.broadcast.register.values import Broadcast, State
from media.broadcast.whip.ids import BroadcastId

logger = logging.getLogger(__name__)


async def nobody_calls(_account: str, _room_id: str) -> bool | None:
    """Where this process has no calls."""
    return False


@define
class Running:
    """What is known of one broadcast only while it runs."""

    audience: Audience = field(factory=Audience)
    hands: Raised = field(factory=Raised)
    talk: Talk = field(factory=Talk)


@define(eq=False, kw_only=True)
class BroadcastHouse:
    """Attributes:

    url: of this server, without a slash at the end.
    schools: other ones; None: there is no list of them.
    edges: their addresses.
    last_resort: a folder that needs nobody of ours to answer, by broadcast; "": none.
    at_once: broadcasts that may run at one time.
    may_call: whether the module lets an account into the call of a room; None: it does not answer.
    floors: where hands, questions and lines outlive this process; None: nowhere.
    elsewhere: addresses of other nodes of the school that have broadcasts.
    call_page: the address of the call of a room; "": there is no page of calls.
    wall: seconds since 1970. clock: seconds, never going back.
    counted: what happened, by word, for figures.
    """

    book: api.Book
    watchers: api.Watchers
    doors: api.Doors
    desk: api.Desk
    tell: api.Tell
    staging: Staging
    schools: OtherSchools | None = None
    signing: Signing
    url: str
    edges: tuple[str, ...] = ()
    last_resort: Callable[[str], str] = lambda _: ""
    at_once: int = 8
    may_call: Callable[[str, str], Awaitable[bool | None]] = nobody_calls
    call_page: Callable[[str], str] = lambda _: ""
    floors: FloorStore | None = None
    elsewhere: Callable[[], Sequence[str]] = tuple
    cookie: str = "sferum_desk"
    wall: Callable[[], float]
    clock: Callable[[], float]
    counted: Counter[str] = field(factory=Counter, init=False)
    delays: Callable[[float], None] = field(default=lambda _delay_s: None)
    _running: dict[BroadcastId, Running] = field(factory=dict, init=False)

    # --- viewers

    async def arrive(self, broadcast_id: str, cookies: Mapping[str, str]) -> str | Refusal:
        account = self.signing.account(cookies.get(self.cookie, ""), self.wall())
        if account is None:
            return self.refuse(Refusal.SIGNED_OUT)
        return await self._let_in(broadcast_id, account)

    async def enter(self, broadcast_id: str, openid: Mapping[str, object]) -> str | Refusal:
        account = await self.doors.by_openid(openid)
        if isinstance(account, api.No):
            return self.refuse(refusing.REFUSAL[account])
        return await self._let_in(broadcast_id, account)

    async def present(self, broadcast_id: str, ticket: str) -> str | Refusal:
        account = self.doors.by_ticket(ticket, broadcast_id)
        if isinstance(account, api.No):
            return self.refuse(refusing.REFUSAL[account])
        return await self._let_in(broadcast_id, account)

    async def look(self, broadcast_id: str, token: str) -> Seat | Refusal:
        given = self.signing.look(broadcast_id, token, self.wall())
        if isinstance(given, NoPass):
            return self.refuse(refusing.of_pass(given))
        found = await self.standing(broadcast_id, given.account)
        if isinstance(found, api.No):
            return self.refuse(refusing.REFUSAL[found])
        one, standing = found
        viewer = given.account
        running = self._running.get(one.id)
        edges = showing.sources(self.edges, token, one.id, viewer, self.last_resort(one.id))
        return Seat(
            viewer=viewer,
            token=token,
            broadcast=evolve(self.shown(one), sources=edges),
            host=standing.host,
            hand=running is not None and viewer in running.hands,
            may_ask=standing.ask,
            call=self._way_into_call(one, viewer),
        )

    def beat(self, seat: Seat, beat: Heartbeat) -> None:
        running = self._running.get(BroadcastId(seat.broadcast.id))
        if running is None:
            return
        self.counted["rebuffers"] += running.audience.beat(seat.viewer, beat, self.clock())
        self.counted["heartbeats"] += 1
        if beat.latency_s is not None:
            self.delays(beat.latency_s)

    def figures(self, seat: Seat) -> Figures:
        return self.figures_of(BroadcastId(seat.broadcast.id))

    async def raise_hand(self, seat: Seat, up: bool) -> bool:
        one = BroadcastId(seat.broadcast.id)
        running = self._running.get(one)
        if running is None or not seat.may_ask:
            return False
        if not running.hands.set(seat.viewer, up):
            return (seat.viewer in running.hands) == up
        self.counted["hands"] += up
        self.floor_changed(one)
        return self.tell.hand(seat.viewer, one, up)

    async def ask(self, seat: Seat, question: Question) -> Asked:
        """To the hosts' room, and onto their page, where one of them may show it to all."""
        one = BroadcastId(seat.broadcast.id)
        running = self._running.get(one)
        if running is None or not seat.may_ask:
            return Asked.LOST
        now = self.clock()
        if not running.talk.may_ask(seat.viewer, now):
            self.counted["questions_too_soon"] += 1
            return Asked.SOON
        if not self.tell.question(seat.viewer, one, question.text):
            return Asked.LOST
        self.counted["questions"] += 1
        running.talk.ask(seat.viewer, question.text, now)
        self.floor_changed(one)
        return Asked.ARRIVED

    # --- captions

    def may_type(self, seat: Seat, code: str) -> bool:
        """A host, or whoever has their code; what is typed all see, so not whoever may not ask (R17)."""
        one = self.book.get(BroadcastId(seat.broadcast.id))
        if one is None or not one.captions or not seat.may_ask:
            return False
        return seat.host or self.signing.may_type(one.id, one.captions, code)

    def typed(self, seat: Seat) -> Sequence[str]:
        running = self._running.get(BroadcastId(seat.broadcast.id))
        return () if running is None else tuple(running.talk.typed)

    def type(self, seat: Seat, code: str, line: str) -> BadLine | None:
        if not self.may_type(seat, code):
            return BadLine.NOT_YOURS
        one = BroadcastId(seat.broadcast.id)
        running = self._running.get(one)
        if running is None:
            return BadLine.NOT_NOW
        bad = self.staging.type(one, line)
        if bad is None:
            running.talk.typed.append(" ".join(line.split())[:MOST_CHARS])
            self.counted["captions"] += 1
            self.floor_changed(one)
        return bad

    async def start(self, seat: Seat) -> bool:
        """A press on the panel beside the video."""
        return await self.begin(seat.viewer, BroadcastId(seat.broadcast.id)) is None

    async def stop(self, seat: Seat) -> bool:
        return await self.finish(seat.viewer, BroadcastId(seat.broadcast.id)) is None

    # --- what runs

    async def begin(self, account: str, broadcast: BroadcastId) -> Unable | None:
        """Start it, by a host."""
        one = self.book.get(broadcast)
        if one is not None and not one.on_air and self.on_air() >= self.at_once:
            return Unable.BUSY
        started = await self.desk.start(account, broadcast)
        if isinstance(started, api.No):
            return refusing.UNABLE[started]
        if await self.go_on(started):
            return None
        await self.finish(account, broadcast)  # nobody waits before an empty stage
        return Unable.BUSY

    async def finish(self, account: str, broadcast: BroadcastId) -> Unable | None:
        """End it, by a host."""
        stopped = await self.desk.stop(account, broadcast)
        if isinstance(stopped, api.No):
            return refusing.UNABLE[stopped]
        self.over(stopped.id)
        return None

    async def go_on(self, one: Broadcast) -> bool:
        """What is on air by the register is produced: after its start, and after a start of this process."""
        running = self._running.get(one.id)
        if running is None:
            found = await self._left(one.id)
            running = self._running.setdefault(one.id, found)
        logger.info("a broadcast is on air broadcast=%s", one.id)
        self.counted["begun"] += 1
        if self.schools is not None:
            self.schools.resume(one)
        begun = await self.staging.begin(one)
        if one.captions:
            self.staging.caption(one)
        self.staging.repeat(one.id, running.talk.said)
        return begun

    async def _left(self, one: BroadcastId) -> Running:
        """What an earlier process knew of it."""
        first = int(self.wall() * 1000)
        text = None if self.floors is None else await self.floors.found(one)
        found = None if text is None else floor_json.read(text, first)
        if found is None:
            return Running(talk=Talk(first))
        return Running(talk=found[0], hands=found[1])

    def floor(self, one: BroadcastId) -> bytes | None:
        """Of one that runs, as it is kept; None: it does not."""
        running = self._running.get(one)
        return None if running is None else floor_json.written(running.talk, running.hands)

    def floor_changed(self, one: BroadcastId) -> None:
        """Of hands, questions or lines."""
        if self.floors is not None:
            self.floors.changed(one)

    def lines(self, one: str) -> Sequence[Said]:
        """What all see of one that runs, the oldest first."""
        running = self._running.get(BroadcastId(one))
        return () if running is None else running.talk.said

    def running(self, one: BroadcastId) -> Running | None:
        """What is known of one that runs."""
        return self._running.get(one)

    def over(self, one: BroadcastId) -> None:
        """It has ended, whoever said so."""
        if self.schools is not None:
            self.schools.leave(one)
        self.staging.end(one)
        if self._running.pop(one, None) is not None:
            logger.info("a broadcast is over broadcast=%s", one)
            self.counted["ended"] += 1
            self.floor_changed(one)

    # --- figures of the process

    def on_air(self) -> int:
        """Broadcasts that run now."""
        return sum(1 for one in self.book.all() if one.on_air)

    def audiences(self) -> Figures:
        """Of all broadcasts together: viewers, hands, and the share of stalled pictures."""
        all_of_them = [self.figures_of(one) for one in self._running]
        viewers = sum(one.viewers for one in all_of_them)
        stalled = sum(one.stalled * one.viewers for one in all_of_them)
        return Figures(
            viewers=viewers,
            stalled=stalled / viewers if viewers else 0.0,
            hands=sum(one.hands for one in all_of_them),
        )

    # --- inside

    async def _let_in(self, broadcast_id: str, account: str) -> str | Refusal:
        found = await self.standing(broadcast_id, account)
        if isinstance(found, api.No):
            return self.refuse(refusing.REFUSAL[found])
        self.counted["let_in"] += 1
        return self.signing.viewer(broadcast_id, account, self.wall())

    async def standing(
        self, broadcast_id: str, account: str
    ) -> tuple[Broadcast, api.Standing] | api.No:
        one = self.book.get(BroadcastId(broadcast_id))
        if one is None or one.state is State.DELETED:
            return api.No.NOT_FOUND
        standing = await self.watchers.standing(account, one.id)
        return standing if isinstance(standing, api.No) else (one, standing)

    def shown(self, one: Broadcast) -> Shown:
        """Where nothing can be watched yet it is interrupted: pages look again by themselves."""
        found = showing.broadcast(one)
        running = self._running.get(one.id)
        if running is not None:
            there = found.captions or self.staging.captioned(one.id)
            talk = running.talk
            found = evolve(found, captions=there, chat=talk.said, slow_s=talk.slow_s)
        if found.phase is Phase.LIVE and not self._opened(one.id):
            return evolve(found, phase=Phase.PAUSED)
        return found

    def _opened(self, one: BroadcastId) -> bool:
        """Whether there is something to watch: of our stage, or of another school's."""
        there = self.schools is not None and self.schools.now(one) == "live"
        return there or self.staging.seen(one).opened

    def _way_into_call(self, one: Broadcast, viewer: str) -> str:
        """For whom a host has invited, while the broadcast shows the call of its room."""
        running = self._running.get(one.id)
        if running is None or not running.hands.is_invited(viewer, self.clock()):
            return ""
        return self.call_page(one.audience.room_id) if self.staging.calls(one) else ""

    def figures_of(self, one: BroadcastId) -> Figures:
        running = self._running.get(one)
        if running is None:
            return Figures()
        return running.audience.figures(self.clock(), len(running.hands))

    def refuse(self, why: Refusal) -> Refusal:
        self.counted[f"refused_{why.value}"] += 1
        return why
