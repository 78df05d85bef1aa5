"""Who gets in, what they are told, what hosts start and end."""

from __future__ import annotations

import pytest
from attrs import evolve

from media.broadcast.desk.leading import Overview
from media.broadcast.desk.shown import Led, Recording, Unable
from media.broadcast.desk.wishing import Wish
from media.broadcast.house import showing
from media.broadcast.house.staging import OnStage
from media.broadcast.pages.asking import Asked, Question
from media.broadcast.pages.heartbeat import Heartbeat
from media.broadcast.pages.shown import Phase, Refusal, Seat
from media.broadcast.passes import LIVES_S
from media.broadcast.register import values
from media.broadcast.register.values import State
from tests.media.broadcast.house.world import (
    CONCERT,
    HOST,
    ID,
    PUPIL,
    STRANGER,
    YOUNG,
    World,
)

pytestmark = pytest.mark.asyncio
BEAT = Heartbeat(position_s=1.0, latency_s=2.0, rebuffers=1, level=360)


async def seat_of(world: World, account: str) -> Seat:
    token = await world.house.enter(ID, {"access_token": account})
    assert isinstance(token, str)
    found = await world.house.look(ID, token)
    assert isinstance(found, Seat)
    return found


async def test_the_door() -> None:
    """By Matrix, by the onboarding pages' ticket, by the cookie of this browser; everybody else is told why not."""
    world = World()
    house = world.house
    assert await house.arrive(ID, {}) is Refusal.SIGNED_OUT
    assert await house.enter(ID, {}) is Refusal.SIGNED_OUT
    assert await house.enter(ID, {"access_token": STRANGER}) is Refusal.OTHER_SCHOOL
    assert await house.enter("other", {"access_token": PUPIL}) is Refusal.NOT_FOUND
    assert await house.present(ID, f"other{PUPIL}") is Refusal.SIGNED_OUT
    cookie = await world.leads.proved({"access_token": PUPIL})
    assert isinstance(cookie, str)
    for token in (
        await house.present(ID, f"{ID}{PUPIL}"),
        await house.arrive(ID, {house.cookie: cookie}),
    ):
        assert isinstance(token, str)
        assert isinstance(await house.look(ID, token), Seat)
    world.register.away = True
    assert await house.arrive(ID, {house.cookie: cookie}) is Refusal.UNAVAILABLE


async def test_a_token_is_good_for_one_broadcast_and_four_hours() -> None:
    """The cookie opens no broadcast, a pass no desk; an old one is 410, a bad one 403, never "sign in"."""
    world = World()
    token = await world.house.enter(ID, {"access_token": PUPIL})
    cookie = await world.leads.proved({"access_token": PUPIL})
    assert isinstance(token, str)
    assert isinstance(cookie, str)
    assert await world.house.look(ID, cookie) is Refusal.OTHER_SCHOOL
    assert await world.house.look("other", token) is Refusal.OTHER_SCHOOL
    assert await world.house.look(ID, "x") is Refusal.OTHER_SCHOOL
    assert world.leads.account(token) is None
    assert world.leads.account(cookie) == PUPIL
    world.time.now += LIVES_S
    assert await world.house.look(ID, token) is Refusal.EXPIRED
    assert world.leads.account(cookie) is None


async def test_who_publishes() -> None:
    """The token of the camera's page opens this broadcast's stage; a viewer's opens none."""
    world = World()
    signing, now = world.house.signing, world.time.now
    token = world.leads.publishing(HOST, ID)
    assert signing.may_publish(ID, token, now)
    assert not signing.may_publish("other", token, now)
    assert not signing.may_publish(ID, signing.viewer(ID, HOST, now), now)
    assert not signing.may_publish(ID, token, now + LIVES_S)


async def test_from_start_to_end() -> None:
    """A start is produced and counted, heartbeats become figures, an end lets the stage go."""
    world = World()
    host, pupil = await seat_of(world, HOST), await seat_of(world, PUPIL)
    world.house.beat(pupil, BEAT)
    assert world.house.figures(host).viewers == 0  # nothing runs yet
    assert await world.house.start(host)
    assert (await seat_of(world, PUPIL)).broadcast.phase is Phase.LIVE
    world.house.beat(pupil, BEAT)
    assert world.house.figures(host).viewers == 1
    assert world.delays == [2.0]
    assert await world.house.raise_hand(pupil, True)
    assert await world.house.raise_hand(pupil, True)
    assert (await seat_of(world, PUPIL)).hand
    assert await world.house.ask(pupil, Question("Когда конец?")) is Asked.ARRIVED
    assert world.register.told == [f"{PUPIL} up", f"{PUPIL} asks Когда конец?"]
    assert world.house.audiences().hands == 1
    assert not await world.house.stop(pupil)
    assert await world.house.stop(host)
    assert world.stage.happened == [f"begin {ID}", f"end {ID}"]
    assert not await world.house.raise_hand(pupil, False)
    assert (await seat_of(world, PUPIL)).broadcast.phase is Phase.ENDED
    assert (world.house.on_air(), world.house.audiences().viewers) == (0, 0)


async def test_a_pupil_whom_no_parent_confirmed_watches_and_is_silent() -> None:
    """R17: neither a hand nor a question of theirs reaches anybody."""
    world = World()
    assert await world.leads.begin(HOST, ID) is None
    seat = await seat_of(world, YOUNG)
    assert not seat.may_ask
    assert await world.house.ask(seat, Question("?")) is Asked.LOST
    assert not await world.house.raise_hand(seat, True)
    assert world.register.told == []


async def test_no_more_than_this_server_bears() -> None:
    """Above the setting nothing starts; where the stage cannot begin it, the broadcast is over at once."""
    world = World()
    world.house = world.make(at_once=0)
    assert await world.leads.begin(HOST, ID) is Unable.BUSY
    assert world.register.one == CONCERT
    world.house = world.make()
    world.stage.full = True
    assert await world.leads.begin(HOST, ID) is Unable.BUSY
    assert world.register.one.state is State.ENDED


async def test_edges_share_the_load() -> None:
    """Each viewer has an order of their own, always the same; this server is the last resort."""
    world = World()
    edges = tuple(f"https://e{n}.test" for n in range(4))
    world.house = world.make(edges=edges)
    seat = await seat_of(world, PUPIL)
    sources = seat.broadcast.sources
    assert sources[-1] == ""
    assert sorted(sources[:-1]) == [f"{one}/live/{seat.token}/{ID}/" for one in edges]
    firsts = {showing.sources(edges, "t", ID, f"@v{n}:s")[0] for n in range(60)}
    assert len(firsts) == len(edges)
    assert showing.sources((), "t", ID, PUPIL) == ("",)


async def test_the_desk() -> None:
    """The list has what somebody may watch; only a host is offered a new one, keys, speakers, an end."""
    world = World()
    leads = world.leads
    made = await leads.make(HOST, Wish(title="Линейка"))
    assert made == ID
    assert await leads.make(PUPIL, Wish(title="Линейка")) is Unable.GONE
    listed = {}
    for account in (HOST, PUPIL, STRANGER):
        found = await leads.overview(account)
        assert isinstance(found, Overview)
        listed[account] = ([one.leads for one in found.listed], found.places is not None)
    assert listed == {HOST: ([True], True), PUPIL: ([False], False), STRANGER: ([], False)}
    assert await leads.new_key(HOST, ID) == "new"
    assert await leads.new_key(PUPIL, ID) is Unable.GONE
    assert await leads.led(PUPIL, ID) is Unable.NOT_HOST
    assert await leads.led(HOST, "other") is Unable.GONE
    world.stage.now = OnStage(publishers=2, notices=(("Звука нет.", "No sound."),))
    led = await leads.led(HOST, ID)
    assert isinstance(led, Led)
    assert (led.published, led.spare, led.notices) == (True, True, ())
    assert led.whip_url == "https://rtc.school.test/whip/concert"
    assert led.recording is Recording.WANTED
    assert await leads.show(HOST, ID, "a") is None
    assert await leads.show(HOST, ID, "b") is Unable.NO_CALL
    assert await leads.show(PUPIL, ID, "a") is Unable.NOT_HOST
    assert await leads.drop(HOST, ID) is None
    assert await leads.led(HOST, ID) is Unable.GONE


async def test_what_becomes_of_a_recording() -> None:
    """Wanted, running, being made, ready or lost, deleted: each is said."""
    one = evolve(CONCERT, recorded=True)
    live = evolve(one, state=State.LIVE)
    over = evolve(one, state=State.ENDED, ended_at=100.0)
    file = values.Recording(file="x.mp4", seconds=1.0, size=1, made_at=1.0, until=2.0)
    said = [
        showing.recording(found, now)
        for found, now in (
            (evolve(one, recorded=False), 0.0),
            (one, 0.0),
            (live, 0.0),
            (over, 101.0),
            (over, 100.0 + showing.MAKING_S),
            (evolve(over, recording=file), 101.0),
            (evolve(over, recording_deleted=True), 101.0),
        )
    ]
    assert said == [*list(Recording)[:4], Recording.LOST, Recording.READY, Recording.DELETED]
    assert showing.broadcast(evolve(over, recording=file)).recording == "recording.mp4"
    world = World()
    world.register.one = evolve(over, recording=file)
    assert await world.leads.delete(HOST, ID) is None
    assert await world.leads.delete(PUPIL, ID) is Unable.NOT_HOST
    led = await world.leads.led(HOST, ID)
    assert isinstance(led, Led)
    assert led.recording is Recording.DELETED
