"""What is kept, on SQLite and on PostgreSQL: the same in both."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from sqlalchemy.exc import DBAPIError

from bridge.application import State
from bridge.contact import Medium
from bridge.invite import InviteId, token_hash
from bridge.ports import Store
from bridge.records import (
    NOWHERE,
    Action,
    AuditEntry,
    CalendarFeed,
    ContactId,
    FeedHash,
    ListedContact,
    Sealed,
    Session,
    SessionHash,
)
from bridge.roles import Account, ClassId, OrgId, PersonId, Role
from bridge.store import SqlStore
from bridge.verification import ChallengeId, Code
from tests.bridge.values import (
    BROWSER,
    LOOKUP,
    MASHA,
    MOTHER,
    NOW,
    PHONE,
    SCHOOL,
    TEACHER,
    VAULT,
    application,
    bound,
    chain,
    invite,
    waiting_sms,
)

DIRECTOR = Account(user_id=TEACHER, org_id=SCHOOL, roles=frozenset({Role.DIRECTOR}))
LATER = NOW + timedelta(minutes=1)


async def test_a_bound_contact_comes_back_as_it_was(store: Store) -> None:
    """And its owner is found by the hash alone."""
    async with store.begin() as work:
        assert await work.contacts.claim(bound("k1"))
    async with store.begin() as work:
        (kept,) = await work.contacts.of_account(MASHA)
        assert await work.contacts.owner(Medium.MSISDN, LOOKUP, SCHOOL) == MASHA
        assert await work.contacts.owner(Medium.EMAIL, LOOKUP, SCHOOL) is None
    assert kept.sealed is not None
    assert VAULT.unseal(kept.sealed, "contact") == PHONE.e164.encode()


async def test_a_released_phone_is_free_and_unreadable(store: Store) -> None:
    """R14: the mother leaves, her child or she herself takes the number again."""
    async with store.begin() as work:
        assert await work.contacts.claim(bound("k1", MOTHER))
        assert not await work.contacts.claim(bound("k2", MASHA))
        assert await work.contacts.release(MOTHER, LATER) == 1
        assert await work.contacts.owner(Medium.MSISDN, LOOKUP, SCHOOL) is None
        assert await work.contacts.claim(bound("k3", MASHA))
        assert await work.contacts.of_account(MOTHER) == []
        assert await work.contacts.release(MOTHER, LATER) == 0


async def test_a_contact_has_one_profile_at_each_school(store: Store) -> None:
    """R7, ADR 32: of each school its own; the first to prove it is first in line until they release it."""
    other = OrgId("other")
    later = evolve(bound("k2", MASHA, other), verified_at=LATER)
    async with store.begin() as work:
        assert await work.contacts.claim(bound("k1", MOTHER))
        assert await work.contacts.claim(later)
        assert not await work.contacts.claim(bound("k3", TEACHER, other))
        assert await work.contacts.owner(Medium.MSISDN, LOOKUP, other) == MASHA
        assert await work.contacts.owner(Medium.MSISDN, LOOKUP, SCHOOL) == MOTHER
        holders = await work.contacts.holders(Medium.MSISDN, LOOKUP)
        assert [one.user_id for one in holders] == [MOTHER, MASHA]
        assert holders[1] == later
        assert await work.contacts.heirs(MOTHER) == await work.contacts.heirs(MASHA) == []
        assert await work.contacts.release(MOTHER, LATER) == 1
        assert await work.contacts.heirs(MOTHER) == [MASHA]
        assert await work.contacts.owner(Medium.MSISDN, LOOKUP, SCHOOL) is None
        assert await work.contacts.owner(Medium.MSISDN, LOOKUP, other) == MASHA


async def test_a_contact_of_no_known_school_is_every_school_s(store: Store) -> None:
    """Kept before schools were: nobody else gets it by coming in at another one."""
    async with store.begin() as work:
        assert await work.contacts.claim(bound("k1", MOTHER, NOWHERE))
        assert await work.contacts.owner(Medium.MSISDN, LOOKUP, SCHOOL) == MOTHER


async def test_two_profiles_of_one_person(store: Store) -> None:
    """Each knows the other; apart again on both sides, or when one of them ends."""
    async with store.begin() as work:
        for _ in range(2):
            await work.profiles.link(MOTHER, TEACHER, NOW)
        await work.profiles.link(MOTHER, MASHA, LATER)
        assert await work.profiles.of(MOTHER) == [TEACHER, MASHA]
        assert await work.profiles.of(TEACHER) == await work.profiles.of(MASHA) == [MOTHER]
        assert await work.profiles.unlink(TEACHER, MOTHER)
        assert not await work.profiles.unlink(TEACHER, MOTHER)
        assert await work.profiles.of(TEACHER) == []
        assert await work.profiles.of(MOTHER) == [MASHA]
        await work.profiles.end(MASHA)
        assert await work.profiles.of(MOTHER) == []


async def test_a_chain_comes_back_as_it_was(store: Store) -> None:
    """Also after a resend, with both codes."""
    first = chain()
    again = evolve(first, challenge=first.challenge.resent(Code("111111"), VAULT.code_key, LATER))
    async with store.begin() as work:
        await work.challenges.add(first)
        assert await work.challenges.get(first.challenge.id) == first
        assert await work.challenges.save_resend(again)
        assert not await work.challenges.save_resend(again)  # a second press of the button
        assert await work.challenges.get(first.challenge.id) == again
        assert await work.challenges.get(ChallengeId("another")) is None


async def test_a_resend_gives_no_tries_back(store: Store) -> None:
    """Even when the guess was made between reading and writing."""
    first = chain()
    stale = evolve(first, challenge=first.challenge.resent(Code("111111"), VAULT.code_key, LATER))
    async with store.begin() as work:
        await work.challenges.add(first)
        await work.challenges.take_try(first.challenge.id)
        await work.challenges.save_resend(stale)
        kept = await work.challenges.get(first.challenge.id)
    assert kept is not None
    assert kept.challenge.tries_left == 4


async def test_a_code_opens_one_door(store: Store) -> None:
    """Passed is passed: no second time, no further guess."""
    one = chain()
    async with store.begin() as work:
        await work.challenges.add(one)
        assert await work.challenges.mark_passed(one.challenge.id, NOW)
        assert not await work.challenges.mark_passed(one.challenge.id, NOW)
        assert await work.challenges.take_try(one.challenge.id) is None


async def test_old_chains_are_forgotten(store: Store) -> None:
    """The number in them is gone with them."""
    async with store.begin() as work:
        await work.challenges.add(chain())
        assert await work.challenges.purge(NOW) == 0
        assert await work.challenges.purge(LATER) == 1


async def test_an_invite_is_used_as_often_as_it_says(store: Store) -> None:
    """R10: counted by the database, and not after it was revoked."""
    async with store.begin() as work:
        await work.invites.add(invite("i1", max_uses=1))
        await work.invites.add(invite("i2"))
        assert await work.invites.use(InviteId("i1"), NOW)
        assert not await work.invites.use(InviteId("i1"), NOW)
        assert not await work.invites.use(InviteId("i2"), NOW + timedelta(days=14))
        assert await work.invites.revoke(InviteId("i2"), LATER)
        assert not await work.invites.revoke(InviteId("i2"), LATER)
        assert not await work.invites.use(InviteId("i2"), LATER)
        kept = await work.invites.by_token(token_hash("i2"))
        assert kept == evolve(invite("i2"), revoked_at=LATER)
        assert await work.invites.get(InviteId("i1")) == evolve(invite("i1", 1), used=1)
        assert await work.invites.by_token(token_hash("unknown")) is None


async def test_a_rejection_leaves_a_hash(store: Store) -> None:
    """R16: what the applicant wrote is gone, and a second decision finds nothing to decide."""
    new = evolve(application(), repeat_hash=b"h" * 32)
    no = new.reject(DIRECTOR, LATER)
    async with store.begin() as work:
        await work.applications.add(new, VAULT.seal(b"names", "form"))
        assert await work.applications.waiting(SCHOOL) == [new]
        assert await work.applications.waiting(OrgId("next")) == []
        assert await work.applications.form(new.id) is not None
        assert await work.applications.waiting_of(b"h" * 32) == [new]
        assert await work.applications.rejections(b"h" * 32) == []
        assert await work.applications.move(new, no)
        assert await work.applications.waiting_of(b"h" * 32) == []
        assert not await work.applications.move(new, new.approve(DIRECTOR, LATER))
        assert await work.applications.get(new.id) == no
        assert await work.applications.form(new.id) is None
        assert await work.applications.rejections(b"h" * 32) == [LATER]
        assert await work.applications.waiting(SCHOOL) == []


async def test_an_approval_keeps_the_form(store: Store) -> None:
    """The account is still to be made from it."""
    new = application()
    async with store.begin() as work:
        await work.applications.add(new, VAULT.seal(b"names", "form"))
        assert await work.applications.move(new, new.approve(DIRECTOR, LATER))
        kept = await work.applications.get(new.id)
        assert await work.applications.form(new.id) is not None
    assert kept is not None
    assert kept.state is State.APPROVED


async def test_a_session_ends_by_itself_by_hand_and_everywhere(store: Store) -> None:
    """Sign-out everywhere ends this person's sessions and nobody else's."""

    def session(letter: bytes, person: bool = True) -> Session:
        return Session(
            hash=SessionHash(letter * 32), created_at=NOW, expires_at=NOW + timedelta(days=1),
            user_id=MASHA if person else None,
        )  # fmt: skip

    async with store.begin() as work:
        for one in (session(b"a"), session(b"b"), session(b"c"), session(b"d", person=False)):
            await work.sessions.add(one)
        assert await work.sessions.get(BROWSER, NOW) == session(b"b")
        assert await work.sessions.get(BROWSER, NOW + timedelta(days=1)) is None
        await work.sessions.end(BROWSER)
        assert await work.sessions.get(BROWSER, NOW) is None
        assert await work.sessions.end_all(MASHA) == 2
        assert await work.sessions.get(SessionHash(b"d" * 32), NOW) is not None


async def test_a_taken_message_comes_back_when_its_worker_died(store: Store) -> None:
    """A lease hides it from others; a crash gives it back; done is gone."""
    async with store.begin() as work:
        await work.outbox.add(waiting_sms("o1"))
        await work.outbox.add(waiting_sms("o2", due_at=LATER))
        (taken,) = await work.outbox.take_due(NOW, lease_until=LATER, most=10)
        assert (taken.id, taken.tries) == ("o1", 1)
        assert await work.outbox.take_due(NOW, lease_until=LATER, most=10) == []
        both = await work.outbox.take_due(LATER, lease_until=LATER, most=10)
        assert [(item.id, item.tries) for item in both] == [("o1", 2), ("o2", 1)]
        await work.outbox.postpone(both[0], LATER + timedelta(hours=1))
        await work.outbox.done(both[1].id)
        assert await work.outbox.take_due(LATER, LATER, 10) == []


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
async def test_nobody_rewrites_the_log(sql_store: SqlStore, statement: str) -> None:
    """R51: the database itself refuses."""
    entry = AuditEntry(
        at=NOW, org_id=SCHOOL, actor=TEACHER, action=Action.INVITE_ISSUED, subject="i1"
    )
    async with sql_store.begin() as work:
        await work.audit.add(entry)
    with pytest.raises(DBAPIError, match="append-only"):
        async with sql_store.engine.begin() as connection:
            await connection.exec_driver_sql(statement)
    async with sql_store.begin() as work:
        assert await work.audit.of_org(SCHOOL, 10) == [entry]


async def test_a_reason_is_kept_with_its_entry(store: Store) -> None:
    """R51: why, in the decider's words; "" where nobody said why."""
    said = AuditEntry(
        at=NOW,
        org_id=SCHOOL,
        actor=TEACHER,
        action=Action.APPLICATION_REJECTED,
        subject="a1",
        reason="не из нашей школы",
    )
    silent = evolve(said, subject="a2", reason="")
    async with store.begin() as work:
        await work.audit.add(said)
        await work.audit.add(silent)
        assert await work.audit.of_org(SCHOOL, 10) == [silent, said]


async def test_counted_times_are_found_and_forgotten(store: Store) -> None:
    """By name, and only as far back as asked."""
    async with store.begin() as work:
        await work.rates.serialise()
        await work.rates.add(["number:x", "all"], NOW)
        await work.rates.add(["all"], LATER)
        times = await work.rates.times(["number:x", "all", "none"], NOW - timedelta(hours=1))
        assert {name: sorted(found) for name, found in times.items()} == {
            "number:x": [NOW], "all": [NOW, LATER], "none": [],
        }  # fmt: skip
        assert (await work.rates.times(["all"], NOW))["all"] == [LATER]
        assert await work.rates.purge(LATER) == 2


async def test_an_error_rolls_everything_back(store: Store) -> None:
    """Half a step is no step."""

    async def claim_and_fail() -> None:
        async with store.begin() as work:
            await work.contacts.claim(bound("k1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await claim_and_fail()
    async with store.begin() as work:
        assert await work.contacts.owner(Medium.MSISDN, LOOKUP, SCHOOL) is None


async def test_an_error_of_the_database_quotes_no_values(sql_store: SqlStore) -> None:
    """Errors are logged, and statements carry what nobody may see."""
    one = invite()
    async with sql_store.begin() as work:
        await work.invites.add(one)
    with pytest.raises(DBAPIError) as failure:
        async with sql_store.begin() as work:
            await work.invites.add(one)
    assert TEACHER not in str(failure.value)


async def test_one_of_two_contacts_can_be_released(store: Store) -> None:
    """After a change of number the old one is free, the new one stays."""
    async with store.begin() as work:
        await work.contacts.claim(bound("k1"))
        assert await work.contacts.release_one(ContactId("k1"), LATER)
        assert not await work.contacts.release_one(ContactId("k1"), LATER)
        assert await work.contacts.owner(Medium.MSISDN, LOOKUP, SCHOOL) is None


async def test_a_journey_ends_by_itself(store: Store) -> None:
    """What was typed is kept for this browser, replaced by what is typed next, and not for ever."""
    until = NOW + timedelta(minutes=30)
    async with store.begin() as work:
        await work.journeys.put(BROWSER, Sealed(b"one"), until)
        await work.journeys.put(BROWSER, Sealed(b"two"), until)
        assert await work.journeys.get(BROWSER, NOW) == b"two"
        assert await work.journeys.get(SessionHash(b"o" * 32), NOW) is None
        assert await work.journeys.get(BROWSER, until) is None
        assert await work.journeys.purge(until) == 1
        await work.journeys.end(BROWSER)


async def test_a_list_replaces_the_contacts_of_its_own_groups(store: Store) -> None:
    """A file of pupils does not forget the parents' phones, nor those of another source."""
    mother = ListedContact(
        source="csv", source_id="R1", group="guardian", medium=Medium.MSISDN, lookup=LOOKUP
    )
    child = evolve(mother, source_id="U1", group="student")
    other = evolve(mother, source="diary", source_id="7")
    async with store.begin() as work:
        await work.listed.replace(SCHOOL, "csv", ["guardian", "student"], [mother, child, child])
        await work.listed.replace(SCHOOL, "diary", ["guardian"], [other])
        assert await work.listed.matches(SCHOOL, Medium.MSISDN, LOOKUP) == [mother, child, other]
        await work.listed.replace(SCHOOL, "csv", ["student"], [])
        assert await work.listed.matches(SCHOOL, Medium.MSISDN, LOOKUP) == [mother, other]
        assert await work.listed.of_record(SCHOOL, "csv", "R1") == [mother]
        assert await work.listed.matches(OrgId("other"), Medium.MSISDN, LOOKUP) == []


async def test_a_colleague_who_is_a_parent_is_listed_once(store: Store) -> None:
    """R32: the parents' list alone, after both lists together, names the same record with the same phone."""
    both = ListedContact(
        source="csv", source_id="T1", group="staff", medium=Medium.MSISDN, lookup=LOOKUP
    )
    async with store.begin() as work:
        await work.listed.replace(SCHOOL, "csv", ["staff", "guardian"], [both])
    parent = evolve(both, group="guardian")
    for _ in range(2):
        async with store.begin() as work:
            await work.listed.replace(SCHOOL, "csv", ["guardian"], [parent])
            assert await work.listed.matches(SCHOOL, Medium.MSISDN, LOOKUP) == [both]
    async with store.begin() as work:
        await work.listed.replace(SCHOOL, "csv", ["staff", "guardian"], [parent])
        assert await work.listed.matches(SCHOOL, Medium.MSISDN, LOOKUP) == [parent]


async def test_live_invites_are_listed_by_class_and_by_person(store: Store) -> None:
    """What a class teacher can still revoke; used up, over or revoked ones are not in it."""
    personal = evolve(invite("i2"), person_id=PersonId("p1"), code_hash=b"c" * 32)
    async with store.begin() as work:
        for one in (invite("i1"), personal, evolve(invite("i3"), revoked_at=NOW), invite("i4", 0)):
            await work.invites.add(one)
        assert await work.invites.live(SCHOOL, NOW) == [invite("i1"), personal]
        assert await work.invites.live(SCHOOL, NOW, person_id=PersonId("p1")) == [personal]
        assert await work.invites.live(SCHOOL, NOW, class_id=ClassId("2Б")) == []
        assert await work.invites.live(SCHOOL, NOW + timedelta(days=14)) == []
        assert await work.invites.by_code(b"c" * 32) == personal


async def test_a_calendar_has_one_address_at_a_time(store: Store) -> None:
    """A new one ends the one before; what is taken away is nobody's."""
    first, second = FeedHash(b"1" * 32), FeedHash(b"2" * 32)
    async with store.begin() as work:
        await work.feeds.put(CalendarFeed(user_id=MASHA, hash=first, made_at=NOW))
        await work.feeds.put(CalendarFeed(user_id=MOTHER, hash=second, made_at=NOW))
        assert (await work.feeds.by_hash(first)) == await work.feeds.of(MASHA)
    third = FeedHash(b"3" * 32)
    async with store.begin() as work:
        await work.feeds.put(CalendarFeed(user_id=MASHA, hash=third, made_at=LATER))
        assert await work.feeds.by_hash(first) is None
        found = await work.feeds.by_hash(third)
        assert found == CalendarFeed(user_id=MASHA, hash=third, made_at=LATER)
        await work.feeds.end(MASHA)
        assert await work.feeds.by_hash(third) is None
        assert await work.feeds.of(MOTHER) is not None
