"""Rows of materials in both databases."""

from __future__ import annotations

from attrs import evolve
from synapse.storage.database import LoggingTransaction

from synapse_sferum.due import forget_room_txn
from synapse_sferum.materials.rows import (
    change_material_txn,
    claim_txn,
    forget_gone_txn,
    gone_txn,
    live_count_txn,
    live_files_txn,
    material_txn,
    materials_txn,
    put_material_txn,
    read_until_txn,
    remove_material_txn,
    remove_redacted_txn,
    taken_back_txn,
    told_txn,
    untold_txn,
)
from synapse_sferum.materials.values import MaterialId
from synapse_sferum.model import RoomKey, RoomKind
from tests.synapse_sferum.materials.test_values import FILM

ORG = FILM.org_id


def test_what_is_published_is_read_back(txn: LoggingTransaction) -> None:
    """Every field; a second time writes nothing; another school has none of it."""
    assert put_material_txn(txn, FILM)
    assert not put_material_txn(txn, evolve(FILM, title="x"))
    assert material_txn(txn, ORG, "m1", 5) == FILM
    assert material_txn(txn, "other", "m1", 5) is None
    changed = evolve(FILM, title="Лето", folder="", expires_ms=10)
    change_material_txn(txn, changed)
    assert materials_txn(txn, ORG, 5, 10) == [changed]
    assert live_count_txn(txn, ORG, 9) == 1
    assert materials_txn(txn, ORG, 10, 10) == []
    assert live_files_txn(txn, ["f1", "f2"], 9) == ["f1"]
    assert live_files_txn(txn, ["f1", "f2"], 10) == []


def test_from_the_message_to_its_end(txn: LoggingTransaction) -> None:
    """Untold, claimed, told; removed, taken back, forgotten: each once."""
    put_material_txn(txn, FILM)
    claim_txn(txn, "m1", 7)
    assert [(one.material, one.claimed_ms) for one in untold_txn(txn, 5, 10)] == [(FILM, 7)]
    told_txn(txn, "m1", "!a", "$1")
    assert untold_txn(txn, 5, 10) == []
    assert gone_txn(txn, 5, 10) == []
    assert remove_material_txn(txn, "m1", 20)
    assert not remove_material_txn(txn, "m1", 21)
    (gone,) = gone_txn(txn, 20, 10)
    assert (gone.room_id, gone.event_id) == ("!a", "$1")
    assert forget_gone_txn(txn, 30) == 0
    taken_back_txn(txn, "m1", 22)
    assert gone_txn(txn, 22, 10) == []
    assert forget_gone_txn(txn, 30) == 1


def test_a_room_that_is_removed_takes_its_materials_along(txn: LoggingTransaction) -> None:
    """R36: they are nobody's any more, no message is looked for in a room that is not there, and others' stay."""
    other = evolve(
        FILM, material_id=MaterialId("m2"), key=RoomKey(RoomKind.STAFF), file_id="f" * 16
    )
    for one in (FILM, other):
        put_material_txn(txn, one)
        told_txn(txn, one.material_id, "!a", "$1")
    forget_room_txn(txn, ORG, FILM.key, 8)
    assert materials_txn(txn, ORG, 8, 10) == [other]
    assert gone_txn(txn, 8, 10) == []
    assert forget_gone_txn(txn, 9) == 1


def test_one_that_was_posted_and_deleted_in_the_chat(txn: LoggingTransaction) -> None:
    """Its own event is its message: nothing is told, and nothing taken back."""
    posted = evolve(FILM, material_id=MaterialId("e1"), file_id="", mxc="mxc://s.test/a")
    put_material_txn(txn, posted, "!a", "$e1")
    assert untold_txn(txn, 5, 10) == []
    assert remove_redacted_txn(txn, "$e1", 6)
    assert not remove_redacted_txn(txn, "$e1", 7)
    assert gone_txn(txn, 7, 10) == []
    assert material_txn(txn, ORG, "e1", 7) is None
    read_until_txn(txn, "!a", 3)
    read_until_txn(txn, "!a", 4)
