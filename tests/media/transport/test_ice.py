"""ICE-lite as a script: checks come in, routes are known, one is used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.transport.api import IceCredentials, Ignored
from media.transport.binding import Binding, read_binding
from media.transport.ice import MAX_ROUTES, Generation, IceLite
from tests.media.transport.raw_client import binding_request

OLD = IceCredentials("old1", "o" * 32)
NEW = IceCredentials("new1", "n" * 32)


def binding(local: IceCredentials, remote: str = "cli1", pwd: str | None = None) -> Binding:
    read = read_binding(binding_request(local, remote, pwd=pwd))
    assert isinstance(read, Binding)
    return read


def lite(remote: str | None = "cli1") -> IceLite[str]:
    return IceLite(created=0.0, current=Generation(OLD, remote))


def check(ice: IceLite[str], route: str, now: float, *, use: bool = False) -> str | None:
    """A verified check of the current generation; its sender answers ours at once."""
    forgotten = ice.accept(route, ice.current, use, now)
    ice.prove(route)
    return forgotten


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (binding(OLD), Generation(OLD, "cli1")),
        (binding(OLD, pwd="x" * 32), Ignored.FORGED),
        (binding(OLD, remote="other"), Ignored.UNKNOWN_UFRAG),
        (binding(NEW), Ignored.UNKNOWN_UFRAG),
    ],
)
def test_who_is_believed(asked: Binding, verdict: Generation | Ignored) -> None:
    """Our ufrag, the client's own and our password together, nothing less."""
    assert lite().verify(asked) == verdict


def test_before_the_answer_any_remote_ufrag_is_good() -> None:
    """A check can be faster than the answer that names the client's ufrag: the password proves that it read our SDP."""
    assert lite(None).verify(binding(OLD, remote="other")) == Generation(OLD)


def test_the_first_check_selects_and_use_candidate_moves() -> None:
    """Other checks select nothing; a nomination moves at once, and back."""
    ice = lite()
    check(ice, "wifi", 1.0)
    check(ice, "mobile", 2.0)
    assert ice.selected == "wifi"
    check(ice, "mobile", 3.0, use=True)
    assert ice.selected == "mobile"
    check(ice, "wifi", 4.0, use=True)
    assert ice.selected == "wifi"


def test_a_lost_route_is_replaced_by_the_freshest() -> None:
    """A TCP connection that breaks leaves the address that was checked last."""
    ice = lite()
    for at, route in enumerate(["tcp", "wifi", "mobile"]):
        check(ice, route, float(at))
    ice.forget("tcp")
    assert ice.selected == "mobile"
    assert ice.expire(40.0, 30.0) == ["wifi", "mobile"]
    assert ice.selected is None


def test_a_client_that_nominates_once_is_followed_when_its_nat_moves_it() -> None:
    """Firefox's consent checks name no address: the second one from elsewhere, in silence from before, moves media."""
    ice = lite()
    check(ice, "before", 0.0, use=True)
    check(ice, "before", 5.0)
    check(ice, "after", 10.5)
    assert ice.selected == "before"  # it may only have another way as well
    check(ice, "after", 16.0)
    assert ice.selected == "after"
    check(ice, "before", 17.0)
    assert ice.selected == "after"


def test_a_silent_address_is_not_left_for_one_that_never_answers() -> None:
    """A check whose source is forged moves nothing, however long the real one is silent."""
    ice = lite()
    check(ice, "wifi", 0.0, use=True)
    for at in (8.0, 12.0, 16.0):
        ice.accept("forged", ice.current, False, at)
    assert ice.selected == "wifi"


def test_silence_counts_from_the_last_check_of_any_route() -> None:
    """Before the first it counts from the beginning."""
    ice = lite()
    assert ice.silent_s(5.0) == 5.0
    check(ice, "wifi", 6.0)
    assert ice.silent_s(10.0) == 4.0


def test_a_restart_holds_the_old_until_the_new_is_used() -> None:
    """Checks of both are believed; the first new one ends the old and moves the route."""
    ice = lite()
    check(ice, "wifi", 1.0, use=True)
    assert ice.restart(NEW, "cli2") is None
    assert ice.ufrags() == {"old1", "new1"}
    before = ice.verify(binding(OLD))
    assert isinstance(before, Generation)
    ice.accept("wifi", before, True, 2.0)
    assert ice.ufrags() == {"old1", "new1"}
    assert ice.verify(binding(NEW, remote="cli1")) is Ignored.UNKNOWN_UFRAG
    after = ice.verify(binding(NEW, remote="cli2"))
    assert isinstance(after, Generation)
    ice.accept("mobile", after, False, 3.0)
    assert ice.selected == "wifi"  # nobody has answered from there yet
    ice.prove("mobile")
    assert ice.selected == "mobile"
    assert ice.ufrags() == {"new1"}
    assert ice.verify(binding(OLD)) is Ignored.UNKNOWN_UFRAG


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=60))
def test_a_client_of_many_addresses(checks: list[tuple[int, bool]]) -> None:
    """Never more than eight are kept, and the one in use is always among them."""
    ice = lite()
    for now, (number, use) in enumerate(checks):
        check(ice, f"r{number}", float(now), use=use)
        assert len(ice.routes()) <= MAX_ROUTES
        assert ice.selected in ice.routes()


def test_the_address_in_use_and_the_one_to_come_are_kept() -> None:
    """A flood of checks from elsewhere makes neither of them forgotten."""
    ice = lite()
    check(ice, "used", 0.0)
    ice.accept("named", ice.current, True, 0.1)
    for number in range(3 * MAX_ROUTES):
        check(ice, f"r{number}", 0.2 + number / 100)
    assert ice.selected == "used"
    assert {"used", "named"} <= set(ice.routes())
    ice.prove("named")
    assert ice.selected == "named"
