"""Counting one more code: under which names, and whether a limit says no."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import frozen

from bridge.contact import Contact, Phone, prefix_of
from bridge.limits import ALARMS, DAY, Limits, Refused, Usage, decide
from bridge.ports import Repositories, Vault
from bridge.records import Action, AuditEntry, Chain
from serving.addresses import network_of

logger = logging.getLogger(__name__)

#: What all who ask for codes share.
EVERYBODYS = frozenset({"all", "prefix"})
#: Staff are told once in this time that sending has stopped, not for each newcomer it stops.
ALARM_EVERY = timedelta(hours=1)


@frozen
class Counted:
    """Names that one code is counted under, by the kinds of `limits.Usage`. None identifies anybody."""

    names: Mapping[str, str]
    passed: str  # where codes that came back right are counted

    @classmethod
    def of(
        cls, chain: Chain, contact: Contact, address: str, limits: Limits, vault: Vault
    ) -> Counted:
        """Number and address as keyed hashes; SMS and mail have budgets of their own."""
        channel = chain.challenge.channel.value
        names = {
            "number": f"number:{chain.lookup.hex()}",
            "session": f"session:{chain.session.hex()}",
            "all": f"all:{channel}",
        }
        if chain.invite_id is not None:
            names["invite"] = f"invite:{chain.invite_id}"
        if limits.counts_address(address):
            names["address"] = f"address:{vault.lookup(f'address:{network_of(address)}').hex()}"
        if isinstance(contact, Phone):
            names["prefix"] = f"prefix:{prefix_of(contact)}"
        return cls(names, f"passed:{channel}")


async def count(
    counted: Counted, now: datetime, *, work: Repositories, limits: Limits, sent: bool = True
) -> Refused | None:
    """Count one code, unless a limit refuses it; reading and adding are one step.

    A refused request is not counted: whoever waits as told is let in.

    Args:
        sent: False when the contact is nobody's, so that no message goes out. Only who asks is counted then: a
            stranger who tries many numbers cannot use up the school's budget, nor trip what stops everybody.
    """
    await work.rates.serialise()
    times = await work.rates.times([*counted.names.values(), counted.passed], now - DAY)
    usage = Usage(
        **{kind: times[name] for kind, name in counted.names.items()},
        passed=times[counted.passed],
    )
    refused = decide(limits, usage, now)
    if refused is None:
        names = counted.names.items()
        await work.rates.add([name for kind, name in names if sent or kind not in EVERYBODYS], now)
    elif refused.limit in ALARMS:
        await _raise_alarm(refused, now, work)
    return refused


async def _raise_alarm(refused: Refused, now: datetime, work: Repositories) -> None:
    name = f"alarm:{refused.limit.value}"
    if (await work.rates.times([name], now - ALARM_EVERY))[name]:
        return
    await work.rates.add([name], now)
    await work.audit.add(
        AuditEntry(
            at=now,
            org_id=None,
            actor="limits",
            action=Action.SENDING_STOPPED,
            subject=refused.limit.value,
        )
    )
    logger.error(
        "sending stopped limit=%s retry_after_s=%s", refused.limit.value, refused.retry_after_s
    )
