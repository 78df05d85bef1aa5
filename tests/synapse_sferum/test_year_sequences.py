"""Any history of promotions, imports, undoings and moves keeps the school whole, in values and in the tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from attrs import evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_sferum import class_edits, edits
from synapse_sferum.derive import derive_txn
from synapse_sferum.desired import desired_rooms, membership_pairs
from synapse_sferum.directory_rows import directory_txn, insert_org_txn, write_txn
from synapse_sferum.edits import Edit, EditRefused
from synapse_sferum.model import ClassId, Directory, EnrolmentRole, Org, PersonStatus, UserId
from synapse_sferum.roster import parse_roster
from synapse_sferum.roster_merge import merge
from synapse_sferum.year_check import pupils_of
from synapse_sferum.year_document import (
    ClassFate,
    ClassLine,
    PupilFate,
    PupilLine,
    YearDocument,
    parse_year,
)
from synapse_sferum.year_draft import current_classes, draft_year
from synapse_sferum.year_footprint import (
    Footprint,
    footprint_from,
    footprint_json,
    left_without_class,
    state_hash,
    take_back,
)
from synapse_sferum.year_plan import plan_year
from tests.support.databases import Database
from tests.support.directories import wants
from tests.support.schools import ORG, YEAR, ordinary, pid, rosters

ME = "@d1:school.test"


@frozen(kw_only=True)
class World:
    """A school, and what is kept of its last promotion while it can be taken back."""

    directory: Directory
    kept: Footprint | None = None
    before: Directory | None = field(default=None, repr=False)
    hash_before: str = field(default="", repr=False)
    untouched: bool = False  # nothing has happened since the promotion


Step = Callable[[World], World]

_CLASSES = st.integers(0, 5)
_PUPILS = st.sampled_from(["U1", "U2", "U3", "U4"])
_FATE = st.sampled_from(["same", "same", "same", "ends", "one", "undecided"])


def documents(directory: Directory, fates: list[str], pupils: dict[str, str]) -> YearDocument:
    """A plan out of chances: some classes end, some become one, some pupils move or leave."""
    draft = draft_year(directory)
    lines: list[ClassLine] = []
    for at, line in enumerate(draft.classes):
        fate = fates[at % len(fates)]
        if line.class_id is None or fate == "same":
            lines.append(line)
        elif fate == "one":
            lines.append(evolve(line, fate=ClassFate.CONTINUES, name="7Я", grade=7))
        elif fate == "ends":
            lines.append(evolve(line, fate=ClassFate.ENDS, name="", grade=None))
        else:
            lines.append(evolve(line, fate=ClassFate.UNDECIDED, name="", grade=None))
    lines.append(ClassLine(class_id=None, fate=ClassFate.NEW, name="10Ж", grade=10, teachers=()))
    here = pupils_of(directory)
    chosen = [
        PupilLine(
            person_id=pid(source_id),
            fate=PupilFate.LEAVES if word == "leave" else PupilFate.MOVES,
            name="" if word == "leave" else word,
        )
        for source_id, word in pupils.items()
        if pid(source_id) in here
    ]
    return evolve(draft, classes=tuple(lines), pupils=tuple(chosen))


def promote(fates: list[str], pupils: dict[str, str]) -> Step:
    """A promotion, if the plan fits; its own invariants are looked at here."""

    def step(world: World) -> World:
        before = world.directory
        if not before.org.school_year:
            return world
        document = documents(before, fates, pupils)
        assert parse_year(document.to_json()) == document
        plan = plan_year(before, document)
        if plan.after is None or plan.footprint is None:
            assert plan.conflicts
            return world
        after = plan.after
        assert plan.counts["classes_after"] == len(current_classes(after))
        for person_id, person in before.people.items():
            now = after.people[person_id]
            same = evolve(now, status=person.status, leaves_on=person.leaves_on)
            assert same == person
        again = plan_year(after, document)
        assert "wrong_year" in {note.kind for note in again.conflicts}
        assert footprint_from(footprint_json(plan.footprint)) == plan.footprint
        assert state_hash(take_back(after, plan.footprint)) == state_hash(before)
        assert membership_pairs(take_back(after, plan.footprint)) == membership_pairs(before)
        return World(
            directory=after,
            kept=plan.footprint,
            before=before,
            hash_before=state_hash(before),
            untouched=True,
        )

    return step


def undo(world: World) -> World:
    """The last promotion taken back, if it can be."""
    if world.kept is None:
        return world
    back = take_back(world.directory, world.kept)
    if world.untouched:
        assert state_hash(back) == world.hash_before
    assert world.before is not None
    then, now, afterwards = (pupils_of(d) for d in (world.before, world.directory, back))
    lost = left_without_class(world.directory, back)
    new = {i for i, (was, _) in world.kept.classes.items() if was is None}
    assert all(set(now[i]) <= new for i in lost)
    for person_id, classes in afterwards.items():
        assert classes or person_id in lost or not (then.get(person_id) and now.get(person_id))
    return World(directory=back)


def by_roster(raw: dict[str, object]) -> Step:
    """An import of the school's own year; after it nothing can be taken back."""

    def step(world: World) -> World:
        year = world.directory.org.school_year or YEAR
        after = merge(world.directory, parse_roster({**raw, "school_year": year}))
        return world if after == world.directory else World(directory=after)

    return step


def by_edit(edit: Callable[[Directory], Edit | None]) -> Step:
    """An edit of whatever classes there are; a refusal changes nothing."""

    def step(world: World) -> World:
        made = edit(world.directory)
        try:
            after = world.directory if made is None else made(world.directory)[0]
        except EditRefused:
            return world
        same = state_hash(after) == state_hash(world.directory)
        return evolve(world, directory=after, untouched=world.untouched and same)

    return step


def _class(directory: Directory, at: int) -> ClassId:
    found = current_classes(directory)
    return found[at % len(found)].class_id if found else ClassId("c-none")


_EDITS = st.one_of(
    st.builds(
        lambda n, a, b: lambda d: edits.move(pid(n), _class(d, a), _class(d, b), ME, ""),
        _PUPILS,
        _CLASSES,
        _CLASSES,
    ),
    st.builds(
        lambda n: lambda d: edits.activate(pid(n), UserId(f"@{n.lower()}:s.test"), ME),
        st.sampled_from(["U1", "U2", "U3", "R1", "T1"]),
    ),
    st.builds(lambda n: lambda d: edits.leave(pid(n), ME, ""), _PUPILS),
    st.builds(
        lambda a, n: lambda d: class_edits.split_class(_class(d, a), "5Ю", [pid(n)], ME),
        _CLASSES,
        _PUPILS,
    ),
    st.builds(
        lambda a, b: (
            lambda d: (
                class_edits.merge_classes(
                    {_class(d, a), _class(d, b)}, d.classes[_class(d, a)].name, ME
                )
                if current_classes(d)
                else None
            )
        ),
        _CLASSES,
        _CLASSES,
    ),
    st.builds(
        lambda a, n, day: lambda d: class_edits.set_substitute(_class(d, a), pid(n), day, ME),
        _CLASSES,
        st.sampled_from(["T1", "T2", "Z1"]),
        st.none() | st.just(date(2027, 8, 1)),
    ),
    st.builds(
        lambda day: lambda d: class_edits.fall_due(day),
        st.dates(date(2027, 7, 1), date(2030, 12, 1)),
    ),
)
_STEPS = st.lists(
    st.one_of(
        st.builds(
            promote,
            st.lists(_FATE, min_size=1, max_size=4),
            st.dictionaries(_PUPILS, st.sampled_from(["leave", "10Ж", "6А", "6Б"]), max_size=3),
        ),
        st.just(undo),
        rosters().map(by_roster),
        _EDITS.map(by_edit),
        _EDITS.map(by_edit),
    ),
    min_size=4,
    max_size=12,
)


def whole(directory: Directory, before: Directory) -> None:
    """What holds of every school at every time."""
    assert before.people.keys() <= directory.people.keys()
    assert before.classes.keys() <= directory.classes.keys()
    keys = [(e.class_id, e.person_id, e.role) for e in directory.enrolments]
    assert len(keys) == len(set(keys))
    numbers = [(c.source, c.source_id, c.session) for c in directory.classes.values()]
    assert len(numbers) == len(set(numbers))
    for e in directory.enrolments:
        assert e.class_id in directory.classes
        assert e.person_id in directory.people
        assert not e.until or e.role is EnrolmentRole.HOMEROOM_TEACHER
    left = {i for i, p in directory.people.items() if p.status is PersonStatus.LEFT}
    rooms = {key.ref for key in desired_rooms(directory) if key.ref}
    assert rooms <= {c.class_id for c in current_classes(directory)}
    assert left.isdisjoint({i for _, i in membership_pairs(directory)})


@given(steps=_STEPS)
@settings(max_examples=300, deadline=None)
def test_every_history_leaves_the_school_whole(steps: list[Step]) -> None:
    """Nobody and no class is lost, none is twice, who has left is nowhere, and undone is as before."""
    world = World(directory=ordinary().directory())
    for step in steps:
        before = world.directory
        world = step(world)
        whole(world.directory, before)


@given(steps=_STEPS)
@settings(max_examples=25, deadline=None)
def test_the_tables_follow_every_history(database: Database, steps: list[Step]) -> None:
    """After each step the tables hold exactly the directory, and want exactly its rooms."""
    with database.scratch() as txn:
        empty = Directory(org=Org(org_id=ORG, name="Школа"))
        insert_org_txn(txn, empty.org, 1)
        world = World(directory=ordinary().directory())
        write_txn(txn, empty, world.directory, [], 2)
        for step in steps:
            before = directory_txn(txn, ORG)
            assert before == world.directory
            world = step(world)
            write_txn(txn, before, world.directory, [], 2)
            after = directory_txn(txn, ORG)
            assert after == world.directory
            derive_txn(txn, ORG, 3)
            assert wants(txn) == desired_rooms(after)
