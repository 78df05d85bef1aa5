"""A register and a stage of the tests, in memory; and a house before them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from attrs import Factory, define, evolve

from media.broadcast.desk.shown import Speaker, Unable
from media.broadcast.house.floor_store import FloorStore
from media.broadcast.house.house import BroadcastHouse
from media.broadcast.house.leads import Leads
from media.broadcast.house.signing import Signing
from media.broadcast.house.staging import OnStage
from media.broadcast.pages.asking import BadLine
from media.broadcast.pages.shown import Said
from media.broadcast.register.api import Made, No, Standing
from media.broadcast.register.values import (
    Audience,
    BadWish,
    Broadcast,
    State,
    Wish,
    moved,
)
from media.broadcast.whip.ids import BroadcastId

ID = BroadcastId("concert")
SCHOOL = Audience(org_id="school", school="Школа № 1", name="Школа № 1")
CONCERT = Broadcast(
    id=ID, audience=SCHOOL, title="Концерт", made_by="@host:s", made_at=0.0, key_digest=b"k" * 32
)
HOST, PUPIL, YOUNG, STRANGER = "@host:s", "@pupil:s", "@young:s", "@other:else"
STANDING: Mapping[str, Standing] = {
    HOST: Standing(ask=True, host=True, keeper=True),
    PUPIL: Standing(ask=True),
    YOUNG: Standing(),
}


@define
class Register:
    """`Book`, `Watchers`, `Doors`, `Desk` and `Tell` of `register.api`. `away`: the school's server does not answer."""

    one: Broadcast = CONCERT
    away: bool = False
    told: list[str] = Factory(list)

    def get(self, broadcast: BroadcastId) -> Broadcast | None:
        return self.one if broadcast == self.one.id else None

    def all(self) -> Sequence[Broadcast]:
        return () if self.one.state is State.DELETED else (self.one,)

    async def moved(self, broadcast: BroadcastId, to: State) -> Broadcast | No:
        found = moved(self.one, to, 0.0) if broadcast == self.one.id else None
        if found is None:
            return No.CONFLICT
        self.one = found
        return found

    async def standing(self, account: str, broadcast: BroadcastId) -> Standing | No:
        if self.away:
            return No.UNAVAILABLE
        return STANDING.get(account, No.NOT_YOURS)

    async def may_watch(self, account: str, broadcast: BroadcastId) -> bool:
        return account in STANDING

    async def by_openid(self, openid: Mapping[str, object]) -> str | No:
        found = openid.get("access_token")
        return found if isinstance(found, str) and found.startswith("@") else No.SIGNED_OUT

    def by_ticket(self, ticket: str, to: str) -> str | No:
        return ticket.removeprefix(to) if ticket.startswith(f"{to}@") else No.SIGNED_OUT

    async def audiences(self, account: str) -> tuple[Audience, ...] | No:
        return (SCHOOL,) if account == HOST else No.NOT_FOUND

    async def mine(self, account: str) -> tuple[Broadcast, ...] | No:
        return (self.one,) if account == HOST else No.NOT_FOUND

    async def make(self, account: str, wish: Wish) -> Made | BadWish | No:
        if account != HOST:
            return No.NOT_FOUND
        self.one = evolve(CONCERT, title=wish.title, begins_at=wish.begins_at)
        return Made(broadcast=self.one, key="key")

    async def new_key(self, account: str, broadcast: BroadcastId) -> Made | No:
        return Made(broadcast=self.one, key="new") if account == HOST else No.NOT_FOUND

    async def let_type(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        if account != HOST:
            return No.NOT_FOUND
        self.one = evolve(self.one, captions=self.one.captions + 1)
        return self.one

    async def start(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        return await self._go(account, broadcast, State.LIVE)

    async def stop(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        return await self._go(account, broadcast, State.ENDED)

    async def call_off(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        return await self._go(account, broadcast, State.DELETED)

    async def delete_recording(self, account: str, broadcast: BroadcastId) -> Broadcast | No:
        if account != HOST:
            return No.NOT_YOURS
        self.one = evolve(self.one, recording=None, recording_deleted=True)
        return self.one

    async def _go(self, account: str, broadcast: BroadcastId, to: State) -> Broadcast | No:
        return await self.moved(broadcast, to) if account == HOST else No.NOT_FOUND

    def question(self, account: str, broadcast: BroadcastId, text: str) -> bool:
        self.told.append(f"{account} asks {text}")
        return True

    def hand(self, account: str, broadcast: BroadcastId, up: bool) -> bool:
        self.told.append(f"{account} {'up' if up else 'down'}")
        return True


@define
class Stage:
    """`full`: this node bears no more."""

    full: bool = False
    now: OnStage = Factory(lambda: OnStage(opened=True))
    calling: bool = False
    deaf: bool = False
    spoken: bool = False
    posted: list[Said] = Factory(list)
    happened: list[str] = Factory(list)

    async def begin(self, broadcast: Broadcast) -> bool:
        self.happened.append(f"begin {broadcast.id}")
        return not self.full

    def end(self, broadcast: BroadcastId) -> None:
        self.happened.append(f"end {broadcast}")

    def seen(self, broadcast: BroadcastId) -> OnStage:
        return self.now

    async def speakers(self, broadcast: Broadcast) -> Sequence[Speaker]:
        return (Speaker("a", "Анна"),)

    async def names(self, accounts: Collection[str]) -> Mapping[str, str]:
        return {PUPIL: "Иванова Анна"}

    def calls(self, broadcast: Broadcast) -> bool:
        return self.calling

    def caption(self, broadcast: Broadcast) -> None:
        self.happened.append(f"caption {broadcast.captions}")

    def captioned(self, broadcast: BroadcastId) -> bool:
        return self.spoken

    def type(self, broadcast: BroadcastId, line: str) -> BadLine | None:
        if not line.strip():
            return BadLine.EMPTY
        self.happened.append(f"type {line}")
        return None

    def post(self, broadcast: BroadcastId, said: Said) -> None:
        self.posted.append(said)

    def takes_lines(self, broadcast: BroadcastId) -> bool:
        return not self.deaf

    def repeat(self, broadcast: BroadcastId, lines: Sequence[Said]) -> None:
        self.posted += lines

    def show(self, broadcast: Broadcast, account: str, speaker: str) -> Unable | None:
        self.happened.append(f"show {speaker}")
        return None if speaker == "a" else Unable.NO_CALL


@define
class Time:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@define
class World:
    register: Register = Factory(Register)
    stage: Stage = Factory(Stage)
    time: Time = Factory(Time)
    members: set[str] | None = Factory(set)
    delays: list[float] = Factory(list)
    floors: FloorStore | None = None
    house: BroadcastHouse = Factory(lambda self: self.make(), takes_self=True)

    @property
    def leads(self) -> Leads:
        return Leads(self.house)

    def make(self, edges: tuple[str, ...] = (), at_once: int = 8) -> BroadcastHouse:
        return BroadcastHouse(
            book=self.register,
            watchers=self.register,
            doors=self.register,
            desk=self.register,
            tell=self.register,
            staging=self.stage,
            signing=Signing([b"p" * 32]),
            url="https://rtc.school.test",
            edges=edges,
            at_once=at_once,
            wall=self.time,
            clock=self.time,
            delays=self.delays.append,
            may_call=self.may_call,
            floors=self.floors,
            call_page=lambda room_id: f"/room#?roomId={room_id}" if room_id else "",
        )

    async def may_call(self, account: str, room_id: str) -> bool | None:
        return None if self.members is None else account in self.members
