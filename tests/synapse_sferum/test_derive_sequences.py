"""Any history of a school, as rosters and edits make it, ends with the rooms that its directory asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_sferum import edits
from synapse_sferum.derive import Derived, derive_txn
from synapse_sferum.desired import desired_rooms
from synapse_sferum.directory_rows import directory_txn, insert_org_txn, touch_txn, write_txn
from synapse_sferum.edits import Edit, EditRefused
from synapse_sferum.model import Directory, GuardianshipStatus, Org, Role, UserId
from synapse_sferum.roster import parse_roster
from synapse_sferum.roster_merge import merge
from tests.support.databases import Database
from tests.support.directories import queued, wants
from tests.support.schools import ORG, cid, pid, rosters

Step = Callable[[Directory], Directory]


def by_roster(raw: dict[str, Any]) -> Step:
    """An import."""
    return lambda directory: merge(directory, parse_roster(raw))


def by_edit(edit: Edit) -> Step:
    """An edit, or nothing when it is refused."""

    def step(directory: Directory) -> Directory:
        try:
            return edit(directory)[0]
        except EditRefused:
            return directory

    return step


_NAMES = ["D1", "Z1", "T1", "T2", "U1", "U2", "U3", "R1", "R2"]
_WHO = st.sampled_from(_NAMES)
_CLASS = st.sampled_from(["5А", "5Б", "11ФМ"]).map(cid)
_EDITS = st.one_of(
    _WHO.map(lambda n: edits.activate(pid(n), UserId(f"@{n.lower()}:s.test"), "me")),
    st.sampled_from([("T1", "r1"), ("R1", "r1")]).map(
        lambda pair: edits.activate(pid(pair[0]), UserId(f"@{pair[1]}:s.test"), "me")
    ),
    _WHO.map(lambda n: edits.leave(pid(n), "me", "")),
    st.builds(
        lambda n, roles: edits.set_roles(pid(n), roles, "me", ""),
        _WHO,
        st.none() | st.frozensets(st.sampled_from(Role), min_size=1, max_size=2),
    ),
    st.builds(
        lambda n, old, new: edits.move(pid(n), old, new, "me", ""),
        st.sampled_from(["U1", "U2", "U3"]),
        _CLASS,
        _CLASS,
    ),
    st.builds(
        lambda class_id, n: edits.set_homeroom_teachers(class_id, [pid(n)], "me"),
        _CLASS,
        st.sampled_from(["T1", "T2", "Z1"]),
    ),
    st.builds(
        lambda g, s, status: edits.set_guardianship(pid(g), pid(s), "", status, "me", leader=True),
        st.sampled_from(["R1", "R2", "T1"]),
        st.sampled_from(["U1", "U2", "U3"]),
        st.none() | st.sampled_from(GuardianshipStatus),
    ),
)
_STEPS = st.lists(rosters().map(by_roster) | _EDITS.map(by_edit), min_size=1, max_size=10)


@given(steps=_STEPS)
@settings(max_examples=25)
def test_every_history_converges(database: Database, steps: list[Step]) -> None:
    """After each step the tables want what the directory asks for; looking again queues nothing (R21)."""
    with database.scratch() as txn:
        insert_org_txn(txn, Org(org_id=ORG, name="Школа"), 1)
        for step in steps:
            before = directory_txn(txn, ORG)
            assert before is not None
            write_txn(txn, before, step(before), [], 2)
            derive_txn(txn, ORG, 3)
            after = directory_txn(txn, ORG)
            assert after is not None
            assert wants(txn) == desired_rooms(after)
        queued(txn)
        touch_txn(txn, ORG, 4)
        assert derive_txn(txn, ORG, 5) == Derived()
        assert queued(txn) == set()
