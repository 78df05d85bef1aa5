"""A broadcast as an entry of the schedule."""

from __future__ import annotations

import pytest
from attrs import evolve

from synapse_sferum.broadcast_words import Stage, Told
from synapse_sferum.model import Org, OrgId, RoomKey, RoomKind
from synapse_sferum.schedule.broadcasts import of_broadcast
from synapse_sferum.schedule.values import wrong
from tests.synapse_sferum.schedule.plans import at

ORG = Org(org_id=OrgId("o"), name="Школа", timezone="Asia/Omsk")
KEY = RoomKey(RoomKind.ANNOUNCEMENTS)
TOLD = Told(
    broadcast_id="b1",
    title="К" * 120,
    stage=Stage.WAITING,
    link="https://rtc.school.example/watch/b1",
    begins_at=1_772_985_612.0,
    timezone="Asia/Omsk",
)


def test_it_is_at_the_schools_hour() -> None:
    """To the minute, with its link, and short enough for the schedule."""
    found = of_broadcast(ORG, KEY, TOLD, "@u:s.test")
    assert (found.gathering_id, found.begins) == ("b.b1", at("2026-03-08 22:00"))
    assert found.link == TOLD.link
    assert wrong(found) is None


def test_it_is_off_when_it_was_deleted() -> None:
    """And leads nowhere then, nor when its recording is gone."""
    off = of_broadcast(ORG, KEY, evolve(TOLD, stage=Stage.DELETED), "@u:s.test")
    assert (off.called_off, off.link) == (True, "")
    over = of_broadcast(ORG, KEY, evolve(TOLD, stage=Stage.REMOVED), "@u:s.test")
    assert (over.called_off, over.link) == (False, "")


def test_without_a_time_it_is_none() -> None:
    """Nobody can be there at a time that nobody said."""
    with pytest.raises(ValueError, match="without a time"):
        of_broadcast(ORG, KEY, evolve(TOLD, begins_at=None), "@u:s.test")
