"""What may be done inside rooms, without Synapse."""

from __future__ import annotations

from typing import Any

import pytest

from synapse_sferum.model import OrgId, RoomKey, RoomKind
from synapse_sferum.policy import Deny, Party
from synapse_sferum.policy_rooms import (
    MEMBER_STATE,
    Act,
    managed_event,
    may_create,
    may_go,
    may_invite,
    may_join_managed,
    may_send,
    room_request,
    state_of_own_room,
)
from tests.synapse_sferum.test_policy import (
    CLASS_8B,
    CLASS_TEACHER,
    CLASSMATE,
    DIRECTOR,
    FATHER,
    LIMIT,
    OTHER_TEACHER,
    PEER_TEACHER,
    PUPIL,
    SCHOOLMATE,
)

ORG = OrgId("school-a")
CLASS_ROOM = RoomKey(RoomKind.CLASS, CLASS_8B)
BOT = Party(None, staff_bot=True)
STAFF_ROOM = RoomKey(RoomKind.STAFF)
ME = str(PUPIL.user_id)


def managed(
    who: Party, key: RoomKey = CLASS_ROOM, *, archived: bool = False, **act: Any
) -> Deny | None:
    """One act of `who` in a managed room of school А."""
    sender = str(who.account.user_id) if who.account else "@nobody:s"
    return managed_event(who, ORG, key, archived, Act(sender=sender, **act))


def member(who: Party, membership: str, key: RoomKey = CLASS_ROOM, **rest: Any) -> Deny | None:
    """One change of `who`'s own membership."""
    sender = str(who.account.user_id) if who.account else "@nobody:s"
    return managed(who, key, type="m.room.member", state_key=sender, membership=membership, **rest)


def test_messages_in_a_managed_room() -> None:
    """Members write; people of nowhere and of another school do not."""
    assert managed(Party(PUPIL), type="m.room.message") is None
    assert managed(Party(None), type="m.room.message") is Deny.UNKNOWN
    assert managed(Party(PEER_TEACHER), type="m.room.message") is Deny.OTHER_SCHOOL


@pytest.mark.parametrize("type_", sorted(MEMBER_STATE))
def test_state_that_members_write(type_: str) -> None:
    """Calls, topic, picture and pins are left to power levels."""
    assert managed(Party(CLASS_TEACHER), type=type_, state_key="") is None


def test_state_that_nobody_writes() -> None:
    """Everything else, known or not, is the service user's; the marker cannot even be sent as a message (R5)."""
    for type_ in ("m.room.name", "m.room.power_levels", "m.room.invented"):
        assert managed(Party(DIRECTOR), type=type_, state_key="") is Deny.MANAGED
    assert managed(Party(DIRECTOR), type="org.sferum.room", state_key="") is Deny.MANAGED
    assert managed(Party(DIRECTOR), type="org.sferum.room") is Deny.MANAGED


def test_membership_follows_the_list() -> None:
    """Listed people join and stay; others do not join, and may leave (R21, R25)."""
    assert member(Party(PUPIL), "join") is None
    assert member(Party(PUPIL), "join", renames=True) is Deny.RENAMED
    assert member(Party(PUPIL), "leave") is Deny.REQUIRED
    assert member(Party(PUPIL), "join", STAFF_ROOM) is Deny.NOT_LISTED
    assert member(Party(PUPIL), "leave", STAFF_ROOM) is None
    for membership in ("invite", "ban", "knock"):
        assert member(Party(PUPIL), membership) is Deny.MANAGED
    assert may_join_managed(Party(PUPIL), ORG, CLASS_ROOM) is None
    assert may_join_managed(Party(SCHOOLMATE), ORG, CLASS_ROOM) is Deny.NOT_LISTED


def test_leaving_is_never_kept_from_strangers() -> None:
    """Who has left the school, or is of another, may always leave the room."""
    assert member(Party(None), "leave") is None
    assert member(Party(PEER_TEACHER), "leave") is None
    assert member(Party(PEER_TEACHER), "join") is Deny.OTHER_SCHOOL


def test_nobody_is_brought_or_removed_by_members() -> None:
    """A member's membership of somebody else is refused, whatever it is."""
    for membership in ("invite", "leave", "ban"):
        found = managed(Party(DIRECTOR), type="m.room.member", state_key=ME, membership=membership)
        assert found is Deny.MANAGED


def test_an_archived_room_is_read_only() -> None:
    """Nothing is written in an archived room, calls included; leaving is judged as ever (R36)."""
    assert managed(Party(PUPIL), archived=True, type="m.room.message") is Deny.ARCHIVED
    assert (
        managed(Party(PUPIL), archived=True, type="m.call.member", state_key="x") is Deny.ARCHIVED
    )
    assert member(Party(PUPIL), "leave", STAFF_ROOM, archived=True) is None


def test_unconfirmed_pupils_only_read() -> None:
    """An unconfirmed pupil may take part in the class's call and do nothing else (R17)."""
    held = Party(PUPIL, unconfirmed=True)
    assert managed(held, type="m.room.message") is Deny.UNCONFIRMED
    assert managed(held, type="m.room.topic", state_key="") is Deny.UNCONFIRMED
    assert managed(held, type="m.call.member", state_key="x") is None
    assert managed(held, type="m.call.member") is Deny.UNCONFIRMED
    school = RoomKey(RoomKind.SCHOOL)
    assert managed(held, school, type="m.call.member", state_key="x") is Deny.UNCONFIRMED
    assert member(held, "join") is None


# --- rooms of one's own


@pytest.mark.parametrize(
    ("type_", "content", "refused"),
    [
        ("m.room.join_rules", {"join_rule": "invite"}, None),
        ("m.room.join_rules", {"join_rule": "public"}, Deny.ROOM_KIND),
        ("m.room.join_rules", {}, Deny.ROOM_KIND),
        ("m.room.join_rules", {"join_rule": ["invite"]}, Deny.ROOM_KIND),
        ("m.room.history_visibility", {"history_visibility": "invited"}, None),
        ("m.room.history_visibility", {"history_visibility": "world_readable"}, Deny.ROOM_KIND),
        ("m.room.guest_access", {"guest_access": "can_join"}, Deny.ROOM_KIND),
        ("m.room.canonical_alias", {}, None),
        ("m.room.canonical_alias", {"alias": "#x:y"}, Deny.ROOM_KIND),
        ("m.room.canonical_alias", {"alt_aliases": ["#x:y"]}, Deny.ROOM_KIND),
        ("m.room.tombstone", {}, Deny.ROOM_KIND),
        ("m.room.third_party_invite", {}, Deny.ROOM_KIND),
        ("org.sferum.room", {}, Deny.MANAGED),
        ("m.room.name", {"name": "x"}, None),
        ("m.room.power_levels", {}, None),
    ],
)
def test_state_of_own_room(type_: str, content: dict[str, Any], refused: Deny | None) -> None:
    """Nothing that opens a room to strangers may be set; the rest is its members' (R2)."""
    assert state_of_own_room(type_, content) is refused


def test_a_room_request_is_narrowed() -> None:
    """What can be narrowed is: no address, no directory, no other version, no federation, no other creators."""
    config: dict[str, Any] = {
        "visibility": "public",
        "room_alias_name": "x",
        "room_version": "1",
        "preset": "public_chat",
        "creation_content": {
            "m.federate": True,
            "additional_creators": ["@x:y"],
            "predecessor": {"room_id": "!x"},
            "type": "m.space",
        },
        "initial_state": [{"type": "m.room.encryption", "content": {"algorithm": "x"}}, "junk"],
    }
    assert room_request(config) is None
    assert config["creation_content"] == {"m.federate": False, "type": "m.space"}
    assert (config["visibility"], config["preset"]) == ("private", "private_chat")
    assert not {"room_alias_name", "room_version"} & set(config)
    assert [event["type"] for event in config["initial_state"]] == [
        "m.room.encryption",
        "m.room.guest_access",
    ]


@pytest.mark.parametrize(
    "config",
    [
        {"invite_3pid": [{"medium": "email"}]},
        {"initial_state": [{"type": "m.room.join_rules", "content": {"join_rule": "public"}}]},
        {"initial_state": [{"type": "m.room.member", "state_key": "@x:y", "content": {}}]},
        {"initial_state": [{"type": "m.room.join_rules"}]},
    ],
)
def test_a_room_request_that_cannot_be_narrowed(config: dict[str, Any]) -> None:
    """What cannot be narrowed is refused."""
    assert room_request(config) is Deny.ROOM_KIND


def test_strange_room_requests() -> None:
    """Fields of a wrong type are replaced, and own guest access is kept."""
    config: dict[str, Any] = {"creation_content": "x", "initial_state": "x"}
    assert room_request(config) is None
    assert config["creation_content"] == {"m.federate": False}
    own = {"type": "m.room.guest_access", "content": {"guest_access": "forbidden"}}
    config = {"initial_state": [own]}
    assert room_request(config) is None
    assert config["initial_state"] == [own]


def test_creating_with_people() -> None:
    """Each invitation is judged in its direction, then the set."""
    teacher, pupil = Party(CLASS_TEACHER), Party(PUPIL, joined=False)
    mate = Party(CLASSMATE, joined=False)
    assert may_create(teacher, [pupil, mate], LIMIT) is None
    assert may_create(Party(PUPIL), [mate], LIMIT) is Deny.SUPERVISION
    assert may_create(Party(FATHER), [mate], LIMIT) is Deny.MATRIX
    assert may_create(Party(None), [], LIMIT) is Deny.UNKNOWN
    assert may_create(teacher, [pupil, mate], 2) is Deny.TOO_MANY


def test_inviting_a_third() -> None:
    """An invitation that is fine between two may be wrong for the room."""
    assert (
        may_invite(Party(PUPIL), Party(CLASSMATE, joined=False), [Party(CLASS_TEACHER)], LIMIT)
        is None
    )
    assert (
        may_invite(Party(CLASS_TEACHER), Party(FATHER, joined=False), [Party(CLASSMATE)], LIMIT)
        is Deny.MATRIX
    )
    assert may_invite(Party(PUPIL), Party(PEER_TEACHER), [], LIMIT) is Deny.OTHER_SCHOOL


def test_writing_is_judged_again() -> None:
    """A message is refused once the set is no longer allowed; unconfirmed pupils answer few (R17)."""
    assert may_send(Party(PUPIL), [Party(CLASSMATE), Party(OTHER_TEACHER)], LIMIT) is None
    assert may_send(Party(PUPIL), [Party(CLASSMATE)], LIMIT) is Deny.SUPERVISION
    assert may_send(Party(None), [], LIMIT) is Deny.UNKNOWN
    held = Party(PUPIL, unconfirmed=True)
    assert may_send(held, [Party(CLASS_TEACHER)], LIMIT) is None
    assert may_send(held, [Party(OTHER_TEACHER)], LIMIT) is Deny.UNCONFIRMED
    assert may_send(Party(OTHER_TEACHER), [held], LIMIT) is None


def test_the_last_adult_stays() -> None:
    """The supervising adult may go only when another stays, or the pupils have gone."""
    pupils = [Party(PUPIL), Party(CLASSMATE)]
    teacher = Party(OTHER_TEACHER)
    assert may_go(teacher, pupils, LIMIT) is Deny.REQUIRED
    assert may_go(teacher, [*pupils, Party(DIRECTOR)], LIMIT) is None
    assert may_go(teacher, [Party(PUPIL)], LIMIT) is None
    assert may_go(Party(PUPIL), [Party(CLASSMATE), teacher], LIMIT) is None
    assert may_go(teacher, [*pupils, Party(None)], LIMIT) is None


def test_the_bot_writes_with_the_administration() -> None:
    """The staff's bot is in administration rooms as the list wants, writes there, and changes nothing of the room."""
    office = RoomKey(RoomKind.ADMINISTRATION)
    for type_ in ("m.room.message", "m.reaction", "m.room.redaction", "m.room.encrypted"):
        assert managed(BOT, office, type=type_) is None
        assert managed(BOT, office, type=type_, archived=True) is Deny.ARCHIVED
    assert member(BOT, "join", office) is None
    assert member(BOT, "join", office, renames=True) is Deny.RENAMED
    assert member(BOT, "leave", office) is Deny.REQUIRED
    assert member(BOT, "leave", office, archived=True) is None
    assert may_join_managed(BOT, ORG, office) is None
    for type_ in (*MEMBER_STATE, "m.room.name", "org.sferum.room"):
        assert managed(BOT, office, type=type_, state_key="") is Deny.MANAGED
    assert managed(BOT, office, type="org.sferum.room") is Deny.MANAGED
    for membership in ("invite", "leave", "ban", "join", "knock"):
        brought = Act(sender="@bot:s", type="m.room.member", state_key=ME, membership=membership)
        assert managed_event(BOT, ORG, office, False, brought) is Deny.MANAGED
    assert member(BOT, "knock", office) is Deny.MANAGED


def test_the_bot_is_nowhere_else() -> None:
    """Elsewhere it is nobody: in other managed rooms, in rooms of its own, in those of people."""
    for kind in set(RoomKind) - {RoomKind.ADMINISTRATION}:
        assert managed(BOT, RoomKey(kind), type="m.room.message") is Deny.UNKNOWN
        assert may_join_managed(BOT, ORG, RoomKey(kind)) is Deny.UNKNOWN
    assert may_create(BOT, [], LIMIT) is Deny.UNKNOWN
    assert may_create(Party(DIRECTOR), [BOT], LIMIT) is Deny.UNKNOWN
    assert may_invite(Party(DIRECTOR), BOT, [], LIMIT) is Deny.UNKNOWN
    assert may_send(BOT, [Party(DIRECTOR)], LIMIT) is Deny.UNKNOWN
