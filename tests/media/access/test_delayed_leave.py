"""Delayed leaves: a clock, what happens, and the calls that follow."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from media.access.claims import Leave
from media.access.delayed_leave import (
    AGAIN_S,
    CLAIM_S,
    GRACE_S,
    Action,
    Call,
    DelayedLeaves,
    Outcome,
)
from media.ids import Identity, ParticipantSid, RoomName

ROOM, ANN = RoomName("room"), Identity("ann")
KEY = (ROOM, ANN)
ONE, TWO = ParticipantSid("PA_1"), ParticipantSid("PA_2")
HOUR = Leave("syd_hour", 3_600_000)
OTHER = Leave("syd_other", 3_600_000)
RESTART, SEND = Call(KEY, "syd_hour", Action.RESTART), Call(KEY, "syd_hour", Action.SEND)


def connected(now: float = 0.0) -> DelayedLeaves:
    """Ann has entered with a token that names her leave, and the first restart was done."""
    leaves = DelayedLeaves()
    assert leaves.hand_over(ROOM, ANN, HOUR, now)
    leaves.connected(ROOM, ANN, ONE, HOUR, now)
    assert leaves.due(now) == [RESTART]
    leaves.answered(RESTART, Outcome.DONE, now)
    return leaves


def test_restarted_at_once_and_at_80_percent() -> None:
    """At entering, because the client may have set it long ago; then every 48 minutes of its hour."""
    leaves = connected()
    for at in (2880.0, 5760.0):
        assert leaves.next_wakeup() == at
        assert leaves.due(at - 1) == []
        assert leaves.due(at) == [RESTART]
        assert leaves.due(at) == []  # under way
        leaves.answered(RESTART, Outcome.DONE, at + 5)
    assert leaves.next_wakeup() == 8640.0  # counted from when it was asked


def test_sent_when_gone() -> None:
    """After a grace of seconds; then it is forgotten."""
    leaves = connected()
    leaves.disconnected(ROOM, ANN, ONE, 100.0)
    assert leaves.due(100.0) == []
    assert leaves.next_wakeup() == 100.0 + GRACE_S
    assert leaves.due(100.0 + GRACE_S) == [SEND]
    leaves.answered(SEND, Outcome.DONE, 104.0)
    assert (len(leaves), leaves.next_wakeup()) == (0, None)


def test_back_within_the_grace() -> None:
    """A client that connects anew with its token is restarted, not sent."""
    leaves = connected()
    leaves.disconnected(ROOM, ANN, ONE, 100.0)
    leaves.connected(ROOM, ANN, TWO, HOUR, 101.0)
    assert leaves.due(101.0) == [RESTART]
    assert leaves.due(110.0) == []


def test_an_old_connection_ends_after_the_new_one_began() -> None:
    """The same identity a second time replaces the first: nobody left."""
    leaves = connected()
    leaves.connected(ROOM, ANN, TWO, HOUR, 10.0)
    leaves.disconnected(ROOM, ANN, ONE, 11.0)
    assert leaves.due(20.0) == []
    leaves.disconnected(ROOM, ANN, TWO, 30.0)
    assert leaves.due(40.0) == [SEND]


def test_a_call_that_goes_on_at_another_node() -> None:
    """Whose call has moved is not sent out of it from here; other calls are looked after as before."""
    leaves = connected()
    there = RoomName("other")
    leaves.connected(there, ANN, TWO, OTHER, 10.0)
    leaves.forget(ROOM)
    leaves.disconnected(ROOM, ANN, ONE, 11.0)
    assert leaves.due(100.0) == [Call((there, ANN), "syd_other", Action.RESTART)]
    assert len(leaves) == 1


def test_a_restarted_process_knows_it_from_the_token() -> None:
    """Nothing was handed over here: the token is enough."""
    leaves = DelayedLeaves()
    leaves.connected(ROOM, ANN, ONE, HOUR, 0.0)
    assert leaves.due(0.0) == [RESTART]


def test_handed_over_while_connected() -> None:
    """`/delegate_delayed_leave`: restarted at once; what the token says is older, also after a resume."""
    leaves = connected()
    assert leaves.hand_over(ROOM, ANN, OTHER, 50.0)
    assert leaves.due(50.0) == [Call(KEY, "syd_other", Action.RESTART)]
    leaves.answered(Call(KEY, "syd_other", Action.RESTART), Outcome.DONE, 50.0)
    leaves.connected(ROOM, ANN, TWO, HOUR, 60.0)
    leaves.disconnected(ROOM, ANN, TWO, 70.0)
    assert leaves.due(80.0) == [Call(KEY, "syd_other", Action.SEND)]


def test_a_newer_token_replaces_an_older_one() -> None:
    """A client that asked for a token elsewhere brings a newer event; the answer to the older one is ignored."""
    leaves = connected()
    assert leaves.due(2880.0) == [RESTART]
    leaves.connected(ROOM, ANN, TWO, OTHER, 2881.0)
    leaves.answered(RESTART, Outcome.MISSING, 2882.0)
    assert leaves.due(2882.0) == [Call(KEY, "syd_other", Action.RESTART)]


def test_nobody_came() -> None:
    """A page that was closed right after it got its token must not stay in the call for an hour."""
    leaves = DelayedLeaves()
    leaves.hand_over(ROOM, ANN, HOUR, 0.0)
    assert leaves.due(CLAIM_S - 1) == []
    assert leaves.due(CLAIM_S) == [SEND]


def test_with_several_nodes_nobody_is_sent_away_unseen() -> None:
    """They may have come to another node: it is forgotten here."""
    leaves = DelayedLeaves(sends_unclaimed=False)
    leaves.hand_over(ROOM, ANN, HOUR, 0.0)
    assert leaves.due(CLAIM_S) == []
    assert len(leaves) == 0


def test_draining() -> None:
    """Clients that are told to go elsewhere have not left the call; who is here is still kept alive."""
    leaves = connected()
    leaves.draining = True
    assert leaves.due(2880.0) == [RESTART]
    leaves.answered(RESTART, Outcome.DONE, 2880.0)
    leaves.disconnected(ROOM, ANN, ONE, 2900.0)
    assert (len(leaves), leaves.next_wakeup()) == (0, None)


@pytest.mark.parametrize("outcome", [Outcome.MISSING, Outcome.REFUSED])
@pytest.mark.parametrize("gone", [False, True])
def test_no_second_try_where_none_helps(outcome: Outcome, gone: bool) -> None:
    """The client has said goodbye itself, or the homeserver will never do it."""
    leaves = connected()
    if gone:
        leaves.disconnected(ROOM, ANN, ONE, 100.0)
    (call,) = leaves.due(2880.0)
    leaves.answered(call, outcome, 2881.0)
    assert len(leaves) == 0


def test_a_homeserver_that_is_away() -> None:
    """Tried again after 1, 2, 5, 15, 60, 60 … seconds; after an hour it has sent the event itself."""
    leaves, now, waits = connected(), 2880.0, []
    while leaves.due(now):
        leaves.answered(RESTART, Outcome.LATER, now)
        wakeup = leaves.next_wakeup()
        if wakeup is None:
            break
        waits.append(wakeup - now)
        now = wakeup
    assert waits[:6] == [*AGAIN_S, 60.0]
    assert 3500 < now < 3600
    assert len(leaves) == 0


def test_it_says_how_long_to_wait() -> None:
    """A 429 with a longer time than ours is heeded."""
    leaves = connected()
    leaves.due(2880.0)
    leaves.answered(RESTART, Outcome.LATER, 2880.0, retry_after_s=20.0)
    assert leaves.next_wakeup() == 2900.0


def test_gone_while_a_restart_is_under_way() -> None:
    """The grace is not shortened by its answer, and the event is sent."""
    leaves = connected()
    assert leaves.due(2880.0) == [RESTART]
    leaves.disconnected(ROOM, ANN, ONE, 2881.0)
    leaves.answered(RESTART, Outcome.DONE, 2881.5)
    assert leaves.due(2882.0) == []
    assert leaves.due(2884.0) == [SEND]


def test_a_restarted_process_asks_again() -> None:
    """What it knows from the token alone is kept while the homeserver is away, to the end of the leave's hour."""
    leaves = DelayedLeaves()
    leaves.connected(ROOM, ANN, ONE, HOUR, 0.0)
    assert leaves.due(0.0) == [RESTART]
    leaves.answered(RESTART, Outcome.LATER, 8.0)
    assert leaves.due(8.0 + AGAIN_S[0]) == [RESTART]


@pytest.mark.parametrize("outcome", Outcome)
def test_an_answer_that_comes_too_late(outcome: Outcome) -> None:
    """The call went to another node, or this process drains, while the homeserver was asked: nothing follows."""
    moved, drained = connected(), connected()
    assert moved.due(2880.0) == drained.due(2880.0) == [RESTART]
    moved.forget(ROOM)
    drained.draining = True
    drained.disconnected(ROOM, ANN, ONE, 2881.0)
    for leaves in (moved, drained):
        leaves.answered(RESTART, outcome, 2882.0)
        assert (len(leaves), leaves.next_wakeup()) == (0, None)


def test_bounded() -> None:
    """One too many is refused; who is known is not, and those with a token are simply not looked after."""
    leaves = DelayedLeaves(most=2)
    assert leaves.hand_over(ROOM, ANN, HOUR, 0.0)
    assert leaves.hand_over(ROOM, Identity("bob"), HOUR, 0.0)
    assert not leaves.hand_over(ROOM, Identity("eve"), HOUR, 0.0)
    leaves.connected(ROOM, Identity("eve"), TWO, HOUR, 0.0)
    assert leaves.hand_over(ROOM, ANN, OTHER, 1.0)
    assert len(leaves) == 2


class AnyStory(RuleBasedStateMachine):
    """One person, two connections, two delayed events."""

    def __init__(self) -> None:
        super().__init__()
        self.leaves, self.now = DelayedLeaves(), 0.0
        self.here: ParticipantSid | None = None
        self.under_way: list[tuple[Call, ParticipantSid | None]] = []

    @rule(seconds=st.sampled_from([0.5, 5.0, 200.0, 3000.0]))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds

    @rule(leave=st.sampled_from([HOUR, OTHER]))
    def handed_over(self, leave: Leave) -> None:
        assert self.leaves.hand_over(ROOM, ANN, leave, self.now)

    @rule(sid=st.sampled_from([ONE, TWO]), leave=st.sampled_from([None, HOUR, OTHER]))
    def enters(self, sid: ParticipantSid, leave: Leave | None) -> None:
        self.leaves.connected(ROOM, ANN, sid, leave, self.now)
        self.here = sid

    @rule(sid=st.sampled_from([ONE, TWO]))
    def goes(self, sid: ParticipantSid) -> None:
        self.leaves.disconnected(ROOM, ANN, sid, self.now)
        self.here = None if sid == self.here else self.here

    @rule()
    def looks(self) -> None:
        for call in self.leaves.due(self.now):
            assert (call.action is Action.RESTART) == (self.here is not None)
            self.under_way.append((call, self.here))

    @precondition(lambda self: self.under_way)
    @rule(outcome=st.sampled_from(list(Outcome)))
    def hears(self, outcome: Outcome) -> None:
        self.leaves.answered(self.under_way.pop(0)[0], outcome, self.now)

    @invariant()
    def bounded(self) -> None:
        assert len(self.leaves) <= 1
        wakeup = self.leaves.next_wakeup()
        assert wakeup is None or wakeup < self.now + 3600


def test_any_story() -> None:
    """Whatever happens in whatever order: one event, one call at a time, nobody who is here is sent away."""
    run_state_machine_as_test(AnyStory)
