"""What viewers ask, what hosts show to all, who comes into the call, who types captions."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.desk.leading import FloorAct
from media.broadcast.desk.shown import Floor, Led, Unable
from media.broadcast.house.raised import INVITED_S, Raised
from media.broadcast.house.signing import CODE_DIGITS, Signing
from media.broadcast.house.talk import MOST_SAID, MOST_WAITING, Talk
from media.broadcast.pages.asking import Asked, BadLine, Question
from media.broadcast.pages.shown import Said
from media.broadcast.register.values import Audience
from tests.media.broadcast.house.test_house import seat_of
from tests.media.broadcast.house.world import CONCERT, HOST, ID, PUPIL, YOUNG, World

ROOM = Audience(org_id="school", school="Школа № 1", room_id="!5a:s", kind="class", name="5А")
FIRST = 1_000_000


async def running(*, of_class: bool = False) -> World:
    """A broadcast that is on air; of a class with a call, if so wished."""
    world = World()
    if of_class:
        world.register.one = evolve(CONCERT, audience=ROOM)
    assert await world.leads.begin(HOST, ID) is None
    return world


async def floor(world: World) -> Floor:
    found = await world.leads.floor(HOST, ID)
    assert isinstance(found, Floor)
    return found


async def test_a_question_is_shown_to_all_without_a_name() -> None:
    """Until a host shows it only hosts see it; then everybody does; taken back nobody does."""
    world = await running()
    pupil = await seat_of(world, PUPIL)
    assert await world.house.ask(pupil, Question("Когда конец?")) is Asked.ARRIVED
    (one,) = (await floor(world)).questions
    assert (one.name, one.text) == ("Иванова Анна", "Когда конец?")
    assert (await seat_of(world, PUPIL)).broadcast.chat == ()
    assert await world.leads.moderate(HOST, ID, FloorAct.SHOW, one.number, "") is None
    said = Said(one.number, "Когда конец?")
    assert world.stage.posted == [said]
    assert (await seat_of(world, PUPIL)).broadcast.chat == (said,)
    again = await world.leads.moderate(HOST, ID, FloorAct.SHOW, one.number, "")
    assert again is Unable.HAND_DOWN
    assert await world.leads.moderate(HOST, ID, FloorAct.TAKE_BACK, one.number, "") is None
    assert world.stage.posted[1:] == [Said(one.number, "")]
    assert (await floor(world)).said == ()
    assert await world.leads.moderate(HOST, ID, FloorAct.SAY, -1, " В  восемь ") is None
    assert [(line.text, line.host) for line in (await floor(world)).said] == [("В восемь", True)]
    assert await world.leads.moderate(HOST, ID, FloorAct.SAY, -1, " ") is Unable.EMPTY_LINE
    assert await world.leads.moderate(PUPIL, ID, FloorAct.SAY, -1, "x") is Unable.NOT_HOST
    assert await world.leads.floor(PUPIL, ID) is Unable.NOT_HOST


async def test_what_cannot_be_shown_now_still_waits() -> None:
    """Where too much comes at once a question stays with the hosts; what all see can be taken back even then."""
    world = await running()
    assert await world.house.ask(await seat_of(world, PUPIL), Question("x")) is Asked.ARRIVED
    assert await world.leads.moderate(HOST, ID, FloorAct.SAY, -1, "Начинаем") is None
    (one,), (line,) = (await floor(world)).questions, (await floor(world)).said
    world.stage.deaf = True
    for act in (FloorAct.SAY, FloorAct.SHOW):
        done = await world.leads.moderate(HOST, ID, act, one.number, "x")
        assert done is Unable.UNAVAILABLE
    assert (await floor(world)).questions == (one,)
    assert (await floor(world)).said == (line,)
    assert await world.leads.moderate(HOST, ID, FloorAct.TAKE_BACK, line.id, "") is None
    assert world.stage.posted[-1] == Said(line.id, "")


async def test_hosts_set_the_pace() -> None:
    """Whoever asked waits as long as the hosts said; others need not, and a pace that was not offered is none."""
    world = await running()
    assert await world.leads.moderate(HOST, ID, FloorAct.SLOW, 30, "") is None
    assert await world.leads.moderate(HOST, ID, FloorAct.SLOW, 31, "") is Unable.GONE
    pupil, host = await seat_of(world, PUPIL), await seat_of(world, HOST)
    assert pupil.broadcast.slow_s == 30
    answers = [await world.house.ask(pupil, Question("x")) for _ in range(2)]
    assert answers == [Asked.ARRIVED, Asked.SOON]
    assert await world.house.ask(host, Question("x")) is Asked.ARRIVED
    world.time.now += 30
    assert await world.house.ask(pupil, Question("x")) is Asked.ARRIVED
    (one, *_) = (await floor(world)).questions
    assert await world.leads.moderate(HOST, ID, FloorAct.PUT_AWAY, one.number, "") is None
    assert (await floor(world)).all_questions == 2


async def test_who_is_invited_into_the_call() -> None:
    """Only while a call is shown, only whoever the module lets into that call; the link is on their page alone."""
    world = await running(of_class=True)
    pupil = await seat_of(world, PUPIL)
    assert await world.house.raise_hand(pupil, True)
    (hand,) = (await floor(world)).hands

    async def invite(number: int) -> Unable | None:
        return await world.leads.moderate(HOST, ID, FloorAct.INVITE, number, "")

    assert await invite(hand.number) is Unable.NOT_CALLING
    world.stage.calling = True
    assert await invite(hand.number) is Unable.NOT_IN_ROOM
    world.members = None
    assert await invite(hand.number) is Unable.UNAVAILABLE
    world.members = {PUPIL}
    assert await invite(hand.number + 1) is Unable.HAND_DOWN
    assert await invite(hand.number) is None
    assert (await floor(world)).hands[0].invited
    assert (await seat_of(world, PUPIL)).call == "/room#?roomId=!5a:s"
    assert (await seat_of(world, HOST)).call == ""
    world.stage.calling = False
    assert (await seat_of(world, PUPIL)).call == ""
    world.stage.calling = True
    world.time.now += INVITED_S
    assert (await seat_of(world, PUPIL)).call == ""
    assert await invite(hand.number) is None
    assert await world.leads.moderate(HOST, ID, FloorAct.LOWER, hand.number, "") is None
    assert (await seat_of(world, PUPIL)).call == ""
    assert world.register.told == [f"{PUPIL} up", f"{PUPIL} down"]


async def test_a_broadcast_for_the_school_has_no_call() -> None:
    """Nobody is invited into a room that they are not asked about."""
    world = await running()
    world.stage.calling, world.members = True, {PUPIL}
    assert await world.house.raise_hand(await seat_of(world, PUPIL), True)
    (hand,) = (await floor(world)).hands
    done = await world.leads.moderate(HOST, ID, FloorAct.INVITE, hand.number, "")
    assert done is Unable.NOT_CALLING


async def test_who_types_captions() -> None:
    """Hosts, and whoever has today's code; not a pupil whom no parent confirmed (R17), nor by the code of before."""
    world = await running()
    host, pupil = await seat_of(world, HOST), await seat_of(world, PUPIL)
    assert not world.house.may_type(host, "")
    assert await world.leads.let_type(PUPIL, ID) is Unable.GONE
    assert await world.leads.let_type(HOST, ID) is None
    led = await world.leads.led(HOST, ID)
    assert isinstance(led, Led)
    code = led.captions_code
    assert world.stage.happened[-1] == "caption 1"
    assert (await seat_of(world, PUPIL)).broadcast.captions
    assert world.house.type(pupil, code, "Добрый  вечер") is None
    assert world.house.type(host, "", "Начинаем") is None
    assert world.house.type(pupil, code, " ") is BadLine.EMPTY
    assert world.house.typed(pupil) == ("Добрый вечер", "Начинаем")
    assert world.house.type(pupil, "", "x") is BadLine.NOT_YOURS
    assert not world.house.may_type(await seat_of(world, YOUNG), code)
    assert await world.leads.let_type(HOST, ID) is None
    assert world.house.type(pupil, code, "x") is BadLine.NOT_YOURS
    assert await world.leads.finish(HOST, ID) is None
    assert world.house.type(host, "", "x") is BadLine.NOT_NOW


async def test_captions_of_another_school() -> None:
    """Viewers are told that there are some; nobody here types them."""
    world = await running()
    assert not (await seat_of(world, PUPIL)).broadcast.captions
    world.stage.spoken = True
    seen = (await seat_of(world, PUPIL)).broadcast
    assert (seen.captions, seen.typists) == (True, False)


async def test_captions_go_on_after_a_restart() -> None:
    """What the register has is told to the stage again."""
    world = World()
    assert await world.leads.let_type(HOST, ID) is None
    assert world.stage.happened == []
    assert await world.leads.begin(HOST, ID) is None
    assert world.stage.happened == [f"begin {ID}", "caption 1"]


def test_a_code() -> None:
    """Ten digits of this broadcast and this turn; an older key's is good, another key's is not."""
    signing = Signing([b"n" * 32, b"o" * 32])
    code = signing.captions_code(ID, 1)
    assert len(code) == CODE_DIGITS
    assert code.isdigit()
    assert signing.may_type(ID, 1, code)
    assert signing.may_type(ID, 1, Signing([b"o" * 32]).captions_code(ID, 1))
    for broadcast, turn, given_code in (
        ("other", 1, code),
        (ID, 2, code),
        (ID, 1, ""),
        (ID, 1, code + "0"),
        (ID, 1, Signing([b"x" * 32]).captions_code(ID, 1)),
        (ID, 1, "ё" * 10),
        (ID, 1, "\ud800" * 10),
    ):
        assert not signing.may_type(broadcast, turn, given_code)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30))
def test_hands_have_numbers_that_mean_one_raise(steps: list[tuple[str, bool]]) -> None:
    """In the order they went up; a number that was lowered means nobody, not who raised the hand again."""
    hands = Raised()
    up: list[str] = []
    numbers: dict[int, str] = {}
    for viewer, raises in steps:
        hands.set(viewer, raises)
        up = [one for one in up if one != viewer or raises]
        if raises and viewer not in up:
            up.append(viewer)
        listed = hands.first(9)
        assert [one for _, one in listed] == up
        for number, one in listed:
            assert numbers.setdefault(number, one) == one
            assert hands.of(number) == one
        for number in numbers.keys() - {one for one, _ in listed}:
            assert hands.of(number) is None


def test_an_invitation_ends_with_the_hand() -> None:
    """And after five minutes; whoever has no hand up is not invited."""
    hands = Raised()
    hands.invite("a", 0.0)
    assert not hands.is_invited("a", 1.0)
    hands.set("a", True)
    hands.invite("a", 0.0)
    assert hands.is_invited("a", INVITED_S - 1)
    assert not hands.is_invited("a", INVITED_S)
    hands.invite("a", 0.0)
    hands.set("a", False)
    hands.set("a", True)
    assert not hands.is_invited("a", 1.0)


ACTS = st.lists(
    st.tuples(st.sampled_from(["ask", "show", "away", "back", "say"]), st.integers(0, 20)),
    max_size=60,
)


@given(ACTS)
def test_a_line_is_in_one_place(acts: list[tuple[str, int]]) -> None:
    """Whatever hosts press: it waits, or all see it, or it is gone; numbers are never given out twice."""
    talk = Talk(FIRST)
    numbers: set[int] = set()
    for act, which in acts:
        waiting, said = talk.waiting(99), talk.said
        if act == "ask":
            talk.ask("v", "x", 0.0)
        elif act == "say":
            assert talk.say("x").id not in numbers
        elif act == "back":
            assert talk.take_back(FIRST + which) == any(one.id == FIRST + which for one in said)
        else:
            there = any(one.number == FIRST + which for one in waiting)
            done = talk.show(FIRST + which) if act == "show" else talk.put_away(FIRST + which)
            assert bool(done) == there
        now = [one.number for one in talk.waiting(99)] + [one.id for one in talk.said]
        assert len(now) == len(set(now))
        numbers |= set(now)
    assert all(one > FIRST for one in numbers)


@pytest.mark.parametrize("say", [True, False])
def test_what_is_kept_is_bounded(say: bool) -> None:
    """The oldest goes."""
    talk = Talk()
    for _ in range(2 * MOST_WAITING):
        if say:
            talk.say("x")
        else:
            talk.ask("v", "x", 0.0)
    assert len(talk.said) == (MOST_SAID if say else 0)
    assert len(talk) == (0 if say else MOST_WAITING)
