"""Codes by mail, to a real SMTP server in this process."""

from __future__ import annotations

import email.policy
import logging
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from attrs import define, evolve, field

from bridge.contact import Email, parse_email
from bridge.mail import MailServer, SmtpMail, compose
from bridge.ports_sending import Message, SendFailure, Sent
from bridge.texts import mail_text
from bridge.verification import Code
from tests.bridge.values import NOW, PHONE
from tests.support.process import free_port

logging.getLogger("mail.log").setLevel("ERROR")  # the test's server; it logs recipients

ANNA, SCHOOL = Email("anna@example.org"), Email("school@example.org")


@define
class Inbox:
    """What the server does with each recipient, and what it got."""

    verdict: str = "250 OK"
    mails: list[tuple[list[str], EmailMessage]] = field(factory=list)

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.verdict

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        parsed = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(envelope.content)
        self.mails.append((list(envelope.rcpt_tos), parsed))
        return "250 OK"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def sender(inbox: Inbox) -> Iterator[SmtpMail]:
    """Mail of the bridge into `inbox`."""
    port = free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield SmtpMail(server_at(port), lambda: NOW)
    controller.stop()


def server_at(port: int) -> MailServer:
    return MailServer(
        host="127.0.0.1", port=port, from_name="Школа № 86", from_address=SCHOOL, timeout_s=5
    )


def message(language: str = "ru", to: Email = ANNA) -> Message:
    words = mail_text(Code("482913"), language)
    return Message(id="m1", to=to, subject=words.subject, text=words.text, language=language)


@pytest.mark.parametrize(("language", "word"), [("ru", "Здравствуйте"), ("en", "Hello")])
async def test_a_code_arrives(sender: SmtpMail, inbox: Inbox, language: str, word: str) -> None:
    """In the subject and in both parts, in the reader's language."""
    assert await sender.send(message(language)) == Sent()

    ((recipients, mail),) = inbox.mails
    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert recipients == [ANNA.address]
    assert "482913" in mail["Subject"]
    assert plain is not None
    assert page is not None
    for part in (plain, page):
        assert word in part.get_content()
        assert "482913" in part.get_content()
    assert mail["From"] == "Школа № 86 <school@example.org>"


async def test_nobody_answers_and_nobody_counts(sender: SmtpMail, inbox: Inbox) -> None:
    """No out-of-office replies (RFC 3834), no links, no pictures."""
    await sender.send(message())

    ((_, mail),) = inbox.mails
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == "<m1@example.org>"
    assert mail["Content-Language"] == "ru"
    assert "http" not in str(mail.get_body(("html",)))


async def test_a_cyrillic_domain_is_reached(sender: SmtpMail, inbox: Inbox) -> None:
    """As the address that every server understands."""
    to = parse_email("anna@школа.рф")
    assert isinstance(to, Email)

    assert await sender.send(message(to=to)) == Sent()
    ((recipients, _),) = inbox.mails
    assert recipients[0].endswith(".xn--p1ai")


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        ("550 no such user", SendFailure.REFUSED),
        ("450 greylisted, try again", SendFailure.THROTTLED),
    ],
)
async def test_a_refusal_is_named(
    sender: SmtpMail, inbox: Inbox, verdict: str, why: SendFailure, caplog: pytest.LogCaptureFixture
) -> None:
    """4yz is tried again, 5yz is not; the log has our id only."""
    inbox.verdict = verdict

    assert await sender.send(message()) is why
    assert [one for one in caplog.messages if "mail" in one] == [
        f"mail not sent message=m1 why={why.value}"
    ]


async def test_a_server_that_is_down_is_tried_again() -> None:
    """Nobody listens."""
    assert (
        await SmtpMail(server_at(free_port()), lambda: NOW).send(message())
        is SendFailure.UNREACHABLE
    )


async def test_a_password_that_the_server_does_not_want_is_named(sender: SmtpMail) -> None:
    """It has no AUTH: the configuration is wrong, not the network."""
    server = evolve(sender.server, username="u", password="p")

    assert await SmtpMail(server, lambda: NOW).send(message()) is SendFailure.MISCONFIGURED


async def test_an_sms_does_not_go_by_mail(sender: SmtpMail) -> None:
    """A mistake of ours is named, not sent."""
    wrong = Message(id="m1", to=PHONE, text="x")

    assert await sender.send(wrong) is SendFailure.MISCONFIGURED


def test_a_line_break_is_never_a_header() -> None:
    """Whatever a subject is made of one day."""
    evil = Message(id="m1", to=ANNA, subject="x\r\nBcc: everybody@example.org", text="x")

    with pytest.raises(ValueError, match="linefeed or carriage return"):
        compose(evil, ANNA, server_at(25), NOW)


def test_a_text_is_not_html() -> None:
    """Angle brackets stay brackets."""
    mail = compose(Message(id="m1", to=ANNA, text="<script>"), ANNA, server_at(25), NOW)

    assert "<script>" not in str(mail.get_body(("html",)))
