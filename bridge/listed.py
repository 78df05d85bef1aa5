"""Phones and e-mails of a school's lists, as keyed hashes only: a newcomer who proves one is matched (R15, R19)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from bridge.contact import Contact, Email, Medium, Phone, medium_of, parse_email, subject
from bridge.ports import Store, Vault
from bridge.records import Action, AuditEntry, ListedContact
from bridge.roles import OrgId
from provisioning import roster

logger = logging.getLogger(__name__)

MOST_CONTACTS = 120_000  # 50,000 people with a phone and an e-mail, and some
GROUPS = tuple(group.value for group in roster.Group)


class BadListing(ValueError):
    """Not a listing; the message names the field and quotes nothing of it."""


@frozen(kw_only=True)
class Entry:
    """One contact of one record."""

    source_id: str = field(repr=False)
    group: str
    contact: Contact = field(repr=False)


@frozen(kw_only=True)
class Listing:
    """What the lists of one source say of these groups, whole."""

    source: str
    groups: tuple[str, ...]
    entries: tuple[Entry, ...] = field(repr=False)


def listing_of(read: roster.Roster) -> Listing:
    """The contacts of a roster that was applied, of the groups it covers."""
    covered = {group.value for group in read.covers}
    entries = [
        Entry(source_id=person.source_id, group=group, contact=contact)
        for person in read.people
        if (group := _group(person.roles)) in covered
        for contact in (person.phone, _sendable(person.email))
        if contact is not None
    ]
    return Listing(
        source=read.source,
        groups=tuple(group for group in GROUPS if group in covered),
        entries=tuple(entries),
    )


def parse_listing(raw: Any) -> Listing:
    """`{source, groups, contacts: [{source_id, group, medium, address}]}` as the command line sends it.

    Raises:
        BadListing: names what is wrong.
    """
    body = _object(raw, "body")
    source = _text(body.get("source"), "source", 64)
    if not roster.SOURCE.fullmatch(source):
        raise BadListing("source: want 1 to 64 of a-z, 0-9 and . _ -")
    groups = body.get("groups")
    if not isinstance(groups, list) or not groups or not all(one in GROUPS for one in groups):
        raise BadListing(f"groups: want a list of {', '.join(GROUPS)}")
    contacts = body.get("contacts")
    if not isinstance(contacts, list) or len(contacts) > MOST_CONTACTS:
        raise BadListing(f"contacts: want a list of at most {MOST_CONTACTS}")
    return Listing(
        source=source,
        groups=tuple(group for group in GROUPS if group in groups),
        entries=tuple(_entry(one, groups) for one in contacts),
    )


async def list_contacts(
    org_id: OrgId, listing: Listing, by: str, now: datetime, *, store: Store, vault: Vault
) -> int:
    """Keep this listing instead of the source's earlier one for the same groups; how many contacts.

    Args:
        by: the account on whose behalf, or the name of a part of the service.
    """
    rows = [
        ListedContact(
            source=listing.source,
            source_id=one.source_id,
            group=one.group,
            medium=medium_of(one.contact),
            lookup=vault.lookup(subject(one.contact)),
        )
        for one in listing.entries
    ]
    async with store.begin() as work:
        await work.listed.replace(org_id, listing.source, listing.groups, rows)
        await work.audit.add(
            AuditEntry(
                at=now,
                org_id=org_id,
                actor=by,
                action=Action.CONTACTS_LISTED,
                subject=listing.source,
            )
        )
    logger.info(
        "contacts listed org=%s source=%s count=%s by=%s", org_id, listing.source, len(rows), by
    )
    return len(rows)


def _group(roles: Iterable[roster.Role]) -> str:
    """The group of a record: a record of several is staff before a parent, whose lists are whole."""
    found = frozenset(roles)
    if roster.Role.STUDENT in found:
        return roster.Group.STUDENT.value
    return (roster.Group.STAFF if found & roster.STAFF else roster.Group.GUARDIAN).value


def _sendable(email: Email | None) -> Email | None:
    """In the form in which a newcomer's address is looked up; None: no code could ever be sent there."""
    found = None if email is None else parse_email(email.address)
    return found if isinstance(found, Email) else None


def _entry(raw: Any, groups: Collection[str]) -> Entry:
    one = _object(raw, "contacts")
    group = one.get("group")
    if not isinstance(group, str) or group not in groups:
        raise BadListing("contacts.group: want one of groups")
    address = _text(one.get("address"), "contacts.address", 320)
    contact: Contact | None = None
    try:
        if one.get("medium") == Medium.MSISDN.value:
            contact = Phone.parse(address)
        elif one.get("medium") == Medium.EMAIL.value:
            contact = _sendable(Email.parse(address))
    except ValueError:
        contact = None
    if contact is None:
        raise BadListing("contacts: want medium msisdn or email, and an address of this kind")
    source_id = _text(one.get("source_id"), "contacts.source_id", roster.MAX_ID)
    return Entry(source_id=source_id, group=group, contact=contact)


def _object(raw: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise BadListing(f"{name}: want an object")
    return raw


def _text(raw: Any, name: str, longest: int) -> str:
    if not isinstance(raw, str) or not 1 <= len(raw) <= longest or "\0" in raw:
        raise BadListing(f"{name}: want text of 1 to {longest} characters")
    return raw
