"""A list of steps, carried out in order, and what came of it."""

from __future__ import annotations

import re
from typing import assert_never

from attrs import frozen

from bridge.account_steps import AccountSteps, GaveUp
from bridge.person_steps import PersonSteps
from bridge.ports_directory import Directory, DirectoryDown, DirectoryRefused
from bridge.ports_homeserver import HomeserverDown, HomeserverRefused
from bridge.steps import (
    Activate,
    Confirm,
    CreatePerson,
    Deactivate,
    EnsureAccount,
    ErasePerson,
    Leave,
    Link,
    SetPassword,
    SignOut,
    Step,
    Steps,
    WriteContacts,
)

#: Codes of servers that may be kept and counted; anything else is no code.
ERRCODE = re.compile(r"[A-Z][A-Z0-9_]{2,60}")


@frozen
class Later:
    """Not now. `word` says why: of ours, with nothing of the list in it."""

    word: str


@frozen
class Never:
    """Trying again will not help. `word`: of `account_steps.Failure`, or a server's error code."""

    word: str


async def carry_out(
    steps: Steps, *, again: bool, accounts: AccountSteps, directory: Directory
) -> Later | Never | None:
    """Do all of it; None: done. `again`: it was begun before, and may be done in part."""
    people = PersonSteps(
        directory=directory,
        org_id=steps.org_id,
        user_id=steps.user_id,
        by=steps.by,
        again=again,
    )
    try:
        for step in steps.steps:
            await _do(step, steps, accounts, people)
    except GaveUp as gave_up:
        return Never(gave_up.failure.value)
    except (HomeserverRefused, DirectoryRefused) as refused:
        return Never(refused.errcode if ERRCODE.fullmatch(refused.errcode) else "M_UNKNOWN")
    except HomeserverDown as down:
        return Later(f"homeserver {down}")
    except DirectoryDown as down:
        return Later(f"directory {down}")
    return None


async def _do(step: Step, steps: Steps, accounts: AccountSteps, people: PersonSteps) -> None:
    match step:
        case EnsureAccount(password):
            await accounts.ensure(steps.user_id, password)
        case WriteContacts():
            await accounts.write_contacts(steps.user_id)
        case SetPassword(password, sign_out):
            await accounts.set_password(steps.user_id, password, sign_out)
        case SignOut():
            await accounts.sign_out(steps.user_id)
        case Deactivate():
            await accounts.deactivate(steps.user_id)
        case CreatePerson(new):
            await people.create(new)
        case Activate(who):
            await people.activate(who)
        case Link():
            await people.link(step)
        case Confirm(student):
            await people.confirm(student)
        case Leave(who, reason):
            await people.leave(who, reason)
        case ErasePerson(who):
            await people.erase(who)
        case _:
            assert_never(step)
