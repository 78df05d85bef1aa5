"""The bridge on this machine: it is told the phones and e-mails of a school's lists (docs/contracts.md §5).

Contacts go past Synapse: the directory knows none. The bridge keeps keyed hashes, to recognise whoever proves one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from attrs import frozen

from provisioning.contact import Email
from provisioning.homeserver import LOCAL, TIMEOUT
from provisioning.refusals import InsecureUrl, Unreachable, refusal_of
from provisioning.roster import STAFF, Group, Person, Role, Roster


class BridgeUnreachable(Unreachable):
    ru = (
        "служба регистрации не отвечает, телефоны из списка ей не переданы; проверьте, что она "
        "запущена и верен ли её адрес на этой машине (--bridge), и повторите команду"
    )
    en = (
        "the onboarding service does not answer, so it was not told the phones of the list; check "
        "that it runs and that its address on this machine (--bridge) is right, then repeat"
    )


class NotThisMachine(InsecureUrl):
    ru = (
        "служба регистрации принимает списки только от этой машины; укажите её адрес здесь, например "
        "--bridge http://127.0.0.1:8090"
    )
    en = (
        "the onboarding service takes lists from this machine only; give its address here, such as "
        "--bridge http://127.0.0.1:8090"
    )


@frozen
class Bridge:
    """Calls that only programs of this machine may make, with the service token."""

    _client: httpx.Client

    @classmethod
    def connect(
        cls, url: str, token: str, *, transport: httpx.BaseTransport | None = None
    ) -> Bridge:
        """A client for the bridge at `url`. Nothing is sent yet.

        Raises:
            NotThisMachine: the bridge would not answer, and nobody there must see the token.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or parts.hostname not in LOCAL:
            raise NotThisMachine
        client = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
            transport=transport,
            trust_env=False,  # a proxy of the environment must not see the token
        )
        return cls(client)

    def close(self) -> None:
        self._client.close()

    def list_contacts(self, org_id: str, roster: Roster) -> int:
        """Say what the lists say now, whole, of the groups they cover; how many contacts were kept.

        Raises:
            BridgeUnreachable, Refusal.
        """
        path = f"/service/orgs/{quote(org_id, safe='')}/listed-contacts"
        try:
            answer = self._client.put(path, json=listing_of(roster))
            content = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise BridgeUnreachable(message=type(error).__name__) from None
        if not answer.is_success or not isinstance(content, dict):
            raise refusal_of(answer.status_code, content if isinstance(content, dict) else {})
        return int(content.get("listed", 0))


def listing_of(roster: Roster) -> dict[str, Any]:
    """`{source, groups, contacts: [{source_id, group, medium, address}]}` of the groups that the roster covers."""
    groups = [group for group in Group if group in roster.covers]
    contacts = [
        {"source_id": person.source_id, "group": group.value, "medium": medium, "address": address}
        for person in roster.people
        if (group := group_of(person)) in groups
        for medium, address in _contacts(person)
    ]
    return {
        "source": roster.source,
        "groups": [group.value for group in groups],
        "contacts": contacts,
    }


def group_of(person: Person) -> Group:
    """Of whose list somebody is: a teacher who is a parent too is staff."""
    if Role.STUDENT in person.roles:
        return Group.STUDENT
    return Group.STAFF if person.roles & STAFF else Group.GUARDIAN


def _contacts(person: Person) -> Iterator[tuple[str, str]]:
    if person.phone is not None:
        yield "msisdn", person.phone.e164
    if person.email is not None and _is_sendable(person.email):
        yield "email", person.email.address


def _is_sendable(email: Email) -> bool:
    """Whether any code could ever be sent there: the domain has a form for the network (RFC 5890)."""
    try:
        email.address.rpartition("@")[2].encode("idna")
    except UnicodeError:
        return False
    return True
