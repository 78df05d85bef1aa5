"""Rooms of several schools in the tables of both databases, and what teachers teach (ADR 30)."""

from __future__ import annotations

from typing import Any

from synapse.storage.database import LoggingTransaction

from synapse_sferum.district import room_rows
from synapse_sferum.district.force import Standing
from synapse_sferum.district.register import Register
from synapse_sferum.district.room_plan import CommonRoom, RoomState, wanted
from synapse_sferum.roster import parse_roster
from synapse_sferum.subject_rows import listed_changes_txn, listed_txn, write_listed_txn, write_txn
from tests.support.directories import store
from tests.support.rosters import person, roster
from tests.support.schools import ORG, ordinary, pid, uid
from tests.synapse_sferum.district_values import NEIGHBOUR, OWN, THIRD, register

NEWS = {"ref": "news", "host": OWN, "name": "Объявления", "members": ["staff"], "writers": []}
HEADS = {"ref": "heads", "host": NEIGHBOUR, "name": "Главы", "members": ["director"], "writers": []}
NOT_MADE = {"ref": "later", "name": "Потом", "members": ["staff"], "writers": []}


def held(*rooms: dict[str, Any]) -> Register:
    """A register of three schools with these rooms."""
    return register(rooms=list(rooms))


def write(
    txn: LoggingTransaction,
    register_: Register,
    stands: Standing = Standing.OPEN,
    peers: tuple[str, ...] = (NEIGHBOUR, THIRD),
) -> list[str]:
    return room_rows.write_rooms_txn(txn, register_, stands, OWN, peers)


def states(txn: LoggingTransaction) -> dict[str, RoomState]:
    return {room.ref: room.state for room in room_rows.rooms_txn(txn)}


def known(txn: LoggingTransaction, ref: str) -> CommonRoom:
    return next(room for room in room_rows.rooms_txn(txn) if room.ref == ref)


def test_the_table_follows_the_register(txn: LoggingTransaction) -> None:
    """Rooms with a maker come in, keep their ids when they change, and leave with the entry; what changed is named by
    its id.
    """
    assert write(txn, held(NEWS, HEADS, NOT_MADE)) == []
    assert states(txn) == {"news": RoomState.OPEN, "heads": RoomState.OPEN}
    room_rows.set_room_id_txn(txn, known(txn, "news"), "!news")
    assert write(txn, held(NEWS, HEADS)) == []
    assert write(txn, held({**NEWS, "name": "Новости", "writers": ["staff"]}, HEADS)) == ["!news"]
    changed = known(txn, "news")
    assert (changed.name, changed.room_id, changed.everybody_writes) == ("Новости", "!news", True)
    assert room_rows.rooms_txn(txn, "!news") == [changed]
    assert room_rows.rooms_txn(txn, "!other") == []
    assert write(txn, held(HEADS)) == ["!news"]
    assert states(txn) == {"news": RoomState.LEAVING, "heads": RoomState.OPEN}
    room_rows.left_txn(txn, known(txn, "news"))
    assert (known(txn, "news").state, known(txn, "news").room_id) == (RoomState.LEFT, "")
    for stands in Standing:
        write(txn, held(HEADS), stands)
        assert known(txn, "news").state is RoomState.LEFT
    write(txn, held(NEWS, HEADS))
    assert known(txn, "news").state is RoomState.OPEN
    room_rows.delete_txn(txn, known(txn, "news"))
    assert states(txn) == {"heads": RoomState.OPEN}


def test_cut_off_expired_and_back(txn: LoggingTransaction) -> None:
    """Without a register everything waits; cut off, a school keeps its own room and leaves the others'; a maker that is
    cut off loses its guests; let in again, all is as before.
    """
    both = held(NEWS, HEADS)
    write(txn, both)
    write(txn, both, Standing.EXPIRED, ())
    assert set(states(txn).values()) == {RoomState.PAUSED}
    write(txn, both, Standing.ISOLATED, ())
    assert states(txn) == {"news": RoomState.ALONE, "heads": RoomState.LEAVING}
    write(txn, both, peers=(THIRD,))
    assert states(txn) == {"news": RoomState.OPEN, "heads": RoomState.LEAVING}
    write(txn, both)
    assert set(states(txn).values()) == {RoomState.OPEN}


def test_which_invitation_is_awaited(txn: LoggingTransaction) -> None:
    """Only to a room that the register in force gives, by the server that makes it."""
    write(txn, held(NEWS, HEADS))
    assert room_rows.awaited_txn(txn, NEIGHBOUR, "heads")
    assert not room_rows.awaited_txn(txn, THIRD, "heads")
    assert not room_rows.awaited_txn(txn, NEIGHBOUR, "news")
    write(txn, held(NEWS, HEADS), Standing.EXPIRED, ())
    assert not room_rows.awaited_txn(txn, NEIGHBOUR, "heads")


def test_who_belongs_by_the_directory(txn: LoggingTransaction) -> None:
    """Active staff of the school, by role and by what they teach; pupils and parents never."""
    directory = ordinary().directory()
    store(txn, directory)
    write_txn(txn, pid("T1"), ["математика"], by_hand=True)
    write_txn(txn, pid("R1"), ["математика"], by_hand=True)
    write(txn, held(NEWS, {**NEWS, "ref": "maths", "subject": "математика"}))
    staff, subjects = room_rows.staff_txn(txn)
    assert subjects[uid("T1")] == {"математика"}
    assert room_rows.subjects_txn(txn, uid("T2")) == {}
    everybody = {uid(name) for name in ("D1", "Z1", "T1", "T2")}
    assert wanted(known(txn, "news"), staff, subjects).keys() == everybody
    assert wanted(known(txn, "maths"), staff, subjects).keys() == {uid("T1")}
    before = room_rows.view_txn(txn, 0).mark
    assert room_rows.view_txn(txn, 0).mark == before
    txn.execute("UPDATE sferum_orgs SET revision = revision + 1")
    assert room_rows.view_txn(txn, 0).mark != before


def test_subjects_of_a_list(txn: LoggingTransaction) -> None:
    """A list of staff says what teachers teach and takes it back; what was set by hand stays, also when it is nothing;
    the same list again writes nothing.
    """
    store(txn, ordinary().directory())

    def taught(*subjects: str, covers: str = "staff") -> dict[str, str]:
        people = [
            {**person(name, "teacher"), "subjects": list(subjects)} for name in ("T1", "T2", "T9")
        ]
        listed = parse_roster(roster(people, {}, covers=[covers]))
        foreseen = listed_changes_txn(txn, ORG, listed)
        written = write_listed_txn(txn, ORG, listed)
        assert written.keys() == set(foreseen) - {pid("T9")}
        return written

    write_txn(txn, pid("T2"), [], by_hand=True)
    assert taught("физика", "химия") == {pid("T1"): uid("T1")}
    assert taught("физика", "химия") == {}
    assert listed_txn(txn, pid("T1")) == (["физика", "химия"], False)
    assert listed_txn(txn, pid("T2")) == ([], True)
    assert taught(covers="student") == {}
    assert taught() == {pid("T1"): uid("T1")}
    assert listed_txn(txn, pid("T1")) == ([], False)
    write_txn(txn, pid("T2"), [], by_hand=False)
    assert taught("физика").keys() == {pid("T1"), pid("T2")}
    txn.execute("UPDATE sferum_people SET family_name = '' WHERE person_id = ?", (pid("T1"),))
    assert taught("химия").keys() == {pid("T2")}
