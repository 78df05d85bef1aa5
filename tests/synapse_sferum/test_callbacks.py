"""Callbacks answer what Synapse expects, and refuse when they break."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Collection, Mapping
from datetime import date
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest
from prometheus_client import REGISTRY
from synapse.module_api import NOT_SPAM, ModuleApi
from synapse.module_api.errors import Codes, SynapseError

from synapse_sferum.account import Account
from synapse_sferum.callbacks import Callbacks
from synapse_sferum.config import Config
from synapse_sferum.facts import Facts, PeerServer
from tests.synapse_sferum.test_policy import CLASS_TEACHER, PUPIL

SERVICE = "@sferum:s"
TEACHER, CHILD, STRANGER = str(CLASS_TEACHER.user_id), str(PUPIL.user_id), "@x:else.where"
ROOM = "!room"


class FakeApi:
    """Remembers what was registered; knows our users by their server."""

    def __init__(self) -> None:
        self.registered: dict[str, Any] = {}

    def is_mine(self, user_id: str) -> bool:
        return user_id.endswith(":s")

    def get_qualified_user_id(self, localpart: str) -> str:
        return f"@{localpart}:s"

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("register_"):
            raise AttributeError(name)
        return lambda **callbacks: self.registered.update(callbacks)


class KnownFacts:
    """A directory of two people, no managed rooms and no listed servers."""

    def __init__(self) -> None:
        self.accounts_by_id: dict[str, Account] = {TEACHER: CLASS_TEACHER, CHILD: PUPIL}

    def today(self, timezone: str) -> date:
        del timezone
        return date(2026, 9, 1)

    async def account(self, user_id: str) -> Account | None:
        return self.accounts_by_id.get(user_id)

    async def accounts(self, user_ids: Collection[str]) -> Mapping[str, Account | None]:
        return {user_id: self.accounts_by_id.get(user_id) for user_id in user_ids}

    async def managed_room(self, room_id: str) -> None:
        return None

    async def common_room(self, room_id: str) -> None:
        return None

    async def subjects(self, user_id: str) -> frozenset[str]:
        return frozenset()

    async def inviter(self, user_id: str, room_id: str) -> str | None:
        del user_id
        return {ROOM: TEACHER, "!theirs": STRANGER, "!gone": "@x:unlisted.where"}.get(room_id)

    async def peer_server(self, server_name: str) -> None:
        return None


class BrokenFacts:
    """A directory whose database is gone."""

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError("the database is gone")


def registered(facts: object) -> dict[str, Any]:
    """Every callback, by name."""
    api = FakeApi()
    config = Config(service_token_path="/x")
    Callbacks(cast("ModuleApi", api), config, cast("Facts", facts), SERVICE).register()
    return api.registered


def run(answer: Awaitable[Any]) -> Any:
    async def waits() -> Any:
        return await answer

    return asyncio.run(waits())


def event(
    sender: str, type_: str = "m.room.message", state_key: str | None = None, **content: Any
) -> Any:
    """What the callbacks read of an event."""
    return SimpleNamespace(
        sender=sender,
        type=type_,
        room_id=ROOM,
        content=content,
        membership=content.get("membership"),
        state_key=state_key,
        get_state_key=lambda: state_key,
    )


def requester(user_id: str) -> Any:
    return SimpleNamespace(user=SimpleNamespace(to_string=lambda: user_id))


#: Arguments of each callback for a thing that is refused, and the refusal.
REFUSED: dict[str, tuple[tuple[Any, ...], Any]] = {
    "check_event_for_spam": ((event(STRANGER),), Codes.FORBIDDEN),
    "should_drop_federated_event": ((event(STRANGER),), True),
    "user_may_join_room": (("@nobody:s", ROOM, True), Codes.FORBIDDEN),
    "user_may_invite": ((TEACHER, STRANGER, ROOM), Codes.FORBIDDEN),
    "federated_user_may_invite": (
        (event(STRANGER, "m.room.member", TEACHER, membership="invite"),),
        Codes.FORBIDDEN,
    ),
    "user_may_send_3pid_invite": ((TEACHER, "email", "x", ROOM), Codes.FORBIDDEN),
    "user_may_create_room": (("@nobody:s", {}), Codes.FORBIDDEN),
    "user_may_create_room_alias": ((TEACHER, "#x:s"), Codes.FORBIDDEN),
    "user_may_publish_room": ((TEACHER, ROOM), Codes.FORBIDDEN),
    "user_may_send_state_event": (
        (TEACHER, ROOM, "m.room.join_rules", "", {"join_rule": "public"}),
        Codes.FORBIDDEN,
    ),
    "check_username_for_spam": (({"user_id": "@nobody:s"}, TEACHER), True),
    "check_event_allowed": ((event("@nobody:s"), {}), (False, None)),
    "check_threepid_can_be_invited": (("email", "x", {}), False),
    "check_visibility_can_be_modified": ((ROOM, {}, "public"), False),
    "is_user_expired": (("@nobody:s",), True),
    "is_3pid_allowed": (("email", "x", False), False),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    """Each callback refuses what it is there for."""
    arguments, answer = REFUSED[name]
    assert run(registered(KnownFacts())[name](*arguments)) == answer


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_callback_refuses(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """A callback that fails refuses, and the log has its name and nobody's."""
    arguments, answer = REFUSED[name]
    assert run(registered(BrokenFacts())[name](*arguments)) == answer
    for record in caplog.records:
        if record.name.startswith("synapse_sferum"):
            assert name in record.getMessage()
            assert "@" not in record.getMessage()


def test_a_broken_room_request_is_refused() -> None:
    """createRoom is refused with a Matrix error when the directory cannot be read."""
    with pytest.raises(SynapseError) as refused:
        run(registered(BrokenFacts())["on_create_room"](requester(TEACHER), {}, False))
    assert refused.value.code == 403


def test_room_requests() -> None:
    """A teacher creates a room with a pupil, a pupil does not create one with a stranger."""
    create = registered(KnownFacts())["on_create_room"]
    config: dict[str, Any] = {"invite": [CHILD]}
    run(create(requester(TEACHER), config, False))
    assert config["creation_content"] == {"m.federate": False}
    with pytest.raises(SynapseError):
        run(create(requester(CHILD), {"invite": [STRANGER]}, True))
    untouched: dict[str, Any] = {"visibility": "public"}
    run(create(requester(SERVICE), untouched, False))
    assert untouched == {"visibility": "public"}


def test_what_is_allowed() -> None:
    """Ordinary things pass, and the service user passes everywhere by id."""
    callbacks = registered(KnownFacts())
    assert run(callbacks["user_may_invite"](TEACHER, CHILD, ROOM)) is NOT_SPAM
    assert run(callbacks["user_may_create_room"](CHILD, {})) is NOT_SPAM
    assert run(callbacks["user_may_join_room"](CHILD, ROOM, True)) is NOT_SPAM
    assert run(callbacks["check_event_for_spam"](event(CHILD))) is NOT_SPAM
    assert run(callbacks["check_event_allowed"](event(TEACHER), {})) == (True, None)
    assert run(callbacks["is_user_expired"](CHILD)) is False
    assert run(callbacks["check_username_for_spam"]({"user_id": CHILD}, TEACHER)) is False
    assert run(callbacks["check_visibility_can_be_modified"](ROOM, {}, "private")) is True
    broken = registered(BrokenFacts())
    for name, arguments in (
        ("user_may_invite", (SERVICE, CHILD, ROOM)),
        ("user_may_create_room", (SERVICE, {})),
        ("user_may_join_room", (SERVICE, ROOM, False)),
        ("user_may_send_state_event", (SERVICE, ROOM, "m.room.name", "", {})),
    ):
        assert run(broken[name](*arguments)) is NOT_SPAM
    assert run(broken["check_event_allowed"](event(SERVICE), {})) == (True, None)
    assert run(broken["is_user_expired"](SERVICE)) is False


def test_an_account_is_not_burnt_by_its_owner() -> None:
    """R29: only the operator deactivates; for its owner the account is there for good."""
    check = registered(KnownFacts())["check_can_deactivate_user"]
    assert run(check(CHILD, False)) is False
    assert run(check(CHILD, True)) is True


def test_other_servers_may_only_leave() -> None:
    """An event that another server asks us to make is refused, unless somebody leaves."""
    check = registered(KnownFacts())["check_event_allowed"]
    for membership, allowed in (("join", False), ("knock", False), ("leave", True)):
        made = event(STRANGER, "m.room.member", STRANGER, membership=membership)
        assert run(check(made, {}))[0] is allowed


class ListingFacts(KnownFacts):
    """The same with one listed server, whose teachers meet ours."""

    async def peer_server(self, server_name: str) -> Any:
        listed = server_name in {"else.where", "third.where"}
        pairs = frozenset({("teacher", "teacher")})
        return PeerServer(server_name, pairs, until_ms=1) if listed else None


def invitation(sender: str, target: str, *roles: str) -> Any:
    """An invitation with what the inviter's school says of them."""
    told = {"org.sferum.vouched": {"roles": list(roles)}}
    return event(sender, "m.room.member", target, membership="invite", **told)


@pytest.mark.parametrize("name", ["federated_user_may_invite", "check_event_for_spam"])
def test_invitations_of_another_school(name: str) -> None:
    """Through /invite and through /send alike: their teacher invites our teacher, and no other pair is let in (R4)."""
    check = registered(ListingFacts())[name]
    for made, allowed in (
        (invitation(STRANGER, TEACHER, "teacher"), True),
        (invitation(STRANGER, TEACHER, "director"), False),
        (invitation(STRANGER, TEACHER), False),
        (invitation(STRANGER, CHILD, "teacher"), False),
        (invitation(STRANGER, "@nobody:s", "teacher"), False),
        (invitation(STRANGER, "@x:third.where", "teacher"), True),
        (invitation(STRANGER, "@x:unlisted.where", "teacher"), False),
        (invitation("@x:unlisted.where", TEACHER, "teacher"), False),
    ):
        assert (run(check(made)) is NOT_SPAM) is allowed, made


def test_an_invitation_ends_with_its_school() -> None:
    """An invitation of a school that has been taken out of the register cannot be accepted any more (R4)."""
    join = registered(ListingFacts())["user_may_join_room"]
    for room_id, allowed in ((ROOM, True), ("!theirs", True), ("!gone", False)):
        assert (run(join(TEACHER, room_id, True)) is NOT_SPAM) is allowed
    assert (
        run(registered(KnownFacts())["user_may_join_room"](TEACHER, "!theirs", True))
        is not NOT_SPAM
    )


def test_a_room_with_another_school() -> None:
    """A teacher's room with somebody of a listed server may leave this server; nobody else's room does."""
    create = registered(ListingFacts())["on_create_room"]
    config: dict[str, Any] = {"invite": [STRANGER]}
    run(create(requester(TEACHER), config, False))
    assert config["creation_content"] == {"m.federate": True}
    for creator, invited in ((CHILD, [STRANGER]), (TEACHER, [STRANGER, CHILD])):
        with pytest.raises(SynapseError):
            run(create(requester(creator), {"invite": invited}, False))


def test_who_of_another_school_is_let_into_a_room() -> None:
    """make_join: a guest enters a room that leaves the server and holds whom they may meet; never another."""
    check = registered(ListingFacts())["check_event_allowed"]
    joins = event(STRANGER, "m.room.member", STRANGER, membership="join")
    knocks = event(STRANGER, "m.room.member", STRANGER, membership="knock")

    def room(*members: str, **creation: Any) -> dict[tuple[str, str], Any]:
        return {
            ("m.room.create", ""): event(TEACHER, "m.room.create", "", **creation),
            **{
                ("m.room.member", who): event(who, "m.room.member", who, membership="join")
                for who in members
            },
        }

    for state, allowed in (
        (room(TEACHER), True),
        (room(TEACHER, **{"m.federate": False}), False),
        (room(TEACHER, CHILD), False),
        ({}, False),
    ):
        assert run(check(joins, state))[0] is allowed
        assert run(check(knocks, state))[0] is False


def test_an_invitation_leaves_with_the_school_s_word() -> None:
    """What the inviter is here is written into an invitation to another server, over what the client wrote."""
    check = registered(ListingFacts())["check_event_allowed"]
    made = invitation(TEACHER, STRANGER, "director")
    made.get_dict = lambda: {"type": "m.room.member", "content": dict(made.content)}
    state = {("m.room.create", ""): event(TEACHER, "m.room.create", "")}
    allowed, replaced = run(check(made, state))
    assert allowed
    assert replaced["type"] == "m.room.member"
    assert replaced["content"]["org.sferum.vouched"] == {"roles": ["teacher"]}
    assert run(check(invitation(TEACHER, CHILD), {})) == (True, None)


def test_signatures() -> None:
    """Synapse calls each callback with as many arguments as it takes (isolation.md §2)."""
    callbacks = registered(KnownFacts())
    counts = {name: len(arguments) for name, (arguments, _) in REFUSED.items()}
    counts |= {"on_create_room": 3, "check_can_deactivate_user": 2}
    assert {
        name: len(inspect.signature(found).parameters) for name, found in callbacks.items()
    } == counts


def test_every_callback_is_one_of_synapse_s() -> None:
    """Each name is a parameter of the registration it is handed to, so none is silently ignored."""
    known: set[str] = set()
    for name, function in inspect.getmembers(ModuleApi, inspect.isfunction):
        if name.startswith("register_") and name.endswith("_callbacks"):
            known |= set(inspect.signature(function).parameters)
    assert set(registered(KnownFacts())) <= known


def test_refusals_are_counted_without_names() -> None:
    """The counter's labels are a surface and a reason, nothing else."""
    run(registered(KnownFacts())["user_may_invite"](TEACHER, STRANGER, ROOM))
    labels = {"surface": "user_may_invite", "reason": "unknown"}
    assert (REGISTRY.get_sample_value("sferum_decisions_total", labels) or 0) >= 1
    for metric in REGISTRY.collect():
        if metric.name == "sferum_decisions":
            for sample in metric.samples:
                assert set(sample.labels) == {"surface", "reason"}
                assert "@" not in "".join(sample.labels.values())
