"""What the bridge foretells of rights, compared with what the module writes: never less (R33)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.people import PersonRecord, Status
from bridge.roles import PersonId, Role
from bridge.roster_import import leaving, rights_changed
from provisioning import roster as lists
from provisioning.roster import Group, Person, Roster, make_roster
from synapse_sferum import model
from synapse_sferum.ids import person_id_of
from synapse_sferum.roster import parse_roster
from synapse_sferum.roster_plan import plan_roster

ORG = model.OrgId("school")
IDS = ("A", "B", "C")
OF_STAFF = ("director", "deputy", "administrator", "teacher")
GROUPS = {Group.STAFF: OF_STAFF, Group.GUARDIAN: ("guardian",), Group.STUDENT: ("student",)}

some_roles = st.frozensets(st.sampled_from(model.Role), min_size=1, max_size=3)
known_people = st.dictionaries(
    st.sampled_from(IDS),
    st.tuples(
        some_roles,
        st.none() | some_roles,
        st.sampled_from(model.PersonStatus),
        st.booleans(),
    ),
)


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """A list of some groups, in which each person has roles of these groups only, as files have."""
    covers = draw(st.sets(st.sampled_from(Group), min_size=1))
    words = sorted(word for group in covers for word in GROUPS[group])
    people = [
        Person(
            one, "Иванов", "Иван", "", None,
            frozenset(
                lists.Role(word)
                for word in draw(st.sets(st.sampled_from(words), min_size=1, max_size=2))
            ),
        )
        for one in draw(st.sets(st.sampled_from(IDS)))
    ]  # fmt: skip
    return make_roster(
        source="csv", school_year="2026/2027", covers=covers, people=people, classes=[],
        enrolments=[], guardianships=[],
    )  # fmt: skip


def directory_of(
    people: dict[
        str,
        tuple[frozenset[model.Role], frozenset[model.Role] | None, model.PersonStatus, bool],
    ],
) -> model.Directory:
    made = {}
    for source_id, (listed, by_hand, status, left_by_hand) in people.items():
        person_id = person_id_of(ORG, "csv", source_id)
        made[person_id] = model.Person(
            person_id=person_id,
            source="csv",
            source_id=source_id,
            family_name="Иванов",
            given_name="Иван",
            listed_roles=listed,
            roles_by_hand=by_hand,
            status=status,
            user_id=model.UserId(f"@{source_id.lower()}:s"),
            left_by_hand=left_by_hand and status is model.PersonStatus.LEFT,
        )
    org = model.Org(org_id=ORG, name="Школа", school_year="2026/2027")
    return model.Directory(org=org, people=made)


def record_of(person: model.Person) -> PersonRecord:
    """As the API gives it: the roles of the list behind those by hand are not in it."""
    by_hand = person.roles_by_hand
    return PersonRecord(
        person_id=PersonId(person.person_id),
        source=person.source,
        source_id=person.source_id,
        family_name=person.family_name,
        given_name=person.given_name,
        roles=frozenset(Role(role.value) for role in person.roles),
        roles_by_hand=None if by_hand is None else frozenset(Role(r.value) for r in by_hand),
        status=Status(person.status.value),
    )


def rights(person: model.Person | None) -> frozenset[str]:
    if person is None or person.status is model.PersonStatus.LEFT:
        return frozenset()
    return frozenset(role.value for role in person.roles & model.ADMINISTRATIVE)


@settings(max_examples=400)  # fewer miss the rare combinations
@given(known_people, rosters())
def test_no_right_changes_unforetold(
    people: dict[
        str,
        tuple[frozenset[model.Role], frozenset[model.Role] | None, model.PersonStatus, bool],
    ],
    roster: Roster,
) -> None:
    """Whoever gets or loses a right in the module's plan was named by the bridge before, with that right."""
    before = directory_of(people)
    plan = plan_roster(before, parse_roster(roster.to_wire()))
    notes = [{"kind": one.kind, "person_id": one.person_id} for one in plan.changes]
    left = leaving({"changes": notes, "changes_total": len(notes)})
    # As `roster_import` collects them: who has rights now, and who would get them by the list.
    named_with_rights = {
        one.source_id for one in roster.people if one.roles & (lists.STAFF - {lists.Role.TEACHER})
    }
    known = [
        record_of(person)
        for person in before.people.values()
        if person.roles & model.ADMINISTRATIVE or person.source_id in named_with_rights
    ]
    for foretold in (
        rights_changed(roster, known, left),
        rights_changed(roster, known, None),  # a plan cut short
    ):
        for person_id, person in plan.after.people.items():
            changed = rights(before.people.get(person_id)) ^ rights(person)
            named = {role.value for role in foretold.get(person.source_id, frozenset())}
            assert changed <= named, (changed, named)
