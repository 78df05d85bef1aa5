"""What is sent to people: codes by SMS and mail, in Russian and English. Pure."""

from __future__ import annotations

from attrs import frozen

from bridge.verification import RULES, Channel, Code

#: Characters of one SMS with Cyrillic (3GPP TS 23.040: 140 octets of UCS-2). Two cost twice as much.
SMS_LENGTH = 70

LANGUAGES = ("ru", "en")

SMS = {
    "ru": ("Код: {code}. Никому его не сообщайте.", "Код: {code}"),
    "en": ("Your code: {code}. Tell nobody.", "Code: {code}"),
}
MAIL_SUBJECT = {"ru": "{code} — ваш код для входа", "en": "{code} is your sign-in code"}
MAIL_TEXT = {
    "ru": (
        "Здравствуйте!\n\n"
        "Ваш код: {code}\n\n"
        "Введите его на странице школы в течение {minutes} минут. Никому его не сообщайте: "
        "ни учитель, ни администратор его не спросят.\n\n"
        "Если вы ничего не запрашивали, просто удалите это письмо.\n"
    ),
    "en": (
        "Hello,\n\n"
        "Your code: {code}\n\n"
        "Type it on the school's page within {minutes} minutes. Tell it to nobody: "
        "neither a teacher nor an administrator will ask for it.\n\n"
        "If you asked for nothing, just delete this message.\n"
    ),
}


@frozen
class MailText:
    subject: str
    text: str


def sms_text(code: Code, host: str, language: str = "ru") -> str:
    """One SMS with the code; for phones that fill it in by themselves, the last line says for which site.

    The last line is `@host #code` (WICG "Delivering origin-bound one-time codes over SMS"). It is left
    out when the message would become two.
    """
    long, short = (form.format(code=code.digits) for form in SMS[_known(language)])
    bound = f"\n@{host} #{code.digits}"
    for text in (long + bound, short + bound):
        if length(text) <= SMS_LENGTH:
            return text
    return long


def length(text: str) -> int:
    """Characters as an SMS counts them: UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def mail_text(code: Code, language: str = "ru") -> MailText:
    """A mail whose subject holds the code: it is read in the notification, without opening anything."""
    known = _known(language)
    minutes = int(RULES[Channel.MAIL].ttl.total_seconds() // 60)
    return MailText(
        subject=MAIL_SUBJECT[known].format(code=code.digits),
        text=MAIL_TEXT[known].format(code=code.digits, minutes=minutes),
    )


def _known(language: str) -> str:
    return language if language in LANGUAGES else LANGUAGES[0]
