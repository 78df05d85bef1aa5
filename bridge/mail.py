"""Codes by mail: to the school's own mail server, which does the rest."""

from __future__ import annotations

import html
import logging
import ssl
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib
from attrs import field, frozen

from bridge.contact import Email
from bridge.ports_sending import Message, SendFailure, Sent

logger = logging.getLogger(__name__)

#: RFC 5321, 4.2.1: 4yz is "try again", 5yz is "no".
TEMPORARY = range(400, 500)


@frozen(kw_only=True)
class MailServer:
    """Where mail is handed over. Without `username` the server knows us by our address (a smarthost)."""

    host: str
    port: int = 25
    from_name: str
    from_address: Email
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool | None = None  # None: if the server offers it
    tls: bool = False  # from the first byte, port 465
    tls_context: ssl.SSLContext | None = None
    timeout_s: float = 20.0


@frozen
class SmtpMail:
    """Implements `ports_sending.Sender`."""

    server: MailServer
    clock: Callable[[], datetime]  # for the Date header

    async def send(self, message: Message) -> Sent | SendFailure:
        if not isinstance(message.to, Email):
            return SendFailure.MISCONFIGURED
        outcome = await self._outcome(message, message.to)
        if isinstance(outcome, SendFailure):
            logger.warning("mail not sent message=%s why=%s", message.id, outcome.value)
        return outcome

    async def _outcome(self, message: Message, to: Email) -> Sent | SendFailure:
        server = self.server
        try:
            await aiosmtplib.send(
                compose(message, to, server, self.clock()),
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=server.password,
                use_tls=server.tls,
                start_tls=server.starttls,
                tls_context=server.tls_context,
                timeout=server.timeout_s,
            )
        except aiosmtplib.SMTPAuthenticationError:
            return SendFailure.CREDENTIALS
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _refusal(error.recipients[0].code if error.recipients else 550)
        except aiosmtplib.SMTPTimeoutError:
            return SendFailure.TIMEOUT
        except aiosmtplib.SMTPResponseException as error:
            return _refusal(error.code)
        except OSError:  # aiosmtplib's lost connections are OSErrors too
            return SendFailure.UNREACHABLE
        except aiosmtplib.SMTPException:  # a password or TLS that the server does not know of
            return SendFailure.MISCONFIGURED
        return Sent()


def _refusal(code: int) -> SendFailure:
    return SendFailure.THROTTLED if code in TEMPORARY else SendFailure.REFUSED


def compose(message: Message, to: Email, server: MailServer, now: datetime) -> EmailMessage:
    """Plain text and the same as HTML: no picture, no link that counts readers, no foreign address.

    `Auto-Submitted` (RFC 3834) keeps out-of-office replies away; the language is that of the reader.
    The policy refuses line breaks in headers, so nothing typed becomes a header.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(server.from_name, addr_spec=server.from_address.address)
    mail["To"] = Address(addr_spec=to.address)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(now)
    domain = server.from_address.address.rpartition("@")[2]
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    paragraphs = "".join(
        f"<p>{html.escape(part)}</p>" for part in message.text.strip().split("\n\n")
    )
    page = f'<!DOCTYPE html><html lang="{message.language}"><body>{paragraphs}</body></html>\n'
    mail.add_alternative(page, subtype="html")
    mail["Content-Language"] = message.language  # last: setting contents removes Content-*
    return mail
