"""The use cases of codes: ask for one, ask again, type it in. Pages and bot call these, and nothing else.

Nothing here looks at who has a contact already, so a known and an unknown number get the same answer,
the same message and the same time (R7). Whose it is comes out after the code: `binding.py`.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from attrs import evolve

from bridge.answers import (
    Asked,
    Chance,
    CodeRefusal,
    EmailRefusal,
    Proven,
    Requested,
    RequestRefusal,
    ResendAnswer,
    Settings,
    Wrong,
)
from bridge.contact import (
    Contact,
    ContactRefusal,
    Medium,
    medium_of,
    parse_email,
    parse_phone,
    subject,
)
from bridge.counting import Counted, count
from bridge.invite import Invite, InviteRefusal, email_opens, token_hash
from bridge.limits import Refused
from bridge.outbox import contact_of, plain, waiting
from bridge.ports import Grades, Repositories, Store, Vault
from bridge.ports_sending import Message
from bridge.records import Chain, OutboxItem, OutboxKind, Purpose, SessionHash
from bridge.texts import mail_text, sms_text
from bridge.verification import (
    RULES,
    Challenge,
    ChallengeId,
    Channel,
    Code,
    ResendRefusal,
    Verdict,
    judge,
    new_code,
    open_challenge,
    read_code,
)

logger = logging.getLogger(__name__)

CHANNELS = {Medium.MSISDN: Channel.SMS, Medium.EMAIL: Channel.MAIL}
KINDS = {Channel.SMS: OutboxKind.SMS, Channel.MAIL: OutboxKind.MAIL}

R = TypeVar("R", bound="enum.Enum | Refused")


async def request_code(
    asked: Asked,
    now: datetime,
    *,
    store: Store,
    vault: Vault,
    directory: Grades,
    settings: Settings,
    chance: Chance,
) -> Requested | RequestRefusal:
    """Put a code for what was typed into the outbox; only with a valid invite, only within the limits."""
    async with store.begin() as work:
        if asked.invite_id is not None:
            invite = await work.invites.get(asked.invite_id)
        else:
            invite = await work.invites.by_token(token_hash(asked.token))
    if invite is None:
        return _refused("request", InviteRefusal.UNKNOWN)
    over = invite.refusal(now)
    if over is not None:
        return _refused("request", over)
    by_mail = asked.medium is Medium.EMAIL
    if by_mail and not await _email_opens(invite, now, directory, settings):
        return _refused("request", EmailRefusal.NOT_BY_THIS_LINK)
    contact = _parsed(asked, settings)
    if isinstance(contact, ContactRefusal):
        return _refused("request", contact)
    chain, code = _chain(asked, contact, Purpose.JOIN, now, vault, chance)
    chain = evolve(chain, invite_id=invite.id)
    return await _send_first(
        "request",
        asked,
        chain,
        contact,
        code,
        now,
        store=store,
        vault=vault,
        settings=settings,
        chance=chance,
    )


async def request_recovery(
    asked: Asked,
    now: datetime,
    *,
    store: Store,
    vault: Vault,
    settings: Settings,
    chance: Chance,
    purpose: Purpose = Purpose.RECOVER,
) -> Requested | ContactRefusal | Refused:
    """Put a code into the outbox for somebody who has an account and not its password.

    Needs no invite, so it writes to proved contacts only: nobody makes us pay for numbers they rent. For
    others everything else is the same, the counting, the answer and the page for a code that never comes.

    Args:
        purpose: `LINK`, for somebody signed in at one school who has a profile at another.
    """
    contact = _parsed(asked, settings)
    if isinstance(contact, ContactRefusal):
        return _refused(purpose.value, contact)
    chain, code = _chain(asked, contact, purpose, now, vault, chance)
    return await _send_first(
        purpose.value,
        asked,
        chain,
        contact,
        code,
        now,
        store=store,
        vault=vault,
        settings=settings,
        chance=chance,
    )


async def request_change(
    asked: Asked,
    now: datetime,
    *,
    store: Store,
    vault: Vault,
    settings: Settings,
    chance: Chance,
) -> Requested | ContactRefusal | Refused:
    """Put a code into the outbox for a new phone or e-mail of somebody signed in. The caller has checked who."""
    contact = _parsed(asked, settings)
    if isinstance(contact, ContactRefusal):
        return _refused("change", contact)
    chain, code = _chain(asked, contact, Purpose.CHANGE, now, vault, chance)
    return await _send_first(
        "change",
        asked,
        chain,
        contact,
        code,
        now,
        store=store,
        vault=vault,
        settings=settings,
        chance=chance,
    )


async def resend_code(
    challenge_id: ChallengeId,
    session: SessionHash,
    address: str,
    now: datetime,
    *,
    store: Store,
    vault: Vault,
    settings: Settings,
    chance: Chance,
) -> ResendAnswer:
    """Send a new code of the same chain. The one before it stays right."""
    async with store.begin() as work:
        chain = await _own(work, challenge_id, session)
        if chain is None:
            return _refused("resend", CodeRefusal.UNKNOWN)
        over = await _invite_over(chain, now, work)
        if over is not None:
            return _refused("resend", over)
        early = chain.challenge.resend_refusal(now)
        if early is not None:
            return _refused("resend", early)
        sealed = vault.unseal(chain.sealed, f"challenge:{challenge_id}")
        contact = contact_of(sealed.decode())
        counted = Counted.of(chain, contact, address, settings.limits, vault)
        sent = await _goes_out(chain, work)
        refused = await count(counted, now, work=work, limits=settings.limits, sent=sent)
        if refused is not None:
            return _refused("resend", refused)
        code = new_code(chain.challenge.channel, chance.below)
        again = evolve(chain, challenge=chain.challenge.resent(code, vault.code_key, now))
        if not await work.challenges.save_resend(again):
            return _refused("resend", ResendRefusal.TOO_EARLY)  # the button was pressed twice
        if sent:
            await work.outbox.add(_message(again, contact, code, now, vault, settings, chance))
    logger.info("code resent challenge=%s sent=%s", challenge_id, again.challenge.sent)
    return Requested(challenge_id, again.challenge.resend_at)


async def verify_code(
    challenge_id: ChallengeId,
    typed: str,
    session: SessionHash,
    now: datetime,
    *,
    store: Store,
    vault: Vault,
    compare: Callable[[Challenge, Code, bytes, datetime], Verdict] = judge,
) -> Proven | Wrong | CodeRefusal:
    """Whether `typed` is right. The try is committed before anything is compared: no crash gives one back."""
    async with store.begin() as work:
        chain = await _own(work, challenge_id, session)
        if chain is None:
            return _refused("verify", CodeRefusal.UNKNOWN)
        code = read_code(typed, chain.challenge.channel)
        if code is None:
            return _refused("verify", CodeRefusal.MALFORMED)
        taken = await work.challenges.take_try(challenge_id)
    if taken is None:
        spent = chain.challenge.passed_at is None
        return _refused("verify", CodeRefusal.SPENT if spent else CodeRefusal.PASSED)

    verdict = compare(taken.challenge, code, vault.code_key, now)
    if verdict is Verdict.WRONG:
        logger.info("code wrong challenge=%s left=%s", challenge_id, taken.challenge.tries_left)
        return Wrong(taken.challenge.tries_left)
    if verdict is Verdict.EXPIRED:
        return _refused("verify", CodeRefusal.EXPIRED)
    async with store.begin() as work:
        if not await work.challenges.mark_passed(challenge_id, now):
            return _refused("verify", CodeRefusal.PASSED)
        await work.rates.add([f"passed:{taken.challenge.channel.value}"], now)
    logger.info("code right challenge=%s", challenge_id)
    return Proven(challenge_id, now)


async def forget_old(now: datetime, *, store: Store) -> None:
    """Hourly: chains and counted times that no rule looks at any more."""
    async with store.begin() as work:
        chains = await work.challenges.purge(now - timedelta(days=1))
        times = await work.rates.purge(now - timedelta(days=1, hours=1))
    logger.info("forgot old chains=%s times=%s", chains, times)


def _parsed(asked: Asked, settings: Settings) -> Contact | ContactRefusal:
    if asked.medium is Medium.EMAIL:
        return parse_email(asked.typed)
    return parse_phone(asked.typed, settings.phones)


def _chain(
    asked: Asked, contact: Contact, purpose: Purpose, now: datetime, vault: Vault, chance: Chance
) -> tuple[Chain, Code]:
    """A new chain and its first code."""
    channel = CHANNELS[medium_of(contact)]
    code, challenge_id = new_code(channel, chance.below), ChallengeId(chance.new_id())
    chain = Chain(
        challenge=open_challenge(challenge_id, channel, code, vault.code_key, now),
        medium=medium_of(contact),
        lookup=vault.lookup(subject(contact)),
        sealed=vault.seal(plain(contact).encode(), f"challenge:{challenge_id}"),
        session=asked.session,
        invite_id=None,
        purpose=purpose,
        language=asked.language,
    )
    return chain, code


async def _send_first(
    step: str,
    asked: Asked,
    chain: Chain,
    contact: Contact,
    code: Code,
    now: datetime,
    *,
    store: Store,
    vault: Vault,
    settings: Settings,
    chance: Chance,
) -> Requested | Refused:
    """Count the new chain's first code, keep the chain, and put the message into the outbox if one goes out."""
    counted = Counted.of(chain, contact, asked.address, settings.limits, vault)
    async with store.begin() as work:
        sent = await _goes_out(chain, work)
        refused = await count(counted, now, work=work, limits=settings.limits, sent=sent)
        if refused is not None:
            return _refused(step, refused)
        await work.challenges.add(chain)
        if sent:
            await work.outbox.add(_message(chain, contact, code, now, vault, settings, chance))
    challenge = chain.challenge
    logger.info(
        "code requested challenge=%s channel=%s purpose=%s",
        challenge.id,
        challenge.channel.value,
        chain.purpose.value,
    )
    return Requested(challenge.id, challenge.resend_at)


async def _goes_out(chain: Chain, work: Repositories) -> bool:
    """Without an invite only to a contact that is somebody's."""
    if chain.purpose not in {Purpose.RECOVER, Purpose.LINK}:
        return True
    return bool(await work.contacts.holders(chain.medium, chain.lookup))


async def _invite_over(chain: Chain, now: datetime, work: Repositories) -> InviteRefusal | None:
    if chain.invite_id is None:
        return None
    invite = await work.invites.get(chain.invite_id)
    return InviteRefusal.UNKNOWN if invite is None else invite.refusal(now)


async def _email_opens(
    invite: Invite, now: datetime, directory: Grades, settings: Settings
) -> bool:
    """R8. The directory is asked outside of any transaction: it is another server."""
    if not invite.allow_email or invite.class_id is None:
        return False
    grade = await directory.grade(invite.org_id, invite.class_id)
    return email_opens(invite, grade, now, settings.email_signup_max_grade)


async def _own(work: Repositories, challenge_id: ChallengeId, session: SessionHash) -> Chain | None:
    """The chain, if this browser asked for it: a code read over a shoulder works nowhere else."""
    chain = await work.challenges.get(challenge_id)
    return chain if chain is not None and chain.session == session else None


def _message(
    chain: Chain,
    contact: Contact,
    code: Code,
    now: datetime,
    vault: Vault,
    settings: Settings,
    chance: Chance,
) -> OutboxItem:
    channel, language = chain.challenge.channel, chain.language
    if channel is Channel.SMS:
        title, text = "", sms_text(code, settings.host, language)
    else:
        mail = mail_text(code, language)
        title, text = mail.subject, mail.text
    message = Message(id=chance.new_id(), to=contact, subject=title, text=text, language=language)
    return waiting(message, KINDS[channel], now, RULES[channel].ttl, vault)


def _refused(what: str, refusal: R) -> R:
    value = refusal.limit.value if isinstance(refusal, Refused) else refusal.value
    logger.info("code refused step=%s why=%s", what, value)
    return refusal
