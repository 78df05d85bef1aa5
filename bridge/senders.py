"""Which way messages leave: SMS gateway, mail server, or the screen; from the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import aiohttp

from bridge.config import Config
from bridge.console import Console
from bridge.contact import Email
from bridge.gateway import BadGateway
from bridge.gateway_config import read_gateway
from bridge.mail import MailServer, SmtpMail
from bridge.ports_sending import Sender, Senders
from bridge.records import OutboxKind
from bridge.sms_http import HttpSms
from serving.secret_files import BadSecret, read_secret
from serving.settings import BadConfig

MAIL_KEYS = frozenset(
    {"host", "port", "from_name", "from_address", "username", "password_file", "starttls", "tls"}
)


def senders_of(
    config: Config,
    session: aiohttp.ClientSession,
    clock: Callable[[], datetime],
    write: Callable[[str], object],
) -> Senders:
    """One sender for each kind of message.

    Args:
        write: puts a line on the screen, for `console: true`.

    Raises:
        BadConfig: names the setting.
    """
    return {
        OutboxKind.SMS: _sms(config, session, write),
        OutboxKind.MAIL: _mail(config, clock, write),
    }


def _sms(config: Config, session: aiohttp.ClientSession, write: Callable[[str], object]) -> Sender:
    if config.sms.get("console") is True:
        return Console(write)
    try:
        return HttpSms(read_gateway(config.sms, config.folder), session)
    except (BadGateway, TypeError) as error:
        raise BadConfig(f"sms: {error}") from None


def _mail(config: Config, clock: Callable[[], datetime], write: Callable[[str], object]) -> Sender:
    raw: Mapping[str, Any] = config.mail
    if raw.get("console") is True:
        return Console(write)
    for key in raw:
        if key not in MAIL_KEYS:
            raise BadConfig(
                f"mail.{key}: no such setting; want one of {', '.join(sorted(MAIL_KEYS))}"
            )
    values = dict(raw)
    try:
        if "password_file" in values:
            values["password"] = read_secret(config.folder / values.pop("password_file"))
        values["from_address"] = Email.parse(values["from_address"])
        return SmtpMail(MailServer(**values), clock)
    except KeyError as error:
        raise BadConfig(f"mail.{error.args[0]}: is missing") from None
    except BadSecret as error:
        raise BadConfig(f"mail.password_file: {error}") from None
    except (ValueError, TypeError):
        raise BadConfig("mail: want host, from_name and from_address") from None
