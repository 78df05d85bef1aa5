"""The sample school on a running homeserver: school, roster, accounts, in steps that may be repeated.

Whatever is done already is not done again, so a start that was cut off goes on where it stopped. Once all of it was
done, nothing is touched any more: from then on the school belongs to whoever tries things out.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import frozen

from provisioning.homeserver import Homeserver
from provisioning.roster import Roster
from provisioning.run import trouble
from provisioning.run.demo import (
    ORG_ID,
    ORG_NAME,
    TIMEZONE,
    DemoAccount,
    DemoPerson,
    DemoState,
)
from provisioning.run.loopback import Loopback
from provisioning.run.place import SERVER_NAME
from provisioning.settling import Outcome, Settling

#: Seconds without any change of the figures after which we stop waiting for the rooms.
PATIENCE_S = 120.0
POLL_S = 0.25


@frozen(kw_only=True)
class Setup:
    """What the steps use.

    Attributes:
        save: writes `state` to var/demo.json.
        stage: shows what is being done; `progress` shows how far the rooms are.
        pause: waits a moment; raises when Synapse has ended.
        now: seconds, monotonic.
    """

    homeserver: Homeserver
    loopback: Loopback
    state: DemoState
    registration_secret: str
    save: Callable[[], None]
    stage: Callable[[str, str], None]
    progress: Callable[[Mapping[str, Any]], None]
    pause: Callable[[float], None]
    now: Callable[[], float]

    def run(self, roster: Roster, people: Iterable[DemoPerson]) -> None:
        """All steps.

        Raises:
            Trouble, Refusal: a call was refused, or the rooms are stuck.
        """
        self.save()  # the size first: a start that was cut off goes on with the same school
        self._apply(roster)
        self.stage("Пробные учётные записи", "Demo accounts")
        for person in people:
            self._account(person)
        self._wait_for_rooms()
        self.state.ready = True
        self.save()

    def _apply(self, roster: Roster) -> None:
        self.stage(
            f"Школа-пример: {len(roster.people)} человек, {len(roster.classes)} классов",
            f"Sample school: {len(roster.people)} people, {len(roster.classes)} classes",
        )
        if all(org["org_id"] != ORG_ID for org in self.homeserver.orgs()):
            self.homeserver.create_org(ORG_ID, ORG_NAME, TIMEZONE, roster.school_year)
        plan = self.homeserver.plan_roster(ORG_ID, roster)
        if any(plan["counts"].values()):
            self.homeserver.apply_roster(ORG_ID, roster, str(plan["plan_hash"]), force=False)

    def _account(self, person: DemoPerson) -> None:
        account = self.state.accounts.get(person.role)
        if account is None or account.source_id != person.source_id:
            user_id = f"@{new_localpart()}:{SERVER_NAME}"
            account = DemoAccount(
                person.role,
                person.source_id,
                user_id,
                new_password(),
                person.name,
                person.class_name,
            )
            self.state.accounts[person.role] = account
            self.save()
        role = "teacher" if person.role == "homeroom_teacher" else person.role
        record = next(
            row
            for row in self.loopback.people(ORG_ID, role)
            if row["source_id"] == person.source_id
        )
        person_id = str(record["person_id"])
        if record["user_id"] is None:
            localpart = account.user_id[1:].partition(":")[0]
            self.loopback.register(localpart, account.password, self.registration_secret)
            self.loopback.activate(ORG_ID, person_id, account.user_id)
        if person.young and not record["confirmed"]:
            self.loopback.confirm(ORG_ID, person_id)

    def _wait_for_rooms(self) -> None:
        settling = Settling(PATIENCE_S)
        while True:
            progress = self.homeserver.progress(ORG_ID)
            self.progress(progress)
            outcome = settling.outcome(progress, self.now())
            if outcome is Outcome.SETTLED:
                return
            if outcome is not Outcome.WORKING:
                raise trouble.Trouble(*trouble.STUCK)
            self.pause(POLL_S)


def new_localpart() -> str:
    """`u` + 8 of base32: opaque, for ever (docs/contracts.md §4)."""
    return "u" + base64.b32encode(secrets.token_bytes(5)).decode().lower()


def new_password() -> str:
    """Sixteen letters and digits in fours, easy to type on a phone; 80 bits."""
    letters = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))
