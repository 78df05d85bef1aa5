"""Keeping the register in force: what a school holds after each answer of its district, in tables and on its disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import define, field
from prometheus_client import REGISTRY
from synapse.module_api import ModuleApi

from synapse_sferum import schema
from synapse_sferum.config import Config
from synapse_sferum.district import rows
from synapse_sferum.district.cache_file import CacheFile
from synapse_sferum.district.canonical import LARGEST
from synapse_sferum.district.fetching import BODY_S, Answer
from synapse_sferum.district.keeping import RegisterKeeper, wait_s
from synapse_sferum.district.refusals import BadRegister, RegisterRefusal
from synapse_sferum.district.settings import DistrictSettings
from synapse_sferum.district.whitelist import FollowedWhitelist
from synapse_sferum.facts import Facts
from tests.support import databases
from tests.support.databases import Database
from tests.synapse_sferum.district_values import (
    DISTRICT,
    MONTH_S,
    NEIGHBOUR,
    NOW_S,
    OWN,
    THIRD,
    anchor,
    b64,
    data,
    document,
    key,
    school,
    signed,
)


@define(eq=False)
class World:
    """A school whose district answers what the test puts into `answers`."""

    database: Database
    cache_path: Path
    now_s: int = NOW_S
    answers: list[bytes | BadRegister | None] = field(factory=list)
    asked_with: list[str] = field(factory=list)
    forgotten: list[str] = field(factory=list)
    server_name: str = OWN

    async def run_db_interaction(self, desc: str, func: Callable[..., Any], *args: Any) -> Any:
        del desc
        return self.database.run(func, *args)

    async def defer_to_thread(self, func: Callable[..., Any], *args: Any) -> Any:
        return func(*args)

    async def forget_peers(self, server_names: Collection[str]) -> None:
        self.forgotten += server_names

    async def forget_common_rooms(self, room_ids: Collection[str]) -> None:
        self.forgotten += room_ids

    async def fetch(self, etag: str) -> Answer:
        self.asked_with.append(etag)
        answer = self.answers.pop(0)
        if isinstance(answer, BadRegister):
            raise answer
        return Answer(answer, etag if answer is None else f'"{len(self.asked_with)}"')

    def keeper(self, trusted: int = 1) -> RegisterKeeper:
        """A process that has just started."""
        settings = DistrictSettings(
            district=DISTRICT,
            url="https://d.example",
            key=anchor(trusted),
            cache_path=str(self.cache_path),
        )
        return RegisterKeeper(
            cast("ModuleApi", self),
            settings,
            cast("Facts", self),
            self.fetch,
            CacheFile(str(self.cache_path)),
            lambda: self.now_s * 1000,
        )

    def let_in(self) -> set[str]:
        """Servers in the table."""
        with self.database.scratch() as txn:
            txn.execute("SELECT server_name FROM sferum_peer_servers")
            return {str(row[0]) for row in txn}

    def state(self) -> dict[str, Any]:
        found = self.database.run(rows.state_txn)
        assert found is not None
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A school before its first question."""
    database = databases.sqlite()
    database.run(schema.migrate_txn)
    yield World(database, tmp_path / "register.json")
    database.close()


def published(keys: tuple[int, ...] = (1,), **changes: Any) -> bytes:
    return data(signed(document(**changes), keys))


async def follow(world: World, *answers: bytes | BadRegister | None) -> RegisterKeeper:
    """Start, and ask once for each answer."""
    keeper = world.keeper()
    await keeper.start()
    world.answers += answers
    for _ in answers:
        await keeper.turn()
    return keeper


UNREACHABLE = BadRegister(RegisterRefusal.UNREACHABLE, "TimeoutError")


async def test_the_first_register_lets_the_district_in(world: World) -> None:
    """Before the first answer nobody is let in; after it the neighbours, with pairs, keys and an end."""
    await follow(world)
    assert world.let_in() == set()
    assert world.state()["standing"] == "none"
    await follow(world, published())
    assert world.let_in() == {NEIGHBOUR, THIRD}
    assert sorted(world.forgotten) == [THIRD, NEIGHBOUR]
    with world.database.scratch() as txn:
        txn.execute(
            "SELECT role_pairs, until_ms, server_keys FROM sferum_peer_servers"
            " WHERE server_name = ?",
            (NEIGHBOUR,),
        )
        pairs, until_ms, keys = txn.fetchone() or ()
    assert json.loads(pairs) == [["staff", "staff"]]
    assert until_ms == (NOW_S + MONTH_S) * 1000
    pinned = school(NEIGHBOUR)["keys"]
    assert json.loads(keys) == pinned
    assert (world.state()["standing"], world.state()["peers"]) == ("open", 2)


async def test_a_school_taken_out_is_a_stranger_at_the_next_answer(world: World) -> None:
    """R4: whoever is no longer in the register, or cut off in it, is not let in; only they are forgotten."""
    without = published(serial=2, schools=[school(OWN), school(NEIGHBOUR)])
    await follow(world, published(), without)
    assert world.let_in() == {NEIGHBOUR}
    assert world.forgotten[-1] == THIRD
    cut_off = published(serial=3, schools=[school(OWN), school(NEIGHBOUR, isolated=True)])
    world.answers.append(cut_off)
    keeper = world.keeper()
    await keeper.start()
    await keeper.turn()
    assert world.let_in() == set()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (published(serial=4, name="Прежнее"), "rollback"),
        (published(serial=5, name="Другое"), "two_faces"),
        (data(signed(document(serial=6), by=100)), "signature"),
        (published((100,), serial=6), "key_chain"),
        (published(serial=6, district="other.example"), "other_district"),
        (published(serial=6)[:-20], "not_json"),
        (b" " * (LARGEST + 1), "too_large"),
        (published(serial=6, issued=NOW_S - MONTH_S, expires=NOW_S), "expired"),
        (published(serial=6, issued=NOW_S + 3600), "not_yet"),
        (UNREACHABLE, "unreachable"),
    ],
)
async def test_what_is_not_believed_changes_nothing(
    world: World, answer: bytes | BadRegister, reason: str
) -> None:
    """Rollback, another face, wrong key, other district, truncated, huge, stale, early, silent: the one held stays,
    and the reason is in the state and in the metrics.
    """
    labels = {"reason": reason}
    before = REGISTRY.get_sample_value("sferum_register_refusals_total", labels) or 0
    await follow(world, published(serial=5), answer)
    assert world.let_in() == {NEIGHBOUR, THIRD}
    assert (world.state()["serial"], world.state()["refusal"]) == (5, reason)
    assert REGISTRY.get_sample_value("sferum_register_refusals_total", labels) == before + 1
    assert REGISTRY.get_sample_value("sferum_register_serial") == 5


async def test_after_its_end_nobody_is_let_in(world: World) -> None:
    """A district that is silent past the end of its register closes every school; a new one opens them again."""
    keeper = await follow(world, published())
    world.now_s += MONTH_S
    world.answers.append(UNREACHABLE)
    await keeper.turn()
    assert world.let_in() == set()
    assert world.state()["standing"] == "expired"
    world.answers.append(published(serial=2, issued=world.now_s, expires=world.now_s + MONTH_S))
    await keeper.turn()
    assert world.let_in() == {NEIGHBOUR, THIRD}


async def test_a_restart_needs_no_district_and_forgets_no_serial(world: World) -> None:
    """After a restart the register kept is in force at once, and an older one is still refused."""
    await follow(world, published(serial=5))
    world.database.run(rows.clear_txn)
    keeper = world.keeper()
    await keeper.start()
    assert world.let_in() == {NEIGHBOUR, THIRD}
    assert world.state()["serial"] == 5
    world.answers.append(published(serial=4))
    await keeper.turn()
    assert world.state()["refusal"] == "rollback"


async def test_a_new_key_is_followed_and_the_old_one_left(world: World) -> None:
    """The operator's second key, named by the first, is believed; then the first signs nothing, after a restart too."""
    keeper = await follow(world, published(), published((1, 2), serial=2))
    assert world.state()["serial"] == 2
    for started in (keeper, world.keeper()):
        await started.start()
        world.answers.append(published((1,), serial=3))
        await started.turn()
        assert (world.state()["serial"], world.state()["refusal"]) == (2, "key_chain")


async def test_another_key_in_the_settings_starts_anew(world: World) -> None:
    """A school that is given another operator's key believes nothing it held, until that key has signed."""
    await follow(world, published(serial=5))
    keeper = world.keeper(trusted=7)
    await keeper.start()
    assert world.let_in() == set()
    assert world.state()["refusal"] == "key_chain"
    world.answers.append(published((7,), serial=1))
    await keeper.turn()
    assert world.state()["serial"] == 1
    assert world.let_in() == {NEIGHBOUR, THIRD}


async def test_an_unchanged_register_is_not_sent_again(world: World) -> None:
    """The second question carries the ETag of what was believed; "not changed" is an agreement."""
    keeper = await follow(world, published())
    world.now_s += 300
    world.answers += [None, UNREACHABLE, None]
    await keeper.turn()
    assert world.asked_with == ["", '"1"']
    assert world.state()["agreed_ms"] == world.now_s * 1000
    world.now_s += 300
    await keeper.turn()
    assert world.state()["agreed_ms"] == (world.now_s - 300) * 1000


async def test_a_refused_one_is_asked_for_in_full_again(world: World) -> None:
    """The ETag of what was refused is not remembered: it would never be looked at again."""
    await follow(world, published(), published(serial=2)[:-1], published(serial=2))
    assert world.asked_with == ["", '"1"', '"1"']
    assert world.state()["serial"] == 2


async def test_a_full_disk_does_not_stop_a_removal(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """When the file cannot be written, the register is in force all the same, and the log says so."""
    world.cache_path = world.cache_path.parent / "missing" / "register.json"
    await follow(world, published(serial=2))
    assert world.let_in() == {NEIGHBOUR, THIRD}
    assert "register cannot be kept" in caplog.text


async def test_a_spoilt_file_is_no_register(world: World) -> None:
    """Half a file, or one somebody wrote over, lets nobody in, and the district is asked as at first."""
    for spoilt in (published()[:100], b"", b"{}", data(signed(document(), by=100))):
        world.cache_path.write_bytes(spoilt)
        await follow(world, published())
        assert world.let_in() == {NEIGHBOUR, THIRD}
        keeper = world.keeper()
        world.cache_path.write_bytes(spoilt)
        await keeper.start()
        assert world.let_in() == set()


async def test_synapse_s_own_list_follows(world: World) -> None:
    """The list that Synapse's parts hold is changed in place: this server and those let in; without a list, nothing."""

    class Names:
        async def peer_names(self) -> frozenset[str]:
            return frozenset(world.let_in())

    whitelist = {"old.example": True}
    followed = FollowedWhitelist(whitelist, OWN, cast("Facts", Names()))
    await follow(world, published())
    await followed.follow()
    assert whitelist == dict.fromkeys((OWN, NEIGHBOUR, THIRD), True)
    await follow(world, published(serial=2, schools=[school(OWN)]))
    await followed.follow()
    assert whitelist == {OWN: True}
    await FollowedWhitelist(None, OWN, cast("Facts", Names())).follow()


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    """A write leaves one file with what was written, and reading stops at a byte over the bound."""
    cache = CacheFile(str(tmp_path / "register.json"))
    assert cache.read() is None
    cache.write(b"one")
    cache.write(b"two")
    assert cache.read() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["register.json"]
    cache.write(b" " * (LARGEST + 10))
    assert len(cache.read() or b"") == LARGEST + 1


def test_questions_are_spread_and_soon_enough() -> None:
    """Between half of the interval and all of it; with two minutes for the answer less than R4's ten."""
    config = Config(service_token_path="/x")
    assert wait_s(config.district_interval_s, 0.0) == 225.0
    assert 449.0 < wait_s(config.district_interval_s, 0.999) < 450.0
    longest = Config(service_token_path="/x", district_interval_s=480.0)
    assert wait_s(longest.district_interval_s, 1.0) + 60 + BODY_S <= 600
    with pytest.raises(ValueError, match="district_interval_s"):
        Config(service_token_path="/x", district_interval_s=481.0)


def test_keys_of_tests_are_nobody_s() -> None:
    """The keys of tests are of small numbers, so that nobody takes them for real ones."""
    assert b64(bytes(key(1)))[:10] == "AAAAAAAAAA"
